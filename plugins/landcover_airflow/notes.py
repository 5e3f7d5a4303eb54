"""Notes of a run and of its lanes, so that Airflow's own pages tell what became of it.

Tasks have no way to write notes; the public REST API has, under the permissions of the user whom
the connection ``landcover_api`` names. A note is never a reason for a run to fail.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from airflow.sdk import get_current_context

from landcover.errors import LandcoverError, sentence_of
from landcover.nouns.run import LOST
from landcover.nouns.stages import GROUPS, Group
from landcover_airflow.ledger_run import IN_PROCESS
from landcover_airflow.outcome import paths_last
from landcover_airflow.rest import Access, log_in
from landcover_airflow.shard_run import part_name

log = logging.getLogger(__name__)
MOST_CHARACTERS = 1000
"""Airflow takes no longer note."""
MOST_CAUSES = 3
Lane = tuple[str, int]
"""Id of a task and the place of its lane."""


def write_notes(
    run: str, summary: Mapping[str, Any], note: str, press: Callable[[str], str]
) -> None:
    """Write the note of this DAG run and those of its failed and degraded lanes.

    Lanes that had a note and need none any more lose it.

    Args:
        run: Name of the run in the ledger.
        summary: What the report of the run, or of a shard, returns.
        note: Note of the run.
        press: Gives what to clear for the lane with a label; empty where nothing is to be.
    """
    context = get_current_context()
    dag_run = context["dag_run"]
    if dag_run.run_id == IN_PROCESS:
        return  # nobody sees the page of an Airflow that ends with its run
    try:
        access = log_in()
        where = _path(dag_run)
        access.patch(where, {"note": note})
        wanted = dict(_notes_of_lanes(run, summary, press))
        kept = _noted(access, where) if context["ti"].try_number > 1 else {}
        for (task, place), note in {**dict.fromkeys(kept, ""), **wanted}.items():
            if kept.get((task, place)) != note:
                access.patch(f"{where}/taskInstances/{task}/{place}", {"note": note})
    except LandcoverError as error:
        log.info("Airflow's page has no notes of this run: %s", sentence_of(error))


def note_run(note: str) -> None:
    """Write the note of this DAG run, where Airflow can be asked to."""
    dag_run = get_current_context()["dag_run"]
    if dag_run.run_id == IN_PROCESS:
        return
    try:
        log_in().patch(_path(dag_run), {"note": shortened(note)})
    except LandcoverError as error:
        log.info("Airflow's page has no note of this run: %s", sentence_of(error))


def _path(dag_run: Any) -> str:
    return f"/dags/{dag_run.dag_id}/dagRuns/{quote(dag_run.run_id, safe='')}"


def run_note(summary: Mapping[str, Any]) -> str:
    """Write the note of a run: its state, counts and three largest causes.

    Args:
        summary: What the report of the run returns.
    """
    counts = ", ".join(f"{n} {state}" for state, n in sorted(summary["counts"].items()))
    lines = [f"{summary['state']}: {counts}"]
    lines += summary["reasons"]
    if summary["missing_tiles"]:
        lines.append(f"missing: {', '.join(summary['missing_tiles'])}")
    lines += [f"- {cause['text']}" for cause in summary["causes"][:MOST_CAUSES]]
    lines += [f"degraded: {season}" for season in summary["degraded"]]
    lines.append(f"All of it: landcover status {summary['run']}")
    return shortened("\n".join(lines))


def shard_note(summary: Mapping[str, Any]) -> str:
    """Write the note of a run of a shard.

    Args:
        summary: What the report of the shard returns.
    """
    counts = ", ".join(f"{n} {state}" for state, n in sorted(summary["counts"].items()))
    failed = summary["failed"]
    lines = [f"{summary['shard']} of {summary['run']} {summary['state']}: {counts}"]
    if failed:
        lines.append(f"{len(failed)} of {summary['n_tiles']} tiles failed: {', '.join(failed)}")
    lines += [f"- {cause['text']}" for cause in summary["causes"][:MOST_CAUSES]]
    lines += [f"degraded: {season}" for season in summary["degraded"]]
    return shortened("\n".join(lines))


def shortened(note: str) -> str:
    """Cut a note where Airflow would refuse it, and show that it was cut."""
    return note if len(note) <= MOST_CHARACTERS else f"{note[: MOST_CHARACTERS - 2]} …"


def _notes_of_lanes(
    run: str, summary: Mapping[str, Any], press: Callable[[str], str]
) -> Iterator[tuple[Lane, str]]:
    from landcover import api
    from landcover.ledger import lanes, units
    from landcover_airflow.groups import lane_label, task_of

    records = api.open_workspace().records
    messages = {
        (state.stage, state.unit.id): f"{state.stage} {state.state}: {paths_last(state.message)}"
        for state in units.states(records, run)
        if state.state in LOST and state.message
    }
    degraded = {lane_label(text): text for text in summary["degraded"]}
    part = part_name(get_current_context())
    group: Group
    for group, stages in GROUPS.items():
        for place, unit in enumerate(lanes.load(records, run, group, part) or ()):
            lost = [stage for stage in stages if (stage, unit.id) in messages]
            told = [messages[stage, unit.id] for stage in lost]
            if group == "prepare" and unit.label in degraded:
                told.append(f"degraded: {degraded[unit.label]}")
            if told:
                told += filter(None, [press(unit.label)])
                yield (task_of(group, (lost or stages)[0]), place), shortened("\n".join(told))


def _noted(access: Access, where: str) -> dict[Lane, str]:
    """Read the notes of lanes that an earlier end of the run wrote."""
    found: dict[Lane, str] = {}
    page = 100
    for offset in range(0, 100_000, page):
        listed = access.get(f"{where}/taskInstances?limit={page}&offset={offset}")
        for ti in listed["task_instances"]:
            if ti.get("note") and ti["map_index"] >= 0:
                found[ti["task_id"], ti["map_index"]] = ti["note"]
        if offset + page >= listed["total_entries"]:
            break
    return found
