"""What a label file holds, whatever its format: attributes and a geometry per feature."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError

from landcover.errors import InputError
from landcover.nouns.legend import normalise_label
from landcover.tiling.edges import densify

_WGS84 = pyproj.CRS.from_epsg(4326)

Geometries = NDArray[np.object_]
_SHOWN = 5
_LONGEST_NAME, _MOST_NAMES = 60, 40


class Column:
    """The texts of one column, each different one kept once: files hold few words many times.

    Nothing is worked out before it is asked for, since most columns of a file hold no label.
    """

    def __init__(self, values: Sequence[Any] | pa.ChunkedArray) -> None:
        self._values = values

    @cached_property
    def _factorised(self) -> tuple[tuple[str, ...], NDArray[np.int64]]:
        # Who only reads outlines needs no tables.
        import pandas as pd

        index, distinct = _encode(self._values)
        words = np.array([normalise_label(value) for value in distinct], dtype=object)
        again, unique = pd.factorize(words)
        return tuple(unique.tolist()), np.asarray(again[index], dtype=np.int64)

    @property
    def words(self) -> tuple[str, ...]:
        """Different texts in the order in which they appear, ``""`` for an empty cell."""
        return self._factorised[0]

    @property
    def index(self) -> NDArray[np.int64]:
        """Position among :attr:`words` of each feature's text, (feature,)."""
        return self._factorised[1]

    def originals(self) -> list[Any]:
        """Give the value of each feature as the file holds it, a number with its zeros."""
        values = self._values
        return values.to_pylist() if isinstance(values, pa.ChunkedArray) else list(values)

    def texts(self) -> NDArray[np.object_]:
        """Give the text of each feature, (feature,)."""
        return np.array(self.words, dtype=object)[self.index]

    def counts(self) -> Counter[str]:
        """Count the features that carry each text."""
        counts = np.bincount(self.index, minlength=len(self.words)).tolist()
        return Counter(dict(zip(self.words, counts, strict=True)))

    def first(self) -> dict[str, int]:
        """Give the position of the first feature that carries each text."""
        position = np.unique(self.index, return_index=True)[1].tolist()
        return dict(zip(self.words, position, strict=True))


def _encode(values: Sequence[Any] | pa.ChunkedArray) -> tuple[NDArray[np.int64], Sequence[Any]]:
    """Number the different values of a column in the order in which they appear."""
    if isinstance(values, pa.ChunkedArray):
        kind = values.type
        try:
            plain = values.cast(kind.value_type) if pa.types.is_dictionary(kind) else values
            encoded = plain.combine_chunks().dictionary_encode(null_encoding="encode")
            index = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
            return index, encoded.dictionary.to_pylist()
        except pa.ArrowNotImplementedError:  # lists and structs, which hold no label
            values = values.to_pylist()
    import pandas as pd

    index, distinct = pd.factorize(np.array([normalise_label(v) for v in values], dtype=object))
    return index, distinct.tolist()


@dataclass(frozen=True)
class FileRule:
    """What a person says about a file that the file itself leaves open."""

    layer: str | None = None
    """Layer of a file that may hold several."""
    crs: str | None = None
    """Reference system of coordinates whose file declares none, such as ``EPSG:32630``."""


@dataclass(frozen=True)
class LabelFeatures:
    """The features of one label file, in its order."""

    geometries: Geometries
    """Shapely geometries in longitude, latitude (WGS84, degrees); None where a feature has none."""
    attributes: Mapping[str, Column]
    """Column → text per feature."""
    numbers: NDArray[np.int64]
    """Number of each feature as a person counts them in the file."""
    noun: str
    """What the numbers count: ``row``, ``feature`` or ``placemark``."""
    remarks: tuple[str, ...] = ()
    """What a person should know of the file, one sentence each."""

    def __post_init__(self) -> None:
        """Write names of columns in composed Unicode (NFC), however the file spells them."""
        names: dict[str, Column] = {}
        for name, column in self.attributes.items():
            names.setdefault(composed(name), column)
        object.__setattr__(self, "attributes", names)


def composed(text: str) -> str:
    """Write a text in composed Unicode (NFC): files of macOS hold the letters apart."""
    return normalize("NFC", text)


def quoted(names: Iterable[str]) -> str:
    """List names of columns for a message; a file that is no table may have very long ones."""
    shown = [repr(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…")
             for name in names]  # fmt: skip
    more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return ", ".join(shown[:_MOST_NAMES]) + more


def columns_of(properties: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """Turn one mapping per feature into columns."""
    names = dict.fromkeys(name for entry in properties for name in entry)
    return {name: Column([entry.get(name) for entry in properties]) for name in names}


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


def parse_wkb(path: Path, wkb: NDArray[Any], noun: str) -> Geometries:
    """Make geometries in two dimensions of well-known binary; None where there is none.

    Raises:
        InputError: One is malformed or of a kind that is not read; the message numbers it from 1.
    """
    try:
        return np.asarray(shapely.force_2d(shapely.from_wkb(wkb)), dtype=object)
    except (shapely.errors.ShapelyError, TypeError):
        for number, one in enumerate(wkb, start=1):
            try:
                shapely.from_wkb(one)
            except (shapely.errors.ShapelyError, TypeError) as error:
                said = " ".join(str(error).split()).rstrip(".")
                raise InputError(
                    f"{path.name}: {noun} {number}: the geometry is malformed ({said}); correct it."
                ) from error
        raise


def to_wgs84(path: Path, geometries: Geometries, crs: pyproj.CRS) -> Geometries:
    """Project geometries from a CRS (x first) to longitude and latitude.

    Longitude and latitude on WGS84, in whatever order their definition puts them, stay as they
    are to the last bit.

    Raises:
        InputError: The CRS is a local one that lies nowhere on Earth.
    """
    if crs.equals(_WGS84, ignore_axis_order=True):
        return geometries
    try:
        return project(geometries, crs.to_wkt(), "EPSG:4326")
    except ProjError as error:
        raise InputError(
            f"{path.name}: its reference system {crs.name!r} lies nowhere on Earth; declare the "
            "right one."
        ) from error


def known_crs(path: Path, text: str) -> pyproj.CRS:
    """Look up a reference system by code, WKT, PROJJSON or PROJ text.

    Raises:
        InputError: There is none of that name.
    """
    try:
        return pyproj.CRS.from_user_input(text)
    except CRSError as error:
        shown = text if len(text) <= 60 else text[:57] + "..."
        raise InputError(
            f"{path.name}: {shown!r} is not a known reference system; use a code such as "
            "EPSG:32630."
        ) from error


def project(geometries: Geometries, source: str, target: str) -> Geometries:
    """Project geometries between two reference systems, x (or longitude) first on both sides.

    Edges are straight in the source: long ones get vertices before they are moved
    (:func:`landcover.tiling.edges.densify`).
    """
    transformer = _transformer(source, target)

    def move(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))

    return np.asarray(shapely.transform(densify(geometries, source), move), dtype=object)


def project_points(
    x: NDArray[np.float64], y: NDArray[np.float64], source: str, target: str = "EPSG:4326"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project coordinates between two reference systems, x (or longitude) first on both sides."""
    moved = _transformer(source, target).transform(x, y)
    return np.asarray(moved[0], dtype=np.float64), np.asarray(moved[1], dtype=np.float64)


@lru_cache(maxsize=64)
def _transformer(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)
