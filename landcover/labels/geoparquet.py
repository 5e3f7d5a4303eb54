"""Labels from GeoParquet (1.0 and 1.1), and from Parquet tables with longitude and latitude."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from landcover.errors import InputError
from landcover.labels.csv import EASTING, LATITUDE, LONGITUDE, NORTHING
from landcover.labels.features import (
    Column,
    FileRule,
    Geometries,
    LabelFeatures,
    check_geometries,
    known_crs,
    parse_wkb,
    to_wgs84,
)


def read_parquet(path: Path, rule: FileRule | None = None) -> LabelFeatures:
    """Read a GeoParquet file, or a Parquet table with a column each for longitude and latitude.

    Of a GeoParquet file the primary geometry column is read, as WKB or as points of x and y. Its
    CRS is OGC:CRS84 where the file does not say (GeoParquet specification 1.1, "crs").

    Args:
        path: The file.
        rule: CRS where the file says that it has none.

    Returns:
        One entry per row; numbers count from 1.

    Raises:
        InputError: The file is damaged, holds neither geometry nor coordinates, its CRS is
            unknown, or a vertex is not on Earth.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path.name}: the file is empty; labels were expected.")
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        said = str(error).splitlines()[0].rstrip(".")
        raise InputError(
            f"{path.name}: not a readable Parquet file ({said}); deliver it again."
        ) from error
    if not table.num_rows:
        raise InputError(f"{path.name}: the file holds no rows; labels were expected.")
    geo = _metadata(path, table.schema)
    if geo is None:
        geometries, used = _from_columns(path, table, rule or FileRule())
    else:
        geometries, used = _from_geometry(path, table, geo, rule or FileRule())
    numbers = np.arange(1, table.num_rows + 1)
    check_geometries(path, geometries, numbers, "row")
    attributes = {
        field.name: Column(table[field.name])
        for field in table.schema
        if field.name not in used and not _is_opaque(field.type)
    }
    return LabelFeatures(geometries, attributes, numbers, "row")


def _is_opaque(kind: pa.DataType) -> bool:
    nested_or_binary = pa.types.is_nested(kind) or pa.types.is_binary(kind)
    return nested_or_binary or isinstance(kind, pa.BaseExtensionType)


def _metadata(path: Path, schema: pa.Schema) -> Mapping[str, Any] | None:
    raw = (schema.metadata or {}).get(b"geo")
    if raw is None:
        return None
    try:
        geo: Mapping[str, Any] = json.loads(raw)
        return {"name": geo["primary_column"], **geo["columns"][geo["primary_column"]]}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path.name}: its GeoParquet metadata names no primary geometry column; write the "
            "file again."
        ) from error


def _from_geometry(
    path: Path, table: pa.Table, geo: Mapping[str, Any], rule: FileRule
) -> tuple[Geometries, set[str]]:
    name, encoding = geo["name"], str(geo.get("encoding", "WKB"))
    if name not in table.column_names:
        raise InputError(f"{path.name}: there is no geometry column {name!r}; write it again.")
    values = _storage(table[name])
    if encoding.upper() == "WKB":
        geometries = parse_wkb(path, values.to_numpy(zero_copy_only=False), "row")
    elif encoding.lower() == "point" and pa.types.is_struct(values.type):
        x, y = (_floats(pc.struct_field(values, axis)) for axis in ("x", "y"))
        geometries = np.asarray(shapely.points(x, y), dtype=object)
        geometries[pc.is_null(values).to_numpy()] = None
    else:
        raise InputError(
            f"{path.name}: geometries are encoded as {encoding!r}; read are WKB and points of x "
            "and y. Write the file with WKB."
        )
    return to_wgs84(path, geometries, _crs(path, geo, rule)), {name}


def _crs(path: Path, geo: Mapping[str, Any], rule: FileRule) -> pyproj.CRS:
    document = geo.get("crs", "OGC:CRS84")
    if document is None and rule.crs is None:
        raise InputError(
            f"{path.name}: its CRS is declared as unknown, so the coordinates mean nothing; say it "
            "with labels.crs=EPSG:…."
        )
    if document is None:
        return known_crs(path, str(rule.crs))
    try:
        return pyproj.CRS.from_user_input(document)
    except CRSError as error:
        raise InputError(
            f"{path.name}: the CRS of its metadata is not a known reference system; write the file "
            "again."
        ) from error


def _from_columns(path: Path, table: pa.Table, rule: FileRule) -> tuple[Geometries, set[str]]:
    folded = {name.casefold(): name for name in reversed(table.column_names)}
    names = (LONGITUDE, LATITUDE) if rule.crs is None else (EASTING, NORTHING)
    found = [next((folded[n] for n in wanted if n in folded), None) for wanted in names]
    if None in found:
        raise InputError(
            f"{path.name}: neither GeoParquet metadata nor columns for {names[0][0]} and "
            f"{names[1][0]}; columns found: {', '.join(map(repr, table.column_names))}."
        )
    x_name, y_name = str(found[0]), str(found[1])
    try:
        x, y = (_floats(table[name]) for name in (x_name, y_name))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{path.name}: {x_name!r} and {y_name!r} must be columns of numbers, found "
            f"{table[x_name].type} and {table[y_name].type}."
        ) from error
    points = np.asarray(shapely.points(x, y), dtype=object)
    if rule.crs is not None:
        points = to_wgs84(path, points, known_crs(path, rule.crs))
    return points, {x_name, y_name}


def _storage(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if not isinstance(values.type, pa.BaseExtensionType):
        return values
    storage = values.type.storage_type
    return pa.chunked_array([chunk.storage for chunk in values.chunks], type=storage)


def _floats(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Give numbers as float64, NaN where one is absent."""
    return np.asarray(pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False), np.float64)
