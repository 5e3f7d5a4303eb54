"""Points inside labelled polygons.

All geometry is done in metres, in the UTM zone of each polygon: in degrees, distances along the
two axes differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.labels.features import project, project_points
from landcover.labels.ids import vertex_bytes

if TYPE_CHECKING:
    import pandas as pd

Mode = Literal["pole", "grid", "random"]

BLOCK = 3
"""Side of the largest block of pixels that samples are taken from around a point."""
BUFFER_M = 15.0
"""Half the side of a 3x3 block of 10 m pixels: nearer to the edge, the block leaves the polygon."""

# Finer than the 1 m that is asked for: copies of a polygon rounded differently keep one pole.
TOLERANCE_M = 0.1
_MAX_GRID_POINTS = 1_000_000

SPACING_M = 30.0
"""Least distance of random points: the 3x3 blocks of two of them share no pixel."""
SQUARE_METRES_PER_POINT = 10_000.0
"""A random point stands for a hectare (docs/methods/labels.md#points-from-polygons)."""
# Bridson (2007, Fast Poisson disk sampling) gives up after 30 candidates as well.
_MOST_REFUSALS = 30
_CANDIDATES = 512
_MOST_BATCHES = 200


@dataclass(frozen=True)
class PolygonRule:
    """How polygons become points."""

    mode: Mode = "pole"
    """``pole``: one point per part, at its pole of inaccessibility. ``grid``: the nodes of a
    square grid that lie at least 15 m inside. ``random``: points at least 15 m inside and 30 m
    apart, one and another for each full hectare. A part that holds no such point gives its
    pole."""
    grid_step_m: float = 30.0
    """Distance of grid points, metres. Nodes lie at (k + ½) steps of the UTM zone; with a step
    of 30 m these are centres of 10 m pixels."""
    points_per_polygon: int = 10
    """Most random points of one part."""
    min_radius_m: float = 0.0
    """Parts whose inner circle is smaller are dropped, metres."""
    seed: int = 0
    """Another seed, other random points; with the outline it decides all, so that the points of
    a polygon do not depend on other polygons."""


@dataclass(frozen=True)
class PolygonPoints:
    """Points drawn in one polygon."""

    lon: NDArray[np.float64]
    """Longitude, degrees, (point,); empty where the polygon has no area."""
    lat: NDArray[np.float64]
    """Latitude, degrees, (point,)."""
    radius_m: NDArray[np.float64]
    """Radius of the largest circle inside the part that the point stands for, metres, (point,)."""
    is_repaired: bool
    """True where the outline crossed itself and was repaired first."""


def polygons_to_points(
    polygons: Sequence[shapely.Geometry | Mapping[str, Any]],
    mode: Mode = "pole",
    *,
    crs: str = "EPSG:4326",
    grid_step_m: float = 30.0,
    points_per_polygon: int = 10,
    min_radius_m: float = 0.0,
    seed: int = 0,
) -> pd.DataFrame:
    """Draw the points that stand for polygons (docs/methods/labels.md#points-from-polygons).

    Args:
        polygons: Polygons and MultiPolygons, as shapely geometries or GeoJSON mappings; holes
            are respected, outlines that cross themselves repaired.
        mode: ``pole``, ``grid`` or ``random``, see :class:`PolygonRule`.
        crs: Reference system of their coordinates, x (or longitude) first.
        grid_step_m: Distance of the points of ``grid``, metres.
        points_per_polygon: Most points of ``random`` in one part of a polygon.
        min_radius_m: Parts whose inner circle is smaller give no point, metres.
        seed: Seed of ``random``.

    Returns:
        One row per point: ``polygon`` (position in the argument, int64), ``lon``, ``lat``
        (degrees, WGS84), ``radius_m`` (radius of the largest circle inside the part) and
        ``neighbourhood`` (int64: 3, or 1 where a 3x3 block of 10 m pixels leaves the part).

    Raises:
        InputError: The mode is unknown, a geometry is malformed, or the grid step is too small.

    Examples:
        >>> from shapely import box
        >>> from landcover import api
        >>> points = api.polygons_to_points([box(-4.43, 36.72, -4.42, 36.73)])
        >>> float(points.lon[0].round(3)), int(points.radius_m[0])
        (-4.425, 446)
    """
    # Who only reads outlines needs no tables.
    import pandas as pd

    if mode not in get_args(Mode):
        raise InputError(f"polygons: mode must be one of {get_args(Mode)}, found {mode!r}.")
    rule = PolygonRule(mode, grid_step_m, points_per_polygon, min_radius_m, seed)
    frames = []
    for number, polygon in enumerate(polygons):
        try:
            shape = (
                shapely.geometry.shape(dict(polygon)) if isinstance(polygon, Mapping) else polygon
            )
        except (AttributeError, KeyError, TypeError, ValueError, shapely.errors.ShapelyError) as e:
            raise InputError(f"polygons: number {number}: malformed geometry ({e}).") from e
        moved = project(np.array([shapely.force_2d(shape)], dtype=object), crs, "EPSG:4326")[0]
        found = points_in_polygon(moved, rule)
        frame = pd.DataFrame({"lon": found.lon, "lat": found.lat, "radius_m": found.radius_m})
        frame.insert(0, "polygon", number)
        frames.append(frame[frame["radius_m"] >= min_radius_m])
    columns = pd.DataFrame({"polygon": np.empty(0, np.int64), "lon": [], "lat": [], "radius_m": []})
    table = pd.concat(frames, ignore_index=True) if frames else columns
    return table.assign(neighbourhood=np.where(table["radius_m"] < BUFFER_M, 1, BLOCK))


def points_in_polygon(polygon: shapely.Geometry, rule: PolygonRule) -> PolygonPoints:
    """Draw the points that stand for a polygon.

    Args:
        polygon: Polygon or MultiPolygon in longitude and latitude, degrees, holes respected.
        rule: How.

    Raises:
        InputError: The grid step is not positive, or so small that a million nodes fall inside.
    """
    if not rule.grid_step_m > 0:
        raise InputError(f"polygons: the grid step must be positive, found {rule.grid_step_m:g} m.")
    lon, lat, radius_m = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    is_repaired = False
    # Part by part: the parts of a scattered MultiPolygon lie in different zones.
    for part in polygons_of(polygon):
        utm = utm_zone(part)
        outline = project(np.array([part], dtype=object), "EPSG:4326", utm)[0]
        is_repaired = is_repaired or not outline.is_valid
        seed = _seed(part, rule.seed)
        for face in polygons_of(outline if outline.is_valid else shapely.make_valid(outline)):
            if face.area > 0:
                xy, radius = _draw(face, rule, seed)
                x, y = project_points(xy[:, 0], xy[:, 1], utm)
                lon.append(x)
                lat.append(y)
                radius_m.append(np.full(len(x), radius))
    return PolygonPoints(
        np.concatenate(lon), np.concatenate(lat), np.concatenate(radius_m), is_repaired
    )


def _draw(face: shapely.Polygon, rule: PolygonRule, seed: int) -> tuple[NDArray[np.float64], float]:
    """Draw points (point, 2) in a valid polygon, metres, and give its inner radius."""
    x, y, radius = pole_of(face)
    nodes = np.empty((0, 2))
    if rule.mode == "grid":
        nodes = _grid(face, rule.grid_step_m)
    elif rule.mode == "random":
        wanted = min(rule.points_per_polygon, int(face.area // SQUARE_METRES_PER_POINT) + 1)
        nodes = _scatter(face, wanted, seed)
    return (nodes if len(nodes) else np.array([[x, y]])), radius


def pole_of(polygon: shapely.Polygon, tolerance: float = TOLERANCE_M) -> tuple[float, float, float]:
    """Find the pole of inaccessibility: the inner point farthest from the outline and holes.

    Args:
        polygon: A valid polygon with an area, in a metric CRS.
        tolerance: How far below the largest possible the radius may stay, CRS unit.

    Returns:
        x, y and the distance to the outline, CRS unit. In a sliver thinner than the tolerance,
        any inner point.
    """
    radius = shapely.maximum_inscribed_circle(polygon, tolerance=tolerance)
    centre = shapely.get_point(radius, 0)
    if not polygon.contains(centre):
        centre = polygon.representative_point()
    return centre.x, centre.y, float(polygon.boundary.distance(centre))


def utm_zone(geometry: shapely.Geometry) -> str:
    """Name the UTM zone (``EPSG:326zz`` north, ``EPSG:327zz`` south) of a geometry's middle."""
    west, south, east, north = shapely.bounds(geometry).tolist()
    zone = min(max(int(((west + east) / 2 + 180) // 6) + 1, 1), 60)
    return f"EPSG:{(32600 if south + north >= 0 else 32700) + zone}"


def polygons_of(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """List the polygons that a geometry is made of, collections of any depth included."""
    if isinstance(geometry, shapely.Polygon):
        return [geometry]
    return [face for part in getattr(geometry, "geoms", ()) for face in polygons_of(part)]


def _grid(face: shapely.Polygon, step: float) -> NDArray[np.float64]:
    """List the grid nodes at least 15 m inside a polygon, north to south, then west to east."""
    inner = face.buffer(-BUFFER_M)
    if inner.is_empty:
        return np.empty((0, 2))
    if inner.area > _MAX_GRID_POINTS * step**2:
        raise InputError(
            f"polygons: a grid of {step:g} m puts over {_MAX_GRID_POINTS:,} points into a polygon "
            f"of {face.area / 1e6:.0f} km2; take a larger step, or polygons='pole'."
        )
    shapely.prepare(inner)
    west, south, east, north = inner.bounds
    x = (np.arange(np.floor(west / step), np.ceil(east / step)) + 0.5) * step
    found = []
    # Row by row: the bounding box of a long diagonal polygon may hold far more nodes than it.
    for y in (np.arange(np.floor(south / step), np.ceil(north / step)) + 0.5)[::-1] * step:
        inside = x[shapely.intersects_xy(inner, x, y)]
        found.append(np.column_stack([inside, np.full(len(inside), y)]))
    return np.concatenate(found)


def _scatter(face: shapely.Polygon, n: int, seed: int) -> NDArray[np.float64]:
    """Throw points, (point, 2), at least 15 m inside a polygon and 30 m apart, until n have hit.

    Fewer remain where the polygon is full: where 30 candidates in a row were too near.
    """
    inner = face.buffer(-BUFFER_M)
    found = np.empty((0, 2))
    if inner.is_empty:
        return found
    shapely.prepare(inner)
    west, south, east, north = inner.bounds
    random = np.random.Generator(np.random.PCG64(seed))
    n_refused = 0
    for _ in range(_MOST_BATCHES):
        xy = random.uniform((west, south), (east, north), (_CANDIDATES, 2))
        for candidate in xy[shapely.contains_xy(inner, xy[:, 0], xy[:, 1])]:
            if (np.hypot(*(found - candidate).T) >= SPACING_M).all():
                found, n_refused = np.vstack([found, candidate]), 0
            else:
                n_refused += 1
            if len(found) == n or n_refused == _MOST_REFUSALS:
                return found
    return found


def _seed(part: shapely.Geometry, seed: int) -> int:
    # Formats turn rings around and start them elsewhere; the points stay.
    content = vertex_bytes(shapely.normalize(part)) + seed.to_bytes(8, "little")
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little")
