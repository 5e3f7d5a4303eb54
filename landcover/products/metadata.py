"""Product and granule metadata of Sentinel-2 L2A (docs/methods/products.md#metadata).

Elements are matched by local name, because namespace prefixes vary between baselines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite, nan
from pathlib import Path
from xml.etree import ElementTree

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.products.markup import elements, read_xml
from landcover.products.naming import parse_time

# band_id of MTD_MSIL2A.xml → band
BAND_IDS = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"
)  # fmt: skip
# What Sen2Cor until 2.5 (format PSD 14.2, products of 2015 to 2018) called elements of today.
_OLDER = {
    "PRODUCT_URI": ("PRODUCT_URI_2A",),
    "IMAGE_FILE": ("IMAGE_FILE_2A", "IMAGE_ID_2A"),
    "TILE_ID": ("TILE_ID_2A",),
    "BOA_QUANTIFICATION_VALUE": ("L2A_BOA_QUANTIFICATION_VALUE",),
    "AOT_QUANTIFICATION_VALUE": ("L2A_AOT_QUANTIFICATION_VALUE",),
    "WVP_QUANTIFICATION_VALUE": ("L2A_WVP_QUANTIFICATION_VALUE",),
}
_TILE = re.compile(r"_T(\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2})(?:_|$)")


@dataclass(frozen=True)
class ProductMetadata:
    """What ``MTD_MSIL2A.xml`` says."""

    name: str
    """Product name without ``.SAFE``."""
    baseline: int
    """05.09 → 509."""
    generated: datetime
    spacecraft: str
    """``S2A``."""
    relative_orbit: int
    datatake: datetime
    boa_quantification: float
    aot_quantification: float
    wvp_quantification: float
    offsets: dict[str, int] | None
    """Radiometric offset by band, DN; None where the file has no list."""
    cloud_percent: float | None
    """% of valid pixels."""
    nodata_percent: float | None
    """% of all pixels."""
    images: tuple[str, ...]
    """Image files relative to the product, without ``.jp2``."""
    footprint: tuple[tuple[float, float], ...]
    """(lon, lat) of the footprint's corners."""


@dataclass(frozen=True)
class GranuleMetadata:
    """What ``MTD_TL.xml`` says."""

    tile: str
    sensing: datetime
    crs: str
    """``EPSG:n``."""
    grids: dict[int, Grid]
    """Grid by resolution, metres: what the file claims, not what the rasters are."""
    sun_zenith: float | None
    sun_azimuth: float | None


def read_product_metadata(path: Path) -> ProductMetadata:
    """Read ``MTD_MSIL2A.xml``.

    Raises:
        InputError: The file is damaged or lacks an element that is needed.
    """
    root = read_xml(path)
    positions = [_float(n, path) for n in _optional(root, "EXT_POS_LIST", "").split()]
    if len(positions) % 2:
        raise InputError(f"{path}: EXT_POS_LIST holds {len(positions)} numbers, expected pairs.")
    return ProductMetadata(
        name=_required(root, "PRODUCT_URI", path).strip("/").removesuffix(".SAFE"),
        baseline=round(100 * _float(_required(root, "PROCESSING_BASELINE", path), path)),
        generated=_time(root, "GENERATION_TIME", path),
        spacecraft="S2" + _required(root, "SPACECRAFT_NAME", path)[-1].upper(),
        relative_orbit=_int(_required(root, "SENSING_ORBIT_NUMBER", path), path),
        datatake=_time(root, "DATATAKE_SENSING_START", path),
        boa_quantification=_quantification(root, "BOA", 10000.0, path),
        aot_quantification=_quantification(root, "AOT", 1000.0, path),
        wvp_quantification=_quantification(root, "WVP", 1000.0, path),
        offsets=_offsets(root, path) or None,
        cloud_percent=_percent(root, "Cloud_Coverage_Assessment", path),
        nodata_percent=_percent(root, "NODATA_PIXEL_PERCENTAGE", path),
        images=tuple(_text(element, path) for element in _any(root, "IMAGE_FILE")),
        footprint=tuple(zip(positions[1::2], positions[0::2], strict=True)),
    )


def read_granule_metadata(path: Path) -> GranuleMetadata:
    """Read ``MTD_TL.xml``.

    Raises:
        InputError: The file is damaged or lacks an element that is needed.
    """
    root = read_xml(path)
    crs = _required(root, "HORIZONTAL_CS_CODE", path)
    sun = next(elements(root, "Mean_Sun_Angle"), None)
    tile = _TILE.search(_required(root, "TILE_ID", path))
    if tile is None:
        raise InputError(f"{path}: TILE_ID names no tile. Expected _T and a tile id in it.")
    return GranuleMetadata(
        tile=tile[1],
        sensing=_time(root, "SENSING_TIME", path),
        crs=crs,
        grids=_grids(root, crs, path),
        sun_zenith=None if sun is None else _float(_required(sun, "ZENITH_ANGLE", path), path),
        sun_azimuth=None if sun is None else _float(_required(sun, "AZIMUTH_ANGLE", path), path),
    )


def _grids(root: ElementTree.Element, crs: str, path: Path) -> dict[int, Grid]:
    sizes = {_attribute(element, "resolution", path): element for element in elements(root, "Size")}
    grids = {}
    for place in elements(root, "Geoposition"):
        resolution = _attribute(place, "resolution", path)
        size = sizes.get(resolution)
        if size is None:
            raise InputError(f"{path}: Geoposition of {resolution} m has no Size beside it.")
        grids[resolution] = Grid.from_document(
            {
                "crs": crs,
                "ulx": _float(_required(place, "ULX", path), path),
                "uly": _float(_required(place, "ULY", path), path),
                "pixel": _float(_required(place, "XDIM", path), path),
                "width": _int(_required(size, "NCOLS", path), path),
                "height": _int(_required(size, "NROWS", path), path),
            }
        )
    return grids


def _offsets(root: ElementTree.Element, path: Path) -> dict[str, int]:
    offsets = {}
    for element in elements(root, "BOA_ADD_OFFSET"):
        number = _attribute(element, "band_id", path)
        if not 0 <= number < len(BAND_IDS):
            raise InputError(f"{path}: BOA_ADD_OFFSET of band_id {number}; expected 0 to 12.")
        offsets[BAND_IDS[number]] = round(_float(_text(element, path), path))
    return offsets


def _text(element: ElementTree.Element, path: Path) -> str:
    if element.text is None or not element.text.strip():
        raise InputError(f"{path}: the element {element.tag.rpartition('}')[2]} is empty.")
    return element.text.strip()


def _any(root: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Find elements by name, or by that of the older format (until 2018, PSD 14.2)."""
    found = list(elements(root, name))
    return found or [e for older in _OLDER.get(name, ()) for e in elements(root, older)]


def _required(root: ElementTree.Element, name: str, path: Path) -> str:
    element = next(iter(_any(root, name)), None)
    if element is None:
        raise InputError(f"{path}: the element {name} is missing. Deliver the product again.")
    return _text(element, path)


def _optional(root: ElementTree.Element, name: str, default: str) -> str:
    element = next(iter(_any(root, name)), None)
    return default if element is None or element.text is None else element.text.strip()


def _percent(root: ElementTree.Element, name: str, path: Path) -> float | None:
    text = _optional(root, name, "")
    return _float(text, path) if text else None


def _quantification(root: ElementTree.Element, what: str, default: float, path: Path) -> float:
    return _float(_optional(root, f"{what}_QUANTIFICATION_VALUE", str(default)), path)


def _time(root: ElementTree.Element, name: str, path: Path) -> datetime:
    text = _required(root, name, path)
    try:
        return parse_time(text)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: {name}: expected a time, found {text!r:.60}.") from error


def _attribute(element: ElementTree.Element, name: str, path: Path) -> int:
    return _int(element.attrib.get(name, ""), path)


def _int(text: str, path: Path) -> int:
    number = _float(text, path)
    if not number.is_integer():
        raise InputError(f"{path}: expected a whole number, found {text!r}.")
    return int(number)


def _float(text: str, path: Path) -> float:
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise InputError(f"{path}: expected a number, found {text!r}. Deliver the product again.")
    return number
