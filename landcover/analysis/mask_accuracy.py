"""Masks judged pixel by pixel against what a person drew, or a simulation knows.

Method: docs/methods/masks.md#judging. Codes are those of CloudSEN12 and CloudSEN12+ (Aybar et al.
2022, 2024): 0 clear, 1 thick cloud, 2 thin cloud, 3 cloud shadow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

Bools = NDArray[np.bool_]
CLOUD_CODES, THICK_CODES, SHADOW_CODES = (1, 2), (1,), (3,)
KINDS = ("cloud", "shadow")
NOT_MEASURED = "not measured"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else nan


@dataclass(frozen=True)
class Counts:
    """Pixels of a mask against the truth."""

    hits: int = 0
    """Marked, and there (TP)."""
    false: int = 0
    """Marked, not there (FP)."""
    missed: int = 0
    """There, not marked (FN)."""
    rest: int = 0
    """Neither (TN)."""

    def __add__(self, other: Counts) -> Counts:
        """Count both together."""
        return Counts(
            self.hits + other.hits,
            self.false + other.false,
            self.missed + other.missed,
            self.rest + other.rest,
        )

    @property
    def precision(self) -> float:
        """TP / (TP + FP), user's accuracy; NaN where nothing is marked."""
        return _share(self.hits, self.hits + self.false)

    @property
    def recall(self) -> float:
        """TP / (TP + FN), producer's accuracy; NaN where nothing is there."""
        return _share(self.hits, self.hits + self.missed)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 0 where there are only errors, NaN where there is nothing."""
        return _share(2 * self.hits, 2 * self.hits + self.false + self.missed)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN)."""
        return _share(self.hits, self.hits + self.false + self.missed)

    @property
    def overall(self) -> float:
        """(TP + TN) / all."""
        total = self.hits + self.false + self.missed + self.rest
        return _share(self.hits + self.rest, total)

    def to_document(self) -> dict[str, Any]:
        """Write counts and figures, ``None`` for what has no denominator."""
        figures = {
            "precision": self.precision, "recall": self.recall, "f1": self.f1, "iou": self.iou,
            "overall": self.overall,
        }  # fmt: skip
        counts = {
            "hits": self.hits, "false": self.false, "missed": self.missed, "rest": self.rest,
        }  # fmt: skip
        return counts | {k: None if isnan(v) else round(v, 6) for k, v in figures.items()}


def count(is_marked: Bools, is_there: Bools, is_known: Bools | None = None) -> Counts:
    """Count a mask against the truth.

    Args:
        is_marked: The mask, bool, any shape.
        is_there: The truth, bool, same shape.
        is_known: Where both are known; None: everywhere.

    Raises:
        InputError: The shapes differ.
    """
    if is_marked.shape != is_there.shape:
        raise InputError(
            f"A mask of shape {is_marked.shape} cannot be judged by a truth of shape "
            f"{is_there.shape}; bring both to one grid."
        )
    known = np.ones(is_marked.shape, np.bool_) if is_known is None else is_known
    hits = int((is_marked & is_there & known).sum())
    false = int((is_marked & ~is_there & known).sum())
    missed = int((~is_marked & is_there & known).sum())
    return Counts(hits, false, missed, int(known.sum()) - hits - false - missed)


@dataclass(frozen=True)
class Judged:
    """One kind of mask, judged over several images."""

    mask: str
    """Whose mask: ``Sen2Cor``, ``deck`` …"""
    kind: str
    """``cloud`` or ``shadow``."""
    patches: tuple[Counts, ...]
    """Counts of each image."""

    @property
    def pooled(self) -> Counts:
        """All pixels together (micro)."""
        return sum(self.patches, Counts())

    def median(self, figure: str) -> float:
        """Give the median of a figure over images that have it, NaN for none."""
        values = [v for patch in self.patches if not isnan(v := getattr(patch, figure))]
        return float(median(values)) if values else nan

    def to_document(self) -> dict[str, Any]:
        """Write pooled figures and medians."""
        medians = {name: self.median(name) for name in ("precision", "recall", "f1", "iou")}
        return {
            "mask": self.mask,
            "kind": self.kind,
            "images": len(self.patches),
            "pooled": self.pooled.to_document(),
            "median": {k: None if isnan(v) else round(v, 6) for k, v in medians.items()},
        }


def judge(
    images: Iterable[tuple[NDArray[np.integer[Any]], Mapping[str, tuple[Bools, Bools]], Bools]],
    cloud_codes: Sequence[int] = CLOUD_CODES,
) -> list[Judged]:
    """Judge masks of several images.

    Args:
        images: Truth in CloudSEN12's codes, name → (is_cloud, is_shadow), and where both are
            known, for each image.
        cloud_codes: What counts as cloud; `THICK_CODES` leaves thin cloud out.

    Returns:
        One entry for each mask and kind, in the order of the masks.
    """
    found: dict[tuple[str, str], list[Counts]] = {}
    for truth, masks, is_known in images:
        there = {
            "cloud": np.isin(truth, cloud_codes), "shadow": np.isin(truth, SHADOW_CODES),
        }  # fmt: skip
        for name, marked in masks.items():
            for kind, one in zip(KINDS, marked, strict=True):
                found.setdefault((name, kind), []).append(count(one, there[kind], is_known))
    return [Judged(name, kind, tuple(counts)) for (name, kind), counts in found.items()]


DECK: Mapping[tuple[str, str], tuple[float, float, float]] = {
    ("Sen2Cor", "cloud"): (0.55, 0.89, 0.68),
    ("existing, refined", "cloud"): (0.51, 0.90, 0.65),
    ("re-implemented, refined", "cloud"): (0.55, 0.89, 0.68),
    ("Sen2Cor", "shadow"): (0.76, 0.07, 0.13),
    ("existing, refined", "shadow"): (0.76, 0.07, 0.13),
    ("re-implemented, refined", "shadow"): (0.72, 0.08, 0.14),
}
"""Precision, recall and F1 that the HRLC deck gives for tile 18NWL, 23 February 2019."""


def table_of(judged: Sequence[Judged], masks: Sequence[str] = ()) -> list[str]:
    """Write a table as lines of text, the deck's beside it; what has no data reads so.

    Args:
        judged: What was judged.
        masks: Masks to list, judged or not; empty: those that were judged.
    """
    known = {(one.mask, one.kind): one for one in judged}
    names = list(masks) or list(dict.fromkeys(one.mask for one in judged))
    lines = [
        f"{'mask':26} {'':7}{'precision':>12}{'recall':>12}{'F1':>12}{'IoU':>12}{'median F1':>12}"
    ]
    for name in names:
        for kind in KINDS:
            one = known.get((name, kind))
            figures = [NOT_MEASURED] * 5
            if one is not None:
                pooled = one.pooled
                values = (pooled.precision, pooled.recall, pooled.f1, pooled.iou, one.median("f1"))
                figures = [NOT_MEASURED if isnan(v) else f"{v:.3f}" for v in values]
            lines.append(f"{name:26} {kind:7}" + "".join(f"{figure:>13}" for figure in figures))
    lines.append("Beside it, what the HRLC deck gives (18NWL, 23 February 2019):")
    for (name, kind), (precision, recall, f1) in DECK.items():
        told = "".join(f"{figure:>13.2f}" for figure in (precision, recall, f1))
        lines.append(f"{name:26} {kind:7}{told}")
    return lines
