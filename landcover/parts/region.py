"""The region of a run: polygons that its map ends with."""

from __future__ import annotations

import json
from functools import cached_property
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate

from landcover.errors import InputError, UsageError
from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import hash_of
from landcover.stores.rasters import pixels_within
from landcover.stores.workspace import Workspace

if TYPE_CHECKING:
    from landcover.parts.task import Task

COLLECTION = "regions"


class Region(Noun):
    """Polygons as they were when the run began."""

    name: str
    """Name of the file they came from, without its ending."""
    polygons: tuple[str, ...]
    """Polygons and multipolygons, longitude and latitude, degrees, as text (WKT)."""

    @property
    def shapes(self) -> list[shapely.Geometry]:
        """The polygons, longitude and latitude, degrees."""
        return [shapely.from_wkt(text) for text in self.polygons]


def read_region(path: Path) -> list[shapely.Geometry]:
    """Read the polygons of a region: any file of polygons that ground truth may come in.

    Returns:
        Polygons and multipolygons, longitude and latitude, degrees.

    Raises:
        UsageError: The file cannot be read or holds no polygon.
    """
    from landcover.labels.zones import read_zones

    bare = _bare_geometry(path)
    if bare is not None:
        return bare
    try:
        return [zone.polygon for zone in read_zones(path, None)]
    except InputError as error:
        raise UsageError(f"--region {error}") from error


def _bare_geometry(path: Path) -> list[shapely.Geometry] | None:
    """Read a GeoJSON file that is one polygon or one feature: ground truth never is."""
    if path.suffix.lower() not in (".geojson", ".json"):
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        geometry = document.get("geometry", document)
        if geometry.get("type") not in ("Polygon", "MultiPolygon"):
            return None
        return [shapely.from_geojson(json.dumps(geometry))]
    except (OSError, ValueError, AttributeError, RecursionError, shapely.GEOSException):
        return None  # the reader of ground truth says better what is wrong


def store_region(workspace: Workspace, path: str) -> str:
    """Write down the polygons of a region, so that every worker has them.

    Returns:
        The id of the region: that of its polygons.
    """
    polygons = [shapely.to_wkt(shape, rounding_precision=9) for shape in read_region(Path(path))]
    region_id = hash_of({"region": polygons})
    region = Region(name=Path(path).stem, polygons=tuple(polygons))
    workspace.records.insert_one(COLLECTION, {"_id": region_id, **region.to_document()})
    return region_id


def region_of(task: Task) -> Region | None:
    """Give the region that the map of a run is clipped to; None where it is not.

    Raises:
        InputError: The record of the region is gone.
    """
    if task.run.region_id is None:
        return None
    document = task.workspace.records.get(COLLECTION, task.run.region_id)
    if document is None:
        raise InputError(f"Region {task.run.region_id} is missing from the records. Run again.")
    return Region.from_document({name: document[name] for name in Region.model_fields})


class RegionOnGrid:
    """The polygons of a region on a grid of pixels."""

    def __init__(self, region: Region, grid: Grid) -> None:
        self._region, self._grid = region, grid

    @cached_property
    def part(self) -> Window:
        """The window of the region's pixels; it has none where no centre can lie in it."""
        if self._on_grid.size == 0:
            return Window(0, 0, 0, 0)
        left, top, right, bottom = shapely.total_bounds(self._on_grid)
        # A pixel counts where its centre lies.
        first = ceil(top - 0.5), ceil(left - 0.5)
        reached = Window.between(*first, floor(bottom + 0.5), floor(right + 0.5))
        return reached.meet(Window.whole(self._grid.shape))

    def inside(self, window: Window) -> NDArray[np.bool_]:
        """Mark the pixels of a window whose centre lies in the region, bool, (y, x)."""
        box = shapely.box(window.column, window.row, window.right, window.bottom)
        near = self._on_grid[self._tree.query(box, predicate="intersects")]
        moved = [translate(shape, -window.column, -window.row) for shape in near]
        return pixels_within(moved, (window.height, window.width))

    def touches(self, window: Window) -> bool:
        """Tell whether the region has any ground in a window, which may reach beyond the grid."""
        box = shapely.box(window.column, window.row, window.right, window.bottom)
        return bool(self._tree.query(box, predicate="intersects").size)

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(self._on_grid)

    @cached_property
    def _on_grid(self) -> NDArray[np.object_]:
        """The polygons in pixels: x is the column, y the row, downwards."""
        from pyproj import Transformer

        from landcover.tiling.edges import densify

        grid = self._grid
        project = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform

        def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
            x, y = project(points[:, 0], points[:, 1])
            return np.column_stack([(x - grid.ulx) / grid.pixel, (grid.uly - y) / grid.pixel])

        shapes = densify(np.array(self._region.shapes, dtype=object), "EPSG:4326")
        moved = shapely.transform(shapes, place)
        # What lies beyond the reach of the map's projection lies on no map of it.
        is_finite = np.isfinite(shapely.bounds(moved)).all(axis=1)
        return np.asarray(moved[is_finite], dtype=object)
