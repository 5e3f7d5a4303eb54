"""STAC documents of a report: a collection, an item for each zone's map, an item for the model.

Version 1.1.0, written by pystac with its extensions projection 2.0.0, classification 2.0.0,
file 2.1.0 and grid 1.1.0. Fields of raster 2.0.0, processing 1.2.0 and mlm 1.5.0 are written here:
pystac knows an older release of them or none. All addresses are relative, so the folder can be put
anywhere; no clock time is in them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pystac
from pystac import MediaType
from pystac.extensions.classification import Classification, ClassificationExtension
from pystac.extensions.file import FileExtension
from pystac.extensions.grid import GridExtension
from pystac.extensions.projection import ProjectionExtension

from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.nouns.model import ModelCard
from landcover.publish.outlines import outline_of
from landcover.publish.page import MapView, zone_name

COLLECTION, MODEL = "collection.json", "model_item.json"
_RASTER, _PROCESSING, _MLM = (
    f"https://stac-extensions.github.io/{name}/schema.json"
    for name in ("raster/v2.0.0", "processing/v1.2.0", "mlm/v1.5.0")
)
"""Extensions that pystac does not know in this release."""
_ARCHIVE = "https://stac.dataspace.copernicus.eu/v1/collections/sentinel-2-l2a/items/{}"
"""Where the Copernicus Data Space describes a product, by its name."""
_PRODUCT = re.compile(r"^S2[A-D]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\w{5}_\d{8}T\d{6}$")
_NOTICE = "https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice"
_KINDS: Mapping[str, tuple[str, str]] = {
    ".tif": (MediaType.COG, "data"),
    ".gpkg": (MediaType.GEOPACKAGE, "data"),
    ".parquet": ("application/vnd.apache.parquet", "data"),
    ".png": (MediaType.PNG, "thumbnail"),
    ".sld": ("application/vnd.ogc.sld+xml", "metadata"),
    ".json": (MediaType.JSON, "metadata"),
}
"""Ending of a file → its media type and role."""
_MOST_ZONES = 120
"""UTM has 60 zones on either side of the equator: a summary lists all."""
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
    for name, found in documents.items():
        document = found.to_dict(include_self_link=False, transform_hrefs=False)
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        (folder / name).write_text(text, encoding="utf-8")


def _item(folder: Path, known: Publication, view: MapView) -> pystac.Item:
    grid = view.grid
    geometry = outline_of(grid)
    item = pystac.Item(
        id=f"lc_{view.cell}_{known.year}_{known.mosaics[view.cell]}",
        geometry=geometry,
        bbox=_bbox(geometry),
        datetime=None,
        start_datetime=known.start,
        end_datetime=known.end,
        collection=_collection_id(known),
        stac_extensions=[_RASTER, _PROCESSING],
        properties={
            "title": f"{known.title}, {known.year}, {zone_name(view.cell)}",
            "gsd": _metres(grid),
            "processing:software": {"landcover": known.software},
            "processing:lineage": _lineage(known),
            "landcover:simulated": known.simulated,
            "landcover:accuracy": known.accuracy,
            "landcover:tiles": list(view.mapped),
        },
    )
    ProjectionExtension.ext(item, add_if_missing=True).apply(
        code=grid.crs,
        shape=list(grid.shape),
        transform=list(grid.transform),
        bbox=list(grid.bounds),
    )
    if len(view.mapped) == 1:
        GridExtension.ext(item, add_if_missing=True).apply(f"MGRS-{view.mapped[0]}")
    _add_assets(item, folder, known, view)
    model = pystac.Link(
        pystac.RelType.DERIVED_FROM, f"./{MODEL}", MediaType.GEOJSON, f"model {known.card.id}"
    )
    item.add_links([*_family(), model, *_origins(known)])
    return item


def _add_assets(item: pystac.Item, folder: Path, known: Publication, view: MapView) -> None:
    _add_codes(item, folder, f"map_{view.cell}", "classification", "Class codes", known.legend)
    confidence = _add_file(
        item, folder, f"confidence_{view.cell}.tif", "confidence", "Probability of the class"
    )
    confidence.extra_fields |= {
        "data_type": "uint8", "nodata": 255, "raster:scale": 1 / 254, "raster:offset": 0,
    }  # fmt: skip
    shares = f"probabilities_{view.cell}.tif"
    if (folder / shares).is_file():
        asset = _add_file(item, folder, shares, "probabilities", "Probability of every class")
        asset.extra_fields |= {"bands": [
            {"name": name, "data_type": "uint8", "nodata": 255, "raster:scale": 1 / 254,
             "raster:offset": 0} for name in known.card.names
        ]}  # fmt: skip
    if view.second:
        name, title = f"second_{view.cell}", "Class codes of the second level"
        _add_codes(item, folder, name, "classification_second", title, known.second)
        _add_file(item, folder, f"{name}.sld", "style_second", f"{title}, style (SLD)")
    _add_file(item, folder, f"map_{view.cell}.png", "thumbnail", "Picture with legend")
    for key, name, title in (
        ("polygons", f"map_{view.cell}.gpkg", "Polygons of the classes, GeoPackage"),
        ("polygons_parquet", f"map_{view.cell}.parquet", "Polygons of the classes, GeoParquet"),
        ("style", f"map_{view.cell}.sld", "Style (SLD)"),
        ("receipt", "receipt.json", "Everything that the map hangs on"),
    ):
        if (folder / name).is_file():
            _add_file(item, folder, name, key, title)


def _add_codes(
    item: pystac.Item, folder: Path, name: str, key: str, title: str, legend: Sequence[LegendClass]
) -> None:
    """Add a map of class codes with its classes."""
    asset = _add_file(item, folder, f"{name}.tif", key, title)
    asset.extra_fields |= {"data_type": "uint8", "nodata": 0}
    ClassificationExtension.ext(asset, add_if_missing=True).apply(classes=_classes(legend))


def _add_file(item: pystac.Item, folder: Path, name: str, key: str, title: str) -> pystac.Asset:
    """Add a file of the report as an asset, with its size and checksum."""
    media_type, role = _KINDS[Path(name).suffix]
    asset = pystac.Asset(f"./{name}", title=title, media_type=media_type, roles=[role])
    item.add_asset(key, asset)
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = (folder / name).stat().st_size
    FileExtension.ext(asset, add_if_missing=True).apply(checksum=_multihash(digest), size=size)
    return asset


def _model_item(known: Publication) -> pystac.Item:
    card = known.card
    framework = card.versions.get("scikit-learn", "")
    bands = [{"name": name} for name in card.features.names]
    item = pystac.Item(
        id=f"model_{card.id}",
        geometry=None,
        bbox=None,
        datetime=None,
        start_datetime=known.start,
        end_datetime=known.end,
        collection=_collection_id(known),
        stac_extensions=[_MLM, ClassificationExtension.get_schema_uri()],
        properties={
            "title": f"{CLASSIFIERS[card.kind].architecture} of {known.title}, {known.year}",
            "mlm:name": f"landcover {card.id} model",
            "mlm:architecture": CLASSIFIERS[card.kind].architecture,
            "mlm:tasks": ["classification"],
            "mlm:framework": "scikit-learn",
            **({"mlm:framework_version": framework} if _SEMANTIC.match(framework) else {}),
            "mlm:hyperparameters": {**card.parameters, "seed": card.seed},
            # mlm wants bands here where its input names any; STAC wants them in an asset as well.
            "bands": bands,
            "mlm:input": [_model_input(card.features.names)],
            "mlm:output": [_model_output(len(card.codes), known.legend)],
        },
    )
    arrays = pystac.Asset(
        known.arrays,
        title="Arrays of the model, without executable code",
        media_type="application/octet-stream",
        roles=["mlm:model"],
        extra_fields={"mlm:artifact_type": "numpy.savez", "bands": bands},
    )
    item.add_asset("model", arrays)
    FileExtension.ext(arrays, add_if_missing=True).apply(checksum=_multihash(card.arrays_sha256))
    item.add_asset(
        "card",
        pystac.Asset(
            "./model_card.json",
            title="Features, parameters, seed, versions",
            media_type=MediaType.JSON,
            roles=["metadata"],
        ),
    )
    item.add_links(_family())
    return item


def _model_input(names: Sequence[str]) -> dict[str, Any]:
    structure = {
        "shape": [-1, len(names)], "dim_order": ["batch", "bands"], "data_type": "float32",
    }  # fmt: skip
    return {"name": "features of a pixel", "bands": list(names), "input": structure}


def _model_output(n_classes: int, legend: Sequence[LegendClass]) -> dict[str, Any]:
    classes = [one.to_dict() for one in _classes(legend, nodata=False)]
    return {
        "name": "probability of each class",
        "tasks": ["classification"],
        "result": {
            "shape": [-1, n_classes], "dim_order": ["batch", "class"], "data_type": "float64",
        },
        "classification:classes": classes,
    }  # fmt: skip


def _collection(known: Publication, items: Mapping[str, pystac.Item]) -> pystac.Collection:
    extent = pystac.Extent(
        pystac.SpatialExtent([_bbox_of_all([item.bbox or [] for item in items.values()])]),
        pystac.TemporalExtent([[known.start, known.end]]),
    )
    told = [item.properties for item in items.values()]
    collection = pystac.Collection(
        id=_collection_id(known),
        title=f"{known.title}, {known.year}",
        description=f"{_lineage(known)} {known.accuracy} {_source(known)}",
        license="other",
        keywords=["land cover", "Sentinel-2", *(["simulated"] if known.simulated else [])],
        extent=extent,
        summaries=pystac.Summaries(
            {name: sorted({one[name] for one in told}) for name in ("gsd", "proj:code")},
            maxcount=_MOST_ZONES,
        ),
        stac_extensions=[_RASTER, ClassificationExtension.get_schema_uri()],
    )
    own = ("href", "file:size", "file:checksum")
    assets = next(iter(items.values())).assets
    collection.item_assets = {
        key: pystac.ItemAssetDefinition(
            {name: value for name, value in asset.to_dict().items() if name not in own}
        )
        for key, asset in assets.items()
    }
    collection.add_link(pystac.Link(pystac.RelType.ROOT, f"./{COLLECTION}", MediaType.JSON))
    for name in (*items, MODEL):
        collection.add_link(pystac.Link(pystac.RelType.ITEM, f"./{name}", MediaType.GEOJSON))
    if not known.simulated:
        title = "Legal notice on the use of Copernicus Sentinel data"
        collection.add_link(pystac.Link(pystac.RelType.LICENSE, _NOTICE, MediaType.PDF, title))
    return collection


def _bbox_of_all(boxes: Sequence[Sequence[float]]) -> list[float]:
    """Give the box around several; all longitudes where one crosses the antimeridian."""
    wests, souths, easts, norths = zip(*boxes, strict=True)
    crosses = any(west > east for west, _, east, _ in boxes)
    west, east = (-180.0, 180.0) if crosses else (min(wests), max(easts))
    return [west, min(souths), east, max(norths)]


def _classes(legend: Sequence[LegendClass], *, nodata: bool = True) -> list[Classification]:
    classes = [
        Classification.create(
            value=entry.code,
            name=entry.name,
            title=entry.title,
            description=entry.title,
            color_hint=entry.colour[1:].upper(),
        )
        for entry in legend
    ]
    empty = Classification.create(value=0, name="nodata", description="No class", nodata=True)
    return [*classes, empty] if nodata else classes


def _multihash(sha256: str) -> str:
    """Write a SHA-256 as a multihash, as the file extension wants it: code 0x12, 32 bytes."""
    return f"1220{sha256}"


def _origins(known: Publication) -> list[pystac.Link]:
    # Simulated products are described nowhere.
    named = [name for name in known.products if _PRODUCT.match(name)]
    return [
        pystac.Link(pystac.RelType.DERIVED_FROM, _ARCHIVE.format(name), title=name)
        for name in ([] if known.simulated else named)
    ]


def _family() -> list[pystac.Link]:
    rels = (pystac.RelType.ROOT, pystac.RelType.PARENT, pystac.RelType.COLLECTION)
    return [pystac.Link(rel, f"./{COLLECTION}", MediaType.JSON) for rel in rels]


def _metres(grid: Grid) -> float:
    """Give the side of a pixel in metres; of one in degrees along the meridian, to the metre."""
    return round(grid.pixel * METRES_PER_DEGREE) if grid.crs == "EPSG:4326" else grid.pixel


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
