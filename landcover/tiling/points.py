"""Which tiles contain a point."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError
from landcover.tiling.squares import ROW_0, SIDE, SQUARE, tile_list, upper_left
from landcover.tiling.utm import ZONES, Floats, project, zone_of

Integers = NDArray[np.int64]


def tiles_containing(lon: float, lat: float) -> list[tuple[str, float]]:
    """Find every tile whose footprint contains a point.

    Args:
        lon: Longitude, degrees, -180 to 180.
        lat: Latitude, degrees, -90 to 90.

    Returns:
        Tile id and margin, the distance to the nearest edge of the footprint in the tile's own
        projection, metres; the greatest margin first, ties by id.

    Raises:
        InputError: A coordinate is not finite or out of range, or the point lies outside the
            grid, near a pole.

    Examples:
        >>> from landcover import api
        >>> [(tile, round(margin)) for tile, margin in api.tiles_containing(-4.4214, 36.7213)]
        [('30SUF', 35142)]
    """
    return _locate([lon], [lat], is_table=False)[0]


def tiles_containing_many(lons: ArrayLike, lats: ArrayLike) -> list[list[tuple[str, float]]]:
    """Find, for each of many points, every tile whose footprint contains it.

    Args:
        lons: Longitudes, degrees, -180 to 180, (n,).
        lats: Latitudes, degrees, -90 to 90, (n,).

    Returns:
        For each point what :func:`tiles_containing` returns.

    Raises:
        InputError: The arguments are not two lists of one length; or a row, named in the
            message, has a bad coordinate or lies outside the grid.
    """
    return _locate(lons, lats, is_table=True)


def primary_tile(lon: float, lat: float) -> str:
    """Name the tile in which a point lies farthest from the edge; ties go to the smaller id.

    Args:
        lon: Longitude, degrees, -180 to 180.
        lat: Latitude, degrees, -90 to 90.

    Raises:
        InputError: A coordinate is not finite or out of range, or the point lies outside the
            grid, near a pole.

    Examples:
        >>> from landcover import api
        >>> api.primary_tile(-4.4214, 36.7213)
        '30SUF'
    """
    return tiles_containing(lon, lat)[0][0]


def mgrs_tile(lon: float, lat: float) -> str:
    """Name the tile whose 100 km square contains a point.

    MGRS names a square by the latitude band of the point, the tiling grid by that of the square's
    centre: the name returned is the tile's. A square without a tile, and a point beyond 84° N or
    80° S where MGRS has no such squares, gets the primary tile.

    Args:
        lon: Longitude, degrees, -180 to 180.
        lat: Latitude, degrees, -90 to 90.

    Raises:
        InputError: A coordinate is not finite or out of range, or the point lies outside the
            grid, near a pole.
    """
    found = tiles_containing(lon, lat)
    if -80 <= lat <= 84:
        zone = _mgrs_zone(float(lon), float(lat))
        x, y = project(lon, lat, zone)
        row, column = int(y // SQUARE), int(x // SQUARE)
        tile = str(tile_list().ids[zone, row + ROW_0, column])
        if tile:
            return tile
    return found[0][0]


def hits(lon: Floats, lat: Floats) -> tuple[Integers, NDArray[np.str_], Floats]:
    """Find all pairs of a point and a tile that contains it.

    Zones up to two away are searched everywhere, which even the widest zones of Svalbard and the
    narrow ones at 84° do not exceed.

    Args:
        lon: Longitudes, float64, (n,), degrees, -180 to 180.
        lat: Latitudes, float64, (n,), degrees, -90 to 90.

    Returns:
        Number of the point, int64, (m,); tile id, (m,); margin, float64, (m,), metres, rounded
        to a micrometre so that the last bits of a projection do not decide a tie. Ordered by
        point, greatest margin, id.
    """
    zone = (zone_of(lon) - 1 + np.arange(-2, 3)[:, None]) % ZONES + 1
    x, y = project(lon, lat, zone)
    row, column = np.floor(y / SQUARE), np.floor(x / SQUARE)
    offset, point = np.nonzero((column >= 0) & (column <= 9))
    x, y, zone = x[offset, point], y[offset, point], zone[offset, point]
    row = row[offset, point].astype(np.int64)
    column = column[offset, point].astype(np.int64)
    found = [
        _inside(point, zone, row + north, column + east, x, y)
        for north in (-1, 0, 1)
        for east in (-1, 0, 1)
    ]
    points, tiles, margins = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((tiles, -margins, points))
    return points[order], tiles[order], margins[order]


def _inside(
    point: Integers, zone: Integers, row: Integers, column: Integers, x: Floats, y: Floats
) -> tuple[Integers, NDArray[np.str_], Floats]:
    """Keep the points that lie in the tile of their candidate square, with id and margin."""
    ulx, uly = upper_left(row, column)
    east, south = x - ulx, uly - y
    tiles = tile_list().ids[zone, row + ROW_0, column]
    keep = (tiles != "") & (east >= 0) & (east < SIDE) & (south >= 0) & (south < SIDE)
    east, south = east[keep], south[keep]
    margin = np.minimum(np.minimum(east, SIDE - east), np.minimum(south, SIDE - south))
    return point[keep], tiles[keep], np.round(margin, 6)


def _locate(lons: ArrayLike, lats: ArrayLike, *, is_table: bool) -> list[list[tuple[str, float]]]:
    lon, lat = _degrees(lons, "longitudes"), _degrees(lats, "latitudes")
    if lon.shape != lat.shape:
        raise InputError(
            f"Points: expected as many longitudes as latitudes, found {lon.size} and {lat.size}; "
            "pass two lists of one length."
        )

    def name(index: int) -> str:
        where = f"Row {index} (the first is 0)" if is_table else "Point"
        return f"{where}: longitude {lon[index]:g}, latitude {lat[index]:g}"

    is_bad = ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if is_bad.any():
        raise InputError(
            f"{name(int(np.argmax(is_bad)))} is not a position: expected finite degrees, longitude "
            "-180 to 180 and latitude -90 to 90; correct the point or leave it out."
        )
    points, tiles, margins = hits(lon, lat)
    counts = np.bincount(points, minlength=lon.size)
    if not counts.all():
        raise InputError(
            f"{name(int(np.argmin(counts)))} lies outside the Sentinel-2 tiling grid, which ends "
            "near 84 degrees north and south; leave the point out."
        )
    pairs = list(zip(tiles.tolist(), margins.tolist(), strict=True))
    ends = np.cumsum(counts).tolist()
    return [pairs[end - count : end] for end, count in zip(ends, counts.tolist(), strict=True)]


def _degrees(values: ArrayLike, what: str) -> Floats:
    try:
        degrees = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"Points: {what} must be numbers in degrees: {error}.") from error
    if degrees.ndim != 1:
        raise InputError(
            f"Points: {what} must be a flat list, found {degrees.ndim} dimensions; flatten it."
        )
    return degrees


def _mgrs_zone(lon: float, lat: float) -> int:
    """Name the zone of a point with the exceptions of MGRS: 32V, 31X, 33X, 35X and 37X."""
    zone = int(zone_of(lon))
    if 56 <= lat < 64 and 3 <= lon < 12:
        return 32
    if lat >= 72 and 0 <= lon < 42:
        return 31 + 2 * int((lon + 3) // 12)
    return zone
