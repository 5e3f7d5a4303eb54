"""A land-cover map of a region, from products to published map: the newcomer's DAG."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, chain

from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.stages import GROUPS, STAGES
from landcover_airflow.groups import DEFAULT_ARGS, lanes, report, start

DOC = """
### Land-cover map

Fill in **products** (a folder with SAFE products or STAC items) and **year**, and **labels**
(ground truth) unless a trained **model** is given. All other fields may stay as they are.

One lane per tile: a failing tile stays in its own, the map is made of the others, and `report`
tells the reason of each. Trigger again with the same values to go on: what exists is reused.
"""

# Fields without a section are open when the form opens: what a newcomer fills in.
WHICH, HOW = "Region and recipe", "How it runs"


def text(title: str, description: str, **schema: Any) -> Param:
    """Give a text field that may stay empty."""
    return Param(None, type=["null", "string"], title=title, description_md=description, **schema)


PARAMS = {
    "products": Param(
        "", type="string", minLength=1, title="Products",
        description_md="Folder with SAFE products or STAC item folders, as the workers see it.",
    ),
    "year": Param(
        2021, type="integer", minimum=2015, maximum=2100, title="Year",
        description_md="Year of the seasons.",
    ),
    "labels": text(
        "Labels",
        "Ground truth: CSV, GeoJSON, KML/KMZ, shapefile, GeoPackage, GeoParquet or label raster, "
        "or a folder of them; several with commas between, the most trusted first.",
    ),
    "dem": text(
        "DEM",
        "DEM file, folder of degree cells, or a source: `glo30`, `aster+https://…/{name}`; "
        "no terrain features if empty.",
    ),
    "tiles": Param(
        None, type=["null", "array", "string"], items={"type": "string"}, title="Tiles",
        section=WHICH, description_md="Tile ids, `30SUF`; all that have products if empty.",
    ),
    "region": text("Region", "GeoJSON file with polygons; its tiles are mapped.", section=WHICH),
    "recipe": Param(
        "recipes/mediterranean-rf.yaml", type="string", title="Recipe", section=WHICH,
        description_md="YAML file: what is computed.",
    ),
    "overrides": Param(
        [], type=["null", "array"], items={"type": "string"}, title="Overrides", section=WHICH,
        description_md="One `key=value` per line that wins over the recipe: `model.trees=500`. "
        f"`model.kind` is one of {', '.join(f'`{kind}`' for kind in CLASSIFIERS)}.",
    ),
    "model": text(
        "Model", "Id of a trained model to classify with, instead of training.", section=WHICH
    ),
    "samples": text(
        "Samples",
        "Tables of other runs (`landcover samples --export`) that train beside the labels, or "
        "without them; several with commas between.",
        section=WHICH,
    ),
    "test_labels": text(
        "Test points",
        "Reference points that judge the map and never train: a file of labels, or a field sheet "
        "of `landcover design`.",
        section=WHICH,
    ),
    "test_design": Param(
        None, type=["null", "string"], enum=[None, "simple-random", "stratified", "unknown"],
        title="Design of the test points", section=WHICH,
        description_md="How they were drawn; as the field sheet says if empty, else unknown.",
    ),
    "until": Param(
        STAGES[-1], type="string", enum=list(STAGES), title="Until", section=HOW,
        description_md="Last stage.",
    ),
    "only": Param(
        None, type=["null", "string"], enum=[None, *STAGES], title="Only", section=HOW,
        description_md="The one stage that may compute something; the earlier ones must exist.",
    ),
    "memory_gb": Param(
        None, type=["null", "number"], exclusiveMinimum=0, title="Memory (GB)", section=HOW,
        description_md="Memory of one job; that of the settings if empty.",
    ),
    "threads": Param(
        None, type=["null", "integer"], minimum=1, title="Threads", section=HOW,
        description_md="Threads of one job; those of the settings if empty.",
    ),
}  # fmt: skip

with DAG(
    "landcover_map",
    schedule=None,
    catchup=False,
    params=PARAMS,
    default_args=DEFAULT_ARGS,
    max_active_tasks=64,
    max_active_runs=2,
    doc_md=DOC,
    description="Land-cover map of a region, from Sentinel-2 products to the published map",
    tags=["landcover", "map"],
):
    chain(start(), *(part for group in GROUPS for part in lanes(group)), report())
