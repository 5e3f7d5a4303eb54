"""Heights of a grid, warped from one raster or from degree cells joined without a seam."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.preparation.elevation import MARGIN, Box, Elevation, degrees_of
from landcover.stores.rasters import (
    ResamplingName,
    by_pixel_size,
    find_part,
    joined,
    read_warped,
    write_level,
    write_part,
)

HEIGHTS_M = (-9000.0, 9000.0)
"""Heights that are believed: Everest 8,849 m, all but the deepest sea floor. Feet, and a nodata
value of −9,999 or −32,768 that nobody declared, lie beyond."""
Heights = NDArray[np.float32]


def read_elevation(
    elevation: Elevation, metric: Grid, resampling: ResamplingName, scratch: Path
) -> Heights:
    """Warp an elevation onto a metric grid.

    Args:
        elevation: What was found for the grid.
        metric: The grid.
        resampling: How heights between pixels are found.
        scratch: An existing folder for cut-out cells; it is left as it was.

    Returns:
        Metres, float32, (y, x); 0 in the sea, NaN where nothing is known.

    Raises:
        InputError: A file is damaged, or its numbers cannot be metres.
    """
    if elevation.file is not None:
        heights = np.asarray(read_warped(elevation.file, metric, resampling=resampling))
        _require_metres(heights, str(elevation.file))
        return heights
    folder = scratch / "cells"
    folder.mkdir()
    try:
        files = _cut(elevation, degrees_of(metric), folder)
        heights = _warp(files, metric, resampling)
    finally:
        shutil.rmtree(folder)
    _require_metres(heights, f"{elevation.parts[0].path} and its neighbours")
    return heights


def _cut(elevation: Elevation, box: Box, folder: Path) -> list[Path]:
    """Write what the grid needs of each cell, and level cells where the sea is."""
    files = []
    for number, part in enumerate(elevation.parts):
        files.append(folder / f"cell-{number}.tif")
        write_part(part, files[-1])
    for number, cell in enumerate(elevation.sea):
        # Neighbours in one row have one pixel size. The sea comes last: a shore line that two
        # cells share is the land's.
        index = min(
            range(len(elevation.corners)),
            key=lambda i: (abs(elevation.corners[i][0] - cell[0]), i),
        )
        like = elevation.corners[index]
        whole, path = folder / "whole.tif", folder / f"sea-{number}.tif"
        shift = (cell[0] - like[0], (cell[1] - like[1] + 180) % 360 - 180)
        write_level(elevation.parts[index].path, shift, whole)
        level = find_part(whole, box, MARGIN)
        if level is not None:
            write_part(level, path)
            files.append(path)
    return files


def _warp(files: list[Path], metric: Grid, resampling: ResamplingName) -> Heights:
    # Cells of one pixel size are joined before the warp, so that no seam is interpolated.
    zones = [joined(zone) for zone in by_pixel_size(files)]
    heights = _first_known([read_warped(zone, metric, resampling=resampling) for zone in zones])
    if len(zones) > 1:
        # Between the last centre of one zone and the first of the next nothing is interpolated.
        nearest = _first_known([read_warped(zone, metric, resampling="nearest") for zone in zones])
        is_seam = np.isnan(heights) & _is_near_degree(heights, metric)
        heights[is_seam] = nearest[is_seam]
    return heights


def _first_known(layers: list[Heights]) -> Heights:
    first, *others = layers
    for layer in others:
        first = np.where(np.isnan(first), layer, first)
    return first


def _is_near_degree(heights: Heights, metric: Grid) -> NDArray[np.bool_]:
    """Say which void pixels lie within a pixel of a whole degree of latitude."""
    rows, columns = np.nonzero(np.isnan(heights))
    _, lats = Transformer.from_crs(metric.crs, "EPSG:4326", always_xy=True).transform(
        metric.ulx + (columns + 0.5) * metric.pixel, metric.uly - (rows + 0.5) * metric.pixel
    )
    is_near = np.zeros(heights.shape, dtype=bool)
    is_near[rows, columns] = np.abs(lats - np.rint(lats)) <= 2 / 3600
    return is_near


def _require_metres(heights: Heights, where: str) -> None:
    if np.isnan(heights).all():
        return
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    if low < HEIGHTS_M[0] or high > HEIGHTS_M[1]:
        raise InputError(
            f"{where}: heights from {low:.0f} to {high:.0f}, expected metres from "
            f"{HEIGHTS_M[0]:.0f} to {HEIGHTS_M[1]:.0f}. Declare the nodata value, or convert feet "
            "to metres."
        )
