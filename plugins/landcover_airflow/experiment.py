"""The parts of the DAG of an experiment: its runs one after another, and the page."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from landcover_airflow.form import run_params
from landcover_airflow.groups import START
from landcover_airflow.outcome import sentences
from landcover_airflow.places import Places
from landcover_airflow.recipes import recipe_address
from landcover_airflow.refusal import refusing

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
@refusing
def start_experiment() -> Places:
    """List the runs in the ledger; between tasks only their number travels."""
    from landcover import api
    from landcover.ledger import experiments

    context = get_current_context()
    with sentences():
        file = recipe_address(context["params"]["experiment"])
        runs = api.experiment_runs(file, most=MOST_RUNS)
        experiments.keep(api.open_workspace().records, context["run_id"], runs)
    log.info("%d runs", len(runs))
    return Places(len(runs))


class CaseOperator(TriggerDagRunOperator):
    """Trigger the run of a case, with the form filled in as the experiment says.

    Args:
        place: Place of the run in the list of the experiment in the ledger, from 0.
        experiment_run: What Airflow calls the run of the experiment.
        **kwargs: What the operator of Airflow takes.
    """

    template_fields: Sequence[str] = (*TriggerDagRunOperator.template_fields, "experiment_run")

    def __init__(self, *, place: int, experiment_run: str = "{{ run_id }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.place = place
        self.experiment_run = experiment_run

    @property
    def case_run(self) -> str:
        """Name of the run, which people see; its number where the ledger does not tell it."""
        with suppress(AirflowException):  # a label that cannot be told must not fail the task
            return str(self._run()["run"])
        return str(self.place + 1)

    def execute(self, context: Any) -> None:
        """Fill in the form, trigger, and wait."""
        asked, run = context["params"], self._run()
        self.trigger_run_id = str(run["run"])
        shared = {k: v for k, v in asked.items() if k not in (*_DECIDED, "experiment")}
        self.conf = {**shared, **{key: run[key] for key in ("recipe", "until", "overrides")}}
        super().execute(context)

    def _run(self) -> dict[str, Any]:
        from landcover import api
        from landcover.ledger import experiments

        with sentences():
            return experiments.run_at(api.open_workspace().records, self.experiment_run, self.place)


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
        map_index_template="{{ task.case_run }}",
        retries=0,
    ).expand(place=runs)


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
