"""The parts of ``landcover_region`` and ``landcover_shard``: shards of each phase.

A region of hundreds of tiles is too much for one run of Airflow, whose scheduler looks at all
lanes of a run in each pass. Its tiles go through each phase in runs of ``landcover_shard``; all
write to one run of the ledger (docs/decisions/0061).
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landcover.nouns.shard import PHASES, Phase
from landcover_airflow.form import SHARD_TILES
from landcover_airflow.groups import START, ledger_run, require_start
from landcover_airflow.operators.shard import ShardOperator
from landcover_airflow.outcome import sentences
from landcover_airflow.shard_run import require_not_stopped, shard_of

MOST_NAMED = 5
LOST = ("failed", "cancelled", "interrupted")
log = logging.getLogger(__name__)


def shards_of(phase: Phase) -> tuple[Any, Any]:
    """Build the planner of a phase and the tasks that have its shards worked on.

    Args:
        phase: Phase of :data:`landcover.nouns.shard.PHASES`.

    Returns:
        The planner task, and the mapped task with one instance for each shard with work.
    """

    @task(task_id=f"plan_{phase}", trigger_rule="all_done")
    def plan() -> list[dict[str, str]]:
        from landcover import api

        require_start()
        with sentences():
            most = int(get_current_context()["params"][SHARD_TILES])
            found = api.plan_shards(ledger_run(), phase, most_tiles=most)
        log.info("%s: %s", phase, "; ".join(one["shard_label"] for one in found) or "nothing to do")
        return found

    planned = plan()
    mapped = ShardOperator.partial(
        task_id=phase,
        memory_gb="{{ params.memory_gb or '' }}",
        threads="{{ params.threads or '' }}",
        map_index_template="{{ task.shard_label }}",
        doc_md=f"Runs of `landcover_shard`, each with the phase `{phase}` of some tiles. A red "
        "one stops nothing: the tolerance of the recipe decides in `report`. Clear it to work on "
        "its missing tiles alone, with what follows to have them in the map.",
    ).expand_kwargs(planned)
    return planned, mapped


@task.branch(task_id=START)
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
    """Sum up the shard from the ledger; fail where a unit failed.

    Returns:
        Numbers of tiles: of the shard, and of those with a failed unit.
    """
    from landcover import api
    from landcover.ledger import units
    from landcover.nouns.stages import GROUPS

    context = get_current_context()
    require_start(failing=True)
    require_not_stopped(context)
    shard = shard_of(context)
    assert shard is not None
    records = api.open_workspace().records
    failed: dict[str, str] = {}
    for stage in [stage for group in PHASES[shard.phase] for stage in GROUPS[group]]:
        for state in units.states(records, shard.run, stage):
            if state.unit.tile in shard.tiles and state.state in LOST:
                failed.setdefault(str(state.unit.tile), f"{stage} {state.state}: {state.message}")
    for reason in failed.values():
        log.error("  %s", reason)
    log.info("%s: %d of %d tiles have a failed unit", shard.name, len(failed), len(shard.tiles))
    if failed:
        raise AirflowFailException(
            f"{len(failed)} of {len(shard.tiles)} tiles failed: "
            + "; ".join(list(failed.values())[:MOST_NAMED])
        )
    return {"n_tiles": len(shard.tiles), "n_failed": 0}
