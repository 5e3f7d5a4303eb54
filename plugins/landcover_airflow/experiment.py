"""The parts of the DAG of an experiment: its runs one after another, and the page."""

from __future__ import annotations

import logging
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landcover_airflow.form import run_params
from landcover_airflow.groups import START
from landcover_airflow.outcome import sentences
from landcover_airflow.recipes import recipe_address

log = logging.getLogger(__name__)
RUNS_OF = "landcover_map"
MOST_RUNS = 200
"""More would make the grid of Airflow slow, and its map lengths are limited."""
LOOK_SECONDS = 5
_DECIDED = ("recipe", "overrides", "until", "only", "model", "ledger_run")
"""Arguments of a run that the experiment itself decides."""


def experiment_params() -> dict[str, Param]:
    """Make the form: the file of the experiment, and the arguments that all its runs share."""
    shared = {name: field for name, field in run_params().items() if name not in _DECIDED}
    file = Param(
        "recipes/experiment-demo.yaml",
        type="string",
        pattern=r"^\S.*\.ya?ml(\?.*)?$",
        title="Experiment",
        examples=["recipes/experiment-demo.yaml"],
        description_md="YAML file or address: recipe, baselines, factors with their levels, seeds.",
    )
    return {"experiment": file, **shared}


@task(task_id=START)
def start_experiment() -> list[dict[str, str]]:
    """List the runs; between tasks only their names travel.

    Returns:
        ``trigger_run_id`` of each.
    """
    runs = _runs(get_current_context()["params"])
    log.info("%d runs", len(runs))
    return [{"trigger_run_id": name} for name in runs]


class CaseOperator(TriggerDagRunOperator):
    """Trigger the run of a case, with the form filled in as the experiment says."""

    def execute(self, context: Any) -> None:
        """Fill in the form, trigger, and wait."""
        asked = context["params"]
        run = _runs(asked)[str(self.trigger_run_id)]
        shared = {k: v for k, v in asked.items() if k not in (*_DECIDED, "experiment")}
        self.conf = {**shared, **{key: run[key] for key in ("recipe", "until", "overrides")}}
        super().execute(context)


def _runs(asked: Any) -> dict[str, dict[str, Any]]:
    """Read the experiment: its runs by name."""
    from landcover import api

    with sentences():
        file = recipe_address(asked["experiment"])
        return {run["run"]: run for run in api.experiment_runs(file, most=MOST_RUNS)}


def case_after_case(runs: Any) -> Any:
    """Trigger the runs one after another and wait for each without a worker.

    A run that exists is cleared and goes through again: what it made is reused. One that fails
    stops no other; the page tells it.

    Args:
        runs: What :func:`start_experiment` returns.
    """
    return CaseOperator.partial(
        task_id="case",
        trigger_dag_id=RUNS_OF,
        reset_dag_run=True,
        wait_for_completion=True,
        deferrable=True,
        poke_interval=LOOK_SECONDS,
        allowed_states=["success"],
        failed_states=["failed"],
        max_active_tis_per_dagrun=1,
        map_index_template="{{ task.trigger_run_id }}",
        retries=0,
    ).expand_kwargs(runs)


@task(trigger_rule="all_done", retries=0)
def report() -> dict[str, Any]:
    """Judge the cases, publish the page, and fail where a case has no figures.

    Returns:
        Key of the page, the best case and the number of cases.
    """
    from landcover import api

    context = get_current_context()
    if context["ti"].xcom_pull(task_ids=START) is None:
        raise AirflowFailException(f"Nothing was run: the reason is in the log of {START!r}.")
    with sentences():
        found = api.publish_experiment(recipe_address(context["params"]["experiment"]))
    log.info("page: %s; best case: %s of %d", found["key"], found["best"], found["n_cases"])
    for trouble in found["troubles"]:
        log.warning("  %s", trouble)
    if found["troubles"]:
        raise AirflowFailException(f"Cases without figures. {found['troubles'][0]}")
    return {key: found[key] for key in ("key", "best", "n_cases")}
