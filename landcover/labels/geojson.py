"""Labels from GeoJSON: points and polygons with properties."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from pyproj.exceptions import CRSError

from landcover.errors import InputError
from landcover.labels.features import (
    FileRule,
    LabelFeatures,
    check_geometries,
    columns_of,
    read_text,
    to_wgs84,
)


def read_geojson(path: Path, _: FileRule | None = None) -> LabelFeatures:
    """Read a GeoJSON file.

    Coordinates are WGS84 longitude and latitude (RFC 7946) unless a ``crs`` member of the older
    standard says otherwise; that is honoured.

    Args:
        path: A FeatureCollection or a Feature, UTF-8.

    Returns:
        One entry per feature; numbers count from 1.

    Raises:
        InputError: The JSON is malformed (the message gives the line), is no GeoJSON, names an
            unknown CRS, or a geometry is malformed or not on Earth.
    """
    document = _parse(path)
    features = _features(path, document)
    crs_member = document.get("crs")
    geometries = np.empty(len(features), dtype=object)
    for index, feature in enumerate(features):
        if feature.get("crs", crs_member) != crs_member:
            raise InputError(
                f"{path.name}: feature {index + 1} has a reference system of its own; deliver one "
                "file per reference system."
            )
        geometries[index] = _geometry(path, index + 1, feature.get("geometry"))
    numbers = np.arange(1, len(features) + 1)
    crs = _crs(path, document)
    if crs is not None:
        geometries = to_wgs84(path, geometries, crs)
    check_geometries(path, geometries, numbers, "feature")
    attributes = columns_of([feature.get("properties") or {} for feature in features])
    return LabelFeatures(geometries, attributes, numbers, "feature")


def _parse(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path.name}: malformed JSON in line {error.lineno}, column {error.colno} "
            f"({error.msg}); deliver the file again."
        ) from error
    except RecursionError as error:
        raise InputError(f"{path.name}: malformed JSON, nested too deeply.") from error
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"{path.name}: malformed JSON ({error}); correct it.") from error
    if not isinstance(document, Mapping):
        raise InputError(f"{path.name}: not GeoJSON; a FeatureCollection was expected.")
    return document


def _features(path: Path, document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kind = document.get("type")
    features = [document] if kind == "Feature" else document.get("features")
    if kind not in ("Feature", "FeatureCollection") or not isinstance(features, list):
        raise InputError(
            f"{path.name}: a GeoJSON FeatureCollection was expected, found type {kind!r}."
        )
    if not features:
        raise InputError(f"{path.name}: the file holds no features; labels were expected.")
    for number, feature in enumerate(features, start=1):
        is_sound = isinstance(feature, Mapping) and isinstance(
            feature.get("properties") or {}, Mapping
        )
        if not is_sound:
            raise InputError(f"{path.name}: feature {number} is not a GeoJSON feature.")
    return features


def _geometry(path: Path, number: int, geometry: Any) -> shapely.Geometry | None:
    if geometry is None:
        return None
    try:
        return shapely.force_2d(shapely.geometry.shape(geometry))
    except (
        AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError,
        shapely.errors.ShapelyError,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path.name}: feature {number}: the geometry is malformed ({error}); correct it."
        ) from error


def _crs(path: Path, document: Mapping[str, Any]) -> pyproj.CRS | None:
    """Read the ``crs`` member of GeoJSON 2008: a name, or an EPSG code in its older form."""
    member = document.get("crs")
    if member is None:
        return None
    try:
        properties = member["properties"]
        name = properties["name"] if member["type"] == "name" else properties["code"]
        return pyproj.CRS.from_user_input(name)
    except (CRSError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path.name}: the crs member {json.dumps(member)} is not a known reference system; "
            "use a name such as urn:ogc:def:crs:EPSG::32630, or deliver WGS84 without it."
        ) from error
