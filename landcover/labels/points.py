"""From labelled geometries to points."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields

import numpy as np
import shapely
from numpy.typing import NDArray

from landcover.labels.features import LabelFeatures, numbered
from landcover.labels.ids import geometry_id
from landcover.labels.polygons import BLOCK, BUFFER_M, PolygonRule, points_in_polygon
from landcover.nouns.legend import Legend

_POINT = 0


@dataclass(frozen=True)
class DrawnPoints:
    """Points before duplicates are removed."""

    lon: NDArray[np.float64]
    """Longitude, degrees, (point,)."""
    lat: NDArray[np.float64]
    """Latitude, degrees, (point,)."""
    code: NDArray[np.int64]
    """Class code, (point,)."""
    code2: NDArray[np.int64]
    """Code of the second level, 0 where there is none, (point,)."""
    group: NDArray[np.object_]
    """Group id, or ``""`` for a point that is its own group, (point,)."""
    number: NDArray[np.int64]
    """Number of the row or feature that the point comes from, (point,)."""
    neighbourhood: NDArray[np.int64]
    """Side of the block of pixels that may be taken around the point: 3, or 1 where a 3x3 block
    would leave the polygon, (point,)."""

    @classmethod
    def joined(cls, parts: list[DrawnPoints]) -> DrawnPoints:
        """Join the points of several files, in their order."""
        return cls(
            *(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls))
        )


@dataclass(frozen=True)
class FeatureCodes:
    """What the features of a file are."""

    first: NDArray[np.int64]
    """Class code, 0 where the feature is left out, (feature,)."""
    second: NDArray[np.int64]
    """Code of the second level, 0 where there is none, (feature,)."""


def draw_points(
    features: LabelFeatures, codes: FeatureCodes, legend: Legend, rule: PolygonRule
) -> tuple[DrawnPoints, dict[str, int], tuple[str, ...]]:
    """Turn labelled features into points.

    A point is its own group. The points of a MultiPoint, polygon or MultiPolygon share one,
    named after outline and class, so that it does not depend on the order of the file.

    Args:
        features: The features.
        codes: What they are.
        legend: Names of the classes.
        rule: How polygons become points.

    Returns:
        The points in the order of the file; reason → features dropped; and warnings.
    """
    wanted = np.flatnonzero(codes.first)
    geometries = features.geometries[wanted]
    is_bare = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    is_point = shapely.get_type_id(geometries) == _POINT
    tally = _Tally(Counter({"no geometry": int(np.sum(is_bare))}), [], [])
    single = wanted[is_point & ~is_bare]
    index = [single]
    positions = [shapely.get_coordinates(features.geometries[single])]
    groups = [np.full(len(single), "", dtype=object)]
    blocks = [np.full(len(single), BLOCK)]
    for feature in wanted[~is_point & ~is_bare]:
        geometry = features.geometries[feature]
        xy, block = _draw_one(geometry, int(features.numbers[feature]), rule, tally)
        group = geometry_id(geometry, legend.name_of(int(codes.first[feature])))
        index.append(np.full(len(xy), feature))
        positions.append(xy)
        groups.append(np.full(len(xy), group, dtype=object))
        blocks.append(block)
    order = np.argsort(np.concatenate(index), kind="stable")
    source = np.concatenate(index)[order]
    lon, lat = np.concatenate(positions)[order].T
    drawn = DrawnPoints(
        lon, lat, codes.first[source], codes.second[source], np.concatenate(groups)[order],
        features.numbers[source], np.concatenate(blocks)[order],
    )  # fmt: skip
    return drawn, {k: n for k, n in tally.dropped.items() if n}, tally.remarks(features.noun)


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
                f"leaves, so that only the centre pixel is sampled: {len(self.narrow)} "
                f"({numbered(noun, self.narrow)})."
            )
        if self.repaired:
            found.append(
                f"outlines that cross themselves and were repaired: {len(self.repaired)} "
                f"({numbered(noun, self.repaired)})."
            )
        return tuple(found)


def _draw_one(
    geometry: shapely.Geometry, number: int, rule: PolygonRule, tally: _Tally
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw the points, lon and lat, (point, 2), of a geometry that is more than a point."""
    drawn = points_in_polygon(geometry, rule)
    is_wide = drawn.radius_m >= rule.min_radius_m
    if len(is_wide) and not is_wide.any():
        tally.dropped[f"polygon narrower than {2 * rule.min_radius_m:g} m"] += 1
    is_narrow = drawn.radius_m[is_wide] < BUFFER_M
    single = _single_points(geometry)
    xy = np.vstack([single, np.column_stack([drawn.lon, drawn.lat])[is_wide]])
    block = np.concatenate([np.full(len(single), BLOCK), np.where(is_narrow, 1, BLOCK)])
    if not len(single) and not len(is_wide):
        tally.dropped["neither point nor area"] += 1
    if is_narrow.any():
        tally.narrow.append(number)
    if is_wide.any() and drawn.is_repaired:
        tally.repaired.append(number)
    return xy, block


def _single_points(geometry: shapely.Geometry) -> NDArray[np.float64]:
    """List the points among the parts of a geometry, collections of any depth included."""
    if isinstance(geometry, shapely.Point):
        return np.asarray(shapely.get_coordinates(geometry))
    parts = [_single_points(part) for part in getattr(geometry, "geoms", ())]
    return np.concatenate([np.empty((0, 2)), *parts])
