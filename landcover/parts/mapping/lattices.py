"""Lattices: tiles whose pixels lie a part of a pixel apart are moved onto one."""

from __future__ import annotations

import logging
from dataclasses import replace

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.parts.mapping.cells import on_lattice
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
