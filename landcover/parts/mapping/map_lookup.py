"""Class maps as judged and sampled: by path, id, run or ``latest``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Proj, Transformer

from landcover.errors import InputError
from landcover.labels.assignment import assign_points
from landcover.ledger import lookup, outputs
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.parts.mapping.map_rasters import CLASSES
from landcover.parts.region import Region, RegionOnGrid
from landcover.publish.areas import row_hectares
from landcover.stores.rasters import RasterReader, describe, open_raster
from landcover.stores.workspace import Workspace

BLOCK = 512
"""Side of the windows that a map is read by, pixels."""


@dataclass(frozen=True)
class MapFile:
    """A raster of class codes, uint8, nodata 0."""

    href: str
    """Where GDAL opens it."""
    grid: Grid
    """Its grid, metres."""
    name: str
    """Id, or name of the file."""
    region: RegionOnGrid | None = None
    """Where the map ends; None where all of it counts."""

    def windows(self) -> Iterator[tuple[Window, NDArray[np.uint8]]]:
        """Read the whole map, window by window."""
        with open_raster(self.href) as raster:
            for window in self.grid.windows(BLOCK, BLOCK):
                yield window, _codes(raster, window, self.region)


def find_maps(workspace: Callable[[], Workspace], text: str) -> tuple[MapFile, ...]:
    """Find a map, or several of one region in several zones.

    Args:
        workspace: Opens the workspace; only asked where the text is no path.
        text: Path of a raster, folder with ``classification.tif``, or a name of a class map,
            mosaic or run (:mod:`landcover.ledger.lookup`); commas between several.

    Raises:
        InputError: There is no such map, or it is no raster of class codes.
    """
    parts = (part.strip() for part in text.split(","))
    return tuple(one for part in parts if part for one in _find(workspace, part))


def map_of(workspace: Workspace, output: Output, region: Region | None = None) -> MapFile:
    """Give the class map of a classify or mosaic output.

    Args:
        workspace: Where its files lie.
        output: The output.
        region: Where the map ends; all of it counts if None.

    Raises:
        InputError: It has none.
    """
    if "grid" not in output.stats:
        raise InputError(f"Map {output.id}: this mosaic has composites only, no classes.")
    href = outputs.href(workspace, output, CLASSES)
    grid = Grid.from_document(output.stats["grid"])
    return MapFile(href, grid, output.id, RegionOnGrid(region, grid) if region else None)


def codes_at(maps: Sequence[MapFile], points: pd.DataFrame) -> NDArray[np.uint8]:
    """Read the maps at points.

    Args:
        maps: Maps of one region; a point in several is read where it lies deepest.
        points: ``lon`` and ``lat``, degrees.

    Returns:
        Class codes, uint8, (n,); 0 where a point lies outside or on nodata.
    """
    numbered = points[["lon", "lat"]].assign(number=np.arange(len(points)))
    found = np.zeros(len(points), dtype=np.uint8)
    by_map = assign_points(numbered, {str(k): one.grid for k, one in enumerate(maps)})
    for key, mine in by_map.items():
        one = maps[int(key)]
        rows, columns = mine["row"].to_numpy(), mine["column"].to_numpy()
        found[mine["number"].to_numpy()] = codes_of(one.href, one.grid, rows, columns, one.region)
    return found


def codes_of(
    href: str,
    grid: Grid,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    region: RegionOnGrid | None = None,
) -> NDArray[np.uint8]:
    """Read single pixels of a map; only windows that hold one of them are read.

    Args:
        href: Where GDAL opens the map.
        grid: Its grid.
        rows: Row of each pixel, (n,).
        columns: Column of each pixel, (n,).
        region: Where the map ends: pixels beyond it are nodata.
    """
    codes = np.zeros(rows.size, dtype=np.uint8)
    touched = rows // BLOCK * grid.width + columns // BLOCK
    with open_raster(href) as raster:
        for block in np.unique(touched):
            inside = touched == block
            row, column = (int(part) * BLOCK for part in divmod(int(block), grid.width))
            window = Window(row, column, BLOCK, BLOCK).meet(Window.whole(grid.shape))
            pixels = _codes(raster, window, region)
            codes[inside] = pixels[rows[inside] - row, columns[inside] - column]
    return codes


def _codes(raster: RasterReader, window: Window, region: RegionOnGrid | None) -> NDArray[np.uint8]:
    codes: NDArray[np.uint8] = raster.read(window, band=1)
    return codes if region is None else np.where(region.inside(window), codes, np.uint8(0))


def mapped_hectares(maps: Sequence[MapFile]) -> dict[int, float]:
    """Sum the area of each class.

    Maps of one grid are counted on it (a UTM pixel of 10 m has 100 m²), as everywhere in its zone.
    The areas of maps in several zones are those on the ground, or they could not be added up.

    Args:
        maps: Maps of one region. Where zones overlap on the ground, both count.

    Returns:
        Class code → hectares; without nodata.
    """
    total = np.zeros(256)
    are_zones = len({one.grid.crs for one in maps}) > 1
    for one in maps:
        of_row = row_hectares(one.grid)
        is_metric = one.grid.crs != "EPSG:4326"
        for window, codes in one.windows():
            scale = ground_scale(one.grid, window) if is_metric and are_zones else 1.0
            weights = np.repeat(of_row[window.slices[0]], window.width) / scale
            total += np.bincount(codes.ravel(), weights=weights, minlength=256)
    total[0] = 0
    return {int(code): float(total[code]) for code in np.flatnonzero(total)}


def ground_scale(grid: Grid, window: Window) -> float:
    """Give the area on the grid of what has the area 1 on the ground, at a window's centre."""
    x, y = grid.centre_of(window.row + window.height // 2, window.column + window.width // 2)
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return float(Proj(grid.crs).get_factors(lon, lat).areal_scale)


def _find(workspace: Callable[[], Workspace], text: str) -> tuple[MapFile, ...]:
    path = Path(text)
    if path.is_dir() and (path / CLASSES).is_file():
        path = path / CLASSES
    if path.is_file():
        return (_read(path),)
    opened = workspace()
    return tuple(map_of(opened, output) for output in lookup.find_maps(opened, text))


def _read(path: Path) -> MapFile:
    info = describe(path)
    if info.grid is None or not info.dtype.startswith("uint8"):
        raise InputError(
            f"{path}: expected a class map (uint8 codes with a georeference), found "
            f"{info.dtype}{'' if info.grid else ' without a georeference'}."
        )
    return MapFile(str(path.resolve()), info.grid, path.name)
