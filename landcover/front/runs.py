"""Runs as people and schedulers drive them: start, plan, run unit by unit, report."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.front.run_signature import with_run_arguments
from landcover.front.workspace import open_workspace
from landcover.nouns.unit_document import unit_document

if TYPE_CHECKING:
    from landcover.errors import Family
    from landcover.nouns.stages import Group, Stage


@with_run_arguments
def start_run(
    run_id: str,
    recipe: str | Path | Mapping[str, Any],
    *,
    most_tiles: int | None = None,
    instead: str = "Name fewer tiles.",
    **arguments: Any,
) -> str:
    """Write the record of a run: everything its stages will need to know.

    Args:
        run_id: Name of the run; an existing run of this name is started over.
        recipe: A recipe file, or its document.
        most_tiles: Tiles that the run may have; any number if None.
        instead: Sentence that says what to do with more of them.
        **arguments: Fields of :class:`landcover.nouns.run_arguments.RunRequest`.

    Returns:
        The run id.

    Raises:
        UsageError: The recipe or an argument is wrong, or the run has too many tiles.
        InputError: Products, labels or DEM are not there or not usable.

    Examples:
        >>> from landcover import api
        >>> api.start_run(
        ...     "again",
        ...     "recipes/mediterranean-rf.yaml",
        ...     year=2021,
        ...     products="region/products",
        ...     labels="region/labels.geojson",
        ...     dem="region/dem",
        ...     until="composite",
        ... )
        'again'
    """
    from landcover.front.region_text import fetched_recipe, named_region
    from landcover.pipeline import starting

    file = fetched_recipe(recipe) if isinstance(recipe, str) else recipe
    resolved, known = starting.resolve(file, **named_region(arguments))
    starting.require_few(known, most_tiles, instead)
    return starting.start_run(open_workspace(), run_id, resolved, known).id


def plan(run_id: str, group: Group) -> list[dict[str, str]]:
    """List the units that a group of stages has to work on, and write them to the ledger.

    Args:
        run_id: The run.
        group: ``prepare``, ``overlap``, ``terrain``, ``sample``, ``train``, ``classify``,
            ``mosaic``, ``validate`` or ``publish``.

    Returns:
        ``unit`` (id) and ``label`` of each.

    Examples:
        >>> from landcover import api
        >>> [unit["label"] for unit in api.plan("demo", "prepare")]
        ['30SUF 2021-spring', '30SUF 2021-summer']
    """
    from landcover.ledger import runs
    from landcover.parts.task import Task
    from landcover.pipeline.planning import WHOLE_RUN, plan_group

    workspace = open_workspace()
    task = Task(workspace, *runs.load(workspace, run_id), WHOLE_RUN)
    return [{"unit": unit.id, "label": unit.label} for unit in plan_group(task, group)]


def plan_lanes(
    run_id: str, group: Group, *, tiles: Collection[str] | None = None, shard: str = ""
) -> list[dict[str, str]]:
    """List the units of a group that need a lane of a scheduler, in a lasting order.

    Units whose outputs are all there are written to the ledger as reused and need none. The first
    list is kept: later calls give the same one, at most with more behind it.

    Args:
        run_id: The run.
        group: A group as :func:`plan` knows it.
        tiles: Tiles that are planned here; all of the run if None.
        shard: Name of this part of the run, which has a list of its own.

    Returns:
        ``unit`` (id) and ``label`` of each.

    Examples:
        >>> from landcover import api
        >>> api.plan_lanes("demo", "terrain")
        []
    """
    from landcover.ledger import runs
    from landcover.parts.task import Task
    from landcover.pipeline import lanes
    from landcover.pipeline.planning import WHOLE_RUN

    workspace = open_workspace()
    task = Task(workspace, *runs.load(workspace, run_id), WHOLE_RUN)
    found = lanes.plan_lanes(task, group, tiles=tiles, shard=shard)
    return [{"unit": unit.id, "label": unit.label} for unit in found]


def run(
    stage: Stage,
    document: dict[str, Any],
    *,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Run one unit at one stage.

    Args:
        stage: Stage name.
        document: ``{schema, run, stage, unit, attempt, memory_gb, threads}``.
        progress: Is told the share that is done and what is being done.

    Returns:
        ``{unit, state, outputs, seconds, error_family, message}``; what goes wrong in the unit
        is in it, not raised.

    Examples:
        >>> from landcover import api
        >>> api.plan("demo", "terrain")
        [{'unit': '30SUF', 'label': '30SUF'}]
        >>> document = {"schema": 1, "run": "demo", "stage": "terrain", "unit": "30SUF",
        ...             "attempt": 1, "memory_gb": 1.0, "threads": 1}
        >>> api.run("terrain", document)["state"]
        'reused'
    """
    from landcover.pipeline.running import run_stage

    return run_stage(open_workspace(), stage, document, progress)


def report(run_id: str) -> dict[str, Any]:
    """Sum up a run: counts by state, the reason of every trouble, and whether it failed.

    Examples:
        >>> from landcover import api
        >>> api.report("demo")["state"]
        'done'
    """
    from landcover.parts.reporting.run_report import report_run

    return report_run(open_workspace(), run_id)


def cancel(run_id: str) -> None:
    """Write down that somebody stopped a run, so that nothing is left as running.

    Examples:
        >>> from landcover import api
        >>> api.start_run("stopped", "recipes/mediterranean-rf.yaml", year=2021,
        ...               products="region/products", until="collect")
        'stopped'
        >>> api.cancel("stopped")
        >>> api.open_workspace().records.get("runs", "stopped")["state"]
        'cancelled'
    """
    from landcover.parts.reporting.run_report import cancel_run

    cancel_run(open_workspace(), run_id)


def run_inline(run_id: str, *, memory_gb: float = 1.0, threads: int = 1) -> dict[str, Any]:
    """Run all stages of a started run here, one unit after the other, without Airflow.

    Args:
        run_id: A run of :func:`start_run`.
        memory_gb: Memory of a job, GB.
        threads: Threads of a job.

    Returns:
        The report of the run.

    Examples:
        >>> from landcover import api
        >>> api.run_inline("demo")["state"]
        'done'
    """
    from landcover.nouns.stages import GROUPS

    for group, stages in GROUPS.items():
        for unit in plan(run_id, group):
            for stage in stages:
                document = unit_document(
                    run_id, stage, unit["unit"], memory_gb=memory_gb, threads=threads
                )
                outcome = run(stage, document)
                is_left_out = outcome["state"] == "skipped" and outcome["error_family"] is None
                if outcome["state"] not in ("done", "reused") and not is_left_out:
                    break
    return report(run_id)


def mark_lost(stage: Stage, document: dict[str, Any], family: Family, message: str) -> None:
    """Write down the end of a unit whose worker could not do so itself.

    Args:
        stage: Stage name.
        document: What :func:`run` was given.
        family: ``memory``, ``unavailable`` or ``cancelled``.
        message: One sentence.

    Examples:
        >>> from landcover import api
        >>> document = {"schema": 1, "run": "demo", "stage": "terrain", "unit": "30SUF",
        ...             "attempt": 1, "memory_gb": 1.0, "threads": 1}
        >>> api.mark_lost("terrain", document, "unavailable", "The worker went away.")
    """
    from landcover.pipeline import running

    running.mark_lost(open_workspace(), stage, document, family, message)
