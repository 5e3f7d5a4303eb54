"""What the form says of single fields beyond their types: patterns, examples, height.

A wrong value is refused in the dialog where a schema can tell; what it cannot know (whether a
model, a folder or a recipe is there) the task ``start`` says within seconds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from landcover_airflow.recipes import installed_recipes

TILES = r"^\s*(\d{1,2}[A-Z]{3}\s*([,\s]\s*|$))*$"
"""Tile ids with commas, blanks or line ends between."""
PAIR = r"^\s*[A-Za-z_][\w.]*=.*$"
"""``key=value``."""
RECIPE = r"^\S.*\.ya?ml(\?.*)?$"
"""A file or an address; the installed ones are proposed."""
SOURCES = ["google", "earth-search", "cdse-stac", "s3://bucket/root", "/data/products"]


def further_schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Give what is known of a field by its name.

    Args:
        name: Argument of a run.
        schema: Its JSON schema so far.
    """
    if name == "year":
        return {"maximum": datetime.now(UTC).year}
    if name == "recipe":
        return {"examples": installed_recipes(), "pattern": RECIPE}
    if name == "region":
        return {"format": "multiline", "description_md": REGION}
    if name == "products":
        return {"examples": SOURCES}
    if name == "model":
        return {"examples": ["latest", "3f2a9c1d0b7e4a55"]}
    if name == "tiles":
        return {"pattern": TILES, "items": {**schema["items"], "pattern": TILES}}
    if name == "overrides":
        return {"items": {**schema["items"], "pattern": PAIR}}
    return {}


REGION = (
    "Where: tile ids such as `30SUF`, pasted GeoJSON or WKT, or the address of a file of polygons "
    "(`https://…`, `s3://…` in the project's store, a path that the workers see). Of the tiles "
    "what the polygons touch or what holds a label is worked on, and the map ends with them. If "
    "empty: all tiles, whole."
)
