"""A folder with a STAC item and the rasters it names (docs/methods/products.md#layouts-on-disk).

The offset is what the item says was done to the pixels, not what ``raster:bands`` repeats from
the original delivery; items that contradict their pixels are caught by a look at the dark end.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from math import isfinite, nan
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.product import OffsetDecision, Product, ProductFile
from landcover.products.metadata import GranuleMetadata, read_granule_metadata
from landcover.products.naming import parse_name, parse_time
from landcover.products.rasters import agree, product_file
from landcover.products.safe import BOA_OFFSET, FIRST_BASELINE_WITH_OFFSET
from landcover.products.stac_assets import layer_assets, said_offset, tile_of

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
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
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
    offsets, decision, warnings = _offsets(properties, baseline, images, item_path)
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
        tile=_tile(properties, item_path),
        spacecraft="S2" + str(_required(properties, "platform", item_path))[-1].upper(),
        datatake=name.datatake if name else _time(properties, "datetime", item_path),
        relative_orbit=name.relative_orbit if name else 0,
        baseline=baseline,
        generated=_time(properties, generated, item_path),
        discriminator=name.discriminator if name else "",
        cloud_percent=_number(properties, "eo:cloud_cover", item_path),
        nodata_percent=_number(properties, "s2:nodata_pixel_percentage", item_path),
        sun_zenith=_zenith(properties),
        sun_azimuth=_azimuth(properties, item_path),
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
    for layer, (_, asset) in layer_assets(item).items():
        image = path / Path(str(asset["href"])).name
        if _is_file(image):
            images[layer] = (image, asset)
    return images


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _tile(properties: Mapping[str, Any], path: Path) -> str:
    tile = tile_of(properties)
    if tile is None:
        said = _required(properties, "grid:code", path)
        raise InputError(
            f"{path}: grid:code names no tile, found {said!r:.60}. Expected MGRS-30SUF."
        )
    return tile


def _place(item: Mapping[str, Any], asset: Mapping[str, Any], path: Path) -> Grid | None:
    properties = item["properties"]
    code = asset.get("proj:code", properties.get("proj:code"))
    epsg = asset.get("proj:epsg", properties.get("proj:epsg"))
    transform, shape = asset.get("proj:transform"), asset.get("proj:shape")
    if not (code or epsg) or not transform or not shape:
        return None
    numbers = _numbers(transform, 6)
    sizes = _numbers(shape, 2)
    if numbers is None or sizes is None:
        raise InputError(
            f"{path}: proj:transform and proj:shape must be lists of numbers, six and two; found "
            f"{transform!r:.60} and {shape!r:.60}."
        )
    pixel, _, ulx, _, down, uly = numbers
    if pixel != -down or pixel <= 0:
        raise InputError(f"{path}: expected square north-up pixels, found {transform}.")
    return Grid(
        crs=str(code or f"EPSG:{epsg}"), ulx=ulx, uly=uly, pixel=pixel,
        width=int(sizes[1]), height=int(sizes[0]),
    )  # fmt: skip


def _numbers(value: object, n: int) -> list[float] | None:
    """Give the first n numbers of a list; None where they are not there."""
    if not isinstance(value, list) or len(value) < n:
        return None
    are_numbers = all(isinstance(v, int | float) and isfinite(v) for v in value[:n])
    return [float(v) for v in value[:n]] if are_numbers else None


def _offsets(
    properties: Mapping[str, Any], baseline: int, images: Images, path: Path
) -> tuple[dict[str, int], OffsetDecision, tuple[str, ...]]:
    bands = [layer for layer in images if layer.startswith("B")]
    applied = properties.get("earthsearch:boa_offset_applied")
    if applied is True or baseline < FIRST_BASELINE_WITH_OFFSET:
        return {}, "provider" if applied is True else "metadata", ()
    if applied is None:
        # Collection 1 and others leave the offset to the reader, band by band.
        said = {band: said_offset(images[band][1], f"{path}: {band}") for band in bands}
        known = {band: offset for band, offset in said.items() if offset is not None}
        lost = [band for band in bands if band not in known]
        if not lost:
            return known, "metadata", ()
        warning = f"baseline {baseline}: offset {BOA_OFFSET} is assumed for {', '.join(lost)}."
        return {**dict.fromkeys(lost, BOA_OFFSET), **known}, "baseline", (warning,)
    offset, warning = _sniffed(images)
    return dict.fromkeys(bands, offset), "sniffed", (warning,)


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
    if not isinstance(elevation, int | float) or not isfinite(elevation):
        return None
    return 90 - elevation


def _azimuth(properties: Mapping[str, Any], path: Path) -> float | None:
    key = "view:sun_azimuth"
    return None if properties.get(key) is None else _number(properties, key, path)


def _required(properties: Mapping[str, Any], key: str, path: Path) -> Any:
    if properties.get(key) is None:
        raise InputError(f"{path}: the item has no property {key}, which is needed.")
    return properties[key]


def _number(properties: Mapping[str, Any], key: str, path: Path) -> float:
    value = _required(properties, key, path)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = nan
    if not isfinite(number):
        raise InputError(f"{path}: {key}: expected a number, found {value!r:.60}.")
    return number


def _time(properties: Mapping[str, Any], key: str, path: Path) -> datetime:
    value = _required(properties, key, path)
    try:
        return parse_time(str(value))
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: {key}: expected a time, found {value!r:.60}.") from error
