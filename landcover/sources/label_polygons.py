"""Points inside labelled polygons.

All geometry is done in metres, in the UTM zone of each polygon: in degrees, distances along the
two axes differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.sources.label_features import project, project_points

Mode = Literal["pole", "grid"]

BUFFER_M = 15.0
"""Half the side of a 3x3 block of 10 m pixels: nearer to the edge, the block leaves the polygon."""

# Finer than the 1 m that is asked for: copies of a polygon rounded differently keep one pole.
TOLERANCE_M = 0.1
_MAX_GRID_POINTS = 1_000_000


@dataclass(frozen=True)
class PolygonPoints:
    """Points drawn in one polygon."""

    lon: NDArray[np.float64]
    """Longitude, degrees, (point,); empty where the polygon has no area."""
    lat: NDArray[np.float64]
    """Latitude, degrees, (point,)."""
    radius_m: float
    """Radius of the largest circle inside any of its parts, metres; 0 without area."""
    is_repaired: bool
    """True where the outline crossed itself and was repaired first."""


def points_in_polygon(
    polygon: shapely.Geometry, mode: Mode = "pole", *, grid_step_m: float = 30.0
) -> PolygonPoints:
    """Draw the points that stand for a polygon.

    Args:
        polygon: Polygon or MultiPolygon in longitude and latitude, degrees, holes respected.
        mode: ``pole``: one point per part, at its pole of inaccessibility. ``grid``: the nodes
            of a square grid that lie at least 15 m inside, the pole of a part that holds none.
        grid_step_m: Distance of grid nodes, metres. Nodes lie at (k + ½) steps of the UTM zone;
            with a step of 30 m these are centres of 10 m pixels.

    Raises:
        InputError: The step is not positive, or so small that a million nodes fall inside.
    """
    if not grid_step_m > 0:
        raise InputError(f"polygons: the grid step must be positive, found {grid_step_m:g} m.")
    lon, lat = [np.empty(0)], [np.empty(0)]
    radius_m, is_repaired = 0.0, False
    # Part by part: the parts of a scattered MultiPolygon lie in different zones.
    for part in _faces(polygon):
        utm = utm_zone(part)
        outline = project(np.array([part], dtype=object), "EPSG:4326", utm)[0]
        is_repaired = is_repaired or not outline.is_valid
        for face in _faces(outline if outline.is_valid else shapely.make_valid(outline)):
            if face.area > 0:
                xy, radius = _draw(face, mode, grid_step_m)
                x, y = project_points(xy[:, 0], xy[:, 1], utm)
                lon.append(x)
                lat.append(y)
                radius_m = max(radius_m, radius)
    return PolygonPoints(np.concatenate(lon), np.concatenate(lat), radius_m, is_repaired)


def _draw(face: shapely.Polygon, mode: Mode, step: float) -> tuple[NDArray[np.float64], float]:
    """Draw points (point, 2) in a valid polygon, metres, and give its inner radius."""
    x, y, radius = pole_of(face)
    nodes = _grid(face, step) if mode == "grid" else np.empty((0, 2))
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


def _faces(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """List the polygons that a geometry is made of, collections of any depth included."""
    if isinstance(geometry, shapely.Polygon):
        return [geometry]
    return [face for part in getattr(geometry, "geoms", ()) for face in _faces(part)]


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
