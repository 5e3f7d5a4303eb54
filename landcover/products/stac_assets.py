"""What the assets of a STAC item are: which layer each holds, and what it says of its numbers.

Items are read as they come from catalogues: STAC 1.0 with ``raster:bands`` and ``eo:bands``, STAC
1.1 with ``bands`` and ``raster:offset``; assets called ``red``, ``B04`` or ``B04_10m``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, NamedTuple

from landcover.errors import InputError
from landcover.products.naming import TILE_ID

# Asset names of Earth Search. Its JP2 assets ("blue-jp2") are left aside: what the item says of
# the offset holds for the COGs only.
ASSETS = {
    "coastal": "B01", "blue": "B02", "green": "B03", "red": "B04", "rededge1": "B05",
    "rededge2": "B06", "rededge3": "B07", "nir": "B08", "nir08": "B8A", "nir09": "B09",
    "swir16": "B11", "swir22": "B12", "aot": "AOT", "wvp": "WVP", "scl": "SCL",
}  # fmt: skip
_LAYER_KEY = re.compile(r"(?P<layer>B\d[\dA]|AOT|WVP|SCL)(?:_(?P<m>\d\d)m)?", re.IGNORECASE)
_DEFAULT_SCALE = 1e-4

Asset = Mapping[str, Any]


class LayerAsset(NamedTuple):
    """An asset that holds a layer."""

    key: str
    """Its name in the item."""
    asset: Asset


def layer_assets(item: Mapping[str, Any]) -> dict[str, LayerAsset]:
    """Find the asset of each layer.

    Names of Earth Search come first, then names of layers, the finest resolution of each
    (``B04_10m``), then assets of one band that is called so.

    Args:
        item: The item's document.

    Returns:
        Layer → its asset, in the order of the bands.
    """
    assets = {key: a for key, a in item["assets"].items() if isinstance(a, dict) and "href" in a}
    ranked: dict[str, tuple[tuple[int, int], LayerAsset]] = {}
    for key, asset in assets.items():
        for layer, rank in _layers_of(str(key), asset):
            if layer not in ranked or rank < ranked[layer][0]:
                ranked[layer] = (rank, LayerAsset(str(key), asset))
    return {layer: ranked[layer][1] for layer in ASSETS.values() if layer in ranked}


def _layers_of(key: str, asset: Asset) -> Iterator[tuple[str, tuple[int, int]]]:
    """Give the layer of an asset, if any, with its rank: the least one is used."""
    if key in ASSETS:
        yield ASSETS[key], (0, 0)
    elif match := _LAYER_KEY.fullmatch(key):
        yield match["layer"].upper(), (1, int(match["m"] or 0))
    elif len(bands := _bands(asset, "bands") or _bands(asset, "eo:bands")) == 1:
        name = _LAYER_KEY.fullmatch(str(bands[0].get("name", "")))
        if name and "jp2" not in key:
            yield name["layer"].upper(), (2, 0)


def said_offset(asset: Asset, where: str) -> int | None:
    """Give the offset that an asset says its numbers need, DN; None where it does not say.

    It stands as ``raster:bands[].offset`` (STAC 1.0), or as ``raster:offset`` on the asset or on
    one of its ``bands`` (STAC 1.1), in reflectance beside a scale.

    Args:
        asset: The asset.
        where: What it is, for messages.

    Raises:
        InputError: Offset or scale is no number, or the scale is 0.
    """
    said = [
        *((band.get("offset"), band.get("scale")) for band in _bands(asset, "raster:bands")),
        (asset.get("raster:offset"), asset.get("raster:scale")),
        *(
            (band.get("raster:offset"), band.get("raster:scale", asset.get("raster:scale")))
            for band in _bands(asset, "bands")
        ),
    ]
    for offset, scale in said:
        if offset is not None:
            return _as_numbers(offset, _DEFAULT_SCALE if scale is None else scale, where)
    return None


def _as_numbers(offset: object, scale: object, where: str) -> int:
    numbers = [_finite(value) for value in (offset, scale)]
    if numbers[0] is None or not numbers[1] or not isfinite(numbers[0] / numbers[1]):
        raise InputError(
            f"{where}: expected an offset and a scale above 0, found {offset!r} and {scale!r}. "
            "Correct the item."
        )
    return round(numbers[0] / numbers[1])


def _bands(asset: Asset, key: str) -> list[Mapping[str, Any]]:
    found = asset.get(key)
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict)]


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def tile_of(properties: Mapping[str, Any]) -> str | None:
    """Give the tile of an item, zones below 10 with their zero; None where it names none.

    It stands in ``grid:code`` (``MGRS-5QKB``), ``s2:mgrs_tile``, or in the parts ``mgrs:utm_zone``,
    ``mgrs:latitude_band`` and ``mgrs:grid_square``.
    """
    parts = (
        properties.get(f"mgrs:{part}") for part in ("utm_zone", "latitude_band", "grid_square")
    )
    said = (
        str(properties.get("grid:code") or "").removeprefix("MGRS-"),
        str(properties.get("s2:mgrs_tile") or ""),
        "".join(str(part or "") for part in parts),
    )
    padded = (text.upper() if text[:2].isdecimal() else f"0{text.upper()}" for text in said)
    return next((tile for tile in padded if TILE_ID.fullmatch(tile)), None)
