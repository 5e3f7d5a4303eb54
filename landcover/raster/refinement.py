"""Cloud and shadow masks refined against a seasonal background (HRLC deck).

Method: docs/methods/masks.md#refinement. An image is refined in steps that see it window by
window: `background_window` and `Deviations` in a first pass over all images of a season, then
`CloudStep` and `DarkGround` in a second one over this image. `refine_season` takes whole arrays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.raster import refinement_kernel as kernel
from landcover.raster.reflectance import NODATA

Shorts = NDArray[np.int16]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]
Halves = NDArray[np.int32]
"""Twice a background, so that the mean of two integers is one; `refinement_kernel.NONE` where no
observation was clear."""

N_DEVIATIONS = 1 << 16
"""Levels of 2·|B02 − background| that are told apart; larger ones count as the largest."""


class Place(NamedTuple):
    """How a window lies on the coarser grid of the kinds."""

    ratio: int = 1
    """Fine pixels along one side of a coarse one."""
    row: int = 0
    """Fine rows between the first coarse pixel's edge and the window."""
    column: int = 0
    """Fine columns likewise."""


ALIGNED = Place()
"""A window on the grid of the kinds itself."""


@dataclass(frozen=True)
class DeckRule:
    """The numbers of the deck's refinement; defaults are those of its public code."""

    cloud_coverage_threshold: float = 0.0008
    """Share of valid pixels under cloud up to which a mask stays as it is."""
    image_brightness_threshold: float = 1400.0
    """Mean blue of clouds, reflectance × 10,000, above which shadows are looked for."""
    compares_difference: bool = False
    """Compare cluster means with the mean deviation of clouds, not with their mean blue."""
    positive_only: bool = False
    """Leave out what is darker than the background."""
    robust_min_percent: float = 0.0
    """Quantile that stands for the minimum of dark ground, %; 0 is the minimum."""
    excludes_water: bool = True
    """Leave water out of what may be shadow; the published code does not."""
    clip_percent: float | None = None
    """Clip each image to these quantiles, %, before the background is made; None: not at all."""


@dataclass
class ClipLimits:
    """The quantiles of an image's blue that it is clipped to, counted window by window."""

    percent: float
    """Lower quantile, %; the upper one is 100 minus it."""
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 16, dtype=np.int64))

    def add(self, values: Shorts) -> None:
        """Count a window, int16, any shape, −32768 where nodata."""
        seen = values[values != NODATA].astype(np.int64) + 32768
        self.histogram += np.bincount(seen, minlength=1 << 16)

    def clip(self, values: Shorts) -> Shorts:
        """Clip a window to the smallest values that so much of the image does not exceed."""
        counts = np.cumsum(self.histogram)
        total = int(counts[-1])
        if not total:
            return values
        low, high = (
            int(np.searchsorted(counts, max(1.0, share / 100 * total))) - 32768
            for share in (self.percent, 100 - self.percent)
        )
        clipped = np.clip(values, low, high)
        clipped[values == NODATA] = NODATA
        return clipped


def background_window(values: Shorts, kinds: Bytes, place: Place = ALIGNED) -> Halves:
    """Take twice the 25 % quantile of blue over the clear images of a season.

    Midpoint interpolation: with values sorted and h = (n − 1)/4, the mean of the ⌊h⌋th and the
    ⌈h⌉th, from 0.

    Args:
        values: Blue, reflectance × 10,000, int16, (time, y, x), −32768 where nodata.
        kinds: Bits 1 cloud, 2 shadow, 4 water, uint8, (time, y, x), on the same grid or a coarser
            one.
        place: How the window lies on that grid.

    Returns:
        Twice the background, int32, (y, x), `refinement_kernel.NONE` where nothing is clear.
    """
    twice = np.empty(values.shape[1:], np.int32)
    kernel.lower_quarter(values, kinds, *place, NODATA, twice)
    return twice


@dataclass
class Deviations:
    """How one image deviates from the background, counted window by window."""

    positive_only: bool = False
    histogram: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(N_DEVIATIONS, dtype=np.int64)
    )
    sums: NDArray[np.int64] = field(default_factory=lambda: np.zeros(6, dtype=np.int64))

    def add(self, values: Shorts, kinds: Bytes, twice: Halves, place: Place = ALIGNED) -> None:
        """Count a window of the image."""
        kernel.count_deviations(
            values, kinds, *place, NODATA, twice, self.positive_only, self.histogram, self.sums
        )

    @property
    def n_valid(self) -> int:
        """Pixels with a value."""
        return int(self.sums[0])

    @property
    def cloud_share(self) -> float:
        """Share of them that the mask calls cloud, 0-1; 0 of none."""
        return int(self.sums[1]) / self.n_valid if self.n_valid else 0.0

    @property
    def shadow_share(self) -> float:
        """Share of them that the mask calls shadow and not cloud, 0-1."""
        return int(self.sums[2]) / self.n_valid if self.n_valid else 0.0


@dataclass(frozen=True)
class CloudStep:
    """What an image's clouds are, decided from its deviations."""

    low: int = 1
    """Least 2·|deviation| of the cluster that is cloud; above ``high``: no cluster is."""
    high: int = 0
    """Largest."""
    positive_only: bool = False
    centres: tuple[float, ...] = ()
    """Mean |deviation| of the clusters, rising, reflectance × 10,000; none without clustering."""
    reference: float | None = None
    """What they were compared with."""
    reason: str = ""
    """Why the mask stays as it is; empty where it was refined."""

    @classmethod
    def decide(cls, found: Deviations, rule: DeckRule) -> CloudStep:
        """Choose the cluster of deviations that is cloud: the one whose mean is nearest to μ."""
        _, n_cloud, _, total, n_compared, deviation = (int(n) for n in found.sums)
        if found.cloud_share <= rule.cloud_coverage_threshold or n_cloud == 0:
            return cls(reason="hardly any cloud")
        if rule.compares_difference and n_compared == 0:
            return cls(reason="no clear background under cloud")
        clusters = cluster_deviations(found.histogram)
        if clusters is None:
            return cls(reason="fewer than three different deviations")
        centres, borders = clusters
        reference = deviation / n_compared / 2 if rule.compares_difference else total / n_cloud
        chosen = int(np.argmin([abs(centre - reference) for centre in centres]))
        low = 0 if chosen == 0 else borders[chosen - 1] + 1
        high = borders[chosen] if chosen < 2 else N_DEVIATIONS - 1
        # The last count holds all that is larger.
        high = np.iinfo(np.int32).max if high == N_DEVIATIONS - 1 else high
        return cls(low, int(high), rule.positive_only, centres, reference)

    def mark(
        self,
        values: Shorts,
        kinds: Bytes,
        twice: Halves,
        sums: NDArray[np.int64],
        place: Place = ALIGNED,
    ) -> Bools:
        """Mark the clouds of a window: what was cloud, and the cluster.

        Args:
            values: Blue, int16, (y, x).
            kinds: See `background_window`, of this image.
            twice: Twice the background.
            sums: Number of cloud pixels with a value and sum of their blue, int64; added to.
            place: How the window lies on the grid of the kinds.

        Returns:
            True on cloud, bool, (y, x).
        """
        is_cloud = np.empty(values.shape, np.bool_)
        kernel.mark_clouds(
            values, kinds, *place, NODATA, twice, self.positive_only, self.low, self.high,
            is_cloud, sums,
        )  # fmt: skip
        return is_cloud


def cluster_deviations(
    histogram: NDArray[np.int64],
) -> tuple[tuple[float, float, float], tuple[int, int]] | None:
    """Split deviations into the three clusters of least squared distance to their means.

    The optimum of what K-means looks for, found exactly on all pixels: a deviation is one of a
    few thousand levels, so no sample, seed or restart is needed.

    Args:
        histogram: Counts by 2·|deviation|, int64.

    Returns:
        Means of the clusters, rising, in steps of the deviation; and the largest 2·|deviation|
        of the first two, each pixel belonging to the nearest mean. None where there are fewer
        than three different deviations.
    """
    levels = np.flatnonzero(histogram)
    if levels.size < 3:
        return None
    weights = histogram[levels].astype(np.float64)
    first, second = np.zeros(levels.size, np.int64), np.zeros(2, np.int64)
    kernel.split_in_three(levels.astype(np.float64), weights, first, second)
    means = [
        float(np.average(levels[part], weights=weights[part]))
        for part in (
            slice(0, second[0]), slice(second[0], second[1]), slice(second[1], levels.size)
        )
    ]  # fmt: skip
    borders = tuple(int((a + b) // 2) for a, b in pairwise(means))
    low, middle, high = (mean / 2 for mean in means)
    return (low, middle, high), (borders[0], borders[1])


@dataclass
class DarkGround:
    """How dark an image is outside its clouds, counted window by window."""

    excludes_water: bool = True
    blue: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 16, dtype=np.int64))
    index: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << 17, dtype=np.int64))

    def add(
        self,
        values: Shorts,
        is_cloud: Bools,
        kinds: Bytes,
        infrared: Shorts,
        shortwave: Shorts,
        place: Place = ALIGNED,
    ) -> Halves:
        """Count a window.

        Args:
            values: Blue, int16, (y, x).
            is_cloud: Clouds, bool, (y, x).
            kinds: See `background_window`, of this image.
            infrared: Near infrared, int16, (y, x).
            shortwave: Shortwave infrared, int16, (y, x).
            place: How the window lies on the grid of the kinds.

        Returns:
            Twice the cloud shadow index CSI = (near + shortwave infrared)/2, int32, (y, x),
            `refinement_kernel.NONE` where a pixel was not counted.
        """
        twice = np.empty(values.shape, np.int32)
        skipped = kernel.WATER if self.excludes_water else 0
        kernel.count_dark(
            values, is_cloud, kinds, *place, skipped, NODATA, infrared, shortwave, twice,
            self.blue, self.index,
        )  # fmt: skip
        return twice

    def thresholds(self, robust_min_percent: float = 0.0) -> tuple[float, float] | None:
        """Give the largest CSI and blue of shadow; None where nothing was counted.

        t₁ = min CSI + ½ (mean CSI − min CSI), t₂ = min B02 + ¼ (mean B02 − min B02).
        """
        if not self.blue.any():
            return None
        index = _level(self.index, 1 << 16, robust_min_percent, 0.5) / 2
        return index, _level(self.blue, 1 << 15, robust_min_percent, 0.25)


def mark_shadows(values: Shorts, twice_index: Halves, thresholds: tuple[float, float]) -> Bools:
    """Mark what is as dark as shadow, CSI ≤ t₁ and B02 ≤ t₂.

    Args:
        values: Blue, int16, (y, x).
        twice_index: Twice the CSI, as `DarkGround.add` gives it.
        thresholds: t₁ and t₂.

    Returns:
        True on candidates, bool, (y, x), before the median filter.
    """
    is_dark = np.empty(values.shape, np.bool_)
    kernel.mark_dark(values, twice_index, thresholds[1], 2 * thresholds[0], is_dark)
    return is_dark


def median_of_nine(is_marked: Bools) -> Bools:
    """Filter a mask by the median of 3 × 3 pixels; what lies outside is not marked.

    Args:
        is_marked: bool, (y, x).

    Returns:
        True where five of nine are marked, bool, (y, x).
    """
    found = np.empty_like(is_marked)
    kernel.majority_of_nine(is_marked, found)
    return found


def join_bits(known: Bytes, ratio: int, is_cloud: Bools, is_shadow: Bools) -> Bytes:
    """Put refined clouds and shadows beside the bits of a coarser grid that stay.

    Args:
        known: Bits that stay (1 nodata, 8 snow, 16 defective), uint8, (y, x), same corner.
        ratio: Fine pixels along one side of a coarse one.
        is_cloud: True on cloud, bool, (y, x).
        is_shadow: True on shadow, bool, (y, x).

    Returns:
        The bits with 2 on cloud and 4 on shadow that is not nodata, uint8, (y, x).
    """
    bits = np.empty(is_cloud.shape, np.uint8)
    kernel.join_bits(known, ratio, is_cloud, is_shadow, bits)
    return bits


def _level(histogram: NDArray[np.int64], zero: int, percent: float, share: float) -> float:
    """Give min + share · (mean − min) of counted levels."""
    total = int(histogram.sum())
    counts = np.cumsum(histogram)
    # The smallest level that so many pixels do not exceed.
    least = int(np.searchsorted(counts, max(1.0, percent / 100 * total))) - zero
    levels = np.flatnonzero(histogram)
    mean = float(np.dot(levels - zero, histogram[levels])) / total
    return least + share * (mean - least)


def to_background(twice: Halves) -> NDArray[np.float32]:
    """Turn twice a background into reflectance, float32, NaN where nothing was clear."""
    values = twice.astype(np.float32) / np.float32(20_000)
    values[twice == kernel.NONE] = np.nan
    return values


def kinds_of(is_cloud: Bools, is_shadow: Bools, is_water: Bools | None = None) -> Bytes:
    """Put masks into bits: 1 cloud, 2 shadow, 4 water, uint8, same shape."""
    kinds = is_cloud.astype(np.uint8) | (is_shadow.astype(np.uint8) << np.uint8(1))
    if is_water is not None:
        kinds |= is_water.astype(np.uint8) << np.uint8(2)
    return np.asarray(kinds)


def describe_step(step: CloudStep) -> dict[str, Any]:
    """Say what was decided, for a record."""
    if step.reason:
        return {"kept": step.reason}
    return {
        "centres": [round(centre, 3) for centre in step.centres],
        "reference": None if step.reference is None else round(step.reference, 3),
    }
