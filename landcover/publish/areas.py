"""How much of a map each class takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass

SQUARE_METRES_PER_HECTARE = 10_000


class ClassArea(Noun):
    """The area of one class."""

    code: int
    name: str
    title: str
    colour: str
    pixels: int
    hectares: float
    """Area of its pixels on the map grid, ha; on the ellipsoid where the grid is in degrees."""
    percent: float
    """Share of the classified area, %."""


def row_hectares(grid: Grid) -> NDArray[np.float64]:
    """Give the area of one pixel of each row.

    On UTM it is that of the grid, which differs from that on the ground by 0.2 % at most inside a
    zone. In degrees it is that on the WGS 84 ellipsoid, by the equal-area cylinder EPSG:6933.

    Args:
        grid: Grid of the map.

    Returns:
        Hectares, float64, (y,).
    """
    if grid.crs != "EPSG:4326":
        return np.full(grid.height, grid.pixel**2 / SQUARE_METRES_PER_HECTARE)
    from pyproj import Transformer

    edges = grid.uly - np.arange(grid.height + 1) * grid.pixel
    to_equal_area = Transformer.from_crs("EPSG:4326", "EPSG:6933", always_xy=True)
    x, y = to_equal_area.transform(np.full(edges.size, grid.pixel), edges)
    return np.asarray(-np.diff(y) * x[:-1] / SQUARE_METRES_PER_HECTARE)


def class_areas(
    pixels: Mapping[int, int], hectares: Mapping[int, float], legend: Sequence[LegendClass]
) -> tuple[ClassArea, ...]:
    """List what each class takes.

    Args:
        pixels: Pixels of each code; 0 is nodata.
        hectares: Area of each code, ha.
        legend: Classes of the map, in the order of the answer.

    Returns:
        One entry per class, those without a pixel included.
    """
    classified = sum(area for code, area in hectares.items() if code)
    return tuple(
        ClassArea(
            code=entry.code,
            name=entry.name,
            title=entry.title,
            colour=entry.colour,
            pixels=pixels.get(entry.code, 0),
            hectares=round(hectares.get(entry.code, 0.0), 4),
            percent=round(100 * hectares.get(entry.code, 0.0) / (classified or 1.0), 4),
        )
        for entry in legend
    )


def sum_areas(parts: Sequence[Sequence[ClassArea]]) -> tuple[ClassArea, ...]:
    """Add up the areas of maps of one grid that do not overlap.

    Args:
        parts: At least one; for each map its classes, of one legend.
    """
    classified = sum(area.hectares for part in parts for area in part) or 1.0
    found = []
    for same in zip(*parts, strict=True):
        hectares = sum(area.hectares for area in same)
        changes = {
            "pixels": sum(area.pixels for area in same),
            "hectares": round(hectares, 4),
            "percent": round(100 * hectares / classified, 4),
        }
        found.append(same[0].model_copy(update=changes))
    return tuple(found)
