"""Shards: which tiles are in one, that they keep their places, and what of them is left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from workspaces import copy_workspace

from landcover import api
from landcover.bench import many_tiles
from landcover.errors import InputError, UsageError
from landcover.ledger import runs, shards, units
from landcover.nouns.run import Unit, UnitState
from landcover.nouns.shard import PHASES, Phase
from landcover.nouns.stages import GROUPS
from landcover.nouns.unit_document import unit_document
from landcover.parts.task import Task
from landcover.pipeline import lanes as planned_lanes
from landcover.pipeline.planning import WHOLE_RUN
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILES = ["30SUF", "30SVF"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedRegion, Path]:
    """A region of two neighbours and a workspace with a whole run of it."""
    folder = tmp_path_factory.mktemp("made")
    region = simulate(folder / "region", tiles=TILES, pixels=240, points_per_class=8, seed=3)
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


def start(run: str, region: SimulatedRegion, **changes: Any) -> None:
    arguments: dict[str, Any] = {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": ["model.trees=3"],
    }
    api.start_run(run, RECIPE, **{**arguments, **changes})


def named(run: str, phase: Phase, most: int = 1) -> list[str]:
    return [shard["shard"] for shard in api.plan_shards(run, phase, most_tiles=most)]


def work(run: str, phase: Phase, *failing: str) -> list[str]:
    """Run the shards of a phase as runs of a scheduler do; some units fail."""
    records = api.open_workspace().records
    found = named(run, phase)
    for name in found:
        tiles = shards.load(records, run, name).tiles
        for group in PHASES[phase]:
            for lane in api.plan_lanes(run, group, tiles=tiles, shard=name):
                _lane(run, group, lane["unit"], failing)
    return found


def _lane(run: str, group: Any, unit: str, failing: tuple[str, ...]) -> None:
    records = api.open_workspace().records
    for stage in GROUPS[group]:
        state = units.load(records, run, stage, unit)
        if state is None:
            continue
        if unit in failing:
            failed = {"state": "failed", "error_family": "input", "message": f"{unit}: no."}
            units.save(records, state.model_copy(update=failed))
            return
        api.run(stage, unit_document(run, stage, unit))


def test_a_region_in_shards_is_the_map_of_one_run(region: SimulatedRegion) -> None:
    """The same bytes as in one run: outputs are named by their content."""
    start("shards", region, overrides=["model.trees=4", "composite.min_clear=2"])
    start("whole", region, overrides=["model.trees=4", "composite.min_clear=2"])
    assert work("shards", "prepare") == ["prepare-01", "prepare-02"]
    assert work("shards", "overlap") == ["overlap-01"]  # the first tile of each pair
    assert work("shards", "sample") == ["sample-01", "sample-02"]
    _whole("shards", "train")
    assert work("shards", "classify") == ["classify-01", "classify-02"]
    for group in ("mosaic", "validate", "publish"):
        _whole("shards", group)
    assert api.report("shards")["state"] == "done"
    assert api.run_inline("whole")["state"] == "done"
    assert outputs_of("shards") == outputs_of("whole")


def _whole(run: str, group: Any) -> None:
    for lane in api.plan_lanes(run, group):
        _lane(run, group, lane["unit"], ())


def outputs_of(run: str) -> dict[tuple[str, str], tuple[str, ...]]:
    states = units.states(api.open_workspace().records, run)
    return {(state.stage, state.unit.id): state.outputs for state in states}


def test_only_tiles_with_work_are_in_a_shard(region: SimulatedRegion) -> None:
    start("again", region)
    assert {phase: named("again", phase) for phase in PHASES} == {phase: [] for phase in PHASES}
    start("model", region, overrides=["model.trees=4"])
    early: tuple[Phase, ...] = ("prepare", "overlap", "sample")
    assert [named("model", phase) for phase in early] == [[], [], []]
    _whole("model", "train")
    (both,) = api.plan_shards("model", "classify")
    assert both == {"shard": "classify-01", "shard_label": "classify-01: 30SUF … 30SVF (2)"}


def test_a_shard_keeps_its_tiles_and_its_place(region: SimulatedRegion) -> None:
    start("kept", region, overrides=["composite.min_clear=2"])
    records = api.open_workspace().records
    shards.extend(records, "kept", "prepare", ["30SVF"], 50)
    assert named("kept", "prepare", 50) == ["prepare-01", "prepare-02"]
    assert shards.load(records, "kept", "prepare-01").tiles == ("30SVF",)
    assert shards.load(records, "kept", "prepare-02").tiles == ("30SUF",)
    work("kept", "prepare")
    assert named("kept", "prepare") == ["prepare-01", "prepare-02"]


def test_what_is_left_of_a_shard_has_its_reason_and_is_worked_on_alone(
    region: SimulatedRegion,
) -> None:
    start("left", region, overrides=["composite.min_clear=2"])
    assert named("left", "prepare", 50) == ["prepare-01"]
    work("left", "prepare", "30SVF.2021-summer")
    assert api.left_of_shard("left", "prepare-01") == {
        "30SVF": "collect failed: 30SVF.2021-summer: no."
    }
    records = api.open_workspace().records
    tiles = shards.load(records, "left", "prepare-01").tiles
    again = api.plan_lanes("left", "prepare", tiles=tiles, shard="prepare-01.2")
    assert [lane["unit"] for lane in again] == ["30SVF.2021-summer"]
    _lane("left", "prepare", "30SVF.2021-summer", ())
    assert api.left_of_shard("left", "prepare-01") == {}
    with pytest.raises(InputError, match="no shard 'prepare-07'"):
        api.left_of_shard("left", "prepare-07")


def test_stopping_a_shard_cancels_what_has_not_ended(region: SimulatedRegion) -> None:
    start("stopped", region, overrides=["composite.min_clear=2"])
    named("stopped", "prepare")
    records = api.open_workspace().records
    shards.begin(records, shards.load(records, "stopped", "prepare-01"), "stopped.prepare-01")
    stopped = api.stop_shard("stopped", "prepare-01")
    assert {one["unit"].partition(".")[0] for one in stopped} == {"30SUF"}
    found = units.states(records, "stopped")
    assert {s.state for s in found if s.unit.tile == "30SUF"} == {"cancelled"}
    assert "cancelled" not in {s.state for s in found if s.unit.tile == "30SVF"}
    assert shards.load(records, "stopped", "prepare-01").stopped == ("stopped.prepare-01",)


def test_a_run_with_the_same_inputs_takes_over_what_became_of_each_unit(
    region: SimulatedRegion,
) -> None:
    start("same", region)
    assert api.adopt("same") == "first"
    assert runs.same_as(api.open_workspace().records, "same") == "first"
    assert outputs_of("same") == outputs_of("first")
    assert {s.state for s in units.states(api.open_workspace().records, "same")} == {"reused"}
    for phase in PHASES:
        assert api.plan_shards("same", phase) == []
    for group in ("train", "mosaic", "validate", "publish"):
        assert api.plan_lanes("same", group) == []  # type: ignore[arg-type]
    assert api.report("same")["state"] == "done"
    start("other", region, overrides=["model.trees=4"])
    assert api.adopt("other") is None


def test_an_output_that_is_gone_is_not_taken_over(region: SimulatedRegion) -> None:
    workspace = api.open_workspace()
    (state, *_) = units.states(workspace.records, "first", "composite")
    document = workspace.records.get("outputs", state.outputs[0])
    assert document is not None
    workspace.objects.remove(document["key"])
    start("gone", region)
    assert api.adopt("gone") is None
    assert named("gone", "prepare") == ["prepare-01"]


def test_a_run_with_too_many_tiles_is_told_what_to_do(region: SimulatedRegion) -> None:
    with pytest.raises(UsageError, match=r"has 2 tiles; expected at most 1\. Divide it\.$"):
        start("many", region, most_tiles=1, instead="Divide it.")
    assert api.open_workspace().records.get("runs", "many") is None


def test_a_recipe_that_is_edited_during_a_run_changes_nothing(
    region: SimulatedRegion, tmp_path: Path
) -> None:
    recipe = tmp_path / "own.yaml"
    recipe.write_text(RECIPE.read_text())
    arguments = {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
        "overrides": ["model.trees=3"],
    }
    api.start_run("edited", recipe, **arguments)
    recipe.write_text(json.dumps({"name": "broken"}) + "\n: :")
    assert [named("edited", phase) for phase in PHASES] == [[]] * 4
    assert api.plan_lanes("edited", "train") == []


def test_one_stale_tile_of_450_costs_one_shard_and_all_of_them_nine(
    region: SimulatedRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a dry run finds is known here, and the tests above let it look; the ledger is real."""
    tiles = list(many_tiles.tiles_of(450))
    assert TILES[0] in tiles  # one at least has products
    stale = {tiles[200]}

    def find(workspace: Any, run: Any, recipe: Any, unit: Unit, stages: Any) -> Any:
        found = [UnitState(run=run.id, stage=s, unit=unit, state="reused") for s in stages]
        return None if unit.tile in stale else found

    monkeypatch.setattr(planned_lanes, "find_again", find)
    start("late", region, tiles=tiles, until="composite")
    (shard,) = api.plan_shards("late", "prepare")
    records = api.open_workspace().records
    assert shards.load(records, "late", shard["shard"]).tiles == (tiles[200],)
    for state in units.states(records, "late"):
        units.save(records, state.model_copy(update={"state": "done"}))
    # Its neighbours are compared with it anew, wherever they stand in the list.
    stale.update(str(unit.tile) for unit in near(tiles, tiles[200]))
    (shard,) = api.plan_shards("late", "overlap")
    assert 1 < len(shards.load(records, "late", shard["shard"]).tiles) <= len(stale) < 10
    stale.update(tiles)
    start("all", region, tiles=tiles, until="composite")
    planned = api.plan_shards("all", "prepare")
    assert [one["shard"] for one in planned] == [f"prepare-{n:02d}" for n in range(1, 10)]
    sizes = [len(shards.load(records, "all", one["shard"]).tiles) for one in planned]
    assert sizes == [50] * 9


def near(tiles: list[str], tile: str) -> list[Unit]:
    """Name the units of the tiles that overlap one."""
    from landcover.parts.preparation.overlaps import later_neighbours

    return [
        Unit(id=other, label=other, tile=other)
        for other in tiles
        if other != tile and tile in later_neighbours(other, {other, tile})
    ]


def test_tiles_that_share_no_ground_need_no_comparison(
    region: SimulatedRegion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no tiles of a workspace touch, none was ever compared: that makes no lanes."""
    monkeypatch.setattr(planned_lanes, "_is_new", lambda task, stage: True)
    start("alone", region, tiles=TILES[:1], until="composite")
    workspace = api.open_workspace()
    task = Task(workspace, *runs.load(workspace, "alone"), WHOLE_RUN)
    unit = Unit(id=TILES[0], label=TILES[0], tile=TILES[0])
    assert not planned_lanes.has_work(task, unit, ["overlap"])
    assert planned_lanes.has_work(task, unit, ["terrain"])
