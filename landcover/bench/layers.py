"""Composites and terrain of one tile as a run has them, written without the stages before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.season import LAYERS, TILE, use
from landcover.bench.tables import Progress

if TYPE_CHECKING:
    from landcover.nouns.grid import Grid
    from landcover.nouns.output import Output
    from landcover.parts.task import Task
    from landcover.stores.workspace import Workspace

YEAR = 2021
SEASONS = (("spring", 3, 4), ("summer", 6, 7), ("autumn", 11, 10))
"""The paper's three: name, month, fallback month."""
TERRAIN = ("elevation", "slope", "aspect")
COARSE = {
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20),
    **dict.fromkeys(("B01", "B09"), 60),
}
"""Pixel of the layers that are coarser than 10 m, metres."""
BYTES_PER_PIXEL = 33.0
"""On disk, per pixel of 10 m: three seasons of 14 layers, and terrain; measured."""


def grid_of(pixels: int, resolution: int) -> Grid:
    """Give the grid of the tile's north-western corner.

    Args:
        pixels: Side, pixels of 10 m.
        resolution: Pixel, metres.
    """
    from landcover.tiling import tile_grid

    side = -(-10 * pixels // resolution)
    return tile_grid(TILE, resolution).model_copy(update={"width": side, "height": side})


def write_layers(folder: Path, pixels: int, seed: int, progress: Progress) -> None:
    """Write the layers of three seasons and the terrain.

    Args:
        folder: ``{season}/{layer}.tif`` and ``terrain/{layer}.tif`` go here.
        pixels: Side of the tile, pixels of 10 m.
        seed: Seed of the values: random, so that they compress no better than real ones.
        progress: Is told the share that is done.
    """
    from landcover.stores.rasters import RasterStyle

    composite = RasterStyle(dtype="int16", nodata=-32768)
    height = RasterStyle(dtype="float32", nodata=float("nan"))
    files = [
        *((f"{name}/{layer}.tif", COARSE.get(layer, 10), composite)
          for name, _, _ in SEASONS for layer in LAYERS),
        *((f"terrain/{layer}.tif", 10, height) for layer in TERRAIN),
    ]  # fmt: skip
    for number, (name, resolution, style) in enumerate(files):
        progress(number / len(files), f"writing {name}")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, grid_of(pixels, resolution), style, (seed, number))


def _write(path: Path, grid: Grid, style: Any, seed: tuple[int, int]) -> None:
    import numpy as np

    from landcover.stores.rasters import create_raster

    draw = np.random.default_rng(seed)
    with create_raster(path, grid, style) as raster:
        for window in grid.windows(512, grid.width):
            noise = draw.integers(0, 128, (window.height, window.width), dtype=np.int16)
            relief = np.arange(window.width, dtype=np.int16) // 8
            raster.write((1000 + relief + noise).astype(style.dtype), window)


def task_at_sampling(layers: Path, labels: Path, folder: Path, pixels: int) -> Task:
    """Make a workspace that holds the layers, and the task of sampling its tile.

    Args:
        layers: Folder of :func:`write_layers`; its files are linked, not copied.
        labels: Ground-truth file.
        folder: Where the workspace is made.
        pixels: Side of the tile, pixels of 10 m.
    """
    from landcover import api
    from landcover.ledger import runs
    from landcover.nouns.run import Run, Unit
    from landcover.nouns.run_arguments import RunArguments
    from landcover.parts.task import Task
    from landcover.parts.training.ground_truth import store_labels
    from landcover.recipe import make_recipe

    use(Path(tempfile.mkdtemp(prefix="sampling-", dir=folder)))
    workspace = api.open_workspace()
    seasons = [dict(zip(("name", "primary_month", "fallback_month"), s, strict=True))
               for s in SEASONS]  # fmt: skip
    recipe = make_recipe({"name": "bench", "seasons": seasons})
    run = Run(
        id="bench",
        recipe_id=runs.recipe_id(recipe),
        arguments=RunArguments(
            tiles=(TILE,), year=YEAR, products=str(layers), labels=str(labels), dem=str(layers)
        ),
        label_id=store_labels(workspace, recipe, str(labels)),
        simulated=True,
    )
    runs.save(workspace, run, recipe)
    for output, unit_id in _outputs(workspace, layers, pixels):
        _finish(workspace, output, unit_id)
    unit = Unit(id=TILE, label=TILE, tile=TILE)
    return Task(workspace=workspace, run=run, recipe=recipe, unit=unit)


def _outputs(workspace: Workspace, layers: Path, pixels: int) -> Iterator[tuple[Output, str]]:
    """Commit composites and terrain, and say which unit each belongs to."""
    from landcover.ledger import outputs
    from landcover.nouns.output import Wanted
    from landcover.stores import layout

    grids = {layer: grid_of(pixels, COARSE.get(layer, 10)).to_document() for layer in LAYERS}
    for name, _, _ in SEASONS:
        wanted = Wanted(stage="composite", version=1, unit=f"{TILE}/{name}", inputs={}, params={})
        stats = {"layers": grids, "period": {"label": name}}
        link = partial(_link, layers / name, stats)
        key = layout.composite(TILE, name, wanted.id)
        yield outputs.commit(workspace, wanted, key, link), f"{TILE}.{YEAR}-{name}"
    wanted = Wanted(stage="terrain", version=1, unit=TILE, inputs={}, params={})
    link = partial(_link, layers / "terrain", {})
    yield outputs.commit(workspace, wanted, layout.terrain(TILE, wanted.id), link), TILE


def _link(source: Path, stats: dict[str, Any], path: Path) -> dict[str, Any]:
    path.mkdir()
    for file in sorted(source.iterdir()):
        os.link(file, path / file.name)
    return stats


def _finish(workspace: Workspace, output: Output, unit_id: str) -> None:
    from landcover.ledger import units
    from landcover.nouns.run import Unit, UnitState

    state = UnitState.from_document(
        {
            "run": "bench",
            "stage": output.wanted.stage,
            "unit": Unit(id=unit_id, label=unit_id, tile=TILE).to_document(),
            "state": "done",
            "outputs": [output.id],
        }
    )
    units.save(workspace.records, state)
