"""Features for people equal those that classification computes, and open no more than needed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from click.testing import CliRunner

from landcover import api
from landcover.cli import cli
from landcover.errors import InputError, MissingDataError
from landcover.features.stack import FeatureStack
from landcover.nouns.grid import Window
from landcover.parts.training.run_features import run_features
from landcover.simulate import simulate
from landcover.stores.rasters import pool as pool_module
from landcover.stores.rasters import read_array
from landcover.views.features import _stack, _task_of, open_features

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
SIDE = 540


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("features")
    region = simulate(folder / "region", tiles=("30SUF",), pixels=SIDE, points_per_class=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        api.start_run(
            "view", RECIPE, year=region.year, products=str(region.products), dem=str(region.dem),
            until="terrain",
            overrides=["seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"],
        )  # fmt: skip
        assert api.run_inline("view")["state"] == "done"
        yield api.open_workspace()


@pytest.mark.slow
def test_lazy_features_equal_the_stack_of_classification(workspace: Any) -> None:
    task = _task_of(workspace, "30SUF", None)
    features, _ = run_features(task)
    opened = open_features(workspace, "30SUF")
    assert list(opened.feature.values) == list(features.names)
    whole = _stack(task, "30SUF", features, _grid(task)).read(Window(0, 0, SIDE, SIDE))
    for window in (Window(0, 0, SIDE, SIDE), Window(500, 37, 40, 63)):
        rows, columns = window.slices
        part = open_features(workspace, "30SUF", window)
        assert np.array_equal(part.values, whole[:, rows, columns], equal_nan=True)
    picked = opened.sel(feature="summer_ndvi")[::7, 5]
    k = features.names.index("summer_ndvi")
    assert np.array_equal(picked.values, whole[k, ::7, 5], equal_nan=True)


def _grid(task: Any) -> Any:
    from landcover.parts.work_grid import tile_work_grid

    return tile_work_grid(task, "30SUF")


def test_one_feature_opens_its_layers_only(workspace: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    really = pool_module.open_for_long

    def watched(href: str) -> Any:
        opened.append(Path(href).name)
        return really(href)

    monkeypatch.setattr(pool_module, "open_for_long", watched)
    array = open_features(workspace, "30SUF", Window(0, 0, 20, 20))
    assert not opened
    _ = array.sel(feature="summer_ndvi").values
    assert sorted(opened) == ["B04.tif", "B08.tif"]


def test_exported_files_hold_the_same_numbers(workspace: Any, tmp_path: Path) -> None:
    arguments = ["features", "--tile", "30SUF", "--export", str(tmp_path / "out"), "--json",
                 "--names", "slope,summer_ndvi"]  # fmt: skip
    shown = CliRunner().invoke(cli, arguments)
    assert shown.exit_code == 0, shown.output
    paths = [Path(path) for path in json.loads(shown.output)]
    assert sorted(path.name for path in paths) == ["slope.tif", "summer_ndvi.tif"]
    assert sorted((tmp_path / "out").iterdir()) == sorted(paths)
    for path in paths:
        pixels, grid = read_array(path)
        expected = open_features(workspace, "30SUF").sel(feature=path.stem)
        assert np.array_equal(np.squeeze(pixels), expected.values, equal_nan=True)
        assert grid.crs == "EPSG:32630"


def test_what_does_not_exist_is_told(workspace: Any, tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match="30SVF: no run of this workspace has all its"):
        open_features(workspace, "30SVF")
    with pytest.raises(InputError, match="is not inside its 540 x 540 px"):
        open_features(workspace, "30SUF", Window(500, 0, 41, 10))
    shown = CliRunner().invoke(
        cli, ["features", "--tile", "30SUF", "--export", "x", "--names", "a"]
    )
    assert shown.exit_code == 1
    assert "Features a: expected some of slope, aspect" in shown.output


def test_single_pixels_are_not_computed_by_windows(
    workspace: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = open_features(workspace, "30SUF").values
    rows, columns = np.array([0, 539, 17, 300]), np.array([539, 3, 17, 300])
    at = {"y": xarray.DataArray(rows, dims="p"), "x": xarray.DataArray(columns, dims="p")}

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("a window was computed")

    monkeypatch.setattr(FeatureStack, "read", forbidden)
    found = open_features(workspace, "30SUF").isel(at)
    np.testing.assert_array_equal(found.values, whole[:, rows, columns])
