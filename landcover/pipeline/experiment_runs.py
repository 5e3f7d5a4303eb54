"""The runs of an experiment as documents, for a scheduler that runs them one after another."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landcover.analysis.experiment_results import judge
from landcover.errors import UsageError
from landcover.ledger import units
from landcover.nouns.experiment import CaseRun, ExperimentResult
from landcover.publish.experiment_page import write_experiment
from landcover.recipe.experiment import cases_of, read_experiment
from landcover.stores import layout
from landcover.stores.workspace import Workspace


def list_runs(file: str | Path) -> list[dict[str, Any]]:
    """List the runs of an experiment in the order in which they share most.

    Args:
        file: The experiment.

    Returns:
        ``run`` (its name), ``case``, ``seed``, ``recipe``, ``until`` and ``overrides`` of each.

    Raises:
        UsageError: The file is no experiment.
    """
    experiment, recipe = read_experiment(file)
    return [
        {
            "run": f"{experiment.name}.{case.name}.s{seed}",
            "case": case.name,
            "seed": seed,
            "recipe": str(recipe.resolve()),
            # The first seed makes the maps, the others end with the model.
            "until": "train" if number else "publish",
            "overrides": [*case.overrides, f"model.seed={seed}"],
        }
        for number, seed in enumerate(experiment.seeds)
        for case in cases_of(experiment)
    ]


def publish_results(
    workspace: Workspace, file: str | Path, names: Mapping[str, str]
) -> tuple[str, ExperimentResult]:
    """Judge the runs of an experiment and publish its page.

    Args:
        workspace: Where the runs are.
        file: The experiment.
        names: Name of a run as :func:`list_runs` gives it → its name in the ledger.

    Returns:
        Key of the folder with page and tables, and the table.

    Raises:
        UsageError: The file is no experiment.
    """
    experiment, _ = read_experiment(file)
    ran = [_ended(workspace, one, names) for one in list_runs(file)]
    key = layout.report(f"experiment-{experiment.name}")
    workspace.objects.remove(key)  # of an earlier try
    with workspace.objects.publishing(key) as folder:
        folder.mkdir()
        found = judge(workspace, experiment, cases_of(experiment), ran, folder)
        write_experiment(found, folder)
    return key, found


def _ended(workspace: Workspace, one: Mapping[str, Any], names: Mapping[str, str]) -> CaseRun:
    name = names.get(one["run"], one["run"])
    record = workspace.records.get("runs", name)
    state = "" if record is None else str(record["state"])
    trouble = "" if state in ("done", "degraded") else _why(workspace, name, state)
    return CaseRun(case=one["case"], seed=one["seed"], run=name, trouble=trouble)


def _why(workspace: Workspace, name: str, state: str) -> str:
    if not state:
        return "it was not run"
    states = units.states(workspace.records, name)
    told = [one.message for one in states if not one.is_finished and one.message]
    return told[0] if told else f"its run ended as {state}"


def require_few(runs: list[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Refuse more runs than a scheduler should be given at once.

    Raises:
        UsageError: There are more.
    """
    if len(runs) > most:
        raise UsageError(
            f"The experiment has {len(runs)} runs; Airflow takes at most {most}. Leave out "
            "factors, or use the command line: landcover experiment."
        )
    return runs
