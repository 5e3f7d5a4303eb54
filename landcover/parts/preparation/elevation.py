"""The elevation that a grid needs: one file, or degree cells from a folder or a server.

What is used of a cell is named by its pixels and its place, not by the file or server it came
from: a folder and a copy of it on a server name the same terrain. Cells of a server come into the
object store, once for all tiles; of a COG, what the tile needs of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pyproj import Transformer

from landcover.errors import InputError, MissingDataError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid
from landcover.nouns.output import Wanted
from landcover.parts.task import Task
from landcover.products.dem import Cell, find_dem, may_be_sea, name_of, require_elevation
from landcover.sources.dem import DemSource, RemoteCell, open_dem
from landcover.sources.protocol import Transferred
from landcover.stores import layout
from landcover.stores.rasters import (
    Part,
    find_part,
    write_box,
)

VERSION = 1
"""Raised when other bytes of a remote cell are kept."""
MARGIN = 8
"""Pixels of a cell that are kept beyond what a grid covers: more than any kernel reaches."""


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Elevation:
    """What a grid needs of an elevation, found but not read."""

    ids: tuple[str, ...]
    """What names it, by content."""
    file: Path | None = None
    """The one raster, of any CRS; None where there are cells."""
    parts: tuple[Part, ...] = ()
    """Parts of cells, from south to north and west to east."""
    corners: tuple[Cell, ...] = ()
    """Cell of each part."""
    sea: tuple[Cell, ...] = ()
    """Absent cells that can only be the sea."""
    unknown: tuple[Cell, ...] = ()
    """Absent cells of which nothing is known."""


def find_elevation(task: Task, tile: str, metric: Grid) -> Elevation:
    """Find what a grid needs of the run's elevation; cells of a server are fetched.

    Raises:
        MissingDataError: No cell of the grid is there.
        InputError: A file is damaged or no elevation in metres, or the server refuses access.
        UnavailableError: The server does not answer.
    """
    address = str(task.run.arguments.dem)
    source = open_dem(address)
    box = degrees_of(metric)
    if source is not None:
        located = source.locate(box)
        paths = {c.cell: _fetch_cell(task, tile, source, c, box) for c in located.cells}
        return _of_cells(task, source.family, paths, located.missing, box)
    dem = find_dem(Path(address))
    if isinstance(dem, Path):
        require_elevation(dem)
        return Elevation(ids=(sha256_of(dem)[:16],), file=dem)
    present, missing = dem.needed(box)
    return _of_cells(task, dem.family, {c: str(p) for c, p in present.items()}, missing, box)


def names(cells: Sequence[Cell]) -> str:
    """Name cells in one text: ``N36W005, N37W005``, or ``none``."""
    return ", ".join(name_of(cell) for cell in cells) or "none"


def _of_cells(
    task: Task, family: str, paths: dict[Cell, str], missing: Sequence[Cell], box: Box
) -> Elevation:
    found: dict[Cell, Part] = {}
    for corner in sorted(paths):
        require_elevation(paths[corner])
        part = find_part(paths[corner], box, MARGIN)
        if part is not None:
            found[corner] = part
    if not found:
        raise MissingDataError(
            f"{task.unit.label}: no elevation cell of the tile is in {task.run.arguments.dem} "
            f"({names(sorted({*paths, *missing}))} needed). Add the cells or run without --dem."
        )
    is_sea = task.recipe.terrain.missing_is_sea
    sea = tuple(cell for cell in missing if is_sea and may_be_sea(family, cell))
    return Elevation(
        ids=tuple(part.digest for part in found.values()),
        parts=tuple(found.values()),
        corners=tuple(found),
        sea=sea,
        unknown=tuple(cell for cell in missing if cell not in sea),
    )


def _fetch_cell(task: Task, tile: str, source: DemSource, cell: RemoteCell, box: Box) -> str:
    """Have a server's cell, or what is needed of it, in the object store."""
    name = cell.name.rpartition(".")[0] or cell.name
    params: dict[str, Any] = {
        # Without the query: it says how the server is asked, not what is there.
        "address": cell.address.partition("?")[0],
        "bytes": cell.size,
        "version": cell.version,
    }
    if cell.by_window is not None:
        params["box"] = [round(side, 6) for side in box]
    wanted = Wanted(
        stage="terrain",
        version=VERSION,
        unit=f"{tile}/{name}" if cell.by_window is not None else name,
        inputs={},
        params=params,
    )
    make = partial(_fetch, task, source, cell, box, wanted.id)
    # A task of its own: what the unit has at this stage is its terrain.
    apart = replace(task, made=[], n_reused=0)
    return task.href(apart.need(wanted, layout.elevation(name, wanted.id), make))


def _fetch(
    task: Task, source: DemSource, cell: RemoteCell, box: Box, output_id: str, path: Path
) -> dict[str, Any]:
    if cell.by_window is not None:
        write_box(cell.by_window, box, MARGIN, path)
        return {}

    def tell(transferred: Transferred) -> None:
        task.job.progress(transferred.share, f"{cell.name}: {transferred.describe()}")

    # Beside the scratch path, whose name is new each time: a later attempt finds what came.
    waiting = path.parent / f"fetch-{output_id}"
    try:
        came = source.fetch(cell, waiting, progress=tell, is_cancelled=task.job.is_cancelled)
        require_elevation(came)  # a login page is no elevation
        came.rename(path)
    except InputError as error:
        shutil.rmtree(waiting, ignore_errors=True)
        raise InputError(
            f"{cell.address.partition('?')[0]}: what was received is not an elevation cell "
            f"({error}) Check --dem and LANDCOVER_DEM_TOKEN."
        ) from error
    shutil.rmtree(waiting, ignore_errors=True)
    return {}


def degrees_of(metric: Grid) -> Box:
    """Give the box of a grid in degrees: west, south, east, north."""
    west, south, east, north = metric.bounds
    to_degrees = Transformer.from_crs(metric.crs, "EPSG:4326", always_xy=True)
    box: Box = to_degrees.transform_bounds(west, south, east, north, densify_pts=21)
    return box
