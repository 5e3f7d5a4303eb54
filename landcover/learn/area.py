"""Accuracy and area from a probability sample, weighted by area.

One estimator serves all designs: the stratified ratio estimator of Stehman (2014, IJRS 35,
4923-4939, eq. 2, 3, 25, 27, 28) without the finite-population correction, which is 1 for samples
of hundreds among millions of pixels. Where the strata are the classes of the map it is that of
Olofsson et al. (2014, RSE 148, 42-57, eq. 5-7 and 10-11); with one stratum it is a simple random
sample. Matrices have rows = map and columns = reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.nouns.area import AreaReport, ClassArea, Design, Estimate

Z = 1.96
"""Standard errors on each side of a 95 % interval (Olofsson et al. 2014)."""

Counts = NDArray[np.float64]


def area_weighted_accuracy(
    matrix: ArrayLike,
    mapped_area: ArrayLike,
    *,
    names: Sequence[str] | None = None,
    codes: Sequence[int] | None = None,
    unit: str = "ha",
    design: Design = "stratified",
) -> AreaReport:
    """Estimate accuracy and area where the strata are the classes of the map.

    Args:
        matrix: Counts of samples, (K, K), rows = map = strata, columns = reference.
        mapped_area: Area of each class in the map, (K,), not negative.
        names: Names of the classes.
        codes: Codes of the classes, ascending; 1 … K where None.
        unit: Unit of the areas.
        design: ``stratified`` by map class, or ``simple-random`` and post-stratified by it.

    Returns:
        The report.

    Raises:
        InputError: Shapes do not fit, a number is negative, the map has no area, or the sample is
            no probability sample, from which no interval follows.

    Examples:
        >>> from landcover import api
        >>> found = api.area_weighted_accuracy([[97, 3], [5, 95]], [1000, 4000])
        >>> round(found.overall.value, 3)
        0.954
    """
    counts = np.asarray(matrix, dtype=np.float64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise InputError(f"Area: expected a square matrix of counts, found shape {counts.shape}.")
    strata = np.zeros((len(counts), *counts.shape))
    strata[np.arange(len(counts)), np.arange(len(counts))] = counts
    how = {
        "stratified": "probability sample, stratified by the classes of the map",
        "simple-random": "simple random sample, post-stratified by the classes of the map",
    }
    # Users' accuracy of a class rests on its own stratum alone, whatever the others lack.
    return _report(
        strata, mapped_area, mapped_area, design, how, names, codes, unit, own=np.eye(len(counts))
    )


def stratified_accuracy(
    strata: ArrayLike,
    map_codes: ArrayLike,
    reference_codes: ArrayLike,
    stratum_area: Mapping[int, float],
    mapped_area: Mapping[int, float],
    *,
    names: Mapping[int, str] | None = None,
    unit: str = "ha",
    design: Design = "stratified",
) -> AreaReport:
    """Estimate accuracy and area where the strata differ from the classes of the map.

    For instance when an older map was the base of the sample, or the map was made anew.

    Args:
        strata: Stratum of each sample, integer, (n,).
        map_codes: Class of the map at each sample, 1 … 255, (n,).
        reference_codes: Class of the reference, 1 … 255, (n,).
        stratum_area: Area of each stratum.
        mapped_area: Area of each class in the map, same unit; it enters no estimate.
        names: Names of the classes.
        unit: Unit of the areas.
        design: How the sample was drawn; one stratum is a simple random sample.

    Returns:
        The report.

    Raises:
        InputError: Lengths differ, a stratum has no area, or the sample is no probability sample.
    """
    stratum, mapped, reference = (
        np.asarray(values) for values in (strata, map_codes, reference_codes)
    )
    if not stratum.shape == mapped.shape == reference.shape or stratum.ndim != 1:
        raise InputError(
            f"Area: expected strata, map and reference of one length, found {stratum.shape}, "
            f"{mapped.shape} and {reference.shape}."
        )
    unknown = sorted(set(stratum.tolist()) - set(stratum_area))
    if unknown:
        raise InputError(f"Area: stratum {unknown[0]} has samples but no area; give its area.")
    order = sorted(stratum_area)
    codes = sorted({*mapped.tolist(), *reference.tolist(), *mapped_area})
    counts = np.zeros((len(order), len(codes), len(codes)))
    np.add.at(
        counts,
        (
            np.searchsorted(order, stratum),
            np.searchsorted(codes, mapped),
            np.searchsorted(codes, reference),
        ),
        1,
    )
    how = {
        "stratified": f"probability sample of {len(order)} strata that are not the map's classes",
        "simple-random": "simple random sample",
    }
    return _report(
        counts,
        [stratum_area[one] for one in order],
        [mapped_area.get(code, 0.0) for code in codes],
        design,
        how,
        [(names or {}).get(code, f"class {code}") for code in codes],
        codes,
        unit,
    )


def sample_size(
    weights: ArrayLike, expected_users: ArrayLike, *, standard_error: float = 0.01
) -> int:
    """Compute how many samples reach a standard error of the overall accuracy.

    n ≈ (ΣW_i·S_i / S(OA))², S_i = √(U_i(1-U_i)) (Cochran 1977, eq. 5.25; Olofsson et al. 2014).

    Args:
        weights: Share of the mapped area of each class, (K,); scaled to sum 1.
        expected_users: User's accuracy that is expected of each class, 0-1, (K,).
        standard_error: Standard error of the overall accuracy that is wanted, 0-1.

    Returns:
        Samples, rounded up.

    Raises:
        InputError: Shapes differ or a number is out of range.

    Examples:
        >>> from landcover import api
        >>> api.sample_size([0.7, 0.3], [0.9, 0.8])
        1089
    """
    share, users = np.asarray(weights, np.float64), np.asarray(expected_users, np.float64)
    if share.shape != users.shape or share.ndim != 1 or not share.sum() > 0 or share.min() < 0:
        raise InputError(
            f"Sample size: expected one area share and one user's accuracy per class, found "
            f"{share.shape} and {users.shape}."
        )
    if users.min() < 0 or users.max() > 1 or not 0 < standard_error < 1:
        raise InputError(
            "Sample size: expected accuracies of 0 to 1 and a standard error between them."
        )
    total = float((share / share.sum() * np.sqrt(users * (1 - users))).sum())
    # A tiny step back: 641.0000001 samples are 641.
    return max(1, math.ceil((total / standard_error) ** 2 - 1e-9))


def allocate(n: int, weights: ArrayLike, *, least: int = 50) -> NDArray[np.int64]:
    """Share a sample among strata: in proportion to area, rare ones raised to a minimum.

    Rare classes get ``least`` first and the others share the rest by area, as Olofsson et al.
    (2014, §5.1) advise: proportional allocation tells nothing of small classes, an equal one costs
    precision of the whole.

    Args:
        n: Samples in all, at least two for every stratum.
        weights: Share of the area of each stratum, (K,); a stratum without area gets none.
        least: Samples of a rare stratum; less where n does not reach.

    Returns:
        Samples of each stratum, int64, (K,), with sum n.

    Raises:
        InputError: There are fewer than two samples for a stratum with area.
    """
    share = np.asarray(weights, dtype=np.float64)
    present = share > 0
    k = int(present.sum())
    if k == 0 or n < 2 * k:
        raise InputError(
            f"Sample: {n} samples for {k} strata; at least two each are needed for an interval."
        )
    least = min(least, n // k)
    is_raised = np.zeros(share.shape, dtype=bool)
    while True:  # ends: each round raises a stratum
        free = present & ~is_raised
        rest = n - least * int(is_raised.sum())
        exact = np.where(free, rest * share / max(share[free].sum(), 1e-300), 0.0)
        short = free & (exact < least)
        if not short.any() or short.sum() == free.sum():
            break
        is_raised |= short
    if not free.any() or short.any():
        exact = np.where(free, rest / max(int(free.sum()), 1), 0.0)
    found = np.where(is_raised, least, np.floor(exact)).astype(np.int64)
    # Largest remainders first, the earlier stratum at a tie.
    order = np.lexsort((np.arange(share.size), -np.where(free, exact - np.floor(exact), -1.0)))
    found[order[: n - int(found.sum())]] += 1
    return found


def _report(
    counts: Counts,
    stratum_area: ArrayLike,
    mapped_area: ArrayLike,
    design: Design,
    how: Mapping[str, str],
    names: Sequence[str] | None,
    codes: Sequence[int] | None,
    unit: str,
    own: NDArray[np.float64] | None = None,
) -> AreaReport:
    if design not in how:
        raise InputError(
            "Area: an interval needs a probability sample, and how this sample was drawn is "
            f"{design}; draw one with `landcover design`, or quote the plain agreement."
        )
    size, mapped = np.asarray(stratum_area, np.float64), np.asarray(mapped_area, np.float64)
    k = counts.shape[1]
    if size.shape != counts.shape[:1] or mapped.shape != (k,) or counts.sum() <= 0:
        raise InputError(
            f"Area: expected {len(counts)} stratum areas, {k} mapped areas and some samples, "
            f"found {size.shape}, {mapped.shape} and {counts.sum():g} samples."
        )
    if min(size.min(), mapped.min(), counts.min()) < 0 or size.sum() <= 0:
        raise InputError("Area: expected areas and counts that are not negative, and some area.")
    n_h = counts.sum(axis=(1, 2))
    empty = (n_h == 0) & (size > 0)
    if empty.any():
        raise InputError(
            f"Area: {int(empty.sum())} strata with {size[empty].sum() / size.sum():.1%} of the "
            "area have no sample; add samples or join strata."
        )
    known = list(codes) if codes is not None else list(range(1, k + 1))
    titles = list(names) if names is not None else [f"class {code}" for code in known]
    eye = np.eye(k)
    ones = np.ones((k, k))
    classes = tuple(
        ClassArea(
            code=int(known[i]),
            name=titles[i],
            users=_ratio(
                counts,
                size if own is None else size * own[i],
                np.outer(eye[i], eye[i]),
                np.outer(eye[i], ones[0]),
            ),
            producers=_ratio(counts, size, np.outer(eye[i], eye[i]), np.outer(ones[0], eye[i])),
            area=_total(counts, size, np.outer(ones[0], eye[i])),
            mapped_area=float(mapped[i]),
        )
        for i in range(k)
    )
    overall = _total(counts, size / size.sum(), eye)
    return AreaReport(
        design=how[design],
        unit=unit,
        overall=overall,
        classes=classes,
        n=int(counts.sum()),
        total_area=float(size.sum()),
        notes=tuple(_notes(n_h, size, classes)),
    )


def _moments(
    counts: Counts, y: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[Counts, Counts, Counts, Counts, Counts]:
    """Means and (co)variances of two 0/1 variables in each stratum."""
    n = np.maximum(counts.sum(axis=(1, 2)), 1)
    mean_y, mean_x = (counts * y).sum(axis=(1, 2)) / n, (counts * x).sum(axis=(1, 2)) / n
    both = (counts * y * x).sum(axis=(1, 2)) / n
    with np.errstate(divide="ignore", invalid="ignore"):
        of_mean = 1 / (n - 1)  # s² / n of a 0/1 variable is p(1 - p) / (n - 1)
        spread = [
            np.where(a - b * c == 0, np.where(n > 1, 0.0, np.nan), (a - b * c) * of_mean)
            for a, b, c in (
                (mean_y, mean_y, mean_y),
                (mean_x, mean_x, mean_x),
                (both, mean_y, mean_x),
            )
        ]
    return mean_y, mean_x, spread[0], spread[1], spread[2]


def _total(counts: Counts, size: Counts, y: NDArray[np.float64]) -> Estimate:
    mean, _, variance, _, _ = _moments(counts, y, y)
    return Estimate(value=float((size * mean).sum()), half_width=_half_width(size, variance))


def _ratio(
    counts: Counts, size: Counts, y: NDArray[np.float64], x: NDArray[np.float64]
) -> Estimate | None:
    mean_y, mean_x, var_y, var_x, cov = _moments(counts, y, x)
    below = float((size * mean_x).sum())
    if below <= 0:
        return None
    ratio = float((size * mean_y).sum()) / below
    variance = var_y + ratio**2 * var_x - 2 * ratio * cov
    half = _half_width(size / below, variance)
    return Estimate(value=ratio, half_width=half)


def _half_width(size: Counts, variance: Counts) -> float | None:
    used = size > 0
    total = float((size[used] ** 2 * variance[used]).sum())
    return None if math.isnan(total) else Z * math.sqrt(max(total, 0.0))


def _notes(n_h: Counts, size: Counts, classes: Sequence[ClassArea]) -> list[str]:
    notes = []
    alone = int(((n_h == 1) & (size > 0)).sum())
    if alone:
        notes.append(
            f"{alone} strata have a single sample, so no interval follows; at least two are needed."
        )
    certain = [
        entry.name
        for entry in classes
        if any(e is not None and e.half_width == 0 for e in (entry.users, entry.producers))
    ]
    if certain:
        notes.append(
            f"An interval of ± 0 ({', '.join(certain)}) means that all of few points were right, "
            "or all wrong, so that the formula has nothing to go by; it does not mean certainty."
        )
    for what, lacking in (
        ("Not in the sampled map, so no user's accuracy", [c for c in classes if c.users is None]),
        (
            "Not in the reference, so no producer's accuracy",
            [c for c in classes if not c.producers],
        ),
    ):
        if lacking:
            notes.append(f"{what}: {', '.join(c.name for c in lacking)}.")
    return notes
