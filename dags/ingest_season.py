"""The composites of a season, when it is over: scheduled, backfilled, or by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from airflow.sdk import DAG, chain

from landcover_airflow.form import how_it_runs
from landcover_airflow.groups import DEFAULT_ARGS, in_order, lanes
from landcover_airflow.late import in_time
from landcover_airflow.notifier import at_end
from landcover_airflow.profile import at_parse
from landcover_airflow.seasons import quality, report_season, start_season
from landcover_airflow.timetables.season import SeasonTimetable

DOC = """
### Composites of a season

A run is of one season; its partition key is `2021-spring`. Region, sources and recipe come from
the **deployment profile**. Runs start after the season's end and the latency of the provider, and
again while late products may come: what exists is reused.

**Backfill** past seasons by *Trigger → Backfill*: the dates are those of the seasons' first days,
both included. It starts paused; unpausing runs the latest closed season at once.
"""

profile, calendar, trouble = at_parse()
pace = (
    {}
    if profile is None
    else profile.model_dump(include={"latency_days", "look_days", "late_days", "first_year"})
)

with DAG(
    "ingest_season",
    schedule=SeasonTimetable(calendar, **pace),
    start_date=datetime(profile.first_year if profile else 2015, 1, 1, tzinfo=UTC),
    catchup=False,
    is_paused_upon_creation=True,
    params=how_it_runs(profile, by_partition=True),
    default_args=DEFAULT_ARGS,
    **at_end(),
    deadline=in_time(),
    max_active_tasks=64,
    max_active_runs=1,
    doc_md=f"**The profile is wrong: {trouble}**\n{DOC}" if trouble else DOC,
    description="Composites and quality map of a season, by schedule or backfill",
    tags=["landcover", "season"],
):
    made = in_order([lanes("prepare"), lanes("overlap")], quality(), report_season())
    chain(start_season(), *made)
