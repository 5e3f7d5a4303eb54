"""Run the cases of an experiment as ordinary runs, one after another.

Ids follow from inputs, so what cases share is computed once: a case that only changes the model
finds the composites of the one before. The first seed makes a map; the others end with the model,
whose answers to groups that it did not see are what is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from landcover.errors import LandcoverError, sentence_of
from landcover.ledger import runs, units
from landcover.nouns.experiment import CaseRun
from landcover.nouns.stages import GROUPS, Stage
from landcover.nouns.unit_document import unit_document
from landcover.parts.reporting.run_report import report_run
from landcover.parts.task import Task
from landcover.pipeline.interrupted import owning
from landcover.pipeline.planning import WHOLE_RUN, plan_group
from landcover.pipeline.running import run_stage
from landcover.pipeline.starting import resolve, start_run
from landcover.pipeline.up_to_date import find_same_run
from landcover.recipe.experiment import Case
from landcover.stores.workspace import Workspace

Tell = Callable[[str], None]


def run_cases(
    workspace: Workspace,
    name: str,
    cases: Sequence[Case],
    recipe: Path,
    seeds: Sequence[int],
    arguments: dict[str, Any],
    *,
    memory_gb: float = 1.0,
    threads: int = 1,
    tell: Tell = lambda sentence: None,
) -> list[CaseRun]:
    """Run every case under every seed; one that fails stops no other.

    Args:
        workspace: Where everything goes.
        name: Name of the experiment, first part of the names of the runs.
        cases: The cases, baselines first.
        recipe: Recipe of all cases.
        seeds: Seeds of the model; the first one runs to the published map.
        arguments: Arguments of the runs, ``until`` and ``overrides`` apart.
        memory_gb: Memory of a job, GB.
        threads: Threads of a job.
        tell: Is told what begins.

    Returns:
        What ran, case by case, seed by seed.
    """
    found = []
    for number, seed in enumerate(seeds):
        until: Stage = "publish" if number == 0 else "train"
        for place, case in enumerate(cases, start=1):
            tell(f"seed {seed}: case {place} of {len(cases)}, {case.name}")
            overrides = [*case.overrides, f"model.seed={seed}"]
            given = {**arguments, "until": until, "overrides": overrides}
            run = f"{name}.{case.name}.s{seed}"
            found.append(_run(workspace, run, case, seed, recipe, given, memory_gb, threads))
    return found


def _run(
    workspace: Workspace,
    run_id: str,
    case: Case,
    seed: int,
    recipe: Path,
    given: dict[str, Any],
    memory_gb: float,
    threads: int,
) -> CaseRun:
    try:
        resolved, known = resolve(recipe, **given)
        same = find_same_run(workspace, resolved, known)
        if same is not None:
            return CaseRun(case=case.name, seed=seed, run=same)
        start_run(workspace, run_id, resolved, known)
        with owning(workspace, run_id):
            report = _all_stages(workspace, run_id, memory_gb, threads)
    except LandcoverError as error:
        return CaseRun(case=case.name, seed=seed, run=run_id, trouble=sentence_of(error))
    trouble = "" if report["state"] in ("done", "degraded") else _why(workspace, run_id)
    return CaseRun(case=case.name, seed=seed, run=run_id, trouble=trouble)


def _all_stages(
    workspace: Workspace, run_id: str, memory_gb: float, threads: int
) -> dict[str, Any]:
    for group, stages in GROUPS.items():
        task = Task(workspace, *runs.load(workspace, run_id), WHOLE_RUN)
        for unit in plan_group(task, group):
            for stage in stages:
                document = unit_document(
                    run_id, stage, unit.id, memory_gb=memory_gb, threads=threads
                )
                if run_stage(workspace, stage, document)["state"] not in ("done", "reused"):
                    break
    return report_run(workspace, run_id)


def _why(workspace: Workspace, run_id: str) -> str:
    """Give the first sentence of what went wrong in a run."""
    states = units.states(workspace.records, run_id)
    told = [state.message for state in states if not state.is_finished and state.message]
    return told[0] if told else "the run did not end well"
