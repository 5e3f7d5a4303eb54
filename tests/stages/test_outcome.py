"""A run that was asked for a map and has none, or not all of it, is never called done."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from workspaces import copy_workspace

from landcover import api
from landcover.cli.status import command as status
from landcover.errors import UnavailableError
from landcover.ledger import units
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILES = ("30SUF", "30SUG", "30SVF", "30SVG")
pytestmark = pytest.mark.slow
QUICK = [
    "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]",
    "model.trees=5", "validation.rows=100", "validation.trees=5", "mosaic.cells=zone",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "in"
    simulate(
        folder, tiles=TILES, pixels=240, seasons=["summer"], products_per_season=3,
        only_usable=True,
    )  # fmt: skip
    return folder


@pytest.fixture
def here(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the site that may be damaged, and a workspace of its own."""
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "workspace"))
    return Path(shutil.copytree(site, tmp_path / "in"))


def go(site: Path, name: str = "run", overrides: tuple[str, ...] = (), **more: Any) -> Any:
    given = {
        "year": 2021,
        "products": str(site / "products"),
        "labels": str(next(site.glob("labels*.csv"))),
        "tiles": TILES[:1],
        "overrides": [*QUICK, *overrides],
        **more,
    }
    api.start_run(name, RECIPE, **given)
    return api.run_inline(name)


@pytest.fixture(scope="module")
def made(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the map of one tile, made once."""
    folder = tmp_path_factory.mktemp("made") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder))
        assert go(site)["state"] == "done"
    return folder


@pytest.fixture
def mapped(made: Path, site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The site, and a copy of the workspace with its map that may be damaged."""
    copy_workspace(made, tmp_path / "workspace")
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "workspace"))
    return site


def lose(site: Path, tile: str) -> None:
    for product in (site / "products").glob(f"*_T{tile}_*"):
        shutil.rmtree(product)


def told(name: str = "run") -> dict[str, Any]:
    """What ``landcover status`` says, for machines, and for people."""
    workspace = api.open_workspace()
    folder = str(workspace.objects.address)
    shown = CliRunner().invoke(status, [name, "--json"], env={}, catch_exceptions=False)
    assert shown.exit_code == 0, (shown.output, folder)
    text = CliRunner().invoke(status, [name], catch_exceptions=False).output
    return {**json.loads(shown.output), "text": text}


def test_one_of_four_tiles_lost(here: Path) -> None:
    lose(here, "30SVG")
    report = go(here, tiles=TILES)
    assert report["state"] == "failed"
    assert (report["missing_tiles"], report["missing_percent"]) == (["30SVG"], 25.0)
    (reason,) = report["reasons"]
    assert reason == ("1 of 4 tiles is missing from the map (30SVG); tolerance_percent is 0.")
    shown = told()
    assert (shown["state"], shown["missing_tiles"]) == ("failed", ["30SVG"])
    assert f"failed: {reason}" in shown["text"]
    # What the operator tolerates is told all the same.
    report = go(here, "tolerant", ("tolerance_percent=25",), tiles=TILES)
    assert (report["state"], report["reasons"]) == ("done", [])
    assert report["missing_tiles"] == ["30SVG"]
    # Steps behind one that was skipped stay planned, and are no loss of their own.
    states = units.states(api.open_workspace().records, "tolerant", "composite")
    assert "planned" in {state.state for state in states}
    report = go(here, "strict", ("tolerance_percent=24.9",), tiles=TILES)
    assert report["state"] == "failed"


def test_no_map_at_all_is_no_question_of_tolerance(here: Path) -> None:
    # Its products are there, and none of them may be used.
    unusable = ("tolerance_percent=100", "selection.max_cloud_percent=0")
    report = go(here, overrides=unusable)
    assert report["state"] == "failed"
    assert "There is no map." in report["reasons"]


def test_a_mosaic_whose_record_has_no_body(mapped: Path) -> None:
    workspace = api.open_workspace()
    (mosaic,) = workspace.records.find("outputs", {"wanted.stage": "mosaic"})
    workspace.records.replace_one("outputs", {"_id": mosaic["_id"]})
    with pytest.raises(UnavailableError, match=f"Record {mosaic['_id']} of outputs is malformed"):
        api.report("run")
    report = go(mapped, "again", ("tolerance_percent=100",))
    assert report["state"] == "failed"
    assert any(mosaic["_id"] in trouble for trouble in report["troubles"])


def test_a_mosaic_whose_bytes_are_gone_after_the_run(mapped: Path) -> None:
    workspace = api.open_workspace()
    (mosaic,) = workspace.records.find("outputs", {"wanted.stage": "mosaic"})
    workspace.objects.remove(mosaic["key"])
    report = api.report("run")
    assert (report["state"], report["missing_cells"]) == ("failed", ["zone EPSG:32630"])
    assert go(mapped, "again")["state"] == "done", "the same command makes it again"


def test_a_validation_that_failed(mapped: Path) -> None:
    records = api.open_workspace().records
    state = units.load(records, "run", "validate", "all")
    assert state is not None
    units.save(records, state.model_copy(update={"state": "failed", "message": "no memory"}))
    report = api.report("run")
    assert report["state"] == "failed"
    assert "validate failed: no memory" in report["reasons"]


@pytest.mark.parametrize("stage", ["composite", "mosaic"])
def test_a_planned_step_that_never_ran(mapped: Path, stage: str) -> None:
    """A lane that was lost, or a mapping that missed a unit: its record says planned for ever."""
    records = api.open_workspace().records
    state = units.states(records, "run", stage)[0]  # type: ignore[arg-type]
    units.save(records, state.model_copy(update={"state": "planned"}))
    report = api.report("run")
    assert report["state"] == "failed"
    reason = f"1 planned step never ran ({stage} {state.unit.label}); the same command goes on."
    assert reason in report["reasons"]


@pytest.mark.parametrize(
    "more",
    [
        {"until": "composite"},
        {"labels": None},
        # Every group trains: the accuracy cannot be measured.
        {"overrides": ("model.train_fraction=0.99",)},
    ],
    ids=["composites", "no labels", "nothing held out"],
)
def test_what_was_not_asked_for_is_not_missing(here: Path, more: dict[str, Any]) -> None:
    report = go(here, **more)
    assert (report["state"], report["reasons"], report["missing_tiles"]) == ("done", [], [])


def test_a_product_without_a_band(here: Path) -> None:
    product = min((here / "products").glob("*_T30SUF_*"))
    for file in product.rglob("*_B8A_*.jp2"):
        file.unlink()
    report = go(here, until="composite")
    assert report["state"] == "done"
    (season,) = [text for text in report["degraded"] if "B8A" in text]
    assert season.endswith(f"{product.name.removesuffix('.SAFE')} has no B8A")
    record = api.open_workspace().records.get("runs", "run")
    assert record is not None
    assert season in record["outcome"]["degraded"]
    assert season in told()["degraded"]
    assert f"degraded: {season}" in told()["text"]


def test_a_page_names_what_is_degraded(here: Path) -> None:
    product = min((here / "products").glob("*_T30SUF_*"))
    for file in product.rglob("*_B8A_*.jp2"):
        file.unlink()
    report = go(here)
    workspace = api.open_workspace()
    (published,) = report["outputs"]
    key = workspace.records.get("outputs", published)["key"]  # type: ignore[index]
    page = Path(workspace.objects.href(key, "index.html")).read_text()
    assert "Degraded seasons" in page
    assert "has no B8A" in page
