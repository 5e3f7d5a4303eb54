"""Labels from shapefiles and GeoPackages, in any reference system."""

from __future__ import annotations

import tempfile
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw

from landcover.errors import InputError
from landcover.labels.archives import members_of, open_archive, read_member
from landcover.labels.features import (
    Column,
    FileRule,
    LabelFeatures,
    check_geometries,
    known_crs,
    parse_wkb,
    to_wgs84,
)
from landcover.labels.files import SIDECARS, parts_of

# A million polygons of ten vertices take about 300 MB; far beyond, a zip is a bomb.
MAX_MEMBER_BYTES = 1 << 30

# How files begin: a virtual source (OGR_VRT) is text. Of a .dbf the first byte is its version.
_MAGIC = {
    ".gpkg": (b"SQLite format 3\0",),
    ".shp": (b"\0\0\x27\x0a",),
    ".shx": (b"\0\0\x27\x0a",),
    ".dbf": tuple(bytes([kind]) for kind in (2, 3, 4, 5, 0x30, 0x31, 0x32, 0x83, 0x8B, 0xF5)),
}
_CALLED = {".gpkg": "GeoPackage", ".shp": "part of a shapefile"}
# Whatever a file says, nothing is fetched: GDAL's network files are limited to one name.
pyogrio.set_gdal_config_options({"CPL_VSIL_CURL_ALLOWED_FILENAME": "nothing"})

_FAILURES = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
)


def read_shapefile(path: Path, rule: FileRule | None = None) -> LabelFeatures:
    """Read a shapefile.

    The text encoding is that of the ``.cpg`` file; without one it is UTF-8, or what the ``.dbf``
    itself declares.

    Args:
        path: The ``.shp``; ``.shx`` and ``.dbf`` lie beside it, and ``.prj`` with the CRS.
        rule: The CRS where there is no ``.prj``.

    Returns:
        One entry per feature; numbers count from 1.

    Raises:
        InputError: A part is absent or damaged, the CRS is unknown, or a vertex is not on Earth.
    """
    _require_parts(path.name, path, "beside it")
    _require_driver(path.name, path)
    return _read(path, path.name, None, rule or FileRule())


def read_zipped_shapefile(path: Path, rule: FileRule | None = None) -> LabelFeatures:
    """Read the shapefile in a zip (see :func:`read_shapefile`); ``layer`` names one of several.

    Members are copied under names of ours into a temporary folder, which is removed again.

    Raises:
        InputError: The zip is damaged, encrypted or far too large, a member's path leads out of
            it, it does not hold one shapefile, or that is at fault.
    """
    rule = rule or FileRule()
    with open_archive(path) as archive, tempfile.TemporaryDirectory() as folder:
        names = archive.namelist()
        stem = _choose_shape(path, members_of(archive, ".shp"), rule.layer)
        for name in names:
            suffix = name[len(stem) :].lower()
            if name.startswith(stem) and suffix in SIDECARS:
                data = read_member(path, archive, name, MAX_MEMBER_BYTES)
                Path(folder, f"labels{suffix}").write_bytes(data)
        shapefile = Path(folder, "labels.shp")
        _require_parts(f"{path.name}: {PurePosixPath(stem).name}.shp", shapefile, "in the zip")
        _require_driver(path.name, shapefile)
        return _read(shapefile, path.name, None, FileRule(crs=rule.crs))


def _choose_shape(path: Path, members: Sequence[str], wanted: str | None) -> str:
    """Give the path in the zip, without its ending, of the shapefile that is meant.

    A shapefile is called by its name, or by its path where two folders have one of that name.
    """
    stems = [name[: -len(".shp")] for name in members]
    times = Counter(PurePosixPath(stem).name for stem in stems)
    called = {
        stem if times[PurePosixPath(stem).name] > 1 else PurePosixPath(stem).name: stem
        for stem in stems
    }
    return called[_choose_layer(path, list(called), wanted, "shapefile")]


def read_geopackage(path: Path, rule: FileRule | None = None) -> LabelFeatures:
    """Read a layer of a GeoPackage.

    Args:
        path: The ``.gpkg``.
        rule: Layer where there are several, and CRS where the layer declares none.

    Returns:
        One entry per feature; numbers count from 1.

    Raises:
        InputError: The file is damaged, the layer is not there or has to be named, its CRS is
            unknown, or a vertex is not on Earth.
    """
    rule = rule or FileRule()
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty; labels were expected.")
    _require_driver(path.name, path)
    try:
        layers = pyogrio.list_layers(path)
    except _FAILURES as error:
        raise _damaged(path.name, error) from error
    # Tables without geometry hold styles and notes.
    names = [str(name) for name, kind in layers if kind is not None]
    layer = _choose_layer(path, names, rule.layer, "layer")
    return _read(path, path.name, layer, rule)


def _require_driver(name: str, path: Path) -> None:
    """Refuse a file that GDAL would not read by the driver of its ending.

    GDAL chooses by content, and pyogrio takes no list of drivers: a text called ``labels.gpkg``
    may be a virtual source that opens other files, or calls an address.

    Raises:
        InputError: The file, or a part of the shapefile, begins otherwise.
    """
    for part in parts_of(path):
        known = _MAGIC.get(part.suffix.lower())
        with part.open("rb") as stream:
            head = stream.read(16)
        if known and not head.startswith(known):
            raise InputError(
                f"{name}: the file cannot be read (its {part.suffix.lower()} is no "
                f"{_CALLED[path.suffix.lower()]}); deliver it again, or convert it with ogr2ogr."
            )


def _require_parts(name: str, path: Path, where: str) -> None:
    present = {part.suffix.lower() for part in parts_of(path)}
    absent = [suffix for suffix in (".shx", ".dbf") if suffix not in present]
    if absent:
        raise InputError(
            f"{name}: no {' and no '.join(absent)} {where}; deliver all files of the shapefile."
        )


def _choose_layer(path: Path, names: Sequence[str], wanted: str | None, what: str) -> str:
    listed = ", ".join(map(repr, names))
    if not names:
        raise InputError(f"{path.name}: it holds no {what}; labels were expected.")
    if wanted is not None:
        if wanted not in names:
            raise InputError(f"{path.name}: no {what} {wanted!r}; found {listed}.")
        return wanted
    if len(names) > 1:
        raise InputError(f"{path.name}: it holds {len(names)} {what}s ({listed}); say which one "
                         "with labels.layer.")  # fmt: skip
    return names[0]


def _read(path: Path, name: str, layer: str | None, rule: FileRule) -> LabelFeatures:
    shown = Path(name)
    try:
        with warnings.catch_warnings():
            # Measures (M) and third dimensions are left out on purpose.
            warnings.simplefilter("ignore", UserWarning)
            meta, _, wkb, fields = pyogrio.raw.read(path, layer=layer, force_2d=True)
    except _FAILURES as error:
        raise _damaged(name, error) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}: its text is not UTF-8; add a .cpg file that names the encoding, such as "
            "ISO-8859-1."
        ) from error
    if wkb is None or not len(wkb):
        raise InputError(f"{name}: the file holds no features; labels were expected.")
    numbers = np.arange(1, len(wkb) + 1)
    geometries = parse_wkb(shown, wkb, "feature")
    crs = rule.crs if _is_undefined(meta["crs"]) else meta["crs"]
    if crs is None:
        missing = ".prj file" if path.suffix == ".shp" else "reference system"
        raise InputError(
            f"{name}: there is no {missing}, so the coordinates mean nothing; deliver it, or say "
            "it with labels.crs=EPSG:…."
        )
    geometries = to_wgs84(shown, geometries, known_crs(shown, crs))
    check_geometries(shown, geometries, numbers, "feature")
    columns: dict[str, Any] = dict(zip(meta["fields"].tolist(), fields, strict=True))
    attributes = {column: Column(values.tolist()) for column, values in columns.items()}
    return LabelFeatures(geometries, attributes, numbers, "feature")


def _is_undefined(crs: str | None) -> bool:
    """Tell whether a CRS says nothing: GeoPackages have two that are called undefined."""
    return not crs or '"undefined ' in crs[:40].lower()


def _damaged(name: str, error: Exception) -> InputError:
    said = " ".join(str(error).split()).rstrip(".")
    return InputError(f"{name}: the file cannot be read ({said[:160]}); deliver it again.")
