"""STAC documents against the schemas of the extensions that they name.

``tests/publish/schemas`` holds the schemas that packages of ours carry in their tests (see
``docs/licences.md``). For two extensions those are of the release before the one that we name; the
rules of the raster extension, of which no such copy is at hand, are written out here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from pystac.validation import jsonschemas
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

SCHEMAS = Path(__file__).parent / "publish" / "schemas"
ADDRESS = "https://stac-extensions.github.io/{}/{}/schema.json"
EARLIER = {"processing": ("v1.2.0", "v1.1.0"), "mlm": ("v1.5.0", "v1.4.0")}
"""Extension → release that we name, release whose schema is at hand."""
SPOKEN_FOR = {"raster/v2.0.0"}
"""Extensions whose rules are written out below."""
RASTER = {
    "raster:bits_per_sample": int, "raster:sampling": str, "raster:scale": (int, float),
    "raster:offset": (int, float), "raster:spatial_resolution": (int, float),
    "raster:histogram": dict,
}  # fmt: skip
"""Fields of the raster extension 2.0.0; one of them must be in some asset."""
REFERRED = {
    "https://geojson.org/schema/Geometry.json":
        Path(jsonschemas.__file__).parent / "geojson" / "Geometry.json",
    ADDRESS.format("classification", "v1.1.0"): SCHEMAS / "classification-v2.0.0.json",
}  # fmt: skip
"""Schemas that others refer to; mlm asks for classes by an earlier release's address."""
UNREACHED = "https://proj.org/schemas/v0.7/projjson.schema.json"
"""Schema of a field that we do not write."""


def failures(document: dict[str, Any]) -> list[str]:
    """List what is wrong with the extensions of an item or a collection."""
    found = []
    named = list(_named(document))
    prefixes = {key.partition(":")[0] for key in _keys(document) if ":" in key}
    for prefix in sorted(prefixes & {"proj", "processing", "file", "grid", "mlm"}):
        name = {"proj": "projection"}.get(prefix, prefix)
        # A collection describes assets of its items, whose extensions the items name.
        if document["type"] == "Feature" and name not in {name for name, _ in named}:
            found.append(f"{document['id']}: fields of {name}, which is not named")
    for name, version in named:
        if f"{name}/{version}" in SPOKEN_FOR:
            found += _raster(document)
            continue
        for error in _validator(name, _at_hand(name, version)).iter_errors(_dated(document)):
            while error.context:
                # Of several ways to be right, the one that came farthest tells most.
                error = max(error.context, key=lambda one: len(one.absolute_path))
            place = "/".join(map(str, error.absolute_path))
            found.append(f"{document['id']}: {name} {version}: {place}: {error.message[:300]}")
    return found


def _named(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for address in document["stac_extensions"]:
        *_, name, version, _ = address.split("/")
        assert address == ADDRESS.format(name, version)
        yield name, version


def _at_hand(name: str, version: str) -> str:
    named, held = EARLIER.get(name, (version, version))
    assert version == named, f"{name} {version}: expected {named}, fetch its schema"
    return held


def _dated(document: dict[str, Any]) -> dict[str, Any]:
    """Name the releases whose schemas are at hand, as each schema asks for its own address."""
    addresses = [
        ADDRESS.format(name, version if name == "raster" else _at_hand(name, version))
        for name, version in _named(document)
    ]
    return {**document, "stac_extensions": addresses}


@cache
def _validator(name: str, version: str) -> Draft7Validator:
    held: dict[str, Any] = {UNREACHED: False}
    held |= {one: json.loads(path.read_text()) for one, path in REFERRED.items()}
    for path in SCHEMAS.glob("*.json"):
        held[ADDRESS.format(*path.stem.rsplit("-", 1))] = json.loads(path.read_text())
    resources = [(one, Resource(schema, DRAFT7)) for one, schema in held.items()]
    registry = Registry().with_resources(resources)
    return Draft7Validator(held[ADDRESS.format(name, version)], registry=registry)


def _raster(document: dict[str, Any]) -> list[str]:
    assets = document["assets" if document["type"] == "Feature" else "item_assets"]
    found = []
    for key, asset in assets.items():
        for field, value in asset.items():
            if field.startswith("raster:") and not isinstance(value, RASTER.get(field, ())):
                found.append(f"{document['id']}: raster: {key}: {field} {value!r}")
    if not any(field in RASTER for asset in assets.values() for field in asset):
        found.append(f"{document['id']}: raster: named, and no asset has a field of it")
    return found


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
