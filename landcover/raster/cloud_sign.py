"""Clouds of one image by the sign of its deviation and its neighbourhood (variant ``ours``).

Method: docs/methods/masks.md#ours. Clouds brighten, so what is darker than the background is none;
they are white, so blue is not far below shortwave infrared, which bright soil keeps high; and
their pixels lie together.
"""

from __future__ import annotations

import numpy as np

from landcover.raster import shadow_kernel as kernel
from landcover.raster.refinement import Bools, Halves, Shorts, median_of_nine
from landcover.raster.refinement_kernel import NONE
from landcover.raster.reflectance import NODATA

LEAST_DEVIATION = 400.0
"""Brightening by thin cloud, reflectance × 10,000."""
LEAST_RATIO = 0.45
"""Blue over shortwave infrared of thin cloud: clear ground has 0.2-0.4, thick cloud 1.4."""
RIM_SHARE = 0.5
"""Share of the brightening that the rim of a cloud must have."""
RIM_RATIO = 0.40
RIM_PX = 1
"""Rounds that a cloud grows onto its rim."""


def find_clouds(
    blue: Shorts, background: Halves, shortwave: Shorts, is_cloud: Bools, is_snow: Bools
) -> Bools:
    """Find the clouds of an image.

    Args:
        blue: B02, reflectance × 10,000, int16, (y, x), −32768 where nodata.
        background: Twice the background of the quarter, int32, `refinement_kernel.NONE` for none.
        shortwave: B11, as blue.
        is_cloud: What the classification calls cloud, bool: believed where there is no background.
        is_snow: What it calls snow, bool: never cloud.

    Returns:
        True on cloud, bool, (y, x).
    """
    found = _bright(blue, background, shortwave, LEAST_DEVIATION, LEAST_RATIO)
    found = median_of_nine(found & ~is_snow)
    rim = _bright(blue, background, shortwave, RIM_SHARE * LEAST_DEVIATION, RIM_RATIO) & ~is_snow
    for _ in range(RIM_PX):
        wider = np.empty_like(found)
        kernel.grow_into(found, rim, wider)
        found = wider
    return np.asarray(found | (is_cloud & (background == NONE)))


def _bright(
    blue: Shorts, background: Halves, shortwave: Shorts, least: float, least_ratio: float
) -> Bools:
    found = np.empty(blue.shape, np.bool_)
    kernel.mark_bright(blue, background, shortwave, NODATA, NONE, least, least_ratio, found)
    return found


def average_of(values: Shorts, ratio: int) -> Shorts:
    """Average ratio × ratio pixels to one of a coarser grid, int16, −32768 where none is seen."""
    height, width = (-(-side // ratio) for side in values.shape)
    found = np.empty((height, width), np.int16)
    kernel.average(values, ratio, NODATA, found)
    return found
