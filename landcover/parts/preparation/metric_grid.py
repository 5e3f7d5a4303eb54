"""The metric grid on which slopes of a tile are computed, with what is needed around it."""

from __future__ import annotations

from math import ceil

from landcover.nouns.grid import Grid
from landcover.raster.halos import DENOISING_CELLS

METRIC_PIXEL = 30.0
HALO = DENOISING_CELLS
"""Cells around the tile, and around a block, on the metric grid: denoising has no seam.

Method: docs/methods/terrain.md#denoising.
"""


def metric_grid(grid: Grid) -> Grid:
    """Give the 30 m grid that covers a work grid with its halo (docs/methods/terrain.md#order)."""
    west, south, east, north = grid.bounds
    width, height = (ceil(side / METRIC_PIXEL) for side in (east - west, north - south))
    return Grid(
        crs=grid.crs,
        ulx=west - METRIC_PIXEL * HALO,
        uly=north + METRIC_PIXEL * HALO,
        pixel=METRIC_PIXEL,
        width=width + 2 * HALO,
        height=height + 2 * HALO,
    )
