"""Open rasters: the only room of the library that knows rasterio.

Reading is by window on each file's own grid. What the numbers mean is not known here.
"""

from __future__ import annotations

from landcover.stores.rasters.clipping import clip_raster
from landcover.stores.rasters.codes import CodeNames, read_code_names, read_codes
from landcover.stores.rasters.cog import level_ends, write_cog, write_picture_cog
from landcover.stores.rasters.cutting import Part, find_part, write_box, write_level, write_part
from landcover.stores.rasters.opening import TIFF_ONLY
from landcover.stores.rasters.polygons import pixels_within
from landcover.stores.rasters.pool import Opened, OpenRasters, ReadingPool
from landcover.stores.rasters.reading import (
    RasterInfo,
    RasterReader,
    damaged,
    describe,
    holding_options,
    open_raster,
    read_array,
    read_overview,
)
from landcover.stores.rasters.vrt import write_vrt
from landcover.stores.rasters.warping import ResamplingName, by_pixel_size, joined, read_warped
from landcover.stores.rasters.writing import RasterStyle, RasterWriter, create_raster, write_raster

__all__ = [
    "TIFF_ONLY",
    "CodeNames",
    "OpenRasters",
    "Opened",
    "Part",
    "RasterInfo",
    "RasterReader",
    "RasterStyle",
    "RasterWriter",
    "ReadingPool",
    "ResamplingName",
    "by_pixel_size",
    "clip_raster",
    "create_raster",
    "damaged",
    "describe",
    "find_part",
    "holding_options",
    "joined",
    "level_ends",
    "open_raster",
    "pixels_within",
    "read_array",
    "read_code_names",
    "read_codes",
    "read_overview",
    "read_warped",
    "write_box",
    "write_cog",
    "write_level",
    "write_part",
    "write_picture_cog",
    "write_raster",
    "write_vrt",
]
