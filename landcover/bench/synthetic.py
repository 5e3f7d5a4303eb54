"""A prepared tile for the bench of maps: drawn composites, terrain and samples, no products.

Its ground is that of :mod:`landcover.bench.ground`. Each sample lies in a parcel of its own, as
points spread over a country do, and some labels are wrong, so that trees grow as deep as on real
samples; a larger tile is more of the same ground, mapped by the same forest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import ground
from landcover.bench.season import use

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from landcover.nouns.grid import Grid
    from landcover.nouns.output import Output, Wanted
    from landcover.recipe import Recipe
    from landcover.stores.workspace import Workspace

TILE = "30SUF"
YEAR = 2021
SEASONS = {"spring": (3, 4), "summer": (6, 7), "autumn": (11, 10)}
PIXEL = {
    **dict.fromkeys(("AOT", "B02", "B03", "B04", "B08", "WVP"), 10),
    **dict.fromkeys(("B05", "B06", "B07", "B11", "B12", "B8A"), 20),
    **dict.fromkeys(("B01", "B09"), 60),
}
"""Layer of a composite → its pixel, metres."""
TERRAIN = {"elevation": (300.0, 100.0), "slope": (12.0, 4.0), "aspect": (180.0, 60.0)}
"""Terrain layer → its mean, and standard deviation of the means of classes."""
WRONG = 0.06
"""Share of the labels that are wrong."""
SAMPLES = 87_500
"""Rows of the sample table: four fifths of them train."""
BYTES_PER_PIXEL = 62.0
"""Of composites and terrain on disk, per pixel of 10 m."""


RUNS: Mapping[str, Sequence[str]] = {
    "forest": (),
    "stump": ("model.trees=1", "model.max_depth=1"),
}
"""Runs on the tile and what sets their recipes apart: 100 full-depth trees, and one tree of one
split, which costs nothing."""


def prepare(folder: Path, pixels: int, seed: int, runs: Mapping[str, Sequence[str]] = RUNS) -> None:
    """Write a workspace whose one tile is prepared.

    Args:
        folder: Folder of the workspace; the environment names it from then on.
        pixels: Side of the tile, 10 m pixels, a multiple of 6.
        seed: Seed of everything random.
        runs: Runs on it, each with what is overridden in the recipe.
    """
    from landcover import api
    from landcover.stores import layout

    use(folder)
    workspace = api.open_workspace()
    composites = {}
    for season in SEASONS:
        wanted = _wanted("composite", f"{TILE}/{YEAR}-{season}", seed)
        key = layout.composite(TILE, f"{YEAR}-{season}", wanted.id)
        stats = _stats(season, pixels)
        composites[season] = _commit(
            workspace, wanted, key, stats, partial(_write_layers, seed, season, pixels)
        )
    wanted = _wanted("terrain", TILE, seed)
    terrain = _commit(
        workspace, wanted, layout.terrain(TILE, wanted.id), {},
        partial(_write_terrain, seed, grid_of(pixels, 10)),
    )  # fmt: skip
    for name, overrides in runs.items():
        _start(workspace, name, overrides, composites, terrain)


def write_samples(seed: int, runs: Iterable[str] = RUNS) -> None:
    """Write samples of ground like the tile's, for the runs."""
    from landcover import api
    from landcover.stores import layout

    workspace = api.open_workspace()
    wanted = _wanted("sample", TILE, seed)
    key = layout.samples(TILE, wanted.id)
    samples = _commit(workspace, wanted, key, {}, partial(_write_samples, seed))
    for run in runs:
        _done(workspace, run, "sample", TILE, samples)


def training_rows(workspace: Any) -> Any:
    """Read the rows of the sample set that a forest is fitted on."""
    import pandas as pd

    (document,) = workspace.records.find("outputs", {"wanted.unit": "samples"})
    table = pd.read_parquet(workspace.objects.href(document["key"], None))
    return table[table["is_train"]]


def take_models(other: Path) -> None:
    """Copy the models of both runs from another workspace: the tiles are of one kind."""
    import os
    import shutil

    from landcover import api
    from landcover.ledger import units

    mine, place = api.open_workspace(), Path(os.environ["LANDCOVER_WORKSPACE"])
    for name in ("samples", "samplesets", "models"):
        shutil.copytree(other / "objects" / name, place / "objects" / name)
    use(other)
    theirs = api.open_workspace()
    for run in RUNS:
        for stage in ("sample", "train"):
            for state in units.states(theirs.records, run, stage):
                units.save(mine.records, state)
                for number in state.outputs:
                    mine.records.insert_one("outputs", theirs.records.get("outputs", number) or {})
    use(place)


def grid_of(pixels: int, size: int) -> Grid:
    """Give the grid of the tile at a pixel size, m."""
    from landcover.nouns.grid import Grid

    count = pixels * 10 // size
    return Grid(crs="EPSG:32630", ulx=300000, uly=4100040, pixel=size, width=count, height=count)


def feature_names() -> list[str]:
    """List the features in the order of the recipe's table."""
    from landcover.recipe import LAYERS, PAPER_INDICES

    seasons = [f"{season}_{name}" for season in SEASONS for name in (*LAYERS, *PAPER_INDICES)]
    return ["slope", "aspect", "dem", *seasons]


def read_features(row: int, column: int, height: int, width: int) -> NDArray[Any]:
    """Read the features of a window through the front door, as a script of a user would.

    Returns:
        float32 (pixel, feature), in the order of :func:`feature_names`.
    """
    import numpy as np

    from landcover import api
    from landcover.nouns.grid import Window
    from landcover.recipe import LAYERS, PAPER_INDICES
    from landcover.stores.rasters import open_raster

    workspace = api.open_workspace()
    (terrain,) = workspace.records.find("outputs", {"wanted.stage": "terrain"})
    found = np.empty((height * width, len(feature_names())), np.float32)
    for place, name in enumerate(("slope", "aspect", "elevation")):
        with open_raster(workspace.objects.href(terrain["key"], f"{name}.tif")) as raster:
            found[:, place] = raster.read(Window(row, column, height, width), band=1).ravel()
    place = 3
    for season in SEASONS:
        dataset = api.open_composite(TILE, f"{YEAR}-{season}")
        part = dataset.isel(y=slice(row, row + height), x=slice(column, column + width))
        layers = {name: part[name].values for name in LAYERS}
        for name in LAYERS:
            found[:, place] = layers[name].ravel()
            place += 1
        for name in PAPER_INDICES:
            found[:, place] = api.spectral_index(name, layers).ravel()
            place += 1
    return found


def _start(
    workspace: Workspace,
    run_id: str,
    overrides: Sequence[str],
    composites: dict[str, Output],
    terrain: Output,
) -> None:
    """Write a run and what it has."""
    from landcover.ledger import runs, units
    from landcover.nouns.run import Run, Unit
    from landcover.nouns.run_arguments import RunArguments

    recipe = _recipe(overrides)
    arguments = RunArguments(
        tiles=(TILE,), year=YEAR, products="none", labels="none", dem="none", until="classify"
    )
    run = Run(
        id=run_id,
        recipe_id=runs.recipe_id(recipe),
        arguments=arguments,
        label_id="none",
        simulated=True,
    )
    runs.save(workspace, run, recipe)
    for season, output in composites.items():
        _done(workspace, run_id, "composite", f"{TILE}.{YEAR}-{season}", output)
    _done(workspace, run_id, "terrain", TILE, terrain)
    tile = Unit(id=TILE, label=TILE, tile=TILE)
    units.plan(workspace.records, run_id, ["classify"], [tile])
    units.plan(workspace.records, run_id, ["train"], [Unit(id="all", label="all")])


def _done(workspace: Workspace, run: str, stage: Any, unit: str, output: Output) -> None:
    from landcover.ledger import units
    from landcover.nouns.run import Unit, UnitState

    known = Unit(id=unit, label=unit, tile=TILE)
    state = UnitState(run=run, stage=stage, unit=known, state="done", outputs=(output.id,))
    units.save(workspace.records, state)


def _wanted(stage: str, unit: str, seed: int) -> Wanted:
    from landcover.nouns.output import Wanted

    return Wanted(stage=stage, version=0, unit=unit, inputs={}, params={"seed": seed})


def _commit(workspace: Workspace, wanted: Wanted, key: str, stats: Any, write: Any) -> Output:
    from landcover.ledger import outputs

    def make(path: Path) -> dict[str, Any]:
        write(path)
        return {}

    return outputs.commit(workspace, wanted, key, make, stats)


def _recipe(overrides: Sequence[str] = ()) -> Recipe:
    from landcover.recipe import make_recipe, override

    seasons = [
        {"name": name, "primary_month": first, "fallback_month": second}
        for name, (first, second) in SEASONS.items()
    ]
    # The rows of the split are those that the other engines are given.
    document = {"name": "bench", "seasons": seasons, "model": {"fit": "split"}}
    return make_recipe(override(document, overrides))


def _stats(season: str, pixels: int) -> dict[str, Any]:
    grids = {layer: grid_of(pixels, size).to_document() for layer, size in PIXEL.items()}
    (period,) = (s.period(YEAR) for s in _recipe().seasons if s.name == season)
    return {"layers": grids, "period": period.to_document()}


def _write_layers(seed: int, season: str, pixels: int, path: Path) -> None:
    from landcover.stores.rasters import RasterStyle, create_raster

    path.mkdir()
    for layer, size in PIXEL.items():
        grid = grid_of(pixels, size)
        style = RasterStyle("int16", -32768, (layer,), scale=1e-4)
        strips = ground.layer_strips(seed, f"{season} {layer}", grid, *_moments(layer))
        with create_raster(path / f"{layer}.tif", grid, style) as raster:
            for window, values in strips:
                raster.write(_stored(values), window)


def _write_terrain(seed: int, grid: Grid, path: Path) -> None:
    import numpy as np

    from landcover.stores.rasters import RasterStyle, create_raster

    path.mkdir()
    for name, moments in TERRAIN.items():
        with create_raster(path / f"{name}.tif", grid, RasterStyle("float32", np.nan)) as raster:
            for window, values in ground.layer_strips(seed, name, grid, *moments):
                raster.write(values, window)


def _moments(layer: str) -> tuple[float, float]:
    """Give mean and standard deviation of the means of classes, stored units."""
    return (200.0, 30.0) if layer in ("AOT", "WVP") else (2200.0, 400.0)


def _stored(values: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    stored: NDArray[Any] = np.rint(values).clip(1, 10_000).astype(np.int16)
    return stored


def _write_samples(seed: int, path: Path) -> None:
    import numpy as np
    import pandas as pd

    from landcover.nouns.legend import MEDITERRANEAN

    rng = ground.random(seed, "samples")
    true = rng.integers(0, ground.CLASSES, SAMPLES)
    told = np.where(rng.random(SAMPLES) < WRONG, rng.integers(0, ground.CLASSES, SAMPLES), true)
    classes = [MEDITERRANEAN.classes[i] for i in told]
    numbers = np.arange(SAMPLES)
    table = pd.DataFrame(
        {
            "point_id": numbers, "lon": 0.0, "lat": 0.0,
            "label": [entry.name for entry in classes],
            "code": [entry.code for entry in classes],
            "group": numbers.astype(str), "source": "bench",
            "row": numbers, "column": 0, "dx": 0, "dy": 0, "tile": TILE,
        }
    )  # fmt: skip
    values = pd.DataFrame(_sample_features(seed, true), columns=feature_names())
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.concat([table, values], axis="columns").to_parquet(path, compression="zstd", index=False)


def _sample_features(seed: int, classes: NDArray[Any]) -> NDArray[Any]:
    import numpy as np

    from landcover import api
    from landcover.raster.reflectance import stored_units, to_physical
    from landcover.recipe import LAYERS, PAPER_INDICES

    columns = [
        ground.sample_values(seed, name, classes, *TERRAIN[name])
        for name in ("slope", "aspect", "elevation")
    ]
    for season in SEASONS:
        layers = {}
        for name in LAYERS:
            drawn = ground.sample_values(seed, f"{season} {name}", classes, *_moments(name))
            layers[name] = to_physical(_stored(drawn), 1 / stored_units(name))
        columns += [layers[name] for name in LAYERS]
        columns += [api.spectral_index(name, layers) for name in PAPER_INDICES]
    return np.stack(columns, axis=1)
