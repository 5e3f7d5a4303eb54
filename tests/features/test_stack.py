"""The feature stack: single pixels equal whole windows, and unused layers are never opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landcover import api
from landcover.errors import MissingDataError
from landcover.features.stack import FeatureStack
from landcover.ledger import runs
from landcover.nouns.grid import Window
from landcover.nouns.model import feature_set
from landcover.nouns.run import Unit
from landcover.parts.task import Task
from landcover.parts.training.run_features import run_features
from landcover.parts.work_grid import composites_of, terrain_of, tile_work_grid
from landcover.simulate import simulate
from landcover.stores.rasters import ReadingPool
from landcover.stores.rasters import pool as pool_module

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("stack")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=540, points_per_class=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "stack", RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
            until="terrain",
            overrides=[
                "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
                "features.neighbourhood={layers: [B04, B11], sizes: [3, 5]}",
            ],
        )  # fmt: skip
        assert api.run_inline("stack")["state"] == "done"
        workspace = api.open_workspace()
        unit = Unit(id="30SUF", label="30SUF", tile="30SUF")
        yield Task(workspace, *runs.load(workspace, "stack"), unit)


def stack_of(task: Task, names: tuple[str, ...] | None = None) -> FeatureStack:
    features, _ = run_features(task)
    if names is not None:
        features = feature_set(f for f in features.features if f.name in names)
    grid = tile_work_grid(task, "30SUF")
    return FeatureStack(
        task, grid, composites_of(task, "30SUF"), terrain_of(task, "30SUF"), features
    )


def test_single_pixels_equal_the_window(task: Task) -> None:
    stack = stack_of(task)
    whole = stack.read(Window(row=0, column=0, height=540, width=540))
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, 540, 200), rng.integers(0, 540, 200)
    rows[:4], columns[:4] = (0, 539, 0, 511), (0, 539, 539, 512)
    assert np.array_equal(stack.read_at(rows, columns), whole[:, rows, columns], equal_nan=True)
    assert stack.read_at(rows[:0], columns[:0]).shape == (len(whole), 0)


def test_composites_are_found_by_the_recipe_they_were_made_with(task: Task) -> None:
    run = runs.load(task.workspace, "stack")[0]
    composite = api.open_composite("30SUF", f"{run.arguments.year}-summer", run.recipe_id)
    assert {"B04", "B8A"} <= set(composite)
    with pytest.raises(MissingDataError, match="no composite"):
        api.open_composite("30SUF", f"{run.arguments.year}-summer", "0" * 16)


def test_layers_that_no_feature_needs_are_never_opened(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def counted(real: Callable[[str | Path], Any]) -> Callable[[str | Path], Any]:
        def opening(path: str | Path) -> Any:
            opened.append(Path(path).stem)
            return real(path)

        return opening

    monkeypatch.setattr(pool_module, "open_for_long", counted(pool_module.open_for_long))
    stack = stack_of(task, ("summer_ndvi", "summer_B11", "slope"))
    stack.read(Window(row=0, column=0, height=96, width=96))
    assert sorted(opened) == ["B04", "B08", "B11", "slope"]
    opened.clear()
    stack.read_at(np.array([3]), np.array([4]))
    assert sorted(opened) == ["B04", "B08", "B11", "slope"]


def test_threads_open_files_and_reused_memory_change_no_value(task: Task) -> None:
    stack = stack_of(task)
    windows = [Window(0, 0, 540, 540), Window(7, 511, 101, 29), Window(300, 3, 200, 1)]
    alone = [stack.read(window) for window in windows]
    buffer = np.full(alone[0].size + 5, 7, np.float32)
    with ReadingPool(2) as pool:
        for window, expected in zip(windows, alone, strict=True):
            found = stack.read(window, pool, buffer)
            assert np.shares_memory(found, buffer)
            assert np.array_equal(found, expected, equal_nan=True)


def test_means_around_pixels_do_not_depend_on_the_window(task: Task) -> None:
    names = ("summer_B04", "summer_B04_mean3", "summer_B11_mean5")
    whole = stack_of(task, names).read(Window(row=0, column=0, height=540, width=540))
    part = stack_of(task, names).read(Window(row=0, column=511, height=30, width=29))
    assert np.array_equal(part, whole[:, :30, 511:], equal_nan=True)
    band, mean, _ = whole
    around = band[99:102, 199:202]
    assert mean[100, 200] == pytest.approx(np.nanmean(around), abs=1e-7)
    assert np.isnan(mean[np.isnan(band)]).all()
