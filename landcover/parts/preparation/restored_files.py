"""The files of a restored composite: layers, which pixels were filled, clear observations, shadow.

A month is filled window by window; another month is read only where this one lacks something, and
no further away than needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.parts.preparation.composite_files import clear_file, clear_name, layer_file
from landcover.parts.preparation.restored_shadow import write_without_shadow
from landcover.parts.task import Task
from landcover.raster.gap_filling import FROM_BOTH, FROM_ONE, MISSING, OBSERVED, fill_month
from landcover.raster.reflectance import NODATA
from landcover.raster.windows import plan_windows
from landcover.stores.rasters import Opened, RasterStyle, ReadingPool, create_raster

Numbers = NDArray[np.int16]
Flags = NDArray[np.uint8]
BYTES_PER_LAYER = 48
"""Of a pixel while a layer is filled: numbers, floats, and the nearest values of both sides."""
_WORDS = {"observed": OBSERVED, "from_both": FROM_BOTH, "from_one": FROM_ONE, "missing": MISSING}


@dataclass(frozen=True)
class Year:
    """The composites of a year, and which of them is restored."""

    task: Task
    months: Sequence[Output]
    """In order of time; one of a month without products has no layers."""
    layers: Mapping[str, Grid]
    """Every layer that a month has."""
    terrain: Output | None
    """Terrain of the tile, where shadow is restored."""
    place: int
    """Which month is restored."""

    @property
    def month(self) -> Output:
        """The month that is restored."""
        return self.months[self.place]

    def numbers(self, layer: str, month: int, window: Window, opened: Opened) -> NDArray[Any]:
        """Read a window of a layer of a month, float64, NaN where missing."""
        output = self.months[month]
        if layer not in output.stats["layers"]:
            return np.full((window.height, window.width), np.nan)
        values = opened(self.task.href(output, f"{layer}.tif")).read(window, band=1)
        return np.where(values == NODATA, np.nan, values)


def fill_name(grid: Grid) -> str:
    """Name the file that tells which pixels of a grid were filled: 0, 1, 2 or 255."""
    return f"fill_{grid.pixel:g}m.tif"


def write_restored(year: Year, path: Path) -> dict[str, Any]:
    """Write one month restored.

    Args:
        year: The months.
        path: Folder to make: the files of a composite, and ``fill_{grid}.tif``.

    Returns:
        What is told of the composite, with ``layers`` as they are now, ``fill`` (percent of the
        finest grid's pixels that were observed, filled from both sides, from one, or are missing;
        by their poorest layer) and ``shadow``, where it is restored.

    Raises:
        InputError: A file is damaged.
    """
    path.mkdir()
    task = year.task
    restore = task.recipe.restore
    assert restore is not None
    has_shadow = restore.shadow is not None
    folder = path / "filled" if has_shadow else path
    folder.mkdir(exist_ok=True)
    counts = {grid: _fill_grid(year, grid, folder, path) for grid in set(year.layers.values())}
    stats = {
        **year.month.stats,
        "layers": {layer: grid.to_document() for layer, grid in year.layers.items()},
        "missing_layers": [n for n in task.recipe.composite.layers if n not in year.layers],
    }
    if restore.fill is not None:
        finest = counts[min(counts, key=lambda grid: grid.pixel)]
        stats["fill"] = {
            word: round(100 * int(finest[flag]) / int(finest.sum()), 4)
            for word, flag in _WORDS.items()
        }
    if restore.shadow is not None:
        assert year.terrain is not None
        stats["shadow"] = write_without_shadow(
            task, year.layers, year.terrain, folder, path, restore.shadow
        )
        shutil.rmtree(folder)
    return stats


def _fill_grid(year: Year, grid: Grid, folder: Path, path: Path) -> NDArray[np.int64]:
    """Write the layers of a grid into a folder; count its pixels by flag."""
    task = year.task
    names = [layer for layer, own in year.layers.items() if own == grid]
    is_filled = task.recipe.restore is not None and task.recipe.restore.fill is not None
    counts = np.zeros(256, dtype=np.int64)
    windows = plan_windows(
        *grid.shape,
        bytes_per_pixel=BYTES_PER_LAYER * max(1, task.job.threads) + 3 * len(names),
        memory_gb=task.job.memory_gb / 2,
    )
    with ExitStack() as files:
        writers = [files.enter_context(layer_file(folder, name, grid)) for name in names]
        clear = files.enter_context(clear_file(path, grid))
        style = RasterStyle(dtype="uint8", nodata=None, descriptions=("fill",))
        flagged = None
        if is_filled:
            flagged = files.enter_context(create_raster(path / fill_name(grid), grid, style))
        pool = files.enter_context(ReadingPool(task.job.threads))
        for number, window in enumerate(windows):
            task.job.check()
            task.job.progress(number / len(windows), f"{task.unit.label} {grid.pixel:g} m")
            orders = [pool.submit(partial(_fill, year, name, window)) for name in names]
            worst = np.zeros((window.height, window.width), np.uint8)
            for writer, order in zip(writers, orders, strict=True):
                values, flags = order.result()
                writer.write(values, window)
                worst = np.maximum(worst, flags)
            clear.write(pool.submit(partial(_clear, year, grid, window)).result(), window)
            counts += np.bincount(worst.ravel(), minlength=256)
            if flagged is not None:
                flagged.write(worst, window)
    return counts


def _fill(year: Year, layer: str, window: Window, opened: Opened) -> tuple[Numbers, Flags]:
    """Fill a window of a layer, rounded half to even."""
    recipe = year.task.recipe.restore
    fill = None if recipe is None else recipe.fill
    values, flags = fill_month(
        lambda month: year.numbers(layer, month, window, opened),
        year.place,
        len(year.months),
        0 if fill is None else fill.reach,
        cyclic=fill is not None and fill.cyclic,
    )
    whole = np.where(np.isnan(values), NODATA, np.rint(values)).astype(np.int16)
    return whole, flags


def _clear(year: Year, grid: Grid, window: Window, opened: Opened) -> Flags:
    """Read how many clear observations a window has; none where the month has no such file."""
    if clear_name(grid) not in {file.name for file in year.month.files}:
        return np.zeros((window.height, window.width), np.uint8)
    href = year.task.href(year.month, clear_name(grid))
    return np.asarray(opened(href).read(window, band=1), np.uint8)
