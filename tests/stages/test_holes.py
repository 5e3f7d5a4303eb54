"""Holes of a map: foretold, explained, and won back as promised."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from landcover import api
from landcover.cli.quality import command as quality
from landcover.cli.status import command as status
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
QUICK = ["model.trees=5", "validation.rows=100", "validation.trees=5"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "in"
    simulate(folder, tiles=("30SUF",), pixels=480)
    return folder


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "workspace"))
    return tmp_path / "workspace"


def go(site: Path, name: str, *overrides: str) -> dict[str, Any]:
    api.start_run(
        name,
        RECIPE,
        year=2021,
        products=str(site / "products"),
        labels=str(site / "labels.csv"),
        overrides=[*QUICK, *overrides],
    )
    return api.run_inline(name)


def foretold(site: Path) -> float:
    arguments = ["30SUF", "--recipe", str(RECIPE), "--year", "2021", "--json"]
    shown = CliRunner().invoke(
        quality, [*arguments, "--products", str(site / "products")], catch_exceptions=False
    )
    (tile,) = json.loads(shown.output)["tiles"]
    return float(tile["lost_percent"])


def lost_of(name: str) -> float:
    """The share of the tile's map that has no class, from the record of the map."""
    workspace = api.open_workspace()
    (state,) = workspace.records.find("units", {"run": name, "stage": "classify"})
    record = workspace.records.get("outputs", state["outputs"][0])
    assert record is not None
    return float(record["stats"]["nodata_percent"])


def test_holes_are_foretold_explained_and_won_back(site: Path, workspace: Path) -> None:
    before = foretold(site)
    report = go(site, "run")
    assert report["state"] == "done"
    lost, holes = lost_of("run"), report["holes"]
    assert lost > 1, "a site without holes shows nothing"
    assert before == pytest.approx(lost, abs=1)
    assert foretold(site) == pytest.approx(lost, abs=1), "counted, now that composites are there"
    assert holes["lost_percent"] == pytest.approx(lost, abs=1e-3)
    # Coarse bands have masks of their own, which hide more.
    first, last = holes["remedies"][0], holes["remedies"][-1]
    assert {"B01", "B09", "ndre"} <= set(last["layers"])
    assert first["sentence"].startswith("leave out ")
    by_layer = {entry["layer"]: entry for entry in holes["layers"]}
    assert by_layer["B09"]["wins_percent"] >= by_layer["B09"]["only_percent"]
    shown = CliRunner().invoke(status, ["run"], catch_exceptions=False).output
    assert last["sentence"] in shown
    # The joined map has another share: where tiles overlap, both were counted.
    assert f"holes: {holes['lost_percent']:.1f} % of the tiles' pixels have no class" in shown
    assert all(option in shown for option in last["options"])
    # The command does what it promises.
    overrides = [re.fullmatch(r"--set '(.*)'", option)[1] for option in last["options"]]  # type: ignore[index]
    again = go(site, "again", *overrides)
    assert again["state"] == "done"
    assert lost_of("again") == pytest.approx(lost - last["wins_percent"], abs=0.01)
    page = page_of(report)
    assert "Why pixels have no class" in page
    assert last["sentence"] in page


def page_of(report: dict[str, Any]) -> str:
    workspace = api.open_workspace()
    record = workspace.records.get("outputs", report["outputs"][0])
    assert record is not None
    return Path(workspace.objects.href(record["key"], "index.html")).read_text()
