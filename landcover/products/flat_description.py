"""What a person says of flat GeoTIFF products: ``flat-products.yaml``.

The file describes the products in its folder and below. A file further in, ``NAME.yaml`` beside a
product that is one file, and tags of the GeoTIFFs each say more, or otherwise, of what lies there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from landcover.errors import InputError
from landcover.nouns.base import Noun, explain
from landcover.products.naming import TILE_ID
from landcover.recipe.documents import load_document

DESCRIPTION = "flat-products.yaml"
DEPTH = 4
"""Folders above a product in which its description may lie: as deep as products are searched."""
ENDINGS = (".tif", ".tiff")
_OF_TAGS = (
    "spacecraft", "baseline", "relative_orbit", "cloud_percent", "nodata_percent",
    "sun_zenith", "sun_azimuth", "view_zenith", "view_azimuth",
)  # fmt: skip


class FlatDescription(Noun):
    """What is known of a product beside its pixels."""

    product: Literal["folder", "file"] = "folder"
    """``folder``: the GeoTIFFs of a folder are one product; ``file``: each of them is one."""
    bands: tuple[str | None, ...] = ()
    """Layers, in order, of files with so many bands none of which is called as a layer; null for
    a band that is not used."""
    names: Mapping[str, str] = {}
    """Name of a band in the files → layer, where they are called otherwise: ``nir: B08``."""
    scale: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Reflectance = (number + offset) / scale; 10000 where neither this nor the file says it."""
    offset: int | None = None
    """Radiometric offset of the bands, digital numbers: 0 or −1000."""
    nodata: int | None = None
    """Number that means nodata, where the files do not declare it."""
    tile: str | None = Field(None, pattern=f"^{TILE_ID.pattern}$")
    """Tile id; where this does not say it, the product's name does, then a tag."""
    date: str | None = None
    """Sensing time, UTC, ISO 8601; else the product's name tells it, then a tag."""
    spacecraft: str | None = Field(None, pattern="^S2[A-D]$")
    """``S2A`` … ``S2D``."""
    baseline: str | None = Field(None, pattern=r"^\d\d\.\d\d$")
    """Processing baseline, ``05.09``; below 04.00 the offset is 0."""
    relative_orbit: int = Field(0, ge=0, le=143)
    """1 … 143; 0 where unknown."""
    cloud_percent: float | None = Field(None, ge=0, le=100)
    """Cloud, % of valid pixels; counted in SCL where it is not said."""
    nodata_percent: float | None = Field(None, ge=0, le=100)
    """Nodata, % of all pixels; counted in SCL where it is not said."""
    sun_zenith: float | None = Field(None, ge=0, le=90)
    """Mean solar zenith angle, degrees."""
    sun_azimuth: float | None = Field(None, ge=-180, le=360)
    """Mean solar azimuth, degrees clockwise from north."""
    view_zenith: float | None = Field(None, ge=0, le=90)
    """Mean viewing zenith angle, degrees."""
    view_azimuth: float | None = Field(None, ge=-180, le=360)
    """Mean viewing azimuth, degrees clockwise from north."""


def description_files(path: Path) -> list[Path]:
    """List the files that describe a product, the outermost first.

    Args:
        path: Folder or file of the product.
    """
    inside = path if path.is_dir() else path.parent
    folders = [inside, *inside.parents[:DEPTH]]
    found = [f for folder in reversed(folders) if (f := folder / DESCRIPTION).is_file()]
    own = path.with_suffix(".yaml")
    return [*found, own] if path.is_file() and own.is_file() else found


def read_description(path: Path, tags: Mapping[str, str] | None = None) -> FlatDescription:
    """Put together what the files and tags of a product say of it, the innermost word last.

    Args:
        path: Folder or file of the product.
        tags: Metadata tags of its GeoTIFFs, names in lower case.

    Raises:
        InputError: A file is damaged, or a key or value of it is wrong.
    """
    said: dict[str, Any] = {}
    for file in description_files(path):
        document = _document(file)
        _check(document, str(file))
        said |= document
    told = {name: value for name, value in (tags or {}).items() if name in _OF_TAGS}
    return _check(said | told, str(path))


def geotiffs(folder: Path) -> list[Path]:
    """List the GeoTIFFs of a folder by name; those of macOS beside them are none."""
    return sorted(
        p for p in folder.iterdir() if p.suffix.lower() in ENDINGS and p.name[0] != "."
    )  # fmt: skip


def flat_files(folder: Path) -> Iterator[Path]:
    """List the files of a folder that are each a product."""
    if description_files(folder) and _layout(folder) == "file":
        yield from geotiffs(folder)


def is_flat(path: Path) -> bool:
    """Tell whether a described folder or GeoTIFF is a product."""
    if not description_files(path):
        return False
    if path.is_dir():
        return _layout(path) == "folder" and bool(geotiffs(path))
    return path.suffix.lower() in ENDINGS and _layout(path) == "file"


def _layout(path: Path) -> str:
    layout = "folder" if path.is_dir() else "file"
    for file in description_files(path):
        try:
            layout = _document(file).get("product", layout)
        except InputError:
            # That the file is damaged is said where the product is read.
            continue
    return layout


def _document(path: Path) -> dict[str, Any]:
    status = path.stat()
    return _parsed(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _parsed(path: Path, size: int, time: int) -> dict[str, Any]:
    try:
        document = load_document(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not valid YAML ({error}). Correct the description.") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: expected keys such as `offset: 0`, found {document!r:.60}.")
    return {name: value for name, value in document.items() if value is not None}


def _check(document: Mapping[str, Any], where: str) -> FlatDescription:
    # YAML reads 2018-06-05 as a date and 05.09 as a number.
    texts = {name: str(document[name]) for name in ("date", "tile") if name in document}
    baseline = document.get("baseline")
    if isinstance(baseline, float | int):
        texts["baseline"] = f"{baseline:05.2f}"
    try:
        return FlatDescription.model_validate({**document, **texts})
    except ValidationError as error:
        raise InputError(explain(error, where)) from error
