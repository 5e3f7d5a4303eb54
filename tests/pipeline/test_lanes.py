"""Lanes: who has one, and that they keep their places whatever became of the units meanwhile."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from workspaces import copy_workspace

from landcover import api
from landcover.bench import many_tiles
from landcover.ledger import lanes, units
from landcover.nouns.run import State, Unit, UnitState
from landcover.nouns.stages import GROUPS, Group
from landcover.nouns.unit_document import unit_document
from landcover.pipeline import lanes as planned_lanes
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
EARLY: tuple[Group, ...] = ("prepare", "overlap", "terrain", "sample")
TILES = ["30SUF", "30SVF"]
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedRegion, Path]:
    """A region of two neighbours and a workspace with a whole run of it."""
    folder = tmp_path_factory.mktemp("made")
    region = simulate(
        folder / "region",
        tiles=TILES,
        pixels=240,
        points_per_class=8,
        seasons=["spring"],
        only_usable=True,
        seed=3,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder / "workspace"))
        start("first", region)
        assert api.run_inline("first")["state"] == "done"
    return region, folder / "workspace"


@pytest.fixture
def region(made: tuple[SimulatedRegion, Path], workspace_folder: Path) -> SimulatedRegion:
    """The region, and a copy of its workspace that a test may change."""
    region, workspace = made
    copy_workspace(workspace, workspace_folder)
    return region


def start(run: str, region: SimulatedRegion, *overrides: str, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": [SEASON, "model.trees=3", *overrides],
    }
    api.start_run(run, RECIPE, **{**arguments, **changes})


def listed(run: str, group: Group, **part: Any) -> list[str]:
    return [lane["unit"] for lane in api.plan_lanes(run, group, **part)]


def work(run: str, group: Group, *failing: str) -> list[str]:
    """Run the lanes of a group; some units fail."""
    found = listed(run, group)
    records = api.open_workspace().records
    for unit in found:
        for stage in GROUPS[group]:
            state = units.load(records, run, stage, unit)
            if state is None:
                continue
            if unit in failing:
                failed = {"state": "failed", "error_family": "input", "message": f"{unit}: no."}
                units.save(records, state.model_copy(update=failed))
                break
            api.run(stage, unit_document(run, stage, unit))
    return found


def test_what_is_there_needs_no_lane_and_is_written_as_reused(region: SimulatedRegion) -> None:
    start("again", region)
    assert {group: work("again", group) for group in GROUPS} == {group: [] for group in GROUPS}
    states = units.states(api.open_workspace().records, "again")
    assert {state.state for state in states} == {"reused"}
    assert len(states) == len(units.states(api.open_workspace().records, "first"))
    assert api.report("again")["state"] == "done"


def test_only_the_model_stale_gives_no_lane_before_it(region: SimulatedRegion) -> None:
    start("model", region, "model.trees=4")
    assert {group: work("model", group) for group in EARLY} == {group: [] for group in EARLY}
    assert work("model", "train") == ["all"]
    assert work("model", "classify") == TILES
    assert api.plan_lanes("model", "mosaic")


def test_a_second_try_of_each_planner_gives_the_same_list(region: SimulatedRegion) -> None:
    start("twice", region, "model.trees=4", "composite.min_clear=2")
    bad = "30SUF.2021-spring"
    first = {group: work("twice", group, bad) for group in GROUPS}
    assert len(first["prepare"]) == 2
    # The tile that failed has its lane in every group of tiles: there it is repaired.
    assert first["terrain"] == first["sample"] == first["classify"] == TILES
    second = {group: listed("twice", group) for group in GROUPS}
    assert second == first
    # Repaired, and everything done: the same lanes in the same places, perhaps more behind them.
    for group in GROUPS:
        again = work("twice", group)
        assert again[: len(first[group])] == first[group]
        assert len(again) == len(set(again))
    third = {group: listed("twice", group) for group in GROUPS}
    assert third["classify"] == TILES
    assert api.report("twice")["state"] == "done"


@pytest.mark.parametrize("state", ["done", "failed", "skipped", "reused", "running"])
def test_the_states_of_the_units_move_no_lane(region: SimulatedRegion, state: State) -> None:
    start("moved", region, "composite.min_clear=2")
    first = listed("moved", "prepare")
    records = api.open_workspace().records
    for unit in first[::2]:
        for stage in GROUPS["prepare"]:
            before = units.load(records, "moved", stage, unit)
            if before is not None:
                units.save(records, before.model_copy(update={"state": state}))
    assert listed("moved", "prepare") == first


def test_shards_of_a_run_have_lists_of_their_own(region: SimulatedRegion) -> None:
    start("parts", region, "composite.min_clear=2")
    first = listed("parts", "prepare", tiles=TILES[:1], shard="a")
    second = listed("parts", "prepare", tiles=TILES[1:], shard="b")
    assert [*first, *second] == [f"{tile}.2021-spring" for tile in TILES]
    assert listed("parts", "prepare", tiles=TILES[:1], shard="a") == first


def test_lanes_are_appended_behind_those_that_are_there(workspace_folder: Path) -> None:
    records = api.open_workspace().records
    one, two, three = (Unit(id=name, label=name) for name in "abc")
    assert lanes.load(records, "run", "train") is None
    assert lanes.extend(records, "run", "train", [two]) == [two]
    assert lanes.extend(records, "run", "train", [one, two, three]) == [two, one, three]
    assert lanes.extend(records, "run", "train", []) == [two, one, three]
    assert lanes.load(records, "run", "train") == [two, one, three]
    assert lanes.extend(records, "run", "train", [], "shard") == []


def test_one_stale_tile_of_450_costs_its_own_lanes_only(
    region: SimulatedRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dry run finds is known here, and the tests above let it look; the ledger is real."""
    tiles = list(many_tiles.tiles_of(450))
    assert TILES[0] in tiles  # a run needs products of one of them
    stale = tiles[200]

    def find(workspace: Any, run: Any, recipe: Any, unit: Unit, stages: Any) -> Any:
        found = [UnitState(run=run.id, stage=s, unit=unit, state="reused") for s in stages]
        return None if unit.tile == stale else found

    monkeypatch.setattr(planned_lanes, "find_again", find)
    start("late", region, tiles=tiles, until="collect")
    assert listed("late", "prepare") == [f"{stale}.2021-spring"]
    assert listed("late", "prepare") == [f"{stale}.2021-spring"]
    counts = Counter(s.state for s in units.states(api.open_workspace().records, "late"))
    assert counts == {"reused": 449, "planned": 1}
