"""A run of one season: what it prepares, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import seasons, units
from landcover.nouns.calendar import PAPER
from landcover.pipeline.starting import resolve
from landcover.simulate import simulate

RECIPE = "recipes/mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    out = tmp_path_factory.mktemp("region") / "r"
    return simulate(out, tiles=("30SUF",), points_per_class=20, seed=3, only_usable=True)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "w"))
    return api.open_workspace()


def run(run_id, region, **arguments):
    given = {"year": region.year, "products": str(region.products), "dem": str(region.dem)}
    api.start_run(run_id, RECIPE, **given, **arguments)
    return api.run_inline(run_id)


def test_a_season_ends_with_its_composites_and_is_reused_by_the_year(workspace, region):
    records = workspace.records
    spring = run("spring", region, season="spring", until="restore", whole_tiles=True)
    assert (spring["state"], spring["missing_tiles"]) == ("done", [])
    states = units.states(records, "spring")
    assert {state.unit.id for state in states} == {f"30SUF.{region.year}-spring"}
    window = PAPER.window(f"{region.year}-spring")
    assert seasons.note(records, window, "spring")
    assert not seasons.note(records, window, "spring")
    assert seasons.there(records, region.year) == [f"{region.year}-spring"]
    quality = api.publish_quality("spring")
    assert quality["counts"] == {"ok": 1}
    with workspace.objects.local(quality["key"]) as folder:
        assert (folder / "index.html").is_file()
    assert api.publish_quality("spring")["key"] == quality["key"]

    run("year", region, until="composite")
    made = {state.unit.id: state.state for state in units.states(records, "year")
            if state.stage == "composite"}  # fmt: skip
    assert made == {
        f"30SUF.{region.year}-spring": "reused",
        f"30SUF.{region.year}-summer": "done",
        f"30SUF.{region.year}-autumn": "done",
    }


@pytest.mark.parametrize(
    ("recipe", "given", "said"),
    [
        (RECIPE, {"season": "winter"}, "has spring, summer, autumn"),
        ("recipes/hrlc-svm.yaml", {"season": "m03"}, "seasons of a year together"),
        (RECIPE, {"season": "spring", "labels": "a.csv"}, "leave out labels"),
        (RECIPE, {"season": "spring", "model": "latest"}, "leave out model"),
        (RECIPE, {"year": datetime.now(UTC).year + 1}, "lies in the future"),
    ],
)
def test_what_is_no_season_run_is_said(recipe, given, said):
    arguments = {"year": 2021, "products": "google", "tiles": ["30SUF"], **given}
    with pytest.raises(UsageError, match=said):
        resolve(recipe, **arguments)
