"""A unit that is cancelled by its record stops between windows and publishes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landcover import api
from landcover.ledger import units
from landcover.parts.task import Task
from landcover.pipeline import running
from landcover.simulate import simulate
from landcover.stores.records import RecordStore
from landcover.stores.scratch import held

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


def stage(run: str, name: Any, unit: str) -> dict[str, Any]:
    document = {"schema": 1, "run": run, "unit": unit, "attempt": 1, "memory_gb": 1, "threads": 1}
    return api.run(name, document)


def cancel(records: RecordStore, run: str, unit: str) -> None:
    state = units.load(records, run, "composite", unit)
    assert state is not None
    units.save(records, state.model_copy(update={"state": "cancelled"}))


def test_a_cancelled_unit_stops_and_publishes_nothing(
    tmp_path: Path, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "CANCEL_SECONDS", 0.0)
    region = simulate(tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=5)
    api.start_run("run", RECIPE, year=region.year, products=str(region.products))
    unit = api.plan("run", "prepare")[0]["unit"]
    for earlier in ("collect", "mask"):
        assert stage("run", earlier, unit)["state"] == "done"

    workspace = api.open_workspace()
    need = Task.need

    def cancelled_meanwhile(self: Task, *args: Any, **kwargs: Any) -> Any:
        cancel(workspace.records, "run", unit)  # as the trigger does when a person marks it failed
        return need(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Task, "need", cancelled_meanwhile)
        outcome = stage("run", "composite", unit)
    assert outcome["state"] == "cancelled"
    assert outcome["error_family"] == "cancelled"
    assert workspace.records.count_documents("outputs", {"wanted.stage": "composite"}) == 0
    assert not list((workspace_folder / "objects").glob("composites/*/*/*"))
    assert api.report("run")["state"] == "failed"

    assert stage("run", "composite", unit)["state"] == "done", "a new attempt goes on"


def test_cancelling_a_run_leaves_nothing_running(tmp_path: Path, workspace_folder: Path) -> None:
    region = simulate(tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=5)
    api.start_run("run", RECIPE, year=region.year, products=str(region.products))
    first, second = (entry["unit"] for entry in api.plan("run", "prepare")[:2])
    records = api.open_workspace().records
    state = units.load(records, "run", "collect", first)
    assert state is not None
    units.save(records, state.model_copy(update={"state": "running"}))
    # What a worker that had to be killed leaves, and what a living one holds.
    scratch = workspace_folder / "objects" / "tmp"
    (scratch / "left").mkdir(parents=True)
    (scratch / "left.lock").touch()
    with held(scratch / "written") as written:
        written.mkdir()
        api.cancel("run")
        assert sorted(path.name for path in scratch.iterdir()) == ["written", "written.lock"]
    found = {s.unit.id: s.state for s in units.states(records, "run", "collect")}
    assert found[first] == "cancelled"
    assert found[second] == "planned"
    run = records.get("runs", "run")
    assert run is not None
    assert run["state"] == "cancelled"
    assert run["counts"]["cancelled"] == 1
