"""The parts of the DAG of a year's map: when it is due, its start, its report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import (
    MinimumCount,
    Param,
    PartitionedAssetTimetable,
    RollupMapper,
    WaitForAll,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from landcover_airflow.estimate import tell_estimate
from landcover_airflow.groups import START, report
from landcover_airflow.ledger_run import take_run
from landcover_airflow.mappers.years import SeasonsOfYear, YearMapper
from landcover_airflow.outcome import sentences
from landcover_airflow.pools import require_pools
from landcover_airflow.profile import Profile, read_profile
from landcover_airflow.recipes import recipe_address
from landcover_airflow.refusal import refusing
from landcover_airflow.seasons import COMPOSITES

if TYPE_CHECKING:
    from landcover.nouns.calendar import Calendar

log = logging.getLogger(__name__)
SKIPPED = "skipped"
"""Key under which the start leaves the sentence why there is no map yet."""


def after_seasons(calendar: Calendar, minimum: int | None) -> PartitionedAssetTimetable:
    """Run for a year when its seasons are there.

    Args:
        calendar: The seasons.
        minimum: How many of them suffice; all if None.
    """
    names = [name for name, *_ in calendar.seasons]
    needs_all = minimum is None or minimum >= len(names)
    return PartitionedAssetTimetable(
        assets=COMPOSITES,
        default_partition_mapper=RollupMapper(
            upstream_mapper=YearMapper(),  # type: ignore[arg-type]
            window=SeasonsOfYear(names),  # type: ignore[arg-type]
            wait_policy=WaitForAll() if needs_all else MinimumCount(minimum or 1),
        ),
    )


def model_param() -> Param:
    """Make the field of the model that a map is made with."""
    return Param(
        None,
        type=["null", "string"],
        title="Model",
        examples=["3f2a9c1d0b7e4a55"],
        description_md="Id of an approved model, or the beginning of it. If empty: the profile's, "
        "else the one that was approved last.",
    )


@task(task_id=START)
@refusing
def start_year() -> str:
    """Write the record of the run from its year, the profile and the approved model.

    Returns:
        Name of the run in the ledger.

    Raises:
        AirflowSkipException: No model is approved; a later approval starts the map of the year.
    """
    from landcover import api
    from landcover.settings import read_settings

    require_pools()
    context = get_current_context()
    year = context["dag_run"].partition_key
    if year is None:
        raise AirflowFailException("This run has no partition key: trigger it with a year.")
    with sentences():
        profile = read_profile()
        profile.require_stores(read_settings())
        wanted = context["params"].get("model") or profile.model
        model = _approved(api.open_workspace(), wanted, year)
        log.info("%s: mapped with the approved model %s", year, model)
        name: str = api.start_run(
            take_run(),
            recipe_address(profile.recipe),
            **profile.arguments(),
            year=int(year),
            model=model,
            test_labels=profile.test_labels,
        )
    tell_estimate(name)
    return name


@task(task_id="report", trigger_rule="all_done", retries=0)
def report_year() -> dict[str, Any]:
    """Sum up the run; without an approved model there is none, and that is no failure."""
    why = get_current_context()["ti"].xcom_pull(task_ids=START, key=SKIPPED)
    if why:
        raise AirflowSkipException(str(why))
    found: dict[str, Any] = report.function()
    return found


def _approved(workspace: Any, wanted: str | None, year: str) -> str:
    """Find the approved model, or skip the year with a sentence."""
    from landcover.ledger import models

    if wanted:
        entry = models.find_entry(workspace, wanted)
        if entry.status != "approved":
            _skip(f"{year}: model {entry.id} is {entry.status}, not approved; approve it first.")
        return entry.id
    found = models.last_approved(workspace.records)
    if found is None:
        _skip(
            f"{year}: no model is approved, so there is no map yet. Trigger train_model; its "
            "approval starts the map of the years it names."
        )
    return found.id


def _skip(sentence: str) -> NoReturn:
    get_current_context()["ti"].xcom_push(key=SKIPPED, value=sentence)
    raise AirflowSkipException(sentence)


def training_arguments(profile: Profile) -> dict[str, Any]:
    """Give what a run that trains is asked with.

    Raises:
        UsageError: The profile names no labels.
    """
    from landcover.errors import UsageError

    if profile.labels is None:
        raise UsageError("The profile names no labels; a model is trained with ground truth.")
    labels = profile.labels if isinstance(profile.labels, str) else ",".join(profile.labels)
    return {**profile.arguments(), "labels": labels, "until": "explain"}
