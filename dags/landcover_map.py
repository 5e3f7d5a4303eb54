"""A land-cover map of a region, from products to published map: the newcomer's DAG."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover.nouns.shard import MOST_TILES_OF_A_MAP
from landcover.nouns.stages import GROUPS
from landcover_airflow.form import run_params
from landcover_airflow.groups import DEFAULT_ARGS, in_order, lanes, report, start
from landcover_airflow.late import in_time
from landcover_airflow.notifier import at_end

DOC = """
### Land-cover map

Fill in **products** (a folder with SAFE products or STAC items) and **year**, and **labels**
(ground truth) unless a trained **model** is given. All other fields may stay as they are.

One lane per tile: a failing tile stays in its own, the map is made of the others, and `report`
tells the reason of each. More than 100 tiles are for `landcover_region`.
Trigger again with the same values to go on: what exists is reused. What a run will take is told
before it begins: Browse, Land cover, *What will a run take?*
"""

with DAG(
    "landcover_map",
    schedule=None,
    catchup=False,
    params=run_params(),
    default_args=DEFAULT_ARGS,
    **at_end(),
    deadline=in_time(),
    max_active_tasks=64,
    max_active_runs=2,
    doc_md=DOC,
    description="Land-cover map of a region, from Sentinel-2 products to the published map",
    tags=["landcover", "map"],
):
    begun = start(MOST_TILES_OF_A_MAP, "Trigger landcover_region with the same values.")
    chain(begun, *in_order((lanes(group) for group in GROUPS), report()))
