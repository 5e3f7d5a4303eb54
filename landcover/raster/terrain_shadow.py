"""Terrain shadow given the statistics of lit ground: found, matched, and its seams inpainted.

The HRLC deck's method; docs/methods/composites.md#terrain-shadow. What the whole tile has to tell
is summed up first, as integers, so that nothing depends on windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.reflectance import NODATA

Numbers = NDArray[np.int16]
Mask = NDArray[np.bool_]
Sums = NDArray[np.int64]
SLOPE_MIN = 15.0
"""Slope up to which dark ground counts as water, degrees.

Method: docs/methods/composites.md#terrain-shadow.
"""
HALO_OF_MASK = 2
"""Pixels around a pixel that decide whether it is shadow: two dilations."""
INPAINT_RADIUS = 3
"""Pixels from which an inpainted pixel is made.

Method: docs/methods/composites.md#terrain-shadow.
"""


@dataclass(frozen=True)
class Thresholds:
    """Up to which numbers a pixel is dark enough for shadow."""

    shadow_index: float
    """Of (NIR + SWIR1) / 2, harmonised numbers."""
    blue: float
    """Of B02, harmonised numbers."""


def darkness_sums(near: Numbers, shortwave: Numbers, blue: Numbers) -> Sums:
    """Sum up what the thresholds need.

    Args:
        near: B08, harmonised numbers, int16, (y, x), −32768 where nodata.
        shortwave: B11 on the same pixels.
        blue: B02 on the same pixels.

    Returns:
        n, Σ and minimum of NIR + SWIR1, then of blue, int64, (6); of no pixel the minima are the
        largest number. See `add_sums` for those of several windows.
    """
    index, is_known = _index(near, shortwave)
    is_blue = blue != NODATA
    largest = np.iinfo(np.int64).max
    pairs = ((index[is_known], largest), (blue[is_blue].astype(np.int64), largest))
    told = [(v.size, v.sum(), v.min(initial=first)) for v, first in pairs]
    return np.array(told, dtype=np.int64).ravel()


def add_sums(one: Sums, other: Sums) -> Sums:
    """Join the sums of two windows of :func:`darkness_sums`."""
    added = one + np.where(np.arange(6) % 3 == 2, 0, other)
    added[2::3] = np.minimum(one[2::3], other[2::3])
    return added


def thresholds_of(sums: Sums) -> Thresholds | None:
    """Compute t₁ = min + ½ (mean − min) of the index, t₂ = min + ¼ (mean − min) of blue.

    Returns:
        The thresholds; None where there is no pixel to tell them by.
    """
    n_index, total, low, n_blue, total_blue, low_blue = (int(value) for value in sums)
    if not n_index or not n_blue:
        return None
    index = (low + (total / n_index - low) / 2) / 2
    return Thresholds(index, low_blue + (total_blue / n_blue - low_blue) / 4)


def shadow_inside(
    near: Numbers,
    shortwave: Numbers,
    blue: Numbers,
    slope: NDArray[np.float32],
    thresholds: Thresholds,
    *,
    slope_min: float = SLOPE_MIN,
) -> Mask:
    """Find terrain shadow: dark in the index and in blue, on slopes, grown by a cross twice.

    Args:
        near: B08, harmonised numbers, int16, (y + 4, x + 4), −32768 where nodata.
        shortwave: B11 on the same pixels.
        blue: B02 on the same pixels.
        slope: Degrees, on the same pixels; where it is NaN is no shadow.
        thresholds: See `thresholds_of`.
        slope_min: Slope up to which dark ground counts as water, degrees.

    Returns:
        True on shadow, bool, (y, x).
    """
    index, is_known = _index(near, shortwave)
    is_dark = is_known & (blue != NODATA) & (index / 2 <= thresholds.shadow_index)
    is_dark &= blue <= thresholds.blue
    return _grown(_grown(is_dark) & (slope[1:-1, 1:-1] > slope_min))


def moment_sums(values: Numbers, is_shadow: Mask) -> Sums:
    """Sum up a band over shadow and over the rest.

    Args:
        values: Harmonised numbers, int16, (y, x), −32768 where nodata.
        is_shadow: True on shadow, bool, (y, x).

    Returns:
        n, Σx, Σx² of shadow, then of the rest, int64, (6). Sums of windows add up.
    """
    is_known = values != NODATA
    found = []
    for part in (is_known & is_shadow, is_known & ~is_shadow):
        x = values[part].astype(np.int64)
        found += [x.size, x.sum(), (x * x).sum()]
    return np.array(found, dtype=np.int64)


def gain_offset(sums: Sums) -> tuple[float, float] | None:
    """Compute g = σ_N / σ_S and o = μ_N − g μ_S from the sums of a band (sample deviations).

    Returns:
        Gain and offset; None where shadow or the rest has fewer than two pixels or no spread:
        then the band stays as it is.
    """
    spreads, means = [], []
    for n, total, squares in (tuple(int(v) for v in part) for part in (sums[:3], sums[3:])):
        # Whole numbers until the last division.
        spread = n * squares - total * total
        if n < 2 or spread <= 0:
            return None
        spreads.append((spread / (n * (n - 1))) ** 0.5)
        means.append(total / n)
    gain = spreads[1] / spreads[0]
    return gain, means[1] - gain * means[0]


def match_moments(values: Numbers, is_shadow: Mask, gain: float, offset: float) -> Numbers:
    """Give shadow mean and spread of the rest: o + g·x, rounded half to even and clipped."""
    limit = -(NODATA + 1)
    lit = np.clip(np.rint(offset + gain * values), -limit, limit).astype(np.int16)
    return np.where(is_shadow & (values != NODATA), lit, values)


def inpaint_seams(values: Numbers, is_shadow: Mask) -> Numbers:
    """Fill the ring around the edge of shadow from both of its sides (Telea 2004, OpenCV).

    The ring is what a square of 3 x 3 px adds to shadow and takes from it.

    Args:
        values: Harmonised numbers, int16, (y, x), −32768 where nodata.
        is_shadow: True on shadow, bool, (y, x).

    Returns:
        The numbers, int16; nodata stays nodata.

    Raises:
        InputError: The shapes disagree.
    """
    import cv2

    if values.shape != is_shadow.shape:
        raise InputError(f"Shadow {is_shadow.shape} does not lie on the values {values.shape}.")
    square = np.ones((3, 3), np.uint8)
    shadow = is_shadow.astype(np.uint8)
    ring = (cv2.dilate(shadow, square) > 0) & (cv2.erode(shadow, square) == 0)
    if not ring.any():
        return values
    # Nodata near the ring is no ground to fill it from: it is inpainted too, and put back.
    reach = np.ones((2 * INPAINT_RADIUS + 3,) * 2, np.uint8)
    near = cv2.dilate(ring.astype(np.uint8), reach) > 0
    wanted = (ring | (near & (values == NODATA))).astype(np.uint8)
    shifted = (values.astype(np.int32) - NODATA).astype(np.uint16)
    filled = cv2.inpaint(shifted, wanted, INPAINT_RADIUS, cv2.INPAINT_TELEA)
    back = (np.asarray(filled, np.int32) + NODATA).astype(np.int16)
    return np.where(ring & (values != NODATA), back, values)


def _index(near: Numbers, shortwave: Numbers) -> tuple[NDArray[np.int64], Mask]:
    """Give NIR + SWIR1, twice the shadow index, and where both are known."""
    is_known = (near != NODATA) & (shortwave != NODATA)
    return near.astype(np.int64) + shortwave.astype(np.int64), is_known


def _grown(mask: Mask) -> Mask:
    """Dilate by a cross of 3 x 3 px and give what has all of its neighbours."""
    grown = mask[1:-1, 1:-1] | mask[:-2, 1:-1] | mask[2:, 1:-1]
    return np.asarray(grown | mask[1:-1, :-2] | mask[1:-1, 2:])


def restore_terrain_shadow(
    bands: dict[str, Numbers],
    slope: NDArray[np.float32],
    *,
    slope_min: float = SLOPE_MIN,
    inpaint: bool = True,
) -> tuple[dict[str, Any], Mask]:
    """Give terrain shadow of one image the statistics of lit ground.

    Args:
        bands: Band → harmonised numbers (reflectance × 10,000), int16, (y, x), −32768 where
            nodata; B02, B08 and B11 are needed.
        slope: Degrees, float32, (y, x).
        slope_min: Slope up to which dark ground counts as water, degrees.
        inpaint: Whether the seam is inpainted.

    Returns:
        Band → numbers, and where shadow was, bool, (y, x).

    Raises:
        InputError: A band is missing, or the shapes disagree.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> dark = np.zeros((40, 40), bool)
        >>> dark[10:30, 10:30] = True
        >>> ground = 1500 + 10 * (np.arange(1600).reshape(40, 40) % 7)
        >>> bands = {b: np.where(dark, ground // 10, ground).astype(np.int16)
        ...          for b in ("B02", "B08", "B11")}
        >>> found, is_shadow = api.restore_terrain_shadow(bands, np.full((40, 40), 20, np.float32))
        >>> int(is_shadow.sum()), abs(int(found["B08"][20, 20]) - int(ground[20, 20])) < 100
        (564, True)
    """
    lacking = [name for name in ("B02", "B08", "B11") if name not in bands]
    if lacking or {band.shape for band in bands.values()} != {slope.shape}:
        shapes = sorted({band.shape for band in bands.values()} | {slope.shape})
        raise InputError(
            f"Terrain shadow needs B02, B08 and B11 on the grid of the slope, found "
            f"{', '.join(bands)} with shapes {shapes}."
        )
    dark = (bands["B08"], bands["B11"], bands["B02"])
    thresholds = thresholds_of(darkness_sums(*dark))
    if thresholds is None:
        return dict(bands), np.zeros(slope.shape, dtype=np.bool_)
    near, shortwave, blue = (np.pad(b, HALO_OF_MASK, constant_values=NODATA) for b in dark)
    steep = np.pad(slope, HALO_OF_MASK, constant_values=np.nan)
    is_shadow = shadow_inside(near, shortwave, blue, steep, thresholds, slope_min=slope_min)
    found = {}
    for name, band in bands.items():
        fit = gain_offset(moment_sums(band, is_shadow))
        found[name] = band
        if fit is not None:
            found[name] = match_moments(band, is_shadow, *fit)
            found[name] = inpaint_seams(found[name], is_shadow) if inpaint else found[name]
    return found, is_shadow
