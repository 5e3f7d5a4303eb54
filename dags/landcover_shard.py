"""One phase of at most 50 tiles of a region: triggered by ``landcover_region``."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover.nouns.shard import PHASES
from landcover_airflow.form import shard_params
from landcover_airflow.groups import DEFAULT_ARGS, lanes
from landcover_airflow.regions import report_shard, start_shard

DOC = """
### A shard of a region

Triggered by `landcover_region`, which gives the run of the records and the shard; `start` chooses
the groups of its phase and leaves the others out. Each tile has lanes of its own: clear the lane
of a failed tile here, then in the run of the region the planner that follows, with downstream.
"""

with DAG(
    "landcover_shard",
    schedule=None,
    catchup=False,
    params=shard_params(),
    default_args=DEFAULT_ARGS,
    max_active_tasks=64,
    max_active_runs=2,
    is_paused_upon_creation=False,
    doc_md=DOC,
    description="One phase of at most 50 tiles of a region",
    tags=["landcover", "map", "shard"],
):
    begun, told = start_shard(), report_shard()
    for groups in PHASES.values():
        parts = [lanes(group) for group in groups]
        chain(*(part for pair in parts for part in pair), told)
        begun >> [planner for planner, _ in parts]
