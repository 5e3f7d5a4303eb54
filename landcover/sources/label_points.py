"""From labelled geometries to a clean table of points: positions, groups, ids, duplicates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from landcover.nouns.legend import Legend
from landcover.sources.label_features import LabelFeatures, numbered
from landcover.sources.label_polygons import BUFFER_M, Mode, points_in_polygon

_SCALE = 1e7
_POINT = 0


@dataclass(frozen=True)
class PolygonRule:
    """How polygons become points."""

    mode: Mode = "pole"
    """``pole`` or ``grid``."""
    grid_step_m: float = 30.0
    """Distance of grid points, metres."""
    min_radius_m: float = 0.0
    """Polygons whose inner circle is smaller are dropped, metres."""


@dataclass(frozen=True)
class DrawnPoints:
    """Points of one file before duplicates are settled."""

    lon: NDArray[np.float64]
    """Longitude, degrees, (point,)."""
    lat: NDArray[np.float64]
    """Latitude, degrees, (point,)."""
    code: NDArray[np.int64]
    """Class code, (point,)."""
    group: NDArray[np.object_]
    """Group id, or ``""`` for a point that is its own group, (point,)."""
    number: NDArray[np.int64]
    """Number of the row or feature that the point comes from, (point,)."""


def draw_points(
    features: LabelFeatures, codes: NDArray[np.int64], legend: Legend, rule: PolygonRule
) -> tuple[DrawnPoints, dict[str, int], tuple[str, ...]]:
    """Turn labelled features into points.

    A point is its own group. The points of a MultiPoint, polygon or MultiPolygon share one,
    named after outline and class, so that it does not depend on the order of the file.

    Args:
        features: The features.
        codes: Class code of each feature, 0 where it is left out, (feature,).
        legend: Names of the classes.
        rule: How polygons become points.

    Returns:
        The points in the order of the file; reason → features dropped; and warnings.
    """
    wanted = np.flatnonzero(codes)
    geometries = features.geometries[wanted]
    is_bare = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    is_point = shapely.get_type_id(geometries) == _POINT
    tally = _Tally(Counter({"no geometry": int(np.sum(is_bare))}), [], [])
    single = wanted[is_point & ~is_bare]
    index = [single]
    positions = [shapely.get_coordinates(features.geometries[single])]
    groups = [np.full(len(single), "", dtype=object)]
    for feature in wanted[~is_point & ~is_bare]:
        geometry = features.geometries[feature]
        xy = _draw_one(geometry, int(features.numbers[feature]), rule, tally)
        group = geometry_id(geometry, legend.name_of(int(codes[feature])))
        index.append(np.full(len(xy), feature))
        positions.append(xy)
        groups.append(np.full(len(xy), group, dtype=object))
    order = np.argsort(np.concatenate(index), kind="stable")
    source = np.concatenate(index)[order]
    lon, lat = np.concatenate(positions)[order].T
    drawn = DrawnPoints(
        lon, lat, codes[source], np.concatenate(groups)[order], features.numbers[source]
    )
    return drawn, _counted(tally.dropped), tally.remarks(features.noun)


@dataclass
class _Tally:
    """What happened to the features of a file that are more than a point."""

    dropped: Counter[str]
    narrow: list[int]
    repaired: list[int]

    def remarks(self, noun: str) -> tuple[str, ...]:
        """Say what a person should know."""
        found = []
        if self.narrow:
            found.append(
                f"polygons narrower than {2 * BUFFER_M:g} m, which a 3x3 block of 10 m pixels "
                f"leaves: {len(self.narrow)} ({numbered(noun, self.narrow)})."
            )
        if self.repaired:
            found.append(
                f"outlines that cross themselves and were repaired: {len(self.repaired)} "
                f"({numbered(noun, self.repaired)})."
            )
        return tuple(found)


def _draw_one(
    geometry: shapely.Geometry, number: int, rule: PolygonRule, tally: _Tally
) -> NDArray[np.float64]:
    """Draw the points, lon and lat, (point, 2), of a geometry that is more than a point."""
    drawn = points_in_polygon(geometry, rule.mode, grid_step_m=rule.grid_step_m)
    has_area = len(drawn.lon) > 0
    if has_area and drawn.radius_m < rule.min_radius_m:
        tally.dropped[f"polygon narrower than {2 * rule.min_radius_m:g} m"] += 1
        return np.empty((0, 2))
    xy = np.vstack([_single_points(geometry), np.column_stack([drawn.lon, drawn.lat])])
    if not len(xy):
        tally.dropped["neither point nor area"] += 1
    if has_area and drawn.radius_m < BUFFER_M:
        tally.narrow.append(number)
    if has_area and drawn.is_repaired:
        tally.repaired.append(number)
    return xy


def settle_points(
    drawn: DrawnPoints, legend: Legend, source: str, noun: str
) -> tuple[pd.DataFrame, dict[str, int], tuple[str, ...]]:
    """Give points their ids and settle those that share a position (to 1e-7 degrees).

    Of points with one position and class the first is kept, and their groups become one; where
    the classes differ, all are dropped, as none of them can be believed.

    Returns:
        Columns point_id, lon, lat, code, label, group, source (see ``LabelTable``); reason →
        points dropped; and warnings.
    """
    x = np.round(drawn.lon * _SCALE).astype(np.int64)
    y = np.round(drawn.lat * _SCALE).astype(np.int64)
    x[x == round(180 * _SCALE)] = -round(180 * _SCALE)
    place = pd.DataFrame({"x": x, "y": y, "code": drawn.code})
    is_conflict = place.groupby(["x", "y"])["code"].transform("nunique").to_numpy() > 1
    is_copy = place.duplicated().to_numpy() & ~is_conflict
    keep = ~(is_conflict | is_copy)
    shared = np.asarray(place.groupby(["x", "y", "code"], sort=False).ngroup(), dtype=np.int64)
    drawn_group = _join_groups(drawn.group, shared) if is_copy.any() else drawn.group
    names = {code: legend.name_of(code) for code in np.unique(drawn.code).tolist()}
    label = [names[code] for code in drawn.code[keep].tolist()]
    ids = [
        stable_id(f"{a}/{b}/{name}".encode())
        for a, b, name in zip(x[keep].tolist(), y[keep].tolist(), label, strict=True)
    ]
    group = [name or own for name, own in zip(drawn_group[keep], ids, strict=True)]
    table = pd.DataFrame(
        {
            "point_id": pd.Series(ids, dtype="str"),
            "lon": drawn.lon[keep],
            "lat": drawn.lat[keep],
            "code": drawn.code[keep],
            "label": pd.Series(label, dtype="str"),
            "group": pd.Series(group, dtype="str"),
            "source": pd.Series([source] * len(ids), dtype="str"),
        }
    )
    warnings: tuple[str, ...] = ()
    if is_conflict.any():
        n = len(place[is_conflict].drop_duplicates(["x", "y"]))
        rows = numbered(noun, np.unique(drawn.number[is_conflict]))
        warnings = (
            f"{source}: {n} position{'s' if n > 1 else ''} with different labels dropped ({rows}).",
        )
    counts = {"duplicate": int(is_copy.sum()), "conflicting labels": int(is_conflict.sum())}
    return table, _counted(counts), warnings


def _join_groups(group: NDArray[np.object_], shared: NDArray[np.int64]) -> NDArray[np.object_]:
    """Join groups that hold copies of one point, under the smallest of their ids.

    Args:
        group: Group id, ``""`` for a point of its own, (point,).
        shared: Equal numbers mark copies of one point, (point,).
    """
    named = group != ""
    names, number = np.unique(group[named].astype(str), return_inverse=True)
    # Points and groups are the nodes of one graph; its parts are the joined groups.
    n_shared = int(shared.max()) + 1
    n = n_shared + len(names)
    links = coo_array((np.ones(len(number)), (shared[named], number + n_shared)), shape=(n, n))
    part = connected_components(links, directed=False)[1]
    smallest = {
        int(p): str(name) for p, name in zip(part[n_shared:][::-1], names[::-1], strict=True)
    }
    return np.array([smallest.get(p, "") for p in part[shared].tolist()], dtype=object)


def geometry_id(geometry: shapely.Geometry, label: str) -> str:
    """Name a geometry after its vertices, rounded to 1e-7 degrees, and its label."""
    vertices = np.round(shapely.get_coordinates(geometry) * _SCALE).astype("<i8")
    return "g" + stable_id(vertices.tobytes() + label.encode())


def stable_id(content: bytes) -> str:
    """Hash what makes a thing itself into 16 hex digits."""
    return blake2b(content, digest_size=8).hexdigest()


def _single_points(geometry: shapely.Geometry) -> NDArray[np.float64]:
    """List the points among the parts of a geometry, collections of any depth included."""
    if isinstance(geometry, shapely.Point):
        return np.asarray(shapely.get_coordinates(geometry))
    parts = [_single_points(part) for part in getattr(geometry, "geoms", ())]
    return np.concatenate([np.empty((0, 2)), *parts])


def _counted(counts: dict[str, int] | Counter[str]) -> dict[str, int]:
    return {reason: count for reason, count in counts.items() if count}
