"""The refined masks of one image, variant ``ours``: clouds by sign, shadows by likelihood."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from landcover.parts.preparation.mask_season import MaskSeason, SeasonImage
from landcover.raster.cloud_shadow import ShadowGround, find_shadows
from landcover.raster.cloud_sign import find_clouds
from landcover.raster.refinement import Bools, Halves, Shorts
from landcover.raster.refinement_kernel import NONE
from landcover.raster.reflectance import NODATA
from landcover.stores.rasters import ReadingPool

CLOUDS, SNOW, WATER = (8, 9, 10), 11, 6
INFRARED, SHORTWAVE = "B08", "B11"


def find_ours(season: MaskSeason, image: SeasonImage) -> tuple[Bools, Bools, dict[str, Any]]:
    """Find clouds and shadows of an image on the grid of its scene classification.

    Args:
        season: The images of its quarter, prepared.
        image: The image.

    Returns:
        True on cloud, and on shadow, bool, (y, x); and what is told of it.

    Raises:
        InputError: The product lacks a band, or a file is damaged.
    """
    codes = np.asarray(image.codes)
    blue = _whole(season, image)
    background = _background(season)
    shortwave = _band(season, image, SHORTWAVE)
    is_cloud = find_clouds(
        blue, background, shortwave, np.isin(codes, CLOUDS), np.asarray(codes == SNOW)
    )
    if not is_cloud.any():
        return is_cloud, np.zeros_like(is_cloud), {"shadows": {"kept": "no cloud"}}
    index = _index(_band(season, image, INFRARED), shortwave)
    ground = ShadowGround(
        index, blue, background, is_cloud, np.asarray(codes == WATER), season.grid.pixel
    )
    season.task.job.check()
    product = image.product
    is_shadow, azimuth = find_shadows(ground, product.sun_zenith, product.sun_azimuth)
    how = "metadata" if product.sun_azimuth is not None else "swept"
    told = {"sun_azimuth": round(azimuth, 2), "sun_azimuth_from": how}
    return is_cloud, is_shadow, {"shadows": told}


def _whole(season: MaskSeason, image: SeasonImage) -> Shorts:
    values = np.empty(season.grid.shape, np.int16)
    for number, window in enumerate(image.values.windows):
        values[window.slices] = image.values.read(number)
    return values


def _background(season: MaskSeason) -> Halves:
    assert season.background is not None
    twice = np.empty(season.grid.shape, np.int32)
    for number, window in enumerate(season.background.windows):
        twice[window.slices] = season.background.read(number)
    return twice


def _band(season: MaskSeason, image: SeasonImage, band: str) -> Shorts:
    values = np.empty(season.grid.shape, np.int16)
    with ReadingPool(season.task.job.threads) as pool:
        reads = [
            (window, pool.submit(partial(season.read_band, image=image, band=band, window=window)))
            for window in image.values.windows
        ]
        for window, read in reads:
            season.task.job.check()
            values[window.slices] = read.result()
    return values


def _index(infrared: Shorts, shortwave: Shorts) -> Halves:
    """Add near and shortwave infrared: twice the cloud shadow index, `NONE` where not seen."""
    index = infrared.astype(np.int32) + shortwave
    index[(infrared == NODATA) | (shortwave == NODATA)] = NONE
    return index
