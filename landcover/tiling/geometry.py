"""An area of interest as given, turned into plain pieces between -180 and 180 degrees."""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.tiling.utm import Floats

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

MAX_LONGITUDE = 540.0
"""Longitudes may run past the antimeridian by one turn; further out they are no degrees."""


class Region(NamedTuple):
    """An area of interest by dimension, EPSG:4326, longitude -180 to 180; parts may be empty."""

    points: BaseGeometry
    """Points."""
    lines: BaseGeometry
    """Lines, each place once."""
    polygons: BaseGeometry
    """Polygons, valid and without overlaps."""


def read_region(geometry: Any) -> Region:
    """Read an area of interest and cut it at the antimeridian.

    An edge longer than 180° is read the short way round, across the antimeridian, and longitudes
    may run on past ±180 instead; an edge of exactly 360° is a whole parallel. Rings that cross
    themselves are repaired.

    Args:
        geometry: Shapely geometry or GeoJSON-like mapping (geometry, feature or collection) in
            EPSG:4326, (longitude, latitude) in degrees.

    Raises:
        InputError: It is no geometry, is empty, has a coordinate that is no place on Earth, or a
            ring goes round a pole without touching it.
    """
    import shapely

    atoms = _atoms(_parse(geometry))
    coordinates = shapely.get_coordinates(atoms)
    if not len(coordinates):
        raise InputError("Area of interest: it is empty; give at least one point.")
    lon, lat = coordinates.T
    is_bad = ~((np.abs(lon) <= MAX_LONGITUDE) & (np.abs(lat) <= 90))
    if is_bad.any():
        x, y = coordinates[int(np.argmax(is_bad))]
        raise InputError(
            f"Area of interest: vertex ({x:g}, {y:g}) is not a position: expected longitude and "
            "latitude in degrees (EPSG:4326); reproject or swap the axes."
        )
    pieces = split_at_antimeridian(_atoms(np.array([_unwrap(atom) for atom in atoms])))
    dimension = shapely.get_dimensions(pieces)
    points, lines, polygons = (shapely.union_all(pieces[dimension == d]) for d in (0, 1, 2))
    return Region(points, lines, polygons)


def split_at_antimeridian(atoms: NDArray[Any]) -> NDArray[Any]:
    """Cut single geometries at every odd multiple of 180° and turn the pieces to -180 to 180.

    Args:
        atoms: Points, lines and valid polygons, longitudes continuous along each.

    Returns:
        The pieces, points, lines and polygons; none is of lower dimension than its origin.
    """
    import shapely

    pieces = []
    for atom, dimension in zip(atoms, shapely.get_dimensions(atoms), strict=True):
        west, _, east, _ = shapely.bounds(atom)
        first = floor((west + 180) / 360)
        for turn in range(first, max(first, ceil((east - 180) / 360)) + 1):
            band = shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)
            is_whole = 360 * turn - 180 <= west and east <= 360 * turn + 180
            piece = atom if is_whole else shapely.intersection(atom, band)
            parts = _atoms(shift(piece, -360.0 * turn))
            pieces.extend(parts[shapely.get_dimensions(parts) == dimension])
    return np.array(pieces, dtype=object)


def shift(geometry: Any, degrees: float) -> Any:
    """Move a geometry, or an array of them, in longitude."""
    import shapely

    if degrees == 0:
        return geometry
    return shapely.transform(geometry, lambda lonlat: lonlat + np.array([degrees, 0.0]))


def _parse(geometry: Any) -> BaseGeometry:
    import shapely
    from shapely.geometry import shape

    try:
        if isinstance(geometry, shapely.Geometry):
            found: Any = geometry
        elif geometry["type"] == "FeatureCollection":
            found = shapely.GeometryCollection([_parse(one) for one in geometry["features"]])
        elif geometry["type"] == "Feature":
            found = _parse(geometry["geometry"])
        else:
            found = shape(geometry)
        return shapely.force_2d(found)  # type: ignore[no-any-return]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            "Area of interest: expected a shapely geometry or a GeoJSON mapping, found "
            f"{str(geometry)[:60]!r} ({type(error).__name__}: {error}); correct the geometry."
        ) from error
    except shapely.errors.ShapelyError as error:
        raise InputError(f"Area of interest: {error}; correct the geometry.") from error


def _atoms(geometries: Any) -> NDArray[Any]:
    """Take collections apart into points, lines and polygons; empty ones vanish."""
    import shapely

    parts = shapely.get_parts(geometries)
    while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
        parts = shapely.get_parts(parts)
    return parts[~shapely.is_empty(parts)]


def _unwrap(atom: Any) -> Any:
    """Make longitudes continuous along a line or around a polygon's rings."""
    import shapely

    if isinstance(atom, shapely.Polygon):
        outer = _continuous(atom.exterior, is_closed=True)
        holes = [_continuous(ring, is_closed=True) for ring in atom.interiors]
        middle = (outer[:, 0].min() + outer[:, 0].max()) / 2
        for hole in holes:
            hole[:, 0] += 360 * round((middle - hole[:, 0].mean()) / 360)
        atom = shapely.Polygon(outer, holes)
        return atom if atom.is_valid else shapely.make_valid(atom)
    if isinstance(atom, shapely.LineString):
        return shapely.LineString(_continuous(atom, is_closed=False))
    return atom


def _continuous(line: Any, *, is_closed: bool) -> Floats:
    coordinates: Floats = np.array(line.coords, dtype=np.float64)
    step = np.diff(coordinates[:, 0])
    is_crossing = (np.abs(step) > 180) & (np.abs(step) < 360)
    coordinates[1:, 0] -= 360 * np.cumsum(np.sign(step) * is_crossing)
    if is_closed and abs(coordinates[0, 0] - coordinates[-1, 0]) > 180:
        x, y = coordinates[0]
        raise InputError(
            f"Area of interest: the ring at ({x:g}, {y:g}) goes round a pole; cut it at the "
            "antimeridian and close it along the pole."
        )
    return coordinates
