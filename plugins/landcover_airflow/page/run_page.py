"""What the page of a run is told, put together of the ledger and of where its lanes are."""

from __future__ import annotations

from typing import Any

from landcover.errors import AbsentError
from landcover.nouns.stages import GROUPS, Group
from landcover_airflow.groups import PHASE_OF, task_of
from landcover_airflow.page.repair import repair_of
from landcover_airflow.shard_run import REGION_DAG, SHARD_DAG

MOST_RUNS = 50
"""Runs that are listed, the newest first."""


def runs_of(allowed: set[str]) -> list[dict[str, Any]]:
    """List the newest runs that DAGs drive which may be seen."""
    from landcover import api
    from landcover.ledger import drivers, runs

    records = api.open_workspace().records
    driven = drivers.by_run(records)
    found = []
    for record in records.find("runs", sort=runs.NEWEST_FIRST):
        dag, dag_run = driven.get(str(record["_id"]), ("", ""))
        if dag in allowed:
            told = {name: record.get(name) for name in ("state", "started", "ended")}
            found.append({"run": record["_id"], "dag": dag, "dag_run": dag_run, **told})
    return found[:MOST_RUNS]


def roster_of(dag_id: str, dag_run: str) -> dict[str, Any]:
    """List what a run consists of, and the places of its lanes in Airflow's grid.

    Raises:
        AbsentError: The DAG run drives no run of the ledger.
    """
    from landcover import api

    records = api.open_workspace().records
    run = run_of(records, dag_id, dag_run)
    return {**api.run_roster(run), "in_shards": dag_id == REGION_DAG}


def changes_of(dag_id: str, dag_run: str, since: str) -> dict[str, Any]:
    """Give the units of a run that changed since the last look, and where their lanes are.

    Raises:
        AbsentError: The DAG run drives no run of the ledger.
        InputError: The moment of the last look is none.
    """
    from landcover import api

    records = api.open_workspace().records
    run = run_of(records, dag_id, dag_run)
    found = api.run_changes(run, since)
    places = _places(records, run, in_shards=dag_id == REGION_DAG)
    for unit in found["units"]:
        unit["lane"] = places.get((unit["stage"], unit["unit"]))
    return found


def repair_for(dag_id: str, dag_run: str, cause: str) -> dict[str, Any]:
    """List what to clear for the units of a cause.

    Returns:
        ``task_ids`` as Airflow's ``clearTaskInstances`` takes them, and ``labels`` of the units;
        both empty where no unit has this cause any more.

    Raises:
        AbsentError: The DAG run drives no run of the ledger.
    """
    from landcover import api

    records = api.open_workspace().records
    run = run_of(records, dag_id, dag_run)
    lost = api.units_of_cause(run, cause)
    pairs = repair_of(records, run, lost, dag_id)
    return {"task_ids": pairs, "labels": [state.unit.label for state in lost]}


def tile_of(dag_id: str, dag_run: str, tile: str) -> dict[str, Any]:
    """Tell what the seasons of a tile were made of, and what its map lacks.

    Raises:
        AbsentError: The DAG run drives no run of the ledger, or that has no such tile.
    """
    from landcover import api

    return api.tile_detail(run_of(api.open_workspace().records, dag_id, dag_run), tile)


def picture_of(dag_id: str, dag_run: str, tile: str, output: str) -> bytes:
    """Draw a composite or a map of a tile, PNG.

    Raises:
        AbsentError: The DAG run drives no run of the ledger, or the output is not of this tile.
    """
    from landcover import api

    run = run_of(api.open_workspace().records, dag_id, dag_run)
    return api.tile_picture(run, tile, output)


def run_of(records: Any, dag_id: str, dag_run: str) -> str:
    """Name the run of the ledger that a DAG run drives.

    Raises:
        AbsentError: It drives none.
    """
    from landcover.ledger import drivers

    run = drivers.driven_by(records, dag_id, dag_run)
    if run is None:
        hint = (
            "It works on a part of a region: open the run of landcover_region."
            if dag_id == SHARD_DAG
            else "Its task 'start' has not ended, or another run took its place in the records."
        )
        raise AbsentError(f"Run {dag_run!r} of {dag_id} has nothing in the records. {hint}")
    return run


def _places(
    records: Any, run: str, *, in_shards: bool
) -> dict[tuple[str, str], tuple[str, int, str | None]]:
    """Give stage and unit → task, place of its lane, and the DAG run where not that of the page."""
    from landcover.ledger import lanes, shards

    found: dict[tuple[str, str], tuple[str, int, str | None]] = {}

    def add(group: Group, part: str = "") -> None:
        for place, unit in enumerate(lanes.load(records, run, group, part) or ()):
            for stage in GROUPS[group]:
                found[stage, unit.id] = (task_of(group, stage), place, part or None)

    for group in GROUPS:
        if not in_shards or group not in PHASE_OF:
            add(group)
            continue
        for shard in shards.of_phase(records, run, PHASE_OF[group]):
            # A later run of a shard has the lanes of the tiles that were left.
            for part in shard.tries:
                add(group, part)
    return found
