"""Units keep their state, runs keep the recipe they were started with."""

from __future__ import annotations

import pytest

from landcover.errors import InputError, UnavailableError
from landcover.ledger import lookup, runs, units
from landcover.nouns.outcome import Outcome
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.recipe import make_recipe
from landcover.stores.workspace import open_workspace

RECIPE = make_recipe(
    {"name": "a", "seasons": [{"name": "spring", "primary_month": 3, "fallback_month": 4}]}
)
RUN = Run(
    id="r1",
    recipe_id=runs.recipe_id(RECIPE),
    arguments=RunArguments(tiles=("31UDS",), year=2018, products="/p"),
    label_id=None,
    simulated=False,
)
ONE = Unit(id="31UDS.2018-spring", label="31UDS 2018-spring", tile="31UDS", span="2018-spring")
TWO = Unit(id="31UES.2018-spring", label="31UES 2018-spring", tile="31UES", span="2018-spring")


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(f"file://{tmp_path}/objects", f"sqlite://{tmp_path}/records.sqlite")


def test_a_state_is_read_as_it_was_written(workspace):
    state = UnitState(run="r1", stage="mask", unit=ONE, state="done", seconds=1.5, outputs=("a",))
    units.save(workspace.records, state)
    assert units.load(workspace.records, "r1", "mask", ONE.id) == state
    assert units.load(workspace.records, "r1", "composite", ONE.id) is None
    assert units.load(workspace.records, "r2", "mask", ONE.id) is None


def test_planning_again_keeps_the_states(workspace):
    units.plan(workspace.records, "r1", ["collect", "mask"], [ONE])
    done = UnitState(run="r1", stage="collect", unit=ONE, state="done")
    units.save(workspace.records, done)
    units.plan(workspace.records, "r1", ["collect", "mask"], [TWO, ONE])
    found = units.states(workspace.records, "r1")
    assert [(s.stage, s.unit.tile, s.state) for s in found] == [
        ("collect", "31UDS", "done"),
        ("collect", "31UES", "planned"),
        ("mask", "31UDS", "planned"),
        ("mask", "31UES", "planned"),
    ]
    assert [s.unit for s in units.states(workspace.records, "r1", "mask")] == [ONE, TWO]
    assert units.states(workspace.records, "r2") == []


def test_a_run_keeps_its_recipe(workspace):
    runs.save(workspace, RUN, RECIPE)
    assert runs.load(workspace, "r1") == (RUN, RECIPE)
    record = workspace.records.get("runs", "r1")
    assert (record["state"], record["ended"]) == ("running", None)
    outcome = Outcome(state="failed", reasons=("There is no map.",), missing_tiles=("31UDS",))
    runs.finish(workspace, "r1", outcome, {"done": 3})
    record = workspace.records.get("runs", "r1")
    assert (record["state"], record["counts"]) == ("failed", {"done": 3})
    assert record["outcome"]["reasons"] == ["There is no map."]
    assert record["outcome"]["missing_tiles"] == ["31UDS"]
    assert record["ended"] >= record["started"]
    assert runs.load(workspace, "r1") == (RUN, RECIPE)


@pytest.mark.parametrize("collection", ["runs", "recipes", "units"])
def test_a_malformed_record_is_told_with_its_id(workspace, collection):
    runs.save(workspace, RUN, RECIPE)
    units.plan(workspace.records, "r1", ["collect"], [ONE])
    key = workspace.records.find(collection)[0]["_id"]
    workspace.records.replace_one(collection, {"_id": key, "run": "r1", "recipe": 3})
    read = units.states if collection == "units" else runs.load
    store = workspace.records if collection == "units" else workspace
    with pytest.raises(UnavailableError, match=f"Record {key} of {collection} is malformed"):
        read(store, "r1")


def test_an_unknown_run_is_told(workspace):
    with pytest.raises(InputError, match="LANDCOVER_WORKSPACE"):
        runs.load(workspace, "r1")


def test_a_recipe_is_named_by_its_content():
    other = RECIPE.model_copy(update={"tolerance_percent": 20.0})
    assert runs.recipe_id(other) != runs.recipe_id(RECIPE)
    assert runs.recipe_id(make_recipe(RECIPE.to_document())) == runs.recipe_id(RECIPE)


def test_the_newest_run_is_the_one_that_was_begun_last(workspace, monkeypatch):
    """Whatever the clock says: it was set back, and two runs were begun in one second."""
    old = {"_id": "before-numbers", "started": "2026-03-01T00:00:00+00:00", "state": "done"}
    workspace.records.insert_one("runs", old)
    # In the order they are begun in, each by a clock of its own.
    for name, clock in (("z", "09:00:00"), ("m", "08:00:00"), ("a", "08:00:00")):
        monkeypatch.setattr(runs, "_now", lambda clock=clock: f"2026-01-01T{clock}+00:00")
        runs.save(workspace, RUN.model_copy(update={"id": name}), RECIPE, fingerprint="f")
    assert lookup.find_run(workspace, "latest") == "a"
    found = workspace.records.find("runs", sort=runs.NEWEST_FIRST)
    assert [run["_id"] for run in found] == ["a", "m", "z", "before-numbers"]
    assert list(runs.same_runs(workspace.records, "a")) == ["m", "z"]


def test_no_run_yet(workspace):
    with pytest.raises(InputError, match=r"Run latest: workspace .* has no run yet"):
        lookup.find_run(workspace, "latest")
