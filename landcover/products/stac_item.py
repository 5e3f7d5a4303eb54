"""A folder with a STAC item and the rasters it names (docs/methods/products.md#layouts-on-disk).

The offset is what the item says was done to the pixels, not what ``raster:bands`` repeats from
the original delivery; items that contradict their pixels are caught by a look at the dark end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.product import OffsetDecision, Product, ProductFile
from landcover.products.metadata import GranuleMetadata, read_granule_metadata
from landcover.products.naming import parse_name, parse_time
from landcover.products.rasters import agree, product_file
from landcover.products.safe import BOA_OFFSET, FIRST_BASELINE_WITH_OFFSET

# Asset names of Earth Search. Its JP2 assets ("blue-jp2") are left aside: what the item says of
# the offset holds for the COGs only.
ASSETS = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05",
    "rededge2": "B06", "rededge3": "B07", "nir": "B08", "nir08": "B8A", "nir09": "B09",
    "swir16": "B11", "swir22": "B12", "aot": "AOT", "wvp": "WVP", "scl": "SCL",
}  # fmt: skip
# Below this 0.5-percentile of B02 and B04 the pixels cannot still carry the +1000
# (docs/methods/products.md#layouts-on-disk).
SNIFF_LIMIT = 900
SNIFF_PERCENTILE = 0.5
LOOK_PX = 1830
"""Longest side of the look, px: 60 m on a full tile."""
NODATA_NUMBER, SATURATED_NUMBER = 0, 65535

Images = dict[str, tuple[Path, Mapping[str, Any]]]
"""Layer → its file and its asset in the item."""


def find_item(path: Path) -> Path | None:
    """Find the STAC item of a folder; None where there is none."""
    if not path.is_dir():
        return None
    for file in sorted(path.glob("*.json")):
        try:
            document = json.loads(file.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(document, dict) and _is_item(document):
            return file
    return None


def is_stac_item(path: Path) -> bool:
    """Tell whether a folder has a STAC item."""
    return find_item(path) is not None


def read_stac_item(path: Path) -> Product:
    """Read what a folder with a STAC item is, without its pixels (except to sniff an offset).

    Raises:
        InputError: The item lacks what is needed, or a raster is absent or damaged.
    """
    item_path = find_item(path)
    if item_path is None:
        raise InputError(f"{path}: no STAC item in this folder.")
    item = json.loads(item_path.read_text(encoding="utf-8"))
    properties: Mapping[str, Any] = item["properties"]
    images = _images(item, path)
    if not images:
        raise InputError(f"{item_path}: no asset of the item is present in the folder.")
    baseline = round(100 * _number(properties, "s2:processing_baseline", item_path))
    offsets, decision, warnings = _offsets(properties, baseline, images)
    files = tuple(
        product_file(
            layer,
            image,
            scale=_scale(layer),
            offset=offsets.get(layer, 0),
            place=_place(item, asset, item_path),
        )
        for layer, (image, asset) in sorted(images.items())
    )
    agree(path, files)
    granule = _granule(path)
    uri = str(properties.get("s2:product_uri") or item.get("id")).removesuffix(".SAFE")
    name = parse_name(uri)
    generated = next((k for k in ("s2:generation_time", "created") if k in properties), "datetime")
    return Product(
        name=uri,
        path=str(path),
        tile=str(_required(properties, "grid:code", item_path)).removeprefix("MGRS-"),
        spacecraft="S2" + str(_required(properties, "platform", item_path))[-1].upper(),
        datatake=name.datatake if name else _time(properties, "datetime", item_path),
        relative_orbit=name.relative_orbit if name else 0,
        baseline=baseline,
        generated=_time(properties, generated, item_path),
        discriminator=name.discriminator if name else "",
        cloud_percent=_number(properties, "eo:cloud_cover", item_path),
        nodata_percent=_number(properties, "s2:nodata_pixel_percentage", item_path),
        sun_zenith=_zenith(properties),
        sun_azimuth=properties.get("view:sun_azimuth"),
        offset_decision=decision,
        files=files,
        warnings=(*warnings, *_grid_warnings(files, granule)),
    )


def _is_item(document: Mapping[str, Any]) -> bool:
    return (
        document.get("type") == "Feature"
        and "stac_version" in document
        and isinstance(document.get("assets"), dict)
        and isinstance(document.get("properties"), dict)
    )


def _images(item: Mapping[str, Any], path: Path) -> Images:
    images: Images = {}
    for key, layer in ASSETS.items():
        asset = item["assets"].get(key)
        if not isinstance(asset, dict) or "href" not in asset:
            continue
        image = path / Path(str(asset["href"])).name
        if image.is_file():
            images[layer] = (image, asset)
    return images


def _place(item: Mapping[str, Any], asset: Mapping[str, Any], path: Path) -> Grid | None:
    properties = item["properties"]
    code = asset.get("proj:code", properties.get("proj:code"))
    epsg = asset.get("proj:epsg", properties.get("proj:epsg"))
    transform, shape = asset.get("proj:transform"), asset.get("proj:shape")
    if not (code or epsg) or not transform or not shape:
        return None
    try:
        pixel, _, ulx, _, down, uly = transform[:6]
        height, width = shape
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: proj:transform or proj:shape is too short.") from error
    if pixel != -down:
        raise InputError(f"{path}: expected square north-up pixels, found {transform}.")
    return Grid(
        crs=str(code or f"EPSG:{epsg}"), ulx=ulx, uly=uly, pixel=pixel, width=width, height=height
    )


def _offsets(
    properties: Mapping[str, Any], baseline: int, images: Images
) -> tuple[dict[str, int], OffsetDecision, tuple[str, ...]]:
    bands = [layer for layer in images if layer.startswith("B")]
    applied = properties.get("earthsearch:boa_offset_applied")
    if applied is True or baseline < FIRST_BASELINE_WITH_OFFSET:
        return {}, "provider" if applied is True else "metadata", ()
    if applied is None:
        # Collection 1 and others leave the offset to the reader, band by band.
        said = {band: _said_offset(images[band][1]) for band in bands}
        known = {band: offset for band, offset in said.items() if offset is not None}
        lost = [band for band in bands if band not in known]
        if not lost:
            return known, "metadata", ()
        warning = f"baseline {baseline}: offset {BOA_OFFSET} is assumed for {', '.join(lost)}."
        return {**dict.fromkeys(lost, BOA_OFFSET), **known}, "baseline", (warning,)
    offset, warning = _sniffed(images)
    return dict.fromkeys(bands, offset), "sniffed", (warning,)


def _said_offset(asset: Mapping[str, Any]) -> int | None:
    for band in asset.get("raster:bands") or []:
        if "offset" in band:
            return round(float(band["offset"]) / float(band.get("scale", 1e-4)))
    return None


def _sniffed(images: Images) -> tuple[int, str]:
    dark = {layer: _dark_end(images[layer][0]) for layer in ("B02", "B04") if layer in images}
    offset = 0 if dark and min(dark.values()) < SNIFF_LIMIT else BOA_OFFSET
    seen = ", ".join(f"{layer} {value:.0f}" for layer, value in dark.items()) or "no band"
    return offset, (
        f"the item says that the offset was not applied; the {SNIFF_PERCENTILE} % darkest "
        f"pixels are {seen} DN, so {offset} is used."
    )


def _dark_end(image: Path) -> float:
    import numpy as np

    from landcover.stores.rasters import read_overview

    numbers = read_overview(image, LOOK_PX)
    valid = numbers[(numbers > NODATA_NUMBER) & (numbers < SATURATED_NUMBER)]
    return float(np.percentile(valid, SNIFF_PERCENTILE)) if valid.size else float("inf")


def _scale(layer: str) -> float:
    return 1.0 if layer == "SCL" else 1000.0 if layer in ("AOT", "WVP") else 10000.0


def _granule(path: Path) -> GranuleMetadata | None:
    file = path / "granule_metadata.xml"
    return read_granule_metadata(file) if file.is_file() else None


def _grid_warnings(
    files: tuple[ProductFile, ...], granule: GranuleMetadata | None
) -> tuple[str, ...]:
    finest = min((file.grid for file in files), key=lambda grid: grid.pixel)
    grids = granule.grids if granule else {}
    claimed = grids.get(round(finest.pixel), grids.get(10))
    if claimed is None or claimed == finest:
        return ()
    return (
        f"the rasters are {finest.describe()}, the metadata claim {claimed.describe()}; "
        "the rasters are believed.",
    )


def _zenith(properties: Mapping[str, Any]) -> float | None:
    elevation = properties.get("view:sun_elevation")
    return 90 - elevation if isinstance(elevation, int | float) else None


def _required(properties: Mapping[str, Any], key: str, path: Path) -> Any:
    if properties.get(key) is None:
        raise InputError(f"{path}: the item has no property {key}, which is needed.")
    return properties[key]


def _number(properties: Mapping[str, Any], key: str, path: Path) -> float:
    value = _required(properties, key, path)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: {key}: expected a number, found {value!r}.") from error


def _time(properties: Mapping[str, Any], key: str, path: Path) -> datetime:
    value = _required(properties, key, path)
    try:
        return parse_time(str(value))
    except ValueError as error:
        raise InputError(f"{path}: {key}: expected a time, found {value!r}.") from error
