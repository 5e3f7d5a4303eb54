"""Open rasters by named drivers only, and nothing that a file refers to elsewhere.

GDAL tells the format of a file by its content: a text called ``labels.tif`` may be a virtual
raster that opens another file of this machine, or asks an address that only it can reach. So each
reader names its drivers; overviews and masks beside a file must be TIFF as well; and of virtual
rasters only our own are opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import rasterio
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader

from landcover.errors import InputError

DRIVERS = ("GTiff", "JP2OpenJPEG", "SRTMHGT", "AAIGrid")
"""Formats of products, elevation and of our own files."""
TIFF_ONLY = ("GTiff",)
"""The format of label rasters."""
_BY_SUFFIX = {
    ".tif": "GTiff", ".tiff": "GTiff", ".jp2": "JP2OpenJPEG", ".hgt": "SRTMHGT", ".asc": "AAIGrid",
}  # fmt: skip
_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_VRT_TEXT = "<VRTDataset"
# What a virtual raster of ours is made of (vrt.py): anything else may refer to anything.
_OWN_ELEMENTS = frozenset({
    "VRTDataset", "SRS", "GeoTransform", "VRTRasterBand", "NoDataValue", "ColorInterp",
    "ColorTable", "Entry", "SimpleSource", "SourceFilename", "SourceBand", "SrcRect", "DstRect",
    "Metadata", "MDI", "Description",
})  # fmt: skip


def open_named(path: str | Path, drivers: Sequence[str] = DRIVERS, **options: Any) -> DatasetReader:
    """Open a raster by one of some drivers.

    Args:
        path: The file; a path of GDAL on one of our stores; or the text of a virtual raster that
            we made in memory (``warping.joined``).
        drivers: Names of GDAL drivers.
        options: Handed to rasterio.

    Raises:
        InputError: It is a virtual raster of somebody else, or refers to another file.
        RasterioError: It cannot be opened.
    """
    text = str(path)
    if text.startswith(_VRT_TEXT):
        return rasterio.open(text, driver="VRT", **options)
    if _is_virtual(text):
        require_own(Path(text))
        return rasterio.open(text, driver="VRT", **options)
    dataset = _first_of(text, drivers, options)
    try:
        _require_alone(text, dataset)
    except InputError:
        dataset.close()
        raise
    return dataset


def require_own(path: Path) -> None:
    """Refuse a virtual raster unless it is one of ours: over TIFF files that lie beside it.

    Raises:
        InputError: It is not.
    """
    try:
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, ElementTree.ParseError):
        raise _not_ours(path) from None
    names = list(root.iter("SourceFilename"))
    is_own = {element.tag for element in root.iter()} <= _OWN_ELEMENTS and all(
        name.get("relativeToVRT") == "1" and Path(name.text or "/").name == name.text
        for name in names
    )
    if not (is_own and names):
        raise _not_ours(path)
    for name in names:
        rasterio.open(path.parent / str(name.text), driver="GTiff").close()


def _not_ours(path: Path) -> InputError:
    return InputError(
        f"{path}: a virtual raster (VRT) refers to other files and is not opened; convert it with "
        "gdal_translate."
    )


def _is_virtual(text: str) -> bool:
    if text.startswith("/vsi"):
        return text.lower().endswith(".vrt")
    try:
        return text.lower().endswith(".vrt") or b"<VRT" in _head(Path(text), 1024)
    except OSError:
        return False


def _head(path: Path, n: int) -> bytes:
    with path.open("rb") as stream:
        return stream.read(n)


def _first_of(text: str, drivers: Sequence[str], options: dict[str, Any]) -> DatasetReader:
    """Try the driver of the file's ending first, then the others; the first one's error counts."""
    usual = _BY_SUFFIX.get(Path(text).suffix.lower())
    ordered = sorted(drivers, key=lambda name: name != usual)
    failure: RasterioError | None = None
    for driver in ordered:
        try:
            return rasterio.open(text, driver=driver, **options)
        except RasterioError as error:
            failure = failure or error
    raise failure or RasterioError(f"no driver for {text}")


def _require_alone(text: str, dataset: DatasetReader) -> None:
    """Refuse a file whose metadata or companions send GDAL to another one."""
    if dataset.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        raise InputError(
            f"{text}: its metadata name another file as its overview, which is not opened; write "
            "it anew with gdal_translate."
        )
    if text.startswith("/vsi"):
        return
    for ending in (".ovr", ".msk", ".msk.ovr"):
        beside = Path(text + ending)
        if beside.is_file() and not _head(beside, 4).startswith(_TIFF_MAGIC):
            raise InputError(f"{beside}: expected overviews or a mask as TIFF; remove the file.")
