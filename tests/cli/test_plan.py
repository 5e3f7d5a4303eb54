"""What only looks at a run leaves nothing behind and loads nothing heavy."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import shapely
import yaml

from landcover import api
from landcover.bench import many_tiles

HEAVY = ("sklearn", "numba", "pandas")
CODE = """
import sys
from landcover.cli import main
sys.argv = ["landcover", *sys.argv[1:]]
try:
    main()
except SystemExit as ended:
    code = ended.code
print("modules", *{name.partition(".")[0] for name in sys.modules})
sys.exit(code)
"""


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Products and labels of one tile, a recipe, and a workspace with its map."""
    folder = tmp_path_factory.mktemp("plan")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        many_tiles.write_workspace(folder, 1, 120, 0)
        api.run_inline(many_tiles.RUN)
    document = many_tiles.recipe()
    from landcover.recipe import override

    (folder / "recipe.yaml").write_text(
        yaml.safe_dump(override(document, list(many_tiles.OVERRIDES)))
    )
    return folder


def command(*words: str, code: int = 0) -> tuple[str, set[str]]:
    """Run a command; gives what it printed, and the packages that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    printed, _, modules = done.stdout.rpartition("modules ")
    return printed, set(modules.split())


def plan(place: Path, workspace: Path, *more: str) -> tuple[str, set[str]]:
    return command(
        "run", str(place / "recipe.yaml"), "--plan", "--year", "2021", "--products",
        str(place / "products"), "--tiles", many_tiles.MEASURED, "--labels",
        str(place / "labels.csv"), "--until", "mosaic", "--workspace", str(workspace), *more,
    )  # fmt: skip


def test_a_plan_of_a_new_run_leaves_nothing_behind(place: Path, tmp_path: Path) -> None:
    told, modules = plan(place, tmp_path / "new")
    assert "compute  collect" in told or "compute  mask" in told
    assert list(tmp_path.iterdir()) == []
    assert not modules & set(HEAVY)


def test_a_plan_of_what_is_there_loads_nothing_heavy(place: Path) -> None:
    before = sorted((place / "workspace").rglob("*"))
    told, modules = plan(place, place / "workspace")
    assert "0 of" in told, told
    assert not modules & set(HEAVY)
    # A look at a store of SQLite may leave its log files.
    after = sorted((place / "workspace").rglob("*"))
    assert [path for path in after if path not in before and "sqlite" not in path.name] == []


def test_a_single_stage_without_inputs_is_told_before_anything_starts(
    place: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, "run", str(place / "recipe.yaml"), "--only", "composite",
         "--year", "2021", "--products", str(place / "products"), "--workspace",
         str(tmp_path / "new")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "and --only composite computes no other stage. Run --until" in done.stderr
    assert "airflow" not in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "computed"),
    [
        ("model.trees=7", "train"),
        ("classify.keep=[entropy]", "classify"),
        ("composite.min_clear=2", "composite"),
        ("features.indices=[ndvi, evi2]", "sample"),
    ],
)
def test_a_plan_of_a_partly_changed_run_loads_nothing_heavy(
    place: Path, change: str, computed: str
) -> None:
    told, modules = plan(place, place / "workspace", "--set", change)
    assert f"compute  {computed}" in told
    assert "fail" not in told
    assert not modules & set(HEAVY)


def test_a_plan_of_every_stage_loads_nothing_heavy(place: Path, tmp_path: Path) -> None:
    """Mosaic, validate and publish of a map that is there; then one with another mosaic."""
    workspace = tmp_path / "workspace"
    shutil.copytree(place / "workspace", workspace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(workspace))
        api.start_run(
            "whole", place / "recipe.yaml", year=many_tiles.YEAR, until="publish",
            products=str(place / "products"), tiles=[many_tiles.MEASURED],
            labels=str(place / "labels.csv"),
        )  # fmt: skip
        assert api.run_inline("whole")["state"] == "done"
    # A record of a run that did not end well is no shortcut: each stage says what it would do.
    for change, computed in (("validation.folds=4", "validate"), ("mosaic.majority=3", "mosaic")):
        told, modules = plan(place, workspace, "--until", "publish", "--set", change)
        assert f"compute  {computed}" in told
        assert not modules & set(HEAVY)
    # Test points that no run has read yet.
    points = tmp_path / "points.csv"
    points.write_text((place / "labels.csv").read_text())
    told, modules = plan(place, workspace, "--until", "publish", "--test-labels", str(points))
    assert "compute  validate" in told
    assert "reuse    mosaic" in told
    assert not modules & set(HEAVY)


def test_a_plan_of_a_region_loads_nothing_heavy(place: Path, tmp_path: Path) -> None:
    west, south, east, north = tile_bounds(place)
    corner = shapely.box(west, north - (north - south) / 9, west + (east - west) / 9, north)
    region = tmp_path / "region.geojson"
    region.write_text(shapely.to_geojson(corner))
    told, modules = plan(place, place / "workspace", "--region", str(region))
    assert "reuse    classify" in told
    assert not modules & set(HEAVY)


def tile_bounds(place: Path) -> tuple[float, float, float, float]:
    """Longitudes and latitudes that the labels of the tile lie in."""
    labels = pd.read_csv(place / "labels.csv")
    return labels["lon"].min(), labels["lat"].min(), labels["lon"].max(), labels["lat"].max()


def test_a_plan_with_other_labels_reads_them_where_it_needs_them(
    place: Path, tmp_path: Path
) -> None:
    fewer = tmp_path / "labels.csv"
    fewer.write_text("\n".join((place / "labels.csv").read_text().splitlines()[:-1]) + "\n")
    told, _ = plan(place, place / "workspace", "--labels", str(fewer))
    assert "compute  sample" in told


def test_status_and_help_load_nothing_heavy(place: Path) -> None:
    told, modules = command("status", "--workspace", str(place / "workspace"))
    assert many_tiles.RUN in told
    assert not modules & {*HEAVY, "numpy", "rasterio"}
    for words in (["--help"], ["run", "--help"], ["status", "--help"]):
        assert not command(*words)[1] & {*HEAVY, "rasterio"}
