"""The parts that land-cover DAGs are put together from: start, lanes per group, report.

Mapping is never nested: one planner, one mapped group, its stages in a row. What the planner
lists it reads from the ledger, so that a skipped, failed or empty group before it does not stop
the chain; that is why planners and the report run when all before them is *done*.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

from airflow.sdk import get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from landcover.execution import COMPUTE, DOWNLOAD
from landcover.nouns.run_arguments import NOT_OF_THE_RUN
from landcover.nouns.shard import PHASES
from landcover.nouns.stages import GROUPS, TABLE, Group, Stage
from landcover_airflow.estimate import tell_estimate
from landcover_airflow.form import LEDGER_RUN, SHARD_TILES
from landcover_airflow.ledger_run import ledger_run, take_run
from landcover_airflow.notes import run_note, write_notes
from landcover_airflow.notifier import tell_end
from landcover_airflow.operators.stage import StageOperator
from landcover_airflow.outcome import FamilyPolicy, sentences
from landcover_airflow.places import Places, places_of_lanes
from landcover_airflow.pools import require_pools
from landcover_airflow.recipes import recipe_address
from landcover_airflow.refusal import refusing
from landcover_airflow.shard_run import part_of_run, require_not_stopped
from landcover_airflow.variables import RETRY_VARIABLE, seconds_of

log = logging.getLogger(__name__)

DEFAULT_ARGS = {
    "retries": 2,
    "retry_delay": timedelta(seconds=seconds_of(RETRY_VARIABLE)),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": FamilyPolicy(),
    # Depth first: a tile that was begun is finished before the next one is.
    "weight_rule": "upstream",
}
START = "start"
PHASE_OF = {group: phase for phase, groups in PHASES.items() for group in groups}
_NONE: Mapping[tuple[str, str], str] = {}
LANE = "lane"
"""Name of the task that runs all stages of a lane."""
IN_ONE_TASK: tuple[Group, ...] = ("prepare",)
"""Groups whose lanes are one task each."""
MOST_PRESSES = 3
"""Repairs that the last line of a failed run names; the log has all."""
MOST_IN_FLIGHT = 64
"""Lanes of a task that a run has begun at most, whatever the pools say: the pools are the limit."""


@task(task_id=START)
@refusing
def start(most_tiles: int, instead: str, *, adopts: bool = False) -> str:
    """Write the record of the run from what was filled in.

    Args:
        most_tiles: Tiles that the DAG takes.
        instead: What to do with more of them.
        adopts: Take over what a finished run with the same inputs has made.

    Returns:
        Name of the run in the ledger.
    """
    from landcover import api
    from landcover.ledger import runs

    name = take_run()
    with sentences():
        workspace = api.open_workspace()
    if runs.is_driven(workspace, name):
        # The command that drives this run asked the sources and read the labels just now, and
        # runs one lane after the other: pools mean nothing to it.
        return name
    require_pools()
    given = dict(get_current_context()["params"])
    not_of_the_run = (*NOT_OF_THE_RUN, LEDGER_RUN, SHARD_TILES)
    arguments = {key: value for key, value in given.items() if key not in not_of_the_run}
    arguments["tiles"] = tiles_of(arguments.get("tiles"))
    arguments["overrides"] = list(arguments.get("overrides") or ())
    with sentences():
        api.start_run(
            name,
            recipe_address(given["recipe"]),
            most_tiles=most_tiles,
            instead=instead,
            **arguments,
        )
        tell_same_runs(name)
        if adopts and (other := api.adopt(name)) is not None:
            log.info("Run %s had the same inputs, and all that it made is there.", other)
            return name
    tell_estimate(name)
    return name


def tell_same_runs(run_id: str) -> None:
    """Say in the log which other runs have the same recipe, arguments and inputs."""
    from landcover import api
    from landcover.ledger import runs

    for other, state in runs.same_runs(api.open_workspace().records, run_id).items():
        if state == "running":
            log.warning(
                "Run %s has the same recipe, arguments and inputs and is running: what both need "
                "is made once, and this one waits for it.",
                other,
            )
        else:
            log.info(
                "Run %s had the same recipe, arguments and inputs (%s): what it made is reused.",
                other,
                state,
            )


def lanes(group: Group) -> tuple[Any, Any]:
    """Build the planner of a group of stages and its lanes, one per unit with work.

    The list of lanes is written to the ledger by the planner's first try; later ones return the
    same lanes in the same places, perhaps with more behind them, so that a lane which is cleared
    works on its own unit again.

    Args:
        group: Group of :data:`landcover.nouns.stages.GROUPS`.

    Returns:
        The planner task and the mapped task group behind it.
    """

    @task(task_id=f"plan_{group}", trigger_rule="all_done")
    def plan() -> Places:
        from landcover import api

        require_start()
        require_not_stopped(get_current_context())
        with sentences():
            units = api.plan_lanes(ledger_run(), group, **part_of_run())
        named = ", ".join(unit["label"] for unit in units)
        log.debug("%s: %s", group, named or "nothing to do")
        return places_of_lanes(len(units), group)

    @task_group(group_id=group)
    def lane(_lane: int) -> None:
        previous: StageOperator | None = None
        for stages in tasks_of(group):
            operator = StageOperator(
                task_id=_name_of(stages),
                task_display_name=" → ".join(stages),
                doc_md=_told(stages),
                stages=stages,
                group=group,
                memory_gb="{{ params.memory_gb or '' }}",
                threads="{{ params.threads or '' }}",
                map_index_template="{{ task.unit_label }}",
                pool=pool_of(stages),
                max_active_tis_per_dagrun=MOST_IN_FLIGHT,
                earlier_attempts="{{ params.get('earlier_attempts', 0) }}",
                pre_execute=require_not_stopped,
            )
            if previous is not None:
                previous >> operator
            previous = operator

    planned = plan()
    return planned, lane.expand(_lane=planned)


def in_order(steps: Iterable[tuple[Any, Any]], *ends: Any) -> list[Any]:
    """Put planners with their lanes, and what ends the run, in a row for ``airflow.sdk.chain``.

    Each planner waits for the one before it as well, and so does the first task behind the last
    lanes. A repair clears single lanes, and of some groups none: there nothing but the planners
    holds the order.

    Args:
        steps: What :func:`lanes` gives, in the order of the story.
        ends: Tasks behind them.
    """
    listed = list(steps)
    planners = [planner for planner, _ in listed]
    for before, after in pairwise([*planners, *ends[:1]]):
        before >> after
    return [*(part for step in listed for part in step), *ends]


def tasks_of(group: Group) -> tuple[tuple[Stage, ...], ...]:
    """Give the stages of each task of a lane.

    A task costs Airflow one to two CPU seconds whatever it does, so all stages of a group with
    hundreds of lanes are one task (docs/decisions/0048).
    """
    stages = GROUPS[group]
    return (stages,) if group in IN_ONE_TASK else tuple((stage,) for stage in stages)


def pool_of(stages: Sequence[Stage]) -> str:
    """Name the pool of a task: lanes that download hold disk and are counted by themselves."""
    return DOWNLOAD if any(TABLE[stage].downloads for stage in stages) else COMPUTE


def _name_of(stages: Sequence[Stage]) -> str:
    return stages[0] if len(stages) == 1 else LANE


def _told(stages: Sequence[Stage]) -> str:
    named = " → ".join(f"`{stage}`" for stage in stages)
    if len(stages) == 1:
        return f"Stage {named} of one unit, on the Dask cluster."
    return (
        f"Stages {named} of one unit, one behind the other on the Dask cluster. Each has a record "
        "and lines in the log of its own. A clear goes through all of them; what is finished is "
        "found and not made again."
    )


@task(trigger_rule="all_done", retries=0)
def report() -> dict[str, Any]:
    """Sum up the run from the ledger; fail where its map is not there or not whole.

    Returns:
        State, counts by state, and numbers of troubles, missing tiles and degraded seasons.
    """
    from landcover import api

    require_start(failing=True)
    run_id = ledger_run()
    with sentences():
        before = api.open_workspace().records.get("runs", run_id) or {}
        summary = api.report(run_id)
    counts = ", ".join(f"{n} {state}" for state, n in sorted(summary["counts"].items()))
    log.info("Run %s: %s (%d steps: %s)", run_id, summary["state"], summary["n_units"], counts)
    for trouble in summary["troubles"]:
        log.warning("  %s", trouble)
    for output in summary["outputs"]:
        log.info("  published: %s", output)
    for reason in summary["reasons"]:
        log.warning("  failed: %s", reason)
    for season in summary["degraded"]:
        log.warning("  degraded: %s", season)
    shards = shards_of_run(run_id)
    presses = [press_for(standstill, shards) for standstill in summary["standstills"]]
    of_lanes = {
        label: press
        for one, press in zip(summary["standstills"], presses, strict=True)
        for label in one["labels"]
    }
    for degraded in summary["degraded"]:
        press = press_for_season(degraded, shards)
        of_lanes.setdefault(lane_label(degraded), press)
        presses.append(press)
    for press in presses:
        log.warning("  %s", press)
    note = run_note(summary)
    is_repaired = (before.get("state"), summary["state"]) == ("failed", "done")
    tell_end(f"repaired, {note}" if is_repaired else note)
    write_notes(run_id, summary, note, lambda label: of_lanes.get(label, ""))
    if summary["state"] == "failed":
        first = f" First trouble: {summary['troubles'][0]}" if summary["troubles"] else ""
        told = f"Run {run_id} failed. {' '.join(summary['reasons'])}{first}"
        raise AirflowFailException(" ".join([told, *presses[:MOST_PRESSES]]))
    return {
        "state": summary["state"],
        "counts": summary["counts"],
        "n_troubles": len(summary["troubles"]),
        "n_missing_tiles": len(summary["missing_tiles"]),
        "n_degraded": len(summary["degraded"]),
    }


def shards_of_run(run_id: str) -> dict[tuple[str, str], str]:
    """Give phase and tile → label of the shard that the tile is in; empty without shards."""
    from landcover import api
    from landcover.ledger import shards

    records = api.open_workspace().records
    return {
        (phase, tile): shard.label
        for phase in PHASES
        for shard in shards.of_phase(records, run_id, phase)
        for tile in shard.tiles
    }


def press_for(standstill: dict[str, Any], shards: Mapping[tuple[str, str], str] = _NONE) -> str:
    """Say what to clear for a tile that is missing from the map.

    Args:
        standstill: Tile, group where it stopped, and labels of its units there.
        shards: Phase and tile → label of its shard, where the run has shards.
    """
    tile, group, labels = standstill["tile"], standstill["group"], standstill["labels"]
    step = PHASE_OF.get(group, group) if shards else group
    if labels:
        where = shards.get((step, tile))
        task, named = (step, where) if where else (_lane_of(group), ", ".join(labels))
        return f"To repair {tile}: mend the cause, then clear {task} of {named} with downstream."
    return (
        f"{tile} has what {group} needs and is not in the map: clear plan_{step} with downstream."
    )


def press_for_season(degraded: str, shards: Mapping[tuple[str, str], str] = _NONE) -> str:
    """Say what to clear for a season that lacked something: ``31UDS/2018-spring: no B09``."""
    label = lane_label(degraded)
    where = shards.get(("prepare", label.partition(" ")[0]))
    task, named = ("prepare", where) if where else (_lane_of("prepare"), label)
    return f"If what {label} lacked was delivered: clear {task} of {named} with downstream."


def lane_label(degraded: str) -> str:
    """Give the label of the lane that a sentence about a degraded season is about."""
    return degraded.partition(":")[0].replace("/", " ")


def _lane_of(group: Group) -> str:
    return task_of(group, GROUPS[group][0])


def task_of(group: Group, stage: Stage) -> str:
    """Give the id of the task of a lane that runs a stage."""
    stages = next(stages for stages in tasks_of(group) if stage in stages)
    return f"{group}.{_name_of(stages)}"


def require_start(*, failing: bool = False) -> None:
    """Go on only where the run was started: an older record of this name is not this run.

    Args:
        failing: Fail instead of skipping, so that the run ends as failed.

    Raises:
        AirflowSkipException: It was not, and there is nothing to do here.
        AirflowFailException: It was not, and this task says so for the whole run.
    """
    context = get_current_context()
    if context["ti"].xcom_pull(task_ids=START) is not None:
        return
    message = f"The run was not started: the reason is in the log of the task {START!r}."
    if failing:
        raise AirflowFailException(message)
    raise AirflowSkipException(message)


def tiles_of(value: str | Iterable[str] | None) -> list[str]:
    """Read tile ids from a text or from lines of text, with commas or blanks between them."""
    lines = [value] if isinstance(value, str) else value or ()
    return [tile for line in lines for tile in line.replace(",", " ").split()]
