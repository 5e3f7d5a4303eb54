"""What a label file holds, whatever its format: attributes and a geometry per feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.legend import normalise_label

Geometries = NDArray[np.object_]
_SHOWN = 5


@dataclass(frozen=True)
class LabelFeatures:
    """The features of one label file, in its order."""

    geometries: Geometries
    """Shapely geometries in longitude, latitude (WGS84, degrees); None where a feature has none."""
    attributes: Mapping[str, Sequence[str]]
    """Column → text per feature, ``""`` where it is empty."""
    numbers: NDArray[np.int64]
    """Number of each feature as a person counts them in the file."""
    noun: str
    """What the numbers count: ``row``, ``feature`` or ``placemark``."""


def columns_of(properties: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Turn one mapping per feature into one list of texts per column."""
    names = dict.fromkeys(name for entry in properties for name in entry)
    return {name: [normalise_label(entry.get(name)) for entry in properties] for name in names}


def read_text(path: Path) -> str:
    """Read a file as UTF-8 text.

    Raises:
        InputError: It is empty or not UTF-8.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name}: byte {error.start} is not UTF-8 text; save the file as UTF-8."
        ) from error
    if not text.strip():
        raise InputError(f"{path.name}: the file is empty; labels were expected.")
    return text


def numbered(noun: str, numbers: Sequence[int] | NDArray[np.int64]) -> str:
    """Say which rows are meant: ``row 7`` or ``rows 3, 9, 12 and 40 more``."""
    shown = ", ".join(str(int(number)) for number in numbers[:_SHOWN])
    rest = len(numbers) - _SHOWN
    return f"{noun}{'s' if len(numbers) > 1 else ''} {shown}" + (
        f" and {rest} more" if rest > 0 else ""
    )


def check_coordinates(
    path: Path,
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    numbers: NDArray[np.int64],
    noun: str,
) -> None:
    """Refuse coordinates that are not on Earth.

    Args:
        path: File, for the message.
        lon: Longitude, degrees, (coordinate,).
        lat: Latitude, degrees, (coordinate,).
        numbers: Number of the feature that each coordinate belongs to, (coordinate,).
        noun: What the numbers count.

    Raises:
        InputError: A coordinate is not finite, or outside -180..180 or -90..90; the message
            names the features and suspects swapped or projected coordinates where they look it.
    """
    bad = ~(np.isfinite(lon) & np.isfinite(lat))
    if bad.any():
        raise InputError(
            f"{path.name}: {numbered(noun, np.unique(numbers[bad]))}: a coordinate is not a "
            "finite number; correct or remove it."
        )
    bad = (np.abs(lat) > 90) | (np.abs(lon) > 180)
    if not bad.any():
        return
    first = int(np.argmax(bad))
    if np.abs(lon[bad]).max() > 360 or np.abs(lat[bad]).max() > 360:
        hint = "they look projected: give longitude and latitude in degrees, or declare the CRS"
    elif (np.abs(lat[bad]) > 90).any() and (np.abs(lon[bad]) <= 90).any():
        hint = "are latitude and longitude swapped?"
    else:
        hint = "expected longitude -180..180 and latitude -90..90"
    raise InputError(
        f"{path.name}: {numbered(noun, np.unique(numbers[bad]))}: coordinate out of range "
        f"(latitude {lat[first]:g}, longitude {lon[first]:g}); {hint}."
    )


def check_geometries(
    path: Path, geometries: Geometries, numbers: NDArray[np.int64], noun: str
) -> None:
    """Refuse geometries with a vertex that is not on Earth (see :func:`check_coordinates`)."""
    vertices, index = shapely.get_coordinates(geometries, return_index=True)
    check_coordinates(path, vertices[:, 0], vertices[:, 1], numbers[index], noun)


def to_wgs84(geometries: Geometries, crs: pyproj.CRS) -> Geometries:
    """Project geometries from a CRS (x first) to longitude and latitude."""
    return project(geometries, crs.to_wkt(), "EPSG:4326")


def project(geometries: Geometries, source: str, target: str) -> Geometries:
    """Project geometries between two reference systems, x (or longitude) first on both sides."""
    transformer = _transformer(source, target)

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(geometries, move), dtype=object)


def project_points(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str = "EPSG:4326"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project coordinates between two reference systems, x (or longitude) first on both sides."""
    moved = _transformer(source, target).transform(x, y)
    return np.asarray(moved[0], dtype=np.float64), np.asarray(moved[1], dtype=np.float64)


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)
