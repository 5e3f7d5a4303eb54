"""Terrain shadow restored on steep relief: how far off its ground is, before and after.

Real relief, simulated ground and light: of the ground every number is known, and no image of two
suns is at hand that would tell it of real ground.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from landcover import api
from landcover.simulate.scene import SHADE_LEFT, illumination
from landcover.simulate.sky import Sun
from landcover.simulate.spectra import DEVIATION, LIBRARY_BANDS, medians
from landcover.stores.rasters import read_array

PIXEL_M = 10.0
SHRUNK = 9
"""A pixel of three arc-seconds becomes one of 10 m, and heights as much lower: slopes stay."""
RAISED = (0.5, 1.0, 1.5)
"""Times the heights: gentler than Zion, Zion, steeper."""
SUNS = {"summer": Sun(25, 150), "winter": Sun(65, 160)}
BANDS = ("B02", "B04", "B08", "B11")
CLASSES = (1, 3, 4, 5, 7)
"""Of the ground: forest, shrubs, grass, wetland, bare (map codes of the simulator)."""
WATER, WATER_SHARE = 9, 0.01
"""The lowest hundredth of the land is water, which is dark on flat ground."""
PATCH_PX = 8.0
"""Breadth of the patches of a class."""
SPREAD = 0.5
"""Standard deviation within a class, of the library's."""

Field = NDArray[np.float64]
Mask = NDArray[np.bool_]


def errors_of_relief(path: Path, seed: int = 0) -> list[str]:
    """Measure what restoring does on each relief under each sun.

    Args:
        path: An elevation of three arc-seconds.
        seed: Of the ground.

    Returns:
        One sentence for each.
    """
    zion = read_array(path)[0][0].astype(np.float64) / SHRUNK
    found = []
    for raised in RAISED:
        heights = zion * raised
        slope = api.slope_aspect(heights, PIXEL_M)[0]
        ground = _ground(zion, np.random.default_rng(seed))
        for season, sun in SUNS.items():
            dark = cast_shadow(heights, sun)
            seen = _seen(ground, heights, dark, sun)
            restored, mask = api.restore_terrain_shadow(seen, slope)
            found.append(
                f"mean slope {np.nanmean(slope):.0f} deg, {season} sun at {sun.zenith:.0f} deg: "
                f"{_compared(ground, seen, restored, dark, mask)}"
            )
    return found


def cast_shadow(heights: Field, sun: Sun) -> Mask:
    """Find what the sun does not reach: behind other ground, or turned away from it.

    Args:
        heights: Height of 10 m pixels, m, (y, x).
        sun: Where the sun stands.
    """
    azimuth, rise = np.radians(sun.azimuth), 1 / np.tan(np.radians(sun.zenith))
    rows, columns = np.indices(heights.shape, dtype=np.float64)
    dark = np.zeros(heights.shape, np.bool_)
    for step in range(1, int(np.ptp(heights) / (rise * PIXEL_M)) + 2):
        at = [rows - step * np.cos(azimuth), columns + step * np.sin(azimuth)]
        there = ndimage.map_coordinates(heights, at, order=1, mode="nearest")
        dark |= there > heights + step * PIXEL_M * rise
    return dark


def _ground(heights: Field, rng: np.random.Generator) -> dict[str, NDArray[np.int16]]:
    """Draw reflectance × 10,000 of flat ground: patches of classes, varied within."""
    fields = [ndimage.gaussian_filter(rng.standard_normal(heights.shape), PATCH_PX)
              for _ in CLASSES]  # fmt: skip
    codes = np.array(CLASSES)[np.argmax(fields, axis=0)]
    codes[heights <= np.quantile(heights, WATER_SHARE)] = WATER
    varied = SPREAD * rng.standard_normal((*heights.shape, 3))
    table = medians("summer")
    return {
        band: np.rint(10_000 * table[codes, column] * np.exp(varied @ DEVIATION[column]))
        .clip(1, 10_000).astype(np.int16)
        for band, column in ((name, LIBRARY_BANDS.index(name)) for name in BANDS)
    }  # fmt: skip


def _seen(
    ground: dict[str, NDArray[np.int16]], heights: Field, dark: Mask, sun: Sun
) -> dict[str, NDArray[np.int16]]:
    """Light the ground: slopes by their angle, what is dark by what the sky leaves."""
    light = illumination(heights.astype(np.float32), sun)
    return {
        band: np.rint(values * np.where(dark, SHADE_LEFT[band], light)).astype(np.int16)
        for band, values in ground.items()
    }


def _compared(
    ground: dict[str, NDArray[np.int16]],
    seen: dict[str, NDArray[np.int16]],
    restored: dict[str, NDArray[np.int16]],
    dark: Mask,
    mask: Mask,
) -> str:
    """Tell how much of the shadow was found, and the mean error there and where none was."""
    both = int((dark & mask).sum())
    share, recall = 100 * dark.mean(), 100 * both / max(1, int(dark.sum()))
    precision = 100 * both / max(1, int(mask.sum()))

    def errors(part: Mask) -> str:
        if not part.any():
            return "no such pixel"
        told = []
        for band in BANDS:
            off = [np.abs(image[band][part].astype(np.int64) - ground[band][part]).mean()
                   for image in (seen, restored)]  # fmt: skip
            told.append(f"{band} {off[0]:.0f} to {off[1]:.0f}")
        return ", ".join(told)

    return (
        f"{share:.1f} % in shadow, of which {recall:.0f} % are found ({precision:.0f} % of what is "
        f"found is shadow); mean error in shadow {errors(dark)}; of what is found and no shadow "
        f"{errors(mask & ~dark)}."
    )
