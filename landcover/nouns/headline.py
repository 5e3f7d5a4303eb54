"""The one number that a map is quoted by: the most honest one that was measured.

Page, file tag, STAC item, receipt and ``landcover status`` all say what :func:`headline_of` gives.
"""

from __future__ import annotations

from typing import Literal

from landcover.nouns.base import Noun
from landcover.nouns.validation import Range, SplitName, SplitScore, Validation

Basis = Literal["independent", "sources", "tiles", "blocks", "groups", "none"]
_ORDER: tuple[SplitName, ...] = ("sources", "tiles", "blocks", "groups")
"""What tells most of places without labels, first."""
_APART = {
    "sources": "label files left out",
    "tiles": "tiles left out",
    "blocks": "spatial blocks left out",
    "groups": "groups (points, polygons, fields) left out",
}


class Headline(Noun):
    """The accuracy that a map is quoted by."""

    basis: Basis
    """What it was measured by; ``none`` where nothing could be measured."""
    name: str
    """That in words."""
    overall: float | None
    """Overall accuracy, 0-1; None where nothing could be measured."""
    interval: Range | None
    """95 % interval of a probability sample, or 95 % range over resampled groups; None where
    there are too few."""
    n: int
    """Samples behind it."""
    n_groups: int | None
    """Groups that they come from; None for a probability sample."""
    sentence: str
    """All of it in one sentence."""

    @property
    def is_measured(self) -> bool:
        """True where there is a number."""
        return self.overall is not None


def headline_of(validation: Validation | None, why: str = "") -> Headline:
    """Choose the number that a map is quoted by.

    The independent probability sample where there is one; else the first that could be measured
    of label files, tiles, spatial blocks and groups left out. A split in which a class of two
    groups or more was answered by a model that never saw it measures something else, and is
    passed over.

    Args:
        validation: What was measured; None where nothing was.
        why: Why nothing was measured, a sentence.
    """
    if validation is not None:
        found = _independent(validation) or _of_splits(validation)
        if found is not None:
            return found
        why = why or _why(validation)
    return Headline(
        basis="none",
        name="not measured",
        overall=None,
        interval=None,
        n=0,
        n_groups=None,
        sentence=f"Accuracy not measured: {why or 'no reference.'}",
    )


def _independent(validation: Validation) -> Headline | None:
    independent = validation.independent
    if independent is None or independent.area is None:
        return None
    value, half = independent.area.overall.value, independent.area.overall.half_width
    if value is None:
        return None
    n = independent.agreement.n
    span = "" if half is None else f" ± {100 * half:.1f}"
    return Headline(
        basis="independent",
        name="independent probability sample",
        overall=value,
        interval=None if half is None else (max(0.0, value - half), min(1.0, value + half)),
        n=n,
        n_groups=None,
        sentence=(
            f"Overall accuracy {100 * value:.1f}{span} %, weighted by area"
            f"{', 95 % interval' if half is not None else ''}, by an independent probability "
            f"sample of {n:,} points."
        ),
    )


def _of_splits(validation: Validation) -> Headline | None:
    for name in _ORDER:
        split = validation.split(name)
        if split is not None and not split.unlearned:
            return _of_split(split)
    return None


def _of_split(split: SplitScore) -> Headline:
    name, span = _APART[split.name], ""
    if split.interval is not None:
        low, high = split.interval
        span = f" ({100 * low:.1f} to {100 * high:.1f} % over resampled groups)"
    return Headline(
        basis=split.name,
        name=name,
        overall=split.overall,
        interval=split.interval,
        n=split.n,
        n_groups=split.n_groups,
        sentence=(
            f"Overall accuracy {100 * split.overall:.1f} %{span}, by {name}: {split.n:,} sample "
            f"pixels of {split.n_groups:,} groups, no probability sample."
        ),
    )


def _why(validation: Validation) -> str:
    if validation.independent is not None:
        agreement = validation.independent.agreement
        return (
            f"{100 * agreement.overall:.1f} % of {agreement.n:,} independent points agree with the "
            "map, but they are no probability sample."
        )
    return "no sample could be answered by a model that did not see its group."
