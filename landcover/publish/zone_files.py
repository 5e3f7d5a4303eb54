"""The files of one zone: map and confidence for programs, pictures for people, styles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish.areas import class_areas, row_hectares
from landcover.publish.page import MapView, is_zone, zone_name
from landcover.publish.styles import colour_map, for_colour_blind, qml, sld
from landcover.stores.rasters import describe, open_raster, read_overview, write_cog

CLASSES, CONFIDENCE = "classification.tif", "confidence.tif"
PROBABILITIES = "probabilities.tif"
REGION = "region.tif"
"""Beside the rasters of a clipped mosaic: 1 in the region, 0 outside, uint8."""
TRUE_COLOUR = ("B04", "B03", "B02")
NODATA = -32768
"""Nodata of composites."""
OUTSIDE = np.int16(-32767)
"""In a picture, where a run with a region did not look."""
LONGEST_SIDE = 1600
"""Most rows or columns that a picture needs, px: what a large screen shows."""
COUNTED_AT_ONCE = 2048
"""Side of the windows in which codes are counted, px."""


Stored = NDArray[np.int16]


class Cell(Noun):
    """What is known of a zone before its files are written."""

    cell: str
    """EPSG code."""
    folder: str
    """Where the mosaic lies."""
    tiles: tuple[str, ...]
    mapped: tuple[str, ...]
    """Tiles with a class map."""
    period: str
    """Period of the true-colour composite, with its year."""
    dates: tuple[str, ...]
    """Dates of that composite's products."""
    n_outside: int = 0
    """Pixels of the files that lie outside the region of the map: they are no holes in it."""


def write_cell(
    out: Path,
    cell: Cell,
    legend: Sequence[LegendClass],
    tags: Mapping[str, str],
    *,
    title: str,
    is_simulated: bool,
) -> MapView:
    """Write map, confidence, styles and pictures of a zone.

    Args:
        out: Folder of the report.
        cell: The zone and where its mosaic lies.
        legend: Classes of the map.
        tags: Metadata of the GeoTIFFs.
        title: Headline of the pictures.
        is_simulated: Stamps the pictures.

    Returns:
        What the page shows of the zone.
    """
    # Matplotlib takes half a second to load, which only this stage should pay.
    from landcover.publish.plots import draw_map, draw_true_colour

    source = Path(cell.folder)
    names = tile_names(cell.tiles)
    has_map = bool(cell.mapped)
    colours = [source / f"{band}.tif" for band in TRUE_COLOUR]
    has_colour = all(path.is_file() for path in colours)
    picture = f"true_colour_{cell.cell}.png" if has_colour else None
    if picture is not None:
        bands = _without_outside(read_colour_bands(source), source)
        grid = _grid(colours[0])
        zone, _, part = cell.cell.partition("_")
        if part and is_zone(zone):
            bands, grid = _without_margins(bands, grid)
        red, green, blue = bands
        draw_true_colour(
            red,
            green,
            blue,
            grid,
            out / picture,
            f"{title}: composite of {cell.period}",
            f"{zone_name(cell.cell)}, {names}",
            is_simulated=is_simulated,
        )
    view = MapView(
        cell=cell.cell,
        tiles=cell.tiles,
        mapped=cell.mapped,
        grid=_grid(source / CLASSES if has_map else next(source.glob("B*.tif"))),
        colour_picture=picture,
        period=cell.period,
        products=cell.dates,
    )
    if not has_map:
        return view
    pixels, hectares = count_codes(source / CLASSES)
    pixels[0] = pixels.get(0, 0) - cell.n_outside
    _write_rasters(out, cell, legend, tags)
    drawn = f"map_{cell.cell}.png"
    draw_map(
        read_overview(out / f"map_{cell.cell}.tif", LONGEST_SIDE, resampling="mode"),
        legend,
        view.grid,
        out / drawn,
        title,
        f"{zone_name(cell.cell)}, {tile_names(cell.mapped)}",
        pixels=pixels,
        is_simulated=is_simulated,
        is_validated=not tags.get("accuracy", "").startswith("Accuracy not measured"),
    )
    return view.model_copy(
        update={
            "map_picture": drawn,
            "areas": class_areas(pixels, hectares, legend),
            "nodata_percent": 100 * pixels.get(0, 0) / max(1, sum(pixels.values())),
        }
    )


def read_colour_bands(source: Path) -> list[Stored]:
    """Read the true-colour bands of a mosaic small enough for a picture, int16, (y, x) each."""
    paths = (source / f"{band}.tif" for band in TRUE_COLOUR)
    return [read_overview(path, LONGEST_SIDE, resampling="average") for path in paths]


def _without_outside(bands: list[Stored], source: Path) -> list[Stored]:
    """Mark what lies beyond the region and has no pixels: nobody looked there."""
    if not (source / REGION).is_file():
        return bands
    is_outside = read_overview(source / REGION, LONGEST_SIDE) == 0
    if is_outside.shape != bands[0].shape:  # bands of another grid are shown as they are
        return bands
    return [np.where(is_outside & (band == NODATA), OUTSIDE, band) for band in bands]


def _without_margins(bands: list[Stored], grid: Grid) -> tuple[list[Stored], Grid]:
    """Cut a picture to what has pixels: beyond its tiles a cell is empty, not clouded."""
    is_seen = np.logical_or.reduce([band != NODATA for band in bands])
    if not is_seen.any():
        return bands, grid
    cuts = []
    for axis in (1, 0):
        places = np.flatnonzero(is_seen.any(axis=axis))
        cuts.append(slice(int(places[0]), int(places[-1]) + 1))
    (top, bottom), (left, right) = (
        (floor(cut.start * side / n), min(side, ceil(cut.stop * side / n)))
        for cut, side, n in zip(cuts, grid.shape, is_seen.shape, strict=True)
    )
    part = Grid(
        crs=grid.crs,
        ulx=grid.ulx + left * grid.pixel,
        uly=grid.uly - top * grid.pixel,
        pixel=grid.pixel,
        width=right - left,
        height=bottom - top,
    )
    return [band[cuts[0], cuts[1]] for band in bands], part


def count_codes(path: Path) -> tuple[dict[int, int], dict[int, float]]:
    """Count a class map window by window: code → pixels, and code → hectares."""
    grid = _grid(path)
    counts, areas = np.zeros(256, dtype=np.int64), np.zeros(256)
    of_row = row_hectares(grid)
    with open_raster(path) as raster:
        for window in grid.windows(COUNTED_AT_ONCE, COUNTED_AT_ONCE):
            codes = raster.read(window, band=1)
            counts += np.bincount(codes.ravel(), minlength=256)
            weights = np.repeat(of_row[window.slices[0]], window.width)
            areas += np.bincount(codes.ravel(), weights=weights, minlength=256)
    present = np.flatnonzero(counts)
    return {int(c): int(counts[c]) for c in present}, {int(c): float(areas[c]) for c in present}


def write_class_map(
    source: Path, out: Path, name: str, legend: Sequence[LegendClass], tags: Mapping[str, str]
) -> None:
    """Write a map of codes for programs, with its styles beside it.

    Args:
        source: Raster of class codes.
        out: Folder of the report.
        name: What the files are called, without ending.
        legend: Its classes.
        tags: Metadata of the GeoTIFF.
    """
    categories = {0: "nodata", **{entry.code: entry.name for entry in legend}}
    write_cog(source, out / f"{name}.tif", resampling="MODE", tags=tags, categories=categories)
    (out / f"{name}.qml").write_text(qml(legend), encoding="utf-8")
    (out / f"{name}.sld").write_text(sld(legend, name), encoding="utf-8")
    (out / f"{name}_colours.txt").write_text(colour_map(legend), encoding="utf-8")


def _write_rasters(
    out: Path, cell: Cell, legend: Sequence[LegendClass], tags: Mapping[str, str]
) -> None:
    source, name = Path(cell.folder), f"map_{cell.cell}"
    write_class_map(source / CLASSES, out, name, legend, tags)
    for path in (source / CONFIDENCE, source / PROBABILITIES):
        if path.is_file():
            shown = out / f"{path.stem}_{cell.cell}.tif"
            write_cog(path, shown, resampling="AVERAGE", tags=tags)
    others = for_colour_blind(legend)
    if others is not None:
        (out / f"{name}_colour_blind.qml").write_text(qml(others), encoding="utf-8")


def _grid(path: Path) -> Grid:
    grid = describe(path).grid
    if grid is None:
        raise InputError(f"{path}: the mosaic has no georeference. Run mosaic again.")
    return grid


def tile_names(tiles: Sequence[str], most: int = 6) -> str:
    """List tiles for people, the first ones by name."""
    word = "tile" if len(tiles) == 1 else "tiles"
    more = f" and {len(tiles) - most} more" if len(tiles) > most else ""
    return f"{word} {', '.join(tiles[:most])}{more}"
