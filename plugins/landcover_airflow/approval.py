"""A person approves a model: what is shown, what is asked, and what follows."""

from __future__ import annotations

import logging
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landcover_airflow.estimate import tell_estimate
from landcover_airflow.groups import START, report
from landcover_airflow.ledger_run import ledger_run, take_run
from landcover_airflow.outcome import sentences
from landcover_airflow.pools import require_pools
from landcover_airflow.profile import read_profile
from landcover_airflow.recipes import recipe_address
from landcover_airflow.refusal import refusing
from landcover_airflow.rest import trigger
from landcover_airflow.years import training_arguments

log = logging.getLogger(__name__)
MAPS = "classify_map"
YEARS = r"^\s*(20\d\d\s*([,\s]\s*|$))*$"


@task(task_id=START)
@refusing
def start_training() -> str:
    """Write the record of the run from the form and the profile.

    Returns:
        Name of the run in the ledger.
    """
    from landcover import api
    from landcover.settings import read_settings

    require_pools()
    asked = get_current_context()["params"]
    with sentences():
        profile = read_profile()
        profile.require_stores(read_settings())
        given = training_arguments(profile)
        given["overrides"] = [*given["overrides"], *(asked.get("overrides") or ())]
        recipe = recipe_address(profile.recipe)
        name: str = api.start_run(take_run(), recipe, **given, year=asked["year"])
    tell_estimate(name)
    return name


@task(task_id="report", trigger_rule="all_done", retries=0)
def report_training() -> dict[str, Any]:
    """Sum up the run, and name the model that waits for its approval.

    Returns:
        What the report of a run returns, the ``model``, its ``kind`` and ``what`` is known of it.
    """
    from landcover import api
    from landcover.ledger import models, units

    summary: dict[str, Any] = report.function()
    with sentences():
        workspace = api.open_workspace()
        name = ledger_run()
        states = units.states(workspace.records, name)
        made = [i for s in states if s.stage == "train" for i in s.outputs]
        known = {entry.id: entry for entry in models.entries(workspace.records)}
        model = next((known[i] for i in made if i in known), None)
    if model is None:
        raise AirflowFailException(f"Run {name} has no model: its labels train none.")
    what = f"{model.kind}, {model.n_features} features, {model.n_train_rows} rows"
    return {**summary, "model": model.id, "status": model.status, "what": what}


def approve() -> ApprovalOperator:
    """Ask a person; the task holds no slot while it waits."""
    told = "ti.xcom_pull(task_ids='report')"
    return ApprovalOperator(
        task_id="approve",
        subject=f"Approve model {{{{ {told}['model'] }}}} ({{{{ {told}['what'] }}}})?",
        body="`landcover model show {{ " + told + "['model'] }}` tells its accuracy, "
        "`landcover doctor` its weak spots. Approved, it makes the maps of the years named here "
        "now, and those of later years when their seasons are there. *Reject* leaves it a "
        "candidate. If you are asked again, Airflow did not take the answer: answer once more.",
        params={
            "years": Param(
                "",
                type="string",
                pattern=YEARS,
                maxLength=200,
                title="Years",
                description="Years that are mapped now, such as 2020, 2021; none if empty.",
            ),
            "reason": Param(
                "",
                type="string",
                maxLength=300,
                title="Why",
                description="Why it is approved, in 300 characters at most.",
            ),
        },
    )


@task(retries=3)
def start_maps() -> list[str]:
    """Write the approval into the registry, and start the map of each year by the REST API.

    A year whose map was started by this approval already is not started again.

    Returns:
        The years.
    """
    from landcover import api
    from landcover.ledger import models

    context = get_current_context()
    answer = context["ti"].xcom_pull(task_ids="approve")
    model = context["ti"].xcom_pull(task_ids="report")["model"]
    asked = answer["params_input"]
    by = (answer.get("responded_by_user") or {}).get("name", "")
    reason = str(asked.get("reason") or "").strip() or "approved in Airflow"
    with sentences():
        said = f"{reason} ({by})" if by else reason
        models.decide(api.open_workspace().records, model, "approved", said)
        years = sorted(set(str(asked.get("years") or "").replace(",", " ").split()))
        for year in years:
            how = trigger(MAPS, f"approved-{model}-{year}", year, {"model": model})
            log.info("%s of %s: %s", MAPS, year, how)
    return years
