"""The time that is left, as the units of a run and of earlier ones tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from landcover import api
from landcover.bench import many_tiles
from landcover.cli.progress import told_left
from landcover.cli.status import command as status
from landcover.ledger import runs, units
from landcover.nouns.run import State, Unit, UnitState
from landcover.nouns.stages import Stage
from landcover.pipeline.time_left import TimeLeft, earlier_seconds, expected_units, time_left


def unit(name: str, stage: Stage, state: State, seconds: float = 0.0, run: str = "r") -> UnitState:
    return UnitState(
        run=run, stage=stage, unit=Unit(id=name, label=name), state=state, seconds=seconds
    )


def test_what_is_left_goes_by_the_mean_of_finished_units() -> None:
    found = [
        unit("a", "mask", "done", 10), unit("b", "mask", "done", 20), unit("c", "mask", "running"),
        unit("d", "mask", "planned"), unit("a", "composite", "done", 60),
        unit("b", "composite", "planned"), unit("e", "composite", "reused", 0),
    ]  # fmt: skip
    assert time_left(found, {}, {}) == TimeLeft(pytest.approx(2 * 15 + 60))


def test_groups_that_are_not_planned_yet_count() -> None:
    found = [unit("a", "composite", "done", 60), unit("b", "composite", "planned")]
    expected: dict[Stage, int] = {"composite": 9, "classify": 4, "train": 1, "publish": 1}
    # What was planned says how many there are; the rest is expected, and known from before.
    left = time_left(found, expected, {"classify": 100, "composite": 1})
    assert left == TimeLeft(pytest.approx(60 + 4 * 100), ("train", "publish"))


def test_what_waits_behind_a_lost_unit_will_not_run() -> None:
    found = [
        unit("a", "collect", "failed"), unit("a", "mask", "planned"),
        unit("b", "collect", "done", 5), unit("b", "mask", "planned"), unit("c", "mask", "done", 7),
    ]  # fmt: skip
    assert time_left(found, {}, {}) == TimeLeft(pytest.approx(7))


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert time_left([], {}, {}) is None
    assert time_left([unit("a", "mask", "done", 10)], {}, {}) is None
    # A unit that was found again took no time: it says nothing of one that is computed.
    found = [unit("a", "mask", "reused"), unit("b", "mask", "planned")]
    assert time_left(found, {}, {}) is None


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (None, ""),
        (TimeLeft(0.2), ", about 1 s left"),
        (TimeLeft(80.0, ("train", "publish")), ", about 80 s and train, publish left"),
        (TimeLeft(600.0), ", about 10 min left"),
    ],
)
def test_it_is_told_in_a_few_words(left: TimeLeft | None, expected: str) -> None:
    assert told_left(left) == expected


def test_a_run_knows_its_units_before_they_are_planned(
    tmp_path: Path, workspace_folder: Path
) -> None:
    tiles = many_tiles.tiles_of(6)
    many_tiles.write_products(tmp_path / "products", tiles, 120, 0)
    api.start_run(
        "r", many_tiles.recipe(), year=2021, products=str(tmp_path / "products"),
        tiles=list(tiles), overrides=["mosaic.cells=auto"],
    )  # fmt: skip
    workspace = api.open_workspace()
    run, recipe = runs.load(workspace, "r")
    assert expected_units(run, recipe) == {
        "collect": 6, "mask": 6, "composite": 6, "overlap": 5, "mosaic": 6, "publish": 1,
    }  # fmt: skip
    assert len(api.plan("r", "prepare")) == 6
    # Times of the newest earlier run that has any; those of the run itself are no earlier ones.
    records = workspace.records
    for name, started, seconds in (("old", "2026-01-01", 50.0), ("new", "2026-02-01", 30.0)):
        records.replace_one("runs", {"_id": name, "started": started})
        units.save(records, unit("a", "composite", "done", seconds, run=name))
    units.save(records, unit("b", "train", "done", 9.0, run="old"))
    units.save(records, unit("c", "mask", "done", 1.0))
    assert earlier_seconds(records, "r") == {"composite": 30.0, "train": 9.0}
    status_tells_tiles_and_time(list(tiles))


def status_tells_tiles_and_time(tiles: list[str]) -> None:
    """See what the terminal and machines are told of that run, which is under way."""
    records = api.open_workspace().records
    for state in units.states(records, "r", "composite")[:2]:
        units.save(records, state.model_copy(update={"state": "done", "seconds": 20.0}))
    shown = CliRunner().invoke(status, ["r", "--json"], catch_exceptions=False)
    document = json.loads(shown.stdout)
    assert list(document["tiles"]) == sorted(tiles)
    assert sorted(str(row["composite"]) for row in document["tiles"].values()) == (
        ["{'done': 1}"] * 2 + ["{'planned': 1}"] * 4
    )
    # Four composites of 20 s and six masks of 1 s; of the other stages nothing is known.
    assert document["left"]["seconds"] == pytest.approx(86)
    assert "collect" in document["left"]["unknown"]
    text = CliRunner().invoke(status, ["r"], catch_exceptions=False).output
    assert "under way, about 86 s and collect" in text
    assert "  tiles " in text
    assert any(line.split()[-1] == "done" and line.count("30") for line in text.splitlines())
