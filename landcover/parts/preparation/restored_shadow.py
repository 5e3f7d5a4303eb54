"""Terrain shadow of a filled composite restored: found over the tile, then band by band.

Method: docs/methods/composites.md#terrain-shadow. Shadow is found on the finest grid; a pixel of a
coarser band is shadow where at least half of its pixels are.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.parts.preparation.composite_files import layer_file
from landcover.parts.task import Task
from landcover.raster.clouds import upsample_nearest
from landcover.raster.reflectance import NODATA
from landcover.raster.terrain_shadow import (
    HALO_OF_MASK,
    add_sums,
    darkness_sums,
    gain_offset,
    inpaint_seams,
    match_moments,
    moment_sums,
    shadow_inside,
    thresholds_of,
)
from landcover.raster.windows import cut
from landcover.recipe import AUXILIARY
from landcover.recipe.restoring import TerrainShadow
from landcover.stores.rasters import RasterStyle, create_raster, open_raster

Numbers = NDArray[np.int16]
SIDE = 1020
"""Side of a window of the first passes, px: whole pixels of 20 and of 60 m."""
BLOCK, HALO = 1024, 16
"""Side of the fixed blocks that seams are inpainted in, and what lies around them, px.

Method: docs/methods/composites.md#terrain-shadow.
"""


def shadow_name(grid: Grid) -> str:
    """Name the file that tells where terrain shadow was: 1 on it, 0 elsewhere."""
    return f"shadow_{grid.pixel:g}m.tif"


def write_without_shadow(
    task: Task,
    layers: Mapping[str, Grid],
    terrain: Output,
    filled: Path,
    path: Path,
    rule: TerrainShadow,
) -> dict[str, Any]:
    """Write the layers of a composite with its terrain shadow restored.

    Args:
        task: The unit.
        layers: Layer → grid.
        terrain: Terrain of the tile on the finest grid.
        filled: Folder of the layers as they are.
        path: Folder to write into; ``shadow_{grid}.tif`` beside the layers.
        rule: How.

    Returns:
        ``percent`` of the finest grid's pixels, ``thresholds`` (harmonised numbers), and ``bands``:
        gain and offset of each, None where a band stays as it is.
    """
    work = _Shadow(task, layers, terrain, filled, rule)
    thresholds, n_pixels = work.write_mask(path)
    fits: dict[str, list[float] | None] = {}
    for name, grid in layers.items():
        task.job.check()
        fit = None if name in AUXILIARY or not n_pixels else work.fit(path, name, grid)
        if name not in AUXILIARY:
            fits[name] = None if fit is None else [round(number, 6) for number in fit]
        if fit is None:
            shutil.move(filled / f"{name}.tif", path / f"{name}.tif")
        else:
            work.write_band(path, name, grid, fit)
    height, width = work.finest.shape
    return {
        "percent": round(100 * n_pixels / (height * width), 4),
        "thresholds": thresholds,
        "bands": fits,
    }


class _Shadow:
    """One composite."""

    def __init__(
        self,
        task: Task,
        layers: Mapping[str, Grid],
        terrain: Output,
        filled: Path,
        rule: TerrainShadow,
    ) -> None:
        self.task, self.layers, self.terrain, self.rule = task, layers, terrain, rule
        self.filled = filled
        self.finest = min(layers.values(), key=lambda grid: grid.pixel)

    def write_mask(self, path: Path) -> tuple[dict[str, float] | None, int]:
        """Write where shadow is; give the thresholds and the number of its pixels."""
        sums = None
        for window in self._windows():
            found = darkness_sums(*self._dark(window))
            sums = found if sums is None else add_sums(sums, found)
        thresholds = None if sums is None else thresholds_of(sums)
        style = RasterStyle(dtype="uint8", nodata=None, descriptions=("terrain shadow",))
        total = 0
        with create_raster(path / shadow_name(self.finest), self.finest, style) as raster:
            for window in self._windows():
                shadow = np.zeros((window.height, window.width), np.uint8)
                if thresholds is not None:
                    shadow[:] = shadow_inside(
                        *self._dark(window.padded(HALO_OF_MASK)),
                        self._slope(window.padded(HALO_OF_MASK)),
                        thresholds,
                        slope_min=self.rule.slope_min,
                    )
                raster.write(shadow, window)
                total += int(shadow.sum())
        if thresholds is None:
            return None, 0
        told = {"shadow_index": thresholds.shadow_index, "blue": thresholds.blue}
        return {name: round(value, 4) for name, value in told.items()}, total

    def fit(self, path: Path, name: str, grid: Grid) -> tuple[float, float] | None:
        """Compute gain and offset of a band."""
        sums = np.zeros(6, dtype=np.int64)
        for window in grid.windows(SIDE, SIDE):
            sums += moment_sums(self._read(name, window), self._is_shadow(path, grid, window))
        return gain_offset(sums)

    def write_band(self, path: Path, name: str, grid: Grid, fit: tuple[float, float]) -> None:
        """Write a band restored, block by block of a fixed lattice."""
        with layer_file(path, name, grid) as raster:
            for window in grid.windows(BLOCK, BLOCK):
                wide = window.widened(HALO, grid.shape)
                values, shadow = self._read(name, wide), self._is_shadow(path, grid, wide)
                if shadow.any():
                    values = match_moments(values, shadow, *fit)
                    values = inpaint_seams(values, shadow) if self.rule.inpaint else values
                raster.write(cut(values, window, wide, 1), window)

    def _windows(self) -> Iterator[Window]:
        for window in self.finest.windows(SIDE, SIDE):
            self.task.job.check()
            yield window

    def _dark(self, window: Window) -> tuple[Numbers, Numbers, Numbers]:
        """Read near infrared, shortwave infrared and blue on the finest grid."""
        near, shortwave, blue = (self._fine(name, window) for name in ("B08", "B11", "B02"))
        return near, shortwave, blue

    def _fine(self, name: str, window: Window) -> Numbers:
        """Read a layer repeated to the finest grid; beyond the tile is nodata."""
        found = np.full((window.height, window.width), NODATA, np.int16)
        inside = window.meet(Window.whole(self.finest.shape))
        ratio = self.layers[name].ratio_to(self.finest)
        coarse = inside.coarsened(ratio)
        values = cut(upsample_nearest(self._read(name, coarse), ratio), inside, coarse, ratio)
        found[inside.within(window).slices] = values
        return found

    def _read(self, name: str, window: Window) -> Numbers:
        with open_raster(self.filled / f"{name}.tif") as raster:
            return np.asarray(raster.read(window, band=1), np.int16)

    def _slope(self, window: Window) -> NDArray[np.float32]:
        found = np.full((window.height, window.width), np.nan, np.float32)
        inside = window.meet(Window.whole(self.finest.shape))
        with open_raster(self.task.href(self.terrain, "slope.tif")) as raster:
            found[inside.within(window).slices] = raster.read(inside, band=1)
        return found

    def _is_shadow(self, path: Path, grid: Grid, window: Window) -> NDArray[np.bool_]:
        """Read where shadow is on the grid of a band."""
        ratio = grid.ratio_to(self.finest)
        fine = window.refined(ratio)
        found = np.zeros((fine.height, fine.width), np.uint8)
        inside = fine.meet(Window.whole(self.finest.shape))
        with open_raster(path / shadow_name(self.finest)) as raster:
            found[inside.within(fine).slices] = raster.read(inside, band=1)
        blocks = found.reshape(window.height, ratio, window.width, ratio)
        return np.asarray(2 * blocks.sum(axis=(1, 3), dtype=np.int64) >= ratio * ratio)
