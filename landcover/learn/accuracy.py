"""Agreement of map codes with reference codes (docs/methods/accuracy.md#matrices).

Confusion matrices here have **rows = map and columns = reference**, as in Olofsson et al. (2014);
scikit-learn's is the transpose. Area-weighted estimates do not belong here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError, MissingDataError
from landcover.nouns.accuracy import AccuracyReport, ClassAccuracy

NODATA = 0
"""Code of a pixel that was never classified."""
MIN_GROUPS = 10
"""Fewest groups whose resampling says anything about the spread."""
RESAMPLES = 1000
"""Resamples of the groups: the 2.5 % tail then rests on 25 of them."""

Matrix = NDArray[np.int64]


class NamesClasses(Protocol):
    """What a legend must offer here."""

    def name_of(self, code: int) -> str:
        """Name the class of a code."""
        ...


def confusion_matrix(
    map_codes: ArrayLike, reference_codes: ArrayLike, codes: Sequence[int]
) -> Matrix:
    """Count how often each map code meets each reference code.

    Args:
        map_codes: Codes of the map, integer, any shape.
        reference_codes: Codes of the reference, integer, same shape.
        codes: Codes of rows and columns, in their order, each once.

    Returns:
        Counts, int64, (K, K), rows = map, columns = reference.

    Raises:
        InputError: Shapes differ, codes are no integers, or a code is not among ``codes``.
    """
    mapped, reference = _paired(map_codes, reference_codes)
    known = np.asarray(codes, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    if known.size == 0 or np.any(np.diff(known[order]) == 0):
        raise InputError(f"Confusion matrix: expected each code once, found {list(codes)}.")
    rows, columns = (
        _positions(values, known, order, side)
        for values, side in ((mapped, "map"), (reference, "reference"))
    )
    counts = np.bincount(rows * known.size + columns, minlength=known.size**2)
    return counts.reshape(known.size, known.size).astype(np.int64)


def accuracy(
    map_codes: ArrayLike,
    reference_codes: ArrayLike,
    *,
    legend: NamesClasses | None = None,
    groups: ArrayLike | None = None,
    title: str = "Agreement of map and reference",
    design: str = "sampling design not stated: treat as no probability sample",
    simulated: bool = False,
    seed: int = 0,
) -> AccuracyReport:
    """Report how well map codes agree with reference codes.

    Samples with reference 0 are no samples; samples with map 0 are counted as unclassified.
    Neither enters the matrix, whose classes are those that occur in map or reference.

    Args:
        map_codes: Codes of the map, integer, any shape, 0 = nodata.
        reference_codes: Codes of the reference, integer, same shape, 0 = no reference.
        legend: Names the classes; ``class 7`` without it.
        groups: Group of each sample (point, polygon, cell), same shape, for the spread of the
            overall accuracy over resampled groups.
        title: What is compared.
        design: How the sample was drawn and whether it is a probability sample.
        simulated: True where map or reference were simulated.
        seed: Seed of the resampling.

    Returns:
        The report; κ is not in it, see :func:`kappa`.

    Raises:
        InputError: Shapes differ, or codes are no integers.
        MissingDataError: No sample has both a reference and a map code.

    Examples:
        >>> from landcover import api
        >>> api.accuracy([1, 1, 2, 2], [1, 2, 2, 2]).overall
        0.75
    """
    mapped, reference = _paired(map_codes, reference_codes)
    is_sample = reference != NODATA
    is_counted = is_sample & (mapped != NODATA)
    n, unclassified = int(is_counted.sum()), int((is_sample & ~is_counted).sum())
    if n == 0:
        raise MissingDataError(
            f"{title}: expected samples with a map and a reference code, found {unclassified} "
            "references without a map code; check that map and reference overlap."
        )
    counted_map, counted_reference = mapped[is_counted], reference[is_counted]
    codes = tuple(int(code) for code in np.union1d(counted_map, counted_reference))
    matrix = confusion_matrix(counted_map, counted_reference, codes)
    classes = tuple(_class_accuracies(matrix, codes, legend))
    spread, n_groups = None, None
    if groups is not None:
        kept = _same_shape(np.asarray(groups), np.shape(map_codes), "groups")[is_counted]
        n_groups = int(np.unique(kept).size)
        spread = range_over_groups(counted_map == counted_reference, kept, seed=seed)
    overall = _overall(matrix)
    baseline = float(matrix.sum(axis=0).max() / n)
    quantity = float(np.abs(matrix.sum(axis=1) - matrix.sum(axis=0)).sum() / (2 * n))
    return AccuracyReport(
        title=title,
        design=design,
        codes=codes,
        matrix=tuple(tuple(int(count) for count in row) for row in matrix),
        classes=classes,
        overall=overall,
        macro_f1=float(np.mean([entry.f1 for entry in classes if entry.f1 is not None])),
        majority_baseline=baseline,
        quantity_disagreement=quantity,
        # Rounding can leave -1e-17 where only the totals disagree.
        allocation_disagreement=max(0.0, 1 - overall - quantity),
        n=n,
        n_groups=n_groups,
        unclassified=unclassified,
        interval=spread,
        simulated=simulated,
        notes=tuple(_notes(classes, overall, baseline, unclassified, n_groups, spread)),
    )


def kappa(matrix: ArrayLike) -> float | None:
    """Compute Cohen's κ, for those who ask for it.

    It mixes quantity and allocation disagreement and depends on the class proportions
    (Pontius & Millones 2011); overall, user's and producer's accuracy say more.

    Args:
        matrix: Counts, (K, K), rows = map, columns = reference.

    Returns:
        κ = (OA - p_e) / (1 - p_e), at most 1; None where one class fills map and reference.

    Raises:
        InputError: The matrix is not square or is empty.
    """
    counts = np.asarray(matrix, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() <= 0:
        raise InputError(
            f"Kappa: expected a square matrix of counts, found shape {counts.shape} "
            f"with total {counts.sum():g}."
        )
    shares = counts / counts.sum()
    overall = float(np.trace(shares))
    chance = float(shares.sum(axis=1) @ shares.sum(axis=0))
    return None if chance >= 1 else (overall - chance) / (1 - chance)


def range_over_groups(
    is_right: NDArray[np.bool_], groups: NDArray[Any], *, seed: int = 0
) -> tuple[float, float] | None:
    """Resample whole groups and take the middle 95 % of the overall accuracy.

    This shows how much a few groups matter. It is not a design-based confidence interval.

    Args:
        is_right: True where map and reference agree, (n,).
        groups: Group of each sample, (n,).
        seed: Seed of the resampling; the order of the samples does not matter.

    Returns:
        (low, high), 0-1; None for fewer than 10 groups.
    """
    _, group = np.unique(groups, return_inverse=True)
    size = np.bincount(group)
    if size.size < MIN_GROUPS:
        return None
    right = np.bincount(group, weights=is_right)
    rng = np.random.default_rng(seed)
    draws = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = rng.integers(0, size.size, size.size)
        draws[index] = right[drawn].sum() / size[drawn].sum()
    low, high = np.quantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _overall(matrix: Matrix) -> float:
    return float(np.trace(matrix) / matrix.sum())


def _class_accuracies(
    matrix: Matrix, codes: tuple[int, ...], legend: NamesClasses | None
) -> list[ClassAccuracy]:
    entries = []
    for k, code in enumerate(codes):
        hits, n_map, n_reference = (
            int(matrix[k, k]),
            int(matrix[k].sum()),
            int(matrix[:, k].sum()),
        )
        entries.append(
            ClassAccuracy(
                code=code,
                name=legend.name_of(code) if legend is not None else f"class {code}",
                users=hits / n_map if n_map else None,
                producers=hits / n_reference if n_reference else None,
                # Equal to 2·UA·PA/(UA+PA), and 0 for a class that was missed altogether:
                # leaving such a class out of the mean would flatter the map.
                f1=2 * hits / (n_map + n_reference) if n_reference else None,
                n_map=n_map,
                n_reference=n_reference,
            )
        )
    return entries


def _notes(
    classes: tuple[ClassAccuracy, ...],
    overall: float,
    baseline: float,
    unclassified: int,
    n_groups: int | None,
    spread: tuple[float, float] | None,
) -> list[str]:
    notes = []
    if overall < baseline:
        notes.append(
            f"Overall accuracy {overall:.3f} is below the majority baseline {baseline:.3f}: "
            "always answering the commonest class would be right more often."
        )
    never_mapped = [entry.name for entry in classes if not entry.n_map]
    if never_mapped:
        notes.append(f"Never mapped, so no user's accuracy: {', '.join(never_mapped)}.")
    no_reference = [entry.name for entry in classes if not entry.n_reference]
    if no_reference:
        notes.append(f"Not in the reference, so no producer's accuracy: {', '.join(no_reference)}.")
    if unclassified:
        notes.append(f"{unclassified} reference samples lie where the map is nodata; left out.")
    if spread is not None:
        notes.append(
            f"The interval is the 95 % range of overall accuracy over {RESAMPLES} resamplings of "
            f"{n_groups} groups; it is no design-based confidence interval."
        )
    elif n_groups is not None:
        notes.append(f"{n_groups} groups are too few for a range (at least {MIN_GROUPS}).")
    return notes


def _paired(
    map_codes: ArrayLike, reference_codes: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    mapped, reference = np.asarray(map_codes), np.asarray(reference_codes)
    reference = _same_shape(reference, mapped.shape, "reference codes")
    for values, side in ((mapped, "map"), (reference, "reference")):
        if values.dtype.kind not in "iu" and values.size:
            raise InputError(f"Accuracy: expected integer {side} codes, found {values.dtype}.")
    return mapped.ravel().astype(np.int64), reference.astype(np.int64)


def _same_shape(values: NDArray[Any], shape: tuple[int, ...], what: str) -> NDArray[Any]:
    if values.shape != shape:
        raise InputError(
            f"Accuracy: expected {what} of the map codes' shape {shape}, found {values.shape}."
        )
    return values.ravel()


def _positions(
    values: NDArray[np.int64], known: NDArray[np.int64], order: NDArray[np.intp], side: str
) -> NDArray[np.intp]:
    unknown = np.setdiff1d(values, known)
    if unknown.size:
        raise InputError(
            f"Confusion matrix: {side} code {unknown[0]} is not among {known.tolist()}; "
            "add it to the codes or leave its samples out."
        )
    return order[np.searchsorted(known, values, sorter=order)]
