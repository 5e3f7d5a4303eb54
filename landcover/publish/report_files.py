"""The page and the documents beside it, written into the folder of a report."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.output import Output
from landcover.nouns.validation import Validation
from landcover.publish.page import Download, Page, QualityPage, SampleSummary
from landcover.publish.pages import render, render_quality
from landcover.publish.quality import BASES, TileQuality, bases_of, feature_collection
from landcover.publish.tables import accuracy_csv, calibration_csv, products_csv, validation_csv

INDEX = "index.html"
_WHAT = (
    ("map_", ".tif", "class map, GeoTIFF (COG) with names and colours"),
    ("map_", ".png", "picture of the class map"),
    ("map_", ".tif.aux.xml", "class names for GDAL programs; keep it beside the map"),
    ("map_", ".qml", "QGIS style with names and colours; keep it beside the map"),
    ("map_", ".sld", "OGC style (SLD) with names and colours, for map servers"),
    ("map_", "_colours.txt", "colour map as text: value, red, green, blue, alpha, name"),
    ("map_", "_colour_blind.qml", "QGIS style in colours for colour-blind readers"),
    ("map_", ".gpkg", "polygons of the classes, GeoPackage"),
    ("map_", ".parquet", "polygons of the classes, GeoParquet"),
    ("second_", ".tif", "classes of the second level, GeoTIFF (COG) with names and colours"),
    ("second_", ".png", "picture of both levels"),
    ("second_", ".tif.aux.xml", "class names for GDAL programs; keep it beside the map"),
    ("second_", ".qml", "QGIS style of the second level; keep it beside the map"),
    ("second_", ".sld", "OGC style (SLD) of the second level, for map servers"),
    ("second_", "_colours.txt", "colour map of the second level as text"),
    ("confidence_", ".tif", "probability of the class, GeoTIFF (COG): value / 254, nodata 255"),
    (
        "probabilities_",
        ".tif",
        "probability of every class, GeoTIFF (COG), a band a class: value / 254, nodata 255",
    ),
    ("preview", ".html", "the map to pan and zoom; keep preview/ beside it"),
    ("preview", ".json", "what preview.html shows: files, places, classes"),
    ("true_colour_", ".tif", "true colours of the composite, GeoTIFF (COG, WebP)"),
    ("true_colour_", ".png", "picture of the composite"),
    ("accuracy", ".csv", "accuracy of each class with the confusion matrix"),
    ("accuracy", ".json", "accuracy report, whole"),
    ("validation", ".csv", "accuracy of each class under every split, side by side"),
    ("validation", ".json", "splits, gaps, calibration and independent points, whole"),
    ("calibration", ".csv", "probability and share of hits of each class, bin by bin"),
    ("masks_", ".png", "cloud masks before and after growth, and both composites"),
    ("background_", ".png", "background that refined masks are compared with, by quarter"),
    ("quality", ".png", "picture of the quality map"),
    ("products", ".csv", "every product of every tile and season, used or not, with the reason"),
    ("quality", ".json", "products, refusals and holes of every tile and season"),
    ("quality", ".geojson", "footprints of the tiles with their data quality, for a GIS"),
    ("model_card", ".json", "model: features, parameters, seed, versions"),
    ("signatures", ".svg", "what the classes look like, band by band"),
    ("correlation", ".svg", "correlation of the features before and after selection"),
    ("components", ".svg", "variance of the principal components"),
    ("suspects", ".geojson", "points whose label is doubtful, the surest first, for a GIS"),
    ("doctor", ".html", "class doctor: confused classes, missed points, what to do"),
    ("importance", ".png", "what the model goes by: bars per feature, season and layer"),
    ("importance", ".svg", "the same as a drawing"),
    ("importance", ".csv", "how much each feature counts, for each class"),
    ("explanation", ".json", "class doctor and importance, whole"),
    ("receipt", ".json", "receipt: everything that the map hangs on, for `landcover reproduce`"),
    ("collection", ".json", "STAC collection of the maps"),
    ("item_", ".json", "STAC item of the map, with projection, classes and files"),
    ("model_item", ".json", "STAC item of the model"),
)
"""How the files of a report begin and end, in the order of the list, and what they are."""


def write_page(
    folder: Path,
    page: Page,
    accuracy: Path | None,
    sample_set: Output | None,
    dropped: Mapping[str, int],
    validation: Path | None = None,
) -> None:
    """Write the documents of a report, then the page that lists them.

    Args:
        folder: Folder of the report, with maps and pictures already in it.
        page: What is known so far.
        accuracy: Accuracy report as JSON, where there is one.
        sample_set: Record of the samples, where there are any.
        dropped: Labels that were left out when the ground truth was read, by reason.
        validation: Splits side by side as JSON, where there are any.
    """
    report = None
    if accuracy is not None:
        report = AccuracyReport.from_json(accuracy.read_text())
        (folder / "accuracy.json").write_text(report.model_dump_json(indent=1))
        (folder / "accuracy.csv").write_text(accuracy_csv(report))
    beside = None
    if validation is not None:
        beside = Validation.from_json(validation.read_text())
        (folder / "validation.json").write_text(beside.model_dump_json(indent=1))
        (folder / "validation.csv").write_text(validation_csv(beside))
    if page.card is not None:
        (folder / "model_card.json").write_text(page.card.to_text())
        curves = calibration_csv(page.card)
        if curves:
            (folder / "calibration.csv").write_text(curves)
    _write_quality(folder, page)
    samples = None if sample_set is None else _summary(sample_set.stats, dropped)
    whole = page.model_copy(
        update={
            "accuracy": report,
            "validation": beside,
            "samples": samples,
            "downloads": downloads(folder),
        }
    )
    (folder / INDEX).write_text(render(whole), encoding="utf-8")


def downloads(folder: Path) -> tuple[Download, ...]:
    """List the files of a report, maps first, each with what it is."""
    found = []
    for path in folder.iterdir():
        if path.name == INDEX or not path.is_file():
            continue
        name = path.name
        kinds = [k for k in _WHAT if name.startswith(k[0]) and name.endswith(k[1])]
        kind = max(kinds, key=lambda k: len(k[1]), default=("", "", ""))
        rank = _WHAT.index(kind) if kinds else len(_WHAT)
        file = Download(name=path.name, what=kind[2], bytes=path.stat().st_size)
        found.append((rank, path.name, file))
    return tuple(file for _, _, file in sorted(found, key=lambda entry: entry[:2]))


def write_quality(folder: Path, page: QualityPage) -> None:
    """Write the quality map of a region and its page.

    Args:
        folder: Folder for them, with the pictures of quicklooks already in it.
        page: What is known of the region.
    """
    _write_quality(folder, page)
    # The folder is the user's choice: what else lies there is not ours to list.
    ours = tuple(file for file in downloads(folder) if file.what)
    whole = page.model_copy(update={"downloads": ours})
    (folder / INDEX).write_text(render_quality(whole), encoding="utf-8")


def quality_document(tiles: Sequence[TileQuality]) -> list[dict[str, Any]]:
    """Write down all that is known of tiles, for programs."""
    return [
        {
            "nodata_percent": tile.nodata_percent,
            "status": tile.status,
            "color": tile.colour,
            "n_products": tile.n_products,
            **tile.model_dump(mode="json", exclude={"geometry"}),
        }
        for tile in tiles
    ]


def _write_quality(folder: Path, page: Page | QualityPage) -> None:
    from landcover.publish.quality_picture import draw_quality_map

    document = {
        "title": page.title,
        "year": page.year,
        "simulated": page.simulated,
        "bases": {basis: " ".join(BASES[basis]) for basis in bases_of(page.tiles)},
        "tiles": quality_document(page.tiles),
        "troubles": list(page.troubles),
    }
    (folder / "quality.json").write_text(_json(document), encoding="utf-8")
    collection = feature_collection(page.tiles)
    (folder / "quality.geojson").write_text(_json(collection), encoding="utf-8")
    (folder / "products.csv").write_text(products_csv(page.tiles), encoding="utf-8")
    word = "tile" if len(page.tiles) == 1 else "tiles"
    draw_quality_map(
        page.tiles,
        folder / "quality.png",
        f"Data quality: {page.title}, {page.year}",
        f"{len(page.tiles)} {word}, recipe {page.recipe}",
        is_simulated=page.simulated,
    )


def _summary(stats: Mapping[str, Any], dropped: Mapping[str, int]) -> SampleSummary:
    fields = {name: stats[name] for name in SampleSummary.model_fields if name in stats}
    return SampleSummary.model_validate({**fields, "dropped": dict(dropped)})


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
