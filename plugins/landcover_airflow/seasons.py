"""The parts of the DAG of a season: its start from the key and the profile, and its report."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from landcover_airflow.estimate import tell_estimate
from landcover_airflow.groups import START, report, require_start
from landcover_airflow.ledger_run import ledger_run, take_run
from landcover_airflow.outcome import sentences
from landcover_airflow.pools import require_pools
from landcover_airflow.profile import Profile, calendar_of_profile, read_profile
from landcover_airflow.recipes import recipe_address
from landcover_airflow.refusal import refusing

if TYPE_CHECKING:
    from landcover.nouns.calendar import Window

log = logging.getLogger(__name__)

COMPOSITES = Asset(name="landcover_composites", uri="landcover://composites")
"""The composites of a season; its partitions are seasons, ``2021-spring``."""


@task(task_id=START)
@refusing
def start_season() -> str:
    """Write the record of the run from its partition key and the deployment profile.

    Returns:
        Name of the run in the ledger.
    """
    from landcover import api

    require_pools()
    context = get_current_context()
    with sentences():
        profile, window = season_of(context["dag_run"].partition_key)
        log.info("%s: products from %s to %s", window.key, window.start.date(), window.end.date())
        name: str = api.start_run(
            take_run(),
            recipe_address(profile.recipe),
            **profile.arguments(),
            year=window.year,
            season=window.season,
            until="restore",
            # Whole tiles serve every region and every set of labels that comes later.
            whole_tiles=True,
        )
    tell_estimate(name)
    return name


def season_of(key: str | None) -> tuple[Profile, Window]:
    """Read the profile and the window of a key, as they are now.

    Raises:
        UsageError: The profile is wrong, or this process writes elsewhere than it says.
        InputError: The key is none of the profile's recipe.
        AirflowFailException: The run has no key.
    """
    from landcover.settings import read_settings

    if key is None:
        raise AirflowFailException("This run has no partition key: trigger it with a season.")
    profile = read_profile()
    profile.require_stores(read_settings())
    return profile, calendar_of_profile(profile).window(key)


@task(trigger_rule="all_done")
def quality() -> dict[str, Any]:
    """Write the quality map of the season's tiles.

    Returns:
        The key of its folder, and the number of tiles by status.
    """
    from landcover import api

    require_start()
    with sentences():
        found = api.publish_quality(ledger_run())
    log.info("quality map: %s (%s)", found["key"], found["counts"])
    return found


@task(task_id="report", trigger_rule="all_done", retries=0, outlets=[COMPOSITES])
def report_season(*, outlet_events: Any = None) -> dict[str, Any]:
    """Sum up the run, and tell those who wait for the season.

    A season that is new or changed in a year that had enough for its map is told together with
    the others of its year, so that the map is made again; else only itself is told.

    Returns:
        What the report of a run returns, ``season``, whether it ``changed``, and what was ``told``.
    """
    from landcover import api
    from landcover.ledger import seasons

    # The task that reports a run of the form does all that is common.
    summary: dict[str, Any] = report.function()
    context = get_current_context()
    with sentences():
        profile, window = season_of(context["dag_run"].partition_key)
        records = api.open_workspace().records
        before = seasons.there(records, window.year)
        changed = seasons.note(records, window, ledger_run())
        n_all = len(calendar_of_profile(profile).seasons)
    n_enough = min(profile.minimum_seasons or n_all, n_all)
    told = {window.key, *(before if changed and len(before) >= n_enough else ())}
    outlet_events[COMPOSITES].add_partitions(sorted(told))
    log.info("%s: %s; told: %s", window.key, "changed" if changed else "as it was", sorted(told))
    return {**summary, "season": window.key, "changed": changed, "told": sorted(told)}
