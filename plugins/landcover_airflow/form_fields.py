"""What the form says of single fields beyond their types: patterns, examples, height.

A wrong value is refused in the dialog where a schema can tell; what it cannot know (whether a
model, a folder or a recipe is there) the task ``start`` says within seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from landcover_airflow.recipes import installed_recipes

TILES = r"^\s*(\d{1,2}[A-Z]{3}\s*([,\s]\s*|$))*$"
"""Tile ids with commas, blanks or line ends between."""
PAIR = r"^\s*[A-Za-z_][\w.]*=.*$"
"""``key=value``."""
ADDRESS = r"(/|[a-z][a-z0-9+.-]*://)\S+\.ya?ml(\?\S*)?"
"""A file by its full path, or an address of the web or of a bucket."""
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
        installed = installed_recipes()
        # One of the installed ones or an address, in one field, as REST and command line have it.
        # The page would make a list without room for an address of an `enum` of its own.
        return {
            "examples": installed,
            "anyOf": [{"enum": installed}, {"pattern": f"^{ADDRESS}$"}],
            "description_md": recipe_told(installed),
        }
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


def recipe_told(installed: Sequence[str]) -> str:
    """Say what a recipe may be: the proposals of the page are those that begin as what is there."""
    names = ", ".join(installed)
    return (
        f"What is computed: {names}; or the address of a YAML file (https://…, s3://… with the "
        "credentials of the workers, a full path that they see)."
    )


REGION = (
    "Where: tile ids such as `30SUF`, pasted GeoJSON or WKT, or the address of a file of polygons "
    "(`https://…`, `s3://…` with the credentials of the workers, a path that they see). Of the "
    "tiles what the polygons touch or what holds a label is worked on, and the map ends with them. "
    "If empty: all tiles, whole."
)
