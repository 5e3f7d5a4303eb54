"""Lattices: tiles whose pixels lie a part of a pixel apart are moved onto one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.mapping.cell_grids import on_lattice, zone_cell_grid
from landcover.parts.mapping.extent import Extent
from landcover.parts.prepared import TRUE_COLOUR, PreparedComposite

if TYPE_CHECKING:
    from landcover.parts.mapping.tile_windows import Source

log = logging.getLogger(__name__)


def snap(source: Source, first: Grid) -> Source:
    """Move a grid to the lattice of another one: nearest neighbour, by half a pixel at most.

    Tiles at their full resolution share a lattice and are not moved
    (docs/methods/mosaics.md#primary-tile); those delivered at a coarser one may be off by a part of
    a pixel.
    """
    grid = source.grid
    if (grid.crs, grid.pixel) != (first.crs, first.pixel):
        raise InputError(
            f"{source.tile}: {grid.describe()} cannot be joined with {first.describe()}: "
            "tiles of one mosaic need one CRS and pixel size."
        )
    moved = on_lattice(grid, first)
    off = max(abs(moved.ulx - grid.ulx), abs(moved.uly - grid.uly))
    if off > 1e-3 * grid.pixel:
        log.warning(
            "%s: moved by %.1f m (of a %g m pixel) onto the lattice of the mosaic",
            source.tile, off, grid.pixel,
        )  # fmt: skip
    return replace(source, grid=moved)


def on_target(extent: Extent, sources: list[Source], lattice: Grid) -> tuple[Grid, list[Source]]:
    """Give the grid of the mosaic; tiles of a zone are moved to the lattice of its first one."""
    if extent.target is not None:
        return extent.target, sources
    snapped = [snap(source, lattice) for source in sources]
    if extent.part is not None:
        return zone_cell_grid(extent.part, lattice), snapped
    # Compiled loops stand beside it: who only plans needs none.
    from landcover.raster.mosaic import lattice_union

    return lattice_union([source.grid for source in snapped]), snapped


def lattices_of(extent: Extent, composites: Mapping[str, PreparedComposite]) -> dict[str, Grid]:
    """Name the grid by which the pixels of each raster lie, the same for all cells of a zone."""
    found = {"map": extent.lattice} if extent.lattice is not None else {}
    for layer in TRUE_COLOUR:
        for _, composite in sorted(composites.items()):
            grid = composite.grid_of(layer)
            if grid is not None:
                found[layer] = grid
                break
    return found


def shifts_of(lattices: Mapping[str, Grid]) -> dict[str, list[float]]:
    """Give easting and northing of lattices modulo their pixel, m, where they are not 0."""
    found = {}
    for name, grid in lattices.items():
        shift = [round(at % grid.pixel, 3) % grid.pixel for at in (grid.ulx, grid.uly)]
        if any(shift):
            found[name] = shift
    return found
