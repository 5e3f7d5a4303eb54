"""A land-cover map of hundreds of tiles, in shards of at most 50."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover.nouns.shard import MOST_TILES_OF_A_REGION
from landcover_airflow.form import region_params
from landcover_airflow.groups import DEFAULT_ARGS, in_order, lanes, report, start
from landcover_airflow.late import in_time
from landcover_airflow.notifier import at_end
from landcover_airflow.regions import shards_of

DOC = """
### Land-cover map of a region, in shards

The form is that of `landcover_map`, for up to 1,000 tiles. Each phase of the tiles (**prepare**,
**overlap**, **sample** with terrain, **classify**) is done by runs of `landcover_shard` with at
most 50 tiles; **train**, **mosaic**, **validate** and **publish** are done here, once, for all.
Only tiles with work are in a shard; where nothing is to be done, none is begun.

A red shard does not stop the region: `report` says which tiles are missing, and the recipe's
tolerance decides. To repair: clear the shard's task here **with downstream** and its missing tiles
are worked on again, then what follows. Marking this run as failed stops its shards.
"""

with DAG(
    "landcover_region",
    schedule=None,
    catchup=False,
    params=region_params(),
    default_args=DEFAULT_ARGS,
    **at_end(),
    deadline=in_time(),
    max_active_tasks=64,
    max_active_runs=2,
    doc_md=DOC,
    description="Land-cover map of up to 1,000 tiles, in shards that are run by themselves",
    tags=["landcover", "map"],
):
    chain(
        start(
            MOST_TILES_OF_A_REGION,
            "Divide the region and trigger a run for each part.",
            adopts=True,
        ),
        *in_order(
            [
                shards_of("prepare"),
                shards_of("overlap"),
                shards_of("sample"),
                lanes("train"),
                shards_of("classify"),
                lanes("mosaic"),
                lanes("validate"),
                lanes("publish"),
            ],
            report(),
        ),
    )
