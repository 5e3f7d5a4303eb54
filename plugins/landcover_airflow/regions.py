"""The parts of ``landcover_region`` and ``landcover_shard``: shards of each phase.

A region of hundreds of tiles is too much for one run of Airflow, whose scheduler looks at all
lanes of a run in each pass. Its tiles go through each phase in runs of ``landcover_shard``; all
write to one run of the ledger (docs/decisions/0061).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landcover.nouns.shard import PHASES, Phase
from landcover_airflow.form import LEDGER_RUN, SHARD_TILES
from landcover_airflow.groups import START, require_start
from landcover_airflow.ledger_run import ledger_run
from landcover_airflow.notes import shard_note, write_notes
from landcover_airflow.operators.shard import ShardOperator
from landcover_airflow.outcome import sentences
from landcover_airflow.places import Places
from landcover_airflow.refusal import refusing
from landcover_airflow.shard_run import SHARD, require_not_stopped, shard_of

MOST_NAMED = 5
FOLLOWING: Mapping[Phase, str] = {
    "prepare": "plan_overlap",
    "overlap": "plan_sample",
    "sample": "plan_train",
    "classify": "plan_mosaic",
}
"""Phase → the planner of a region that comes after it."""
log = logging.getLogger(__name__)


def shards_of(phase: Phase) -> tuple[Any, Any]:
    """Build the planner of a phase and the tasks that have its shards worked on.

    Args:
        phase: Phase of :data:`landcover.nouns.shard.PHASES`.

    Returns:
        The planner task, and the mapped task with one instance for each shard with work.
    """

    @task(task_id=f"plan_{phase}", trigger_rule="all_done")
    def plan() -> Places:
        from landcover import api

        require_start()
        with sentences():
            most = int(get_current_context()["params"][SHARD_TILES])
            found = api.plan_shards(ledger_run(), phase, most_tiles=most)
        log.info("%s: %s", phase, "; ".join(one["shard_label"] for one in found) or "nothing to do")
        return Places(len(found))

    planned = plan()
    mapped = ShardOperator.partial(
        task_id=phase,
        phase=phase,
        memory_gb="{{ params.memory_gb or '' }}",
        threads="{{ params.threads or '' }}",
        map_index_template="{{ task.shard_label }}",
        doc_md=f"Runs of `landcover_shard`, each with the phase `{phase}` of some tiles. A red "
        "one stops nothing: the tolerance of the recipe decides in `report`. Clear it to work on "
        "its missing tiles alone, with what follows to have them in the map.",
    ).expand(place=planned)
    return planned, mapped


@task.branch(task_id=START)
@refusing
def start_shard() -> list[str]:
    """Choose the planners of the phase: those of the others are left out."""
    context = get_current_context()
    require_not_stopped(context)
    shard = shard_of(context)
    if shard is None:
        raise AirflowFailException(
            "landcover_shard works on a part of a region and is triggered by landcover_region: "
            "trigger that one, or landcover_map for up to 100 tiles."
        )
    planners = [f"plan_{group}" for group in PHASES[shard.phase]]
    # A task that branches pushes nothing by itself; planners look whether the run was started.
    context["ti"].xcom_push(key="return_value", value=planners)
    return planners


@task(task_id="report", trigger_rule="all_done", retries=0)
def report_shard() -> dict[str, int]:
    """Sum up the shard from the ledger, write its notes, and fail where a unit failed.

    Returns:
        Numbers of tiles: of the shard, and of those with a failed unit.
    """
    from landcover import api

    context = get_current_context()
    require_start(failing=True)
    require_not_stopped(context)
    params = context["params"]
    with sentences():
        summary = api.report_shard(params[LEDGER_RUN], params[SHARD])
    failed, n_tiles = summary["failed"], summary["n_tiles"]
    for reason in failed.values():
        log.error("  %s", reason)
    log.info("%s: %d of %d tiles have a failed unit", params[SHARD], len(failed), n_tiles)
    following = FOLLOWING[summary["phase"]]
    write_notes(
        params[LEDGER_RUN],
        summary,
        shard_note(summary),
        lambda label: (
            f"To repair {label}: mend the cause, clear this lane and report here; when they are "
            f"green, clear {following} in the run of landcover_region, with downstream."
        ),
    )
    if failed:
        raise AirflowFailException(
            f"{len(failed)} of {n_tiles} tiles failed: "
            + "; ".join(list(failed.values())[:MOST_NAMED])
        )
    return {"n_tiles": n_tiles, "n_failed": 0}
