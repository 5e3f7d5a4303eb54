"""Tiles as the AWS Registry of Open Data lays them out (``sentinel-s2-l2a``): by date, not as SAFE.

A folder ``…/{zone}/{band}/{square}/{year}/{month}/{day}/{sequence}`` holds ``R10m``, ``R20m`` and
``R60m`` with one JPEG 2000 file a layer, ``tileInfo.json``, and mostly ``metadata.xml`` (the
granule's MTD_TL.xml) and ``productInfo.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.nouns.product import OffsetDecision, Product
from landcover.products.metadata import read_granule_metadata
from landcover.products.naming import ProductName, parse_name, parse_time
from landcover.products.rasters import agree, product_file
from landcover.products.safe import BOA_OFFSET, FIRST_BASELINE_WITH_OFFSET

TILE_INFO = "tileInfo.json"
_FOLDERS = {10: "R10m", 20: "R20m", 60: "R60m"}
_LAYER = re.compile(r"(?P<layer>B\d[\dA]|AOT|WVP|SCL)\.jp2", re.IGNORECASE)
_SCALES = {"SCL": 1.0, "AOT": 1000.0, "WVP": 1000.0}
_BOA_SCALE = 10000.0


def is_aws_tile(path: Path) -> bool:
    """Tell whether a folder is a tile of this layout."""
    return (path / TILE_INFO).is_file() and any((path / f).is_dir() for f in _FOLDERS.values())


def read_aws_tile(path: Path) -> Product:
    """Read what a tile is, without its pixels.

    The layout has no list of offsets: the baseline of the product's name decides.

    Raises:
        InputError: The name of the product is absent or wrong, or a file is damaged.
    """
    info = _document(path / TILE_INFO)
    title, name = _name(path, info)
    granule_path = path / "metadata.xml"
    granule = read_granule_metadata(granule_path) if granule_path.is_file() else None
    if granule is not None and granule.tile != name.tile:
        raise InputError(
            f"{path}: metadata.xml is of tile {granule.tile}, the name of {name.tile}."
        )
    offset, decision, warnings = _offset(title, name)
    files = tuple(
        product_file(
            layer,
            image,
            scale=_SCALES.get(layer, _BOA_SCALE),
            offset=offset if layer.startswith("B") else 0,
        )
        for layer, image in sorted(_images(path).items())
    )
    if not files:
        raise InputError(f"{path}: no rasters in {', '.join(_FOLDERS.values())}.")
    agree(path, files)
    return Product(
        name=title,
        path=str(path),
        tile=name.tile,
        spacecraft=name.spacecraft,
        datatake=name.datatake,
        relative_orbit=name.relative_orbit,
        baseline=name.baseline,
        generated=parse_time(name.discriminator),
        discriminator=name.discriminator,
        cloud_percent=_percent(info, "cloudyPixelPercentage", path),
        nodata_percent=100 - _percent(info, "dataCoveragePercentage", path),
        sun_zenith=granule.sun_zenith if granule else None,
        sun_azimuth=granule.sun_azimuth if granule else None,
        offset_decision=decision,
        files=files,
        warnings=warnings,
    )


def _offset(title: str, name: ProductName) -> tuple[int, OffsetDecision, tuple[str, ...]]:
    if name.baseline < FIRST_BASELINE_WITH_OFFSET:
        return 0, "metadata", ()
    said = f"{title}: baseline {name.baseline} without a list of offsets; {BOA_OFFSET} is assumed."
    return BOA_OFFSET, "baseline", (said,)


def _name(path: Path, info: Mapping[str, Any]) -> tuple[str, ProductName]:
    product = path / "productInfo.json"
    beside = _document(product).get("name") if product.is_file() else None
    said = str(info.get("productName") or beside or "").removesuffix(".SAFE")
    name = parse_name(said)
    if name is None:
        raise InputError(
            f"{path}: neither productName of {TILE_INFO} nor name of productInfo.json names a "
            f"Level-2A product, found {said!r:.80}."
        )
    return said, name


def _images(path: Path) -> dict[str, Path]:
    """Find the finest raster of each layer."""
    images: dict[str, Path] = {}
    for folder in _FOLDERS.values():
        for image in sorted((path / folder).glob("*.jp2")):
            if match := _LAYER.fullmatch(image.name):
                images.setdefault(match["layer"].upper(), image)
    return images


def _document(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON ({error}). Deliver the tile again.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected a table of keys. Deliver the tile again.")
    return document


def _percent(info: Mapping[str, Any], key: str, path: Path) -> float:
    value = info.get(key)
    if not isinstance(value, int | float) or not 0 <= value <= 100:  # NaN is not either
        raise InputError(f"{path}: {TILE_INFO}: {key}: expected 0 to 100, found {value!r:.60}.")
    return float(value)
