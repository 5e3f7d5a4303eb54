"""The map of a year, when its seasons are there and a model is approved."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover.nouns.stages import GROUPS
from landcover_airflow.form import how_it_runs
from landcover_airflow.groups import DEFAULT_ARGS, in_order, lanes
from landcover_airflow.late import in_time
from landcover_airflow.notifier import at_end
from landcover_airflow.profile import at_parse
from landcover_airflow.years import after_seasons, model_param, report_year, start_year

DOC = """
### Map of a year

A run is of one year; its partition key is `2021`. It starts when `ingest_season` has told the
seasons of the year, and maps with the approved model of the deployment profile. Without one it
skips, and says so in the log of `start`; the approval in `train_model` starts it again.
"""

profile, calendar, trouble = at_parse()

with DAG(
    "classify_map",
    schedule=after_seasons(calendar, profile.minimum_seasons if profile else None),
    catchup=False,
    params={"model": model_param(), **how_it_runs(profile, by_partition=True)},
    default_args=DEFAULT_ARGS,
    **at_end(),
    deadline=in_time(),
    max_active_tasks=64,
    max_active_runs=2,
    doc_md=f"**The profile is wrong: {trouble}**\n{DOC}" if trouble else DOC,
    description="Map of a year from the composites of its seasons and an approved model",
    tags=["landcover", "map"],
):
    chain(start_year(), *in_order((lanes(group) for group in GROUPS), report_year()))
