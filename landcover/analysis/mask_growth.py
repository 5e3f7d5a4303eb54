"""What a growth of masks costs and brings: clear ground that is kept, and cloud among what is kept.

Method: docs/methods/masks.md#growth-by-truth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.analysis.mask_evaluation import Masks, images_of
from landcover.nouns.base import Noun

Bools = NDArray[np.bool_]


class Grown(Noun):
    """A mask, grown by some filter, against the truth of all images."""

    mask: str
    """Whose mask: ``Sen2Cor`` or the name of a run."""
    growth_m: float
    """Side of the filter, m."""
    kept: float
    """Share of all pixels that are kept, 0-1."""
    clear_kept: float
    """Share of what the truth calls clear that is kept, 0-1."""
    spoilt: float
    """Share of what is kept that the truth calls cloud or shadow, 0-1."""


def grow(
    folder: Path,
    runs: Mapping[str, Masks],
    growths_m: Sequence[float],
    *,
    threshold: float = 0.075,
) -> list[Grown]:
    """Grow the masks of runs by several filters and hold them against the truth.

    Args:
        folder: As of :func:`~landcover.analysis.mask_evaluation.evaluate`.
        runs: Name → masks of a run; what they were grown by themselves plays no part.
        growths_m: Sides of the filter, metres.
        threshold: Share of masked pixels of the window above which its centre is masked.

    Returns:
        One entry for each mask and growth, mask by mask.

    Raises:
        InputError: No image can be judged, or a growth is negative.
    """
    from landcover.raster.growth import expand_cloud_mask

    sums: dict[tuple[str, float], NDArray[np.int64]] = {}
    for image in images_of(folder, runs):
        truth, is_known = image.truth, image.is_known
        for name, (cloud, shadow) in image.masks.items():
            for growth in growths_m:
                grown = expand_cloud_mask(
                    cloud | shadow, image.pixel_m, growth_m=growth, threshold=threshold
                )
                found = _counts(~grown & is_known, (truth == 0) & is_known, is_known)
                sums[name, growth] = sums.get((name, growth), np.zeros(4, np.int64)) + found
    return [_figures(name, growth, total) for (name, growth), total in sorted(sums.items())]


def _counts(is_kept: Bools, is_clear: Bools, is_known: Bools) -> NDArray[np.int64]:
    both = is_kept & is_clear
    return np.array([part.sum() for part in (is_known, is_kept, is_clear, both)], np.int64)


def _figures(name: str, growth: float, total: NDArray[np.int64]) -> Grown:
    known, kept, clear, both = (int(part) for part in total)
    return Grown(
        mask=name, growth_m=growth, kept=kept / max(1, known), clear_kept=both / max(1, clear),
        spoilt=(kept - both) / max(1, kept),
    )  # fmt: skip


def lines(found: Sequence[Grown]) -> list[str]:
    """Write what was found for people."""
    head = f"{'mask':24}{'growth m':>9}{'kept %':>9}{'of clear ground %':>19}{'spoilt %':>10}"
    return [
        head,
        *(
            f"{one.mask:24}{one.growth_m:>9g}{100 * one.kept:>9.1f}{100 * one.clear_kept:>19.1f}"
            f"{100 * one.spoilt:>10.2f}"
            for one in found
        ),
    ]
