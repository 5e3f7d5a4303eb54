"""UTM with northings counted from the equator, for any zone at once.

All 60 zones are one transverse Mercator projection moved in longitude, and the southern half
differs from the northern one only by a false northing. With that left out, a single projection
serves every tile, and points of many zones are projected in one call.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pyproj import Transformer

Floats = NDArray[np.float64]

ZONES = 60
ZONE_WIDTH = 6
"""Degrees of longitude."""
FALSE_NORTHING = 10_000_000
"""Metres that EPSG:327xx adds to northings, so that they stay positive south of the equator."""


def zone_of(lon: ArrayLike) -> NDArray[np.int64]:
    """Name the regular 6° zone of a longitude, 1-60, without the Norway and Svalbard exceptions.

    Args:
        lon: Longitude, degrees, any turn.
    """
    zone = np.floor((np.asarray(lon, dtype=np.float64) + 180) / ZONE_WIDTH).astype(np.int64)
    return zone % ZONES + 1


def central_meridian(zone: ArrayLike) -> Floats:
    """Give the central meridian of a zone, degrees."""
    return np.asarray(zone, dtype=np.float64) * ZONE_WIDTH - 183


def project(lon: ArrayLike, lat: ArrayLike, zone: ArrayLike) -> tuple[Floats, Floats]:
    """Project coordinates to the UTM easting of a zone and the northing from the equator.

    Args:
        lon: Longitude, degrees, any turn.
        lat: Latitude, degrees.
        zone: UTM zone 1-60 to project to; need not be the one the point lies in.

    Returns:
        Easting and northing, float64, metres, shaped like the arguments broadcast together;
        the northing is negative south of the equator.
    """
    turned = np.asarray(lon, dtype=np.float64) - central_meridian(zone)
    around = np.remainder(turned + 180, 360) - 180
    # Adding 180 costs digits: keep the plain difference where it is in range already.
    relative, latitude = np.broadcast_arrays(np.where(np.abs(turned) <= 180, turned, around), lat)
    x, y = _mercator().transform(relative, latitude)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def unproject(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Turn easting and northing from the equator into degrees east of the central meridian.

    Args:
        x: UTM easting, metres.
        y: Northing from the equator, metres, negative in the south.

    Returns:
        Degrees east of the central meridian, and latitude, degrees, float64.
    """
    relative, lat = _mercator().transform(x, y, direction="INVERSE")
    return np.asarray(relative, dtype=np.float64), np.asarray(lat, dtype=np.float64)


def equal_area(lonlat: Any) -> Floats:
    """Project (longitude, latitude) pairs to a cylindrical plane in which areas are true.

    Args:
        lonlat: Coordinates, float64, (n, 2), degrees, longitude -180 to 180.

    Returns:
        Plane coordinates, float64, (n, 2), metres at 30° of latitude (the ellipsoidal
        cylindrical equal-area projection, as in EPSG:6933).
    """
    return np.column_stack(_cylinder().transform(lonlat[:, 0], lonlat[:, 1]))


@cache
def _mercator() -> Transformer:
    from pyproj import Transformer

    return Transformer.from_pipeline("+proj=tmerc +lon_0=0 +k=0.9996 +x_0=500000 +ellps=WGS84")


@cache
def _cylinder() -> Transformer:
    from pyproj import Transformer

    return Transformer.from_pipeline("+proj=cea +lat_ts=30 +ellps=WGS84")
