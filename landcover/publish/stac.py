"""STAC documents of a report: a collection, an item for each zone's map, an item for the model.

Version 1.1.0 with the extensions projection 2.0.0, raster 2.0.0, classification 2.0.0,
processing 1.2.0, file 2.1.0, grid 1.1.0 and mlm 1.5.0. All addresses are relative, so the folder
can be put anywhere; no clock time is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.nouns.model import ModelCard
from landcover.publish.outlines import outline_of
from landcover.publish.page import MapView, zone_name

COLLECTION, MODEL = "collection.json", "model_item.json"
VERSION = "1.1.0"
_SCHEMAS = "https://stac-extensions.github.io/{}/schema.json"
_ITEM = ("projection/v2.0.0", "raster/v2.0.0", "classification/v2.0.0", "processing/v1.2.0",
         "file/v2.1.0")  # fmt: skip
_MODEL = ("mlm/v1.5.0", "classification/v2.0.0", "file/v2.1.0")
_ARCHIVE = "https://stac.dataspace.copernicus.eu/v1/collections/sentinel-2-l2a/items/{}"
"""Where the Copernicus Data Space describes a product, by its name."""
_PRODUCT = re.compile(r"^S2[A-D]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\w{5}_\d{8}T\d{6}$")
_NOTICE = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"
_COG = "image/tiff; application=geotiff; profile=cloud-optimized"
METRES_PER_DEGREE = 111_320
_SEMANTIC = re.compile(r"^\d+\.\d+\.\d+$")


class Publication(Noun):
    """What is said of all maps of a report together."""

    title: str
    year: int
    recipe: str
    """Name of the product line."""
    start: datetime
    """Start of the first season, UTC."""
    end: datetime
    """End of the last season, UTC, exclusive."""
    simulated: bool
    software: str
    """Version of landcover."""
    legend: tuple[LegendClass, ...]
    second: tuple[LegendClass, ...] = ()
    """Classes of the second level; empty where there is none."""
    card: ModelCard
    arrays: str
    """The model's arrays as seen from the folder of the report."""
    mosaics: Mapping[str, str]
    """Zone → id of its mosaic."""
    products: tuple[str, ...]
    """Names of the products behind the maps."""
    periods: tuple[str, ...]
    """Names of the seasons."""
    accuracy: str
    """How accurate the maps are, or that it is unknown, and why."""


def write_stac(folder: Path, known: Publication, views: Sequence[MapView]) -> None:
    """Write the STAC documents of the maps in a folder; nothing where there is no map.

    Args:
        folder: Folder of the report; the maps lie in it.
        known: What is said of all of them.
        views: The maps, zone by zone.
    """
    mapped = [view for view in views if view.map_picture]
    if not mapped:
        return
    items = {f"item_{view.cell}.json": _item(folder, known, view) for view in mapped}
    documents = {**items, MODEL: _model_item(known), COLLECTION: _collection(known, items)}
    for name, document in documents.items():
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


def _item(folder: Path, known: Publication, view: MapView) -> dict[str, Any]:
    grid = view.grid
    geometry = outline_of(grid)
    single = {"grid:code": f"MGRS-{view.mapped[0]}"} if len(view.mapped) == 1 else {}
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": _extensions(*_ITEM, *(["grid/v1.1.0"] if single else [])),
        "id": f"lc_{view.cell}_{known.year}_{known.mosaics[view.cell]}",
        "collection": _collection_id(known),
        "geometry": geometry,
        "bbox": _bbox(geometry),
        "properties": {
            **_times(known),
            "title": f"{known.title}, {known.year}, {zone_name(view.cell)}",
            "gsd": _metres(grid),
            **single,
            "proj:code": grid.crs,
            "proj:shape": list(grid.shape),
            "proj:transform": list(grid.transform),
            "proj:bbox": list(grid.bounds),
            "processing:software": {"landcover": known.software},
            "processing:lineage": _lineage(known),
            "landcover:simulated": known.simulated,
            "landcover:accuracy": known.accuracy,
            "landcover:tiles": list(view.mapped),
        },
        "assets": _assets(folder, known, view),
        "links": [
            *_family(known),
            {"rel": "derived_from", "href": f"./{MODEL}", "type": "application/geo+json",
             "title": f"model {known.card.id}"},
            *_origins(known),
        ],
    }  # fmt: skip


def _assets(folder: Path, known: Publication, view: MapView) -> dict[str, Any]:
    found: dict[str, Any] = {
        "classification": {
            **_file(folder, f"map_{view.cell}.tif", _COG, "Class codes", ["data"]),
            "data_type": "uint8",
            "nodata": 0,
            "classification:classes": _classes(known.legend),
        },
        "confidence": {
            **_file(
                folder, f"confidence_{view.cell}.tif", _COG, "Probability of the class", ["data"]
            ),
            "data_type": "uint8",
            "nodata": 255,
            "raster:scale": 1 / 254,
            "raster:offset": 0,
        },
        **(_second(folder, known, view) if view.second else {}),
        "thumbnail": _file(
            folder, f"map_{view.cell}.png", "image/png", "Picture with legend", ["thumbnail"]
        ),
    }
    more = (
        ("style", f"map_{view.cell}.sld", "application/vnd.ogc.sld+xml", "Style (SLD)"),
        ("receipt", "receipt.json", "application/json", "Everything that the map hangs on"),
    )
    polygons = (
        ("polygons", f"map_{view.cell}.gpkg", "application/geopackage+sqlite3", "GeoPackage"),
        ("polygons_parquet", f"map_{view.cell}.parquet", "application/vnd.apache.parquet",
         "GeoParquet"),
    )  # fmt: skip
    for key, name, kind, title in polygons:
        if (folder / name).is_file():
            found[key] = _file(folder, name, kind, f"Polygons of the classes, {title}", ["data"])
    for key, name, kind, title in more:
        if (folder / name).is_file():
            found[key] = _file(folder, name, kind, title, ["metadata"])
    return found


def _second(folder: Path, known: Publication, view: MapView) -> dict[str, Any]:
    name, title = f"second_{view.cell}", "Class codes of the second level"
    return {
        "classification_second": {
            **_file(folder, f"{name}.tif", _COG, title, ["data"]),
            "data_type": "uint8",
            "nodata": 0,
            "classification:classes": _classes(known.second),
        },
        "style_second": _file(
            folder, f"{name}.sld", "application/vnd.ogc.sld+xml", f"{title}, style (SLD)",
            ["metadata"],
        ),
    }  # fmt: skip


def _model_item(known: Publication) -> dict[str, Any]:
    card = known.card
    framework = card.versions.get("scikit-learn", "")
    bands = [{"name": name} for name in card.features.names]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": _extensions(*_MODEL),
        "id": f"model_{card.id}",
        "collection": _collection_id(known),
        "geometry": None,
        "properties": {
            **_times(known),
            "title": f"{CLASSIFIERS[card.kind].architecture} of {known.title}, {known.year}",
            "mlm:name": f"landcover {card.id} model",
            "mlm:architecture": CLASSIFIERS[card.kind].architecture,
            "mlm:tasks": ["classification"],
            "mlm:framework": "scikit-learn",
            **({"mlm:framework_version": framework} if _SEMANTIC.match(framework) else {}),
            "mlm:hyperparameters": {**card.parameters, "seed": card.seed},
            # mlm wants bands here where its input names any; STAC wants them in an asset as well.
            "bands": bands,
            "mlm:input": [
                {
                    "name": "features of a pixel",
                    "bands": [band["name"] for band in bands],
                    "input": {
                        "shape": [-1, len(bands)],
                        "dim_order": ["batch", "bands"],
                        "data_type": "float32",
                    },
                }
            ],
            "mlm:output": [
                {
                    "name": "probability of each class",
                    "tasks": ["classification"],
                    "result": {
                        "shape": [-1, len(card.codes)],
                        "dim_order": ["batch", "class"],
                        "data_type": "float64",
                    },
                    "classification:classes": _classes(known.legend, nodata=False),
                }
            ],
        },
        "assets": {
            "model": {
                "href": known.arrays,
                "type": "application/octet-stream",
                "title": "Arrays of the model, without executable code",
                "roles": ["mlm:model"],
                "mlm:artifact_type": "numpy.savez",
                "bands": bands,
                "file:checksum": _multihash(card.arrays_sha256),
            },
            "card": {
                "href": "./model_card.json",
                "type": "application/json",
                "title": "Features, parameters, seed, versions",
                "roles": ["metadata"],
            },
        },
        "links": _family(known),
    }


def _collection(known: Publication, items: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    boxes = [item["bbox"] for item in items.values()]
    crosses = any(west > east for west, _, east, _ in boxes)
    wests, souths, easts, norths = zip(*boxes, strict=True)
    around = (-180.0, 180.0) if crosses else (min(wests), max(easts))
    assets = next(iter(items.values()))["assets"]
    own = ("href", "file:size", "file:checksum")
    times = _times(known)
    notice = {"rel": "license", "href": _NOTICE, "type": "application/pdf",
              "title": "Legal notice on the use of Copernicus Sentinel data"}  # fmt: skip
    return {
        "type": "Collection",
        "stac_version": VERSION,
        "stac_extensions": _extensions("raster/v2.0.0", "classification/v2.0.0"),
        "id": _collection_id(known),
        "title": f"{known.title}, {known.year}",
        "description": f"{_lineage(known)} {known.accuracy} {_source(known)}",
        "license": "other",
        "keywords": ["land cover", "Sentinel-2", *(["simulated"] if known.simulated else [])],
        "extent": {
            "spatial": {"bbox": [[around[0], min(souths), around[1], max(norths)]]},
            "temporal": {"interval": [[times["start_datetime"], times["end_datetime"]]]},
        },
        "summaries": {
            "gsd": sorted({item["properties"]["gsd"] for item in items.values()}),
            "proj:code": sorted({item["properties"]["proj:code"] for item in items.values()}),
        },
        "item_assets": {
            key: {name: value for name, value in asset.items() if name not in own}
            for key, asset in assets.items()
        },
        "links": [
            {"rel": "root", "href": f"./{COLLECTION}", "type": "application/json"},
            *(
                {"rel": "item", "href": f"./{name}", "type": "application/geo+json"}
                for name in (*items, MODEL)
            ),
            *([] if known.simulated else [notice]),
        ],
    }


def _classes(legend: Sequence[LegendClass], *, nodata: bool = True) -> list[dict[str, Any]]:
    classes: list[dict[str, Any]] = [
        {
            "value": entry.code,
            "name": entry.name,
            "title": entry.title,
            "description": entry.title,
            "color_hint": entry.colour[1:].upper(),
        }
        for entry in legend
    ]
    empty = {"value": 0, "name": "nodata", "description": "No class", "nodata": True}
    return [*classes, empty] if nodata else classes


def _file(folder: Path, name: str, kind: str, title: str, roles: list[str]) -> dict[str, Any]:
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "href": f"./{name}",
        "type": kind,
        "title": title,
        "roles": roles,
        "file:size": (folder / name).stat().st_size,
        "file:checksum": _multihash(digest),
    }


def _multihash(sha256: str) -> str:
    """Write a SHA-256 as a multihash, as the file extension wants it: code 0x12, 32 bytes."""
    return f"1220{sha256}"


def _origins(known: Publication) -> list[dict[str, str]]:
    # Simulated products are described nowhere.
    named = [name for name in known.products if _PRODUCT.match(name)]
    return [
        {"rel": "derived_from", "href": _ARCHIVE.format(name), "title": name}
        for name in ([] if known.simulated else named)
    ]


def _family(known: Publication) -> list[dict[str, str]]:
    to_collection = {"href": f"./{COLLECTION}", "type": "application/json"}
    return [{"rel": rel, **to_collection} for rel in ("root", "parent", "collection")]


def _metres(grid: Grid) -> float:
    """Give the side of a pixel in metres; of one in degrees along the meridian, to the metre."""
    return round(grid.pixel * METRES_PER_DEGREE) if grid.crs == "EPSG:4326" else grid.pixel


def _times(known: Publication) -> dict[str, Any]:
    def text(moment: datetime) -> str:
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    return {
        "datetime": None,
        "start_datetime": text(known.start),
        "end_datetime": text(known.end),
    }


def _lineage(known: Publication) -> str:
    n = len(known.products)
    architecture = CLASSIFIERS[known.card.kind].architecture
    return (
        f"Composites of {', '.join(known.periods)} from {n} {'product' if n == 1 else 'products'}, "
        f"classified with the {architecture} model {known.card.id} by the "
        f"recipe {known.recipe}."
    )


def _source(known: Publication) -> str:
    if known.simulated:
        return "SIMULATED: a program made up the products; nothing is said of a real place."
    return f"Contains modified Copernicus Sentinel data {known.year}."


def _collection_id(known: Publication) -> str:
    return f"{known.recipe}-{known.year}"


def _extensions(*names: str) -> list[str]:
    return [_SCHEMAS.format(name) for name in names]


def _bbox(geometry: Mapping[str, Any]) -> list[float]:
    """Give (west, south, east, north); west is beyond east where the antimeridian is between."""
    polygons = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        lons, lats = zip(*polygons[0], strict=True)
        return [min(lons), min(lats), max(lons), max(lats)]
    points = [point for polygon in polygons for point in polygon[0]]
    heights = [lat for _, lat in points]
    east_side = [lon for lon, _ in points if lon > 0]
    west_side = [lon for lon, _ in points if lon <= 0]
    return [min(east_side), min(heights), max(west_side), max(heights)]
