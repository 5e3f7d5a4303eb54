"""Terrain of a tile: six elevation cells to slope and aspect, beside SAGA and GRASS."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row
from landcover.errors import LandcoverError
from landcover.nouns.unit_document import unit_document

if TYPE_CHECKING:
    from landcover.nouns.grid import Grid

TILE = "30SUF"
"""Needs six degree cells with its halo (docs/methods/products.md#elevation-cells)."""
CELL = 30.0
"""Pixel of the metric grid, m."""
HALO = 64
RUN = "terrain"
SAGA, GRASS = "saga_cmd", "grass"
# Tolerances of the oracles (docs/methods/terrain.md#denoising): SAGA 1e-3 m, GRASS 1e-5 and, on a
# circle, 1e-4 degrees.
TOLERANCES = {"height": 1e-3, "slope": 1e-5, "aspect": 1e-4}
Work = Callable[[], Any]


def disk_gb(request: Request) -> float:
    """Say how much the bench writes, GB: cells, three layers, what the others write."""
    return 0.3 + 3.0 * (request.pixels_or(2196) / 10_980) ** 2


def measure(request: Request, progress: Progress) -> Report:
    """Measure the terrain stage, and its two parts beside the programs that people use.

    The parts read one GeoTIFF of noisy heights on the metric grid and write what they make of it;
    SAGA reads it too, GRASS has it in a location of its own. Afterwards the results are compared.
    """
    from landcover.bench.relief import write_cells, write_metric

    pixels = request.pixels_or(2196)
    progress(0.0, "cells")
    cells = write_cells(request.folder / "cells", request.seed)
    metric = metric_grid(pixels)
    write_metric(cells, metric, request.folder / "metric.tif")
    shared = {"folder": str(request.folder)}
    repeats = request.repeats_or(3)
    whole = [Case("ours", f"{__name__}:stage", {**shared, "pixels": pixels})]
    rows = side_by_side("six cells to three 10 m layers", whole, repeats, progress)
    notes = []
    for title, mine, program, theirs in (
        ("mesh denoising", "denoise", SAGA, "with_saga"),
        ("slope and aspect", "derive", GRASS, "with_grass"),
    ):
        cases = [Case("ours", f"{__name__}:{mine}", shared)]
        if shutil.which(program):
            cases.append(Case(program, f"{__name__}:{theirs}", shared))
        else:
            notes.append(f"{program} is not installed here: {title} stands alone.")
        rows += side_by_side(title, cases, repeats, progress, same=False)
    notes += _agreement(request.folder, rows)
    facts = {
        "pixels": pixels,
        "metric grid": f"{metric.width} x {metric.height}",
        "seed": request.seed,
    }
    return Report(RUN, facts, rows, [*notes, *_accuracy()])


def metric_grid(pixels: int) -> Grid:
    """Give the grid of 30 m with its halo for a window of the tile's upper left corner."""
    from landcover import api
    from landcover.nouns.grid import Grid

    tile = api.tile_grid(TILE, resolution=10)
    side = -(-pixels * 10 // int(CELL)) + 2 * HALO
    return Grid(
        crs=tile.crs,
        ulx=tile.ulx - HALO * CELL,
        uly=tile.uly + HALO * CELL,
        pixel=CELL,
        width=side,
        height=side,
    )


def stage(folder: str, pixels: int) -> Work:
    """Run the terrain stage of a tile whose seasons are composited, as far as the records know."""
    import os

    from landcover import api
    from landcover.settings import as_environment, read_settings

    workspace = Path(folder) / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    os.environ.update(as_environment(read_settings(workspace=str(workspace))))
    tile = api.tile_grid(TILE, resolution=10)
    dem = str(Path(folder) / "cells")

    def run(side: int) -> str:
        outcome = api.run("terrain", _plan(tile, side, dem))
        if outcome["state"] != "done":
            raise LandcoverError(outcome["message"])
        return str(outcome["outputs"][0])

    run(64)  # modules and compiled code are loaded
    return lambda: run(pixels)


def _plan(tile: Grid, side: int, dem: str) -> dict[str, Any]:
    """Write the records of a run whose seasons lie on a part of the tile, and order its terrain."""
    from landcover import api
    from landcover.airflow_process import repository
    from landcover.ledger import outputs, runs, units
    from landcover.nouns.output import Wanted
    from landcover.nouns.run import Run, Unit, UnitState
    from landcover.nouns.run_arguments import RunArguments

    grid = tile.model_copy(update={"width": side, "height": side})
    workspace = api.open_workspace()
    recipe = api.read_recipe(repository() / "recipes" / "mediterranean-rf.yaml")
    arguments = RunArguments(tiles=(TILE,), year=2021, products="", dem=dem)
    run = Run(
        id=f"{RUN}-{side}",
        recipe_id=runs.recipe_id(recipe),
        arguments=arguments,
        label_id=None,
        simulated=True,
    )
    runs.save(workspace, run, recipe)
    for span in recipe.spans(arguments.year):
        wanted = Wanted(
            stage="composite",
            version=1,
            unit=f"{TILE}/{span.name}",
            inputs={},
            params={"side": side},
        )
        stats = {
            "layers": {"B02": grid.to_document()}, "period": span.periods[0].to_document()
        }  # fmt: skip
        made = outputs.commit(workspace, wanted, "", None, stats)
        unit = Unit(id=f"{TILE}.{span.name}", label=f"{TILE} {span.name}", tile=TILE)
        state = UnitState(
            run=run.id, stage="composite", unit=unit, state="done", outputs=(made.id,)
        )
        units.save(workspace.records, state)
    units.plan(workspace.records, run.id, ["terrain"], [Unit(id=TILE, label=TILE, tile=TILE)])
    return unit_document(run.id, "terrain", TILE)


def denoise(folder: str) -> Work:
    """Read the metric grid, denoise it, write it."""
    import numpy as np

    from landcover import api
    from landcover.stores.rasters import read_array

    api.denoise_dem(np.zeros((4, 4), np.float32), CELL)

    def work() -> None:
        heights, grid = read_array(Path(folder) / "metric.tif")
        _write(Path(folder) / "denoised.tif", api.denoise_dem(heights[0], grid.pixel), grid)

    return work


def with_saga(folder: str) -> Work:
    """Let SAGA do the same."""

    def work() -> None:
        _call(
            folder, SAGA, "-f=s", "grid_filter", "10", "-INPUT", "metric.tif", "-OUTPUT",
            "saga.sgrd", "-SIGMA", "0.85", "-ITER", "60",
        )  # fmt: skip

    return work


def derive(folder: str) -> Work:
    """Read the metric grid, write slope and aspect."""
    import numpy as np

    from landcover import api
    from landcover.stores.rasters import read_array

    api.slope_aspect(np.zeros((4, 4), np.float32), CELL)

    def work() -> None:
        heights, grid = read_array(Path(folder) / "metric.tif")
        slope, aspect = api.slope_aspect(heights[0], grid.pixel)
        _write(Path(folder) / "slope.tif", slope, grid)
        _write(Path(folder) / "aspect.tif", aspect, grid)

    return work


def with_grass(folder: str) -> Work:
    """Let GRASS do the same; the heights are in its location before."""
    place = Path(folder) / "grass"
    shutil.rmtree(place, ignore_errors=True)
    mapset = str(place / "PERMANENT")
    _call(folder, GRASS, "-c", "metric.tif", "-e", str(place))
    _call(folder, GRASS, mapset, "--exec", "r.in.gdal", "input=metric.tif", "output=dem")
    _call(folder, GRASS, mapset, "--exec", "g.region", "raster=dem")

    def work() -> None:
        _call(
            folder, GRASS, mapset, "--exec", "r.slope.aspect", "elevation=dem", "format=degrees",
            "precision=FCELL", "-a", "zscale=1", "min_slope=0", "slope=slope", "aspect=aspect",
        )  # fmt: skip

    return work


def _agreement(folder: Path, rows: list[Row]) -> list[str]:
    """Compare what was made, and sum up what it took."""
    import numpy as np

    from landcover.stores.rasters import read_array

    def read(name: str) -> Any:
        return read_array(folder / name)[0][0].astype(np.float64)

    theirs = {row.engine for row in rows} - {"ours"}
    worst: dict[str, float] = {}
    if SAGA in theirs:
        worst["height"] = float(np.abs(read("denoised.tif") - read("saga.sdat")).max())
    if GRASS in theirs:
        for name in ("slope", "aspect"):
            _call(
                str(folder), GRASS, str(folder / "grass" / "PERMANENT"), "--exec", "r.out.gdal",
                "-c", f"input={name}", f"output=grass-{name}.tif", "format=GTiff",
            )  # fmt: skip
            inner = (slice(1, -1), slice(1, -1))  # GRASS has no derivative at the edge either
            apart = np.abs(read(f"{name}.tif")[inner] - read(f"grass-{name}.tif")[inner])
            if name == "aspect":
                apart = np.minimum(apart, 360 - apart)
            worst[name] = float(apart.max())
    unit = {"height": "m", "slope": "degrees", "aspect": "degrees"}
    notes = [
        f"Largest difference of {name}: {value:.1e} {unit[name]}, "
        f"{'within' if value <= TOLERANCES[name] else 'BEYOND'} the {TOLERANCES[name]:.0e} of the "
        "oracle."
        for name, value in worst.items()
    ]
    if {SAGA, GRASS} <= theirs:
        parts = [row for row in rows if row.case in ("mesh denoising", "slope and aspect")]
        ours = sum(row.cost.cpu_seconds for row in parts if row.engine == "ours")
        other = sum(row.cost.cpu_seconds for row in parts if row.engine != "ours")
        notes.append(
            f"Both parts together: ours {ours:.1f} CPU s, SAGA and GRASS {other:.1f}, "
            f"ratio {ours / other:.3f}."
        )
    return notes


def _accuracy() -> list[str]:
    from landcover.bench.relief import slope_errors
    from landcover.settings import read_settings

    data = read_settings().data
    if data is None:
        return ["No real relief here (LANDCOVER_DATA): slope errors are not measured."]
    return slope_errors(data / "dem" / "SRTM_Zion_3arcsec_epsg4326.tif")


def _write(path: Path, values: Any, grid: Grid) -> None:
    from landcover.stores.rasters import RasterStyle, write_raster

    write_raster(path, values, grid, RasterStyle(dtype="float32", nodata=float("nan")))


def _call(folder: str, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise LandcoverError(f"{command[0]} ended with {done.returncode}: {done.stderr[-300:]}")
