"""The area of each class within polygons as a probability sample of the whole map estimates it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.analysis.zonal_areas import ZoneAreas, areas_within, points_within
from landcover.errors import InputError, MissingDataError
from landcover.labels.zones import read_zones
from landcover.learn.domains import Sample, domain_areas
from landcover.nouns.area import AreaReport, Estimate
from landcover.parts.class_names import Names
from landcover.parts.mapping.map_lookup import MapFile, codes_at, mapped_hectares
from landcover.parts.validation.point_accuracy import Strata, judge
from landcover.parts.validation.reference_points import read_reference
from landcover.recipe import Labels

_SAME_AREA = 1e-3
"""Relative difference of stratum areas, between sheet and map, that rounding may leave."""


@dataclass(frozen=True)
class ZoneEstimate:
    """What the sample says of a polygon."""

    mapped: ZoneAreas
    """What the map shows there."""
    n_points: int
    """Labelled points inside, on classified pixels."""
    areas: Mapping[int, Estimate]
    """Class code → hectares, at most those of the polygon; empty where refused."""
    refused: str
    """Why there is no estimate; empty where there is one."""


@dataclass(frozen=True)
class SampledAreas:
    """What the sample says of all polygons, and of the whole map."""

    zones: Sequence[ZoneEstimate]
    whole: AreaReport
    """The whole map, as ``landcover accuracy`` judges it."""
    mapped: Mapping[int, float]
    """Class code → hectares of the whole map."""
    names: Mapping[int, str]
    """Names of the classes of the legend."""
    notes: tuple[str, ...]
    """What a reader must know, one sentence each."""


def sampled_areas(
    maps: Sequence[MapFile],
    polygons: Path,
    field: str | None,
    layer: str | None,
    points: Path,
    labels: Labels,
) -> SampledAreas:
    """Estimate the area of each class in each polygon of a file.

    Args:
        maps: As of :func:`~landcover.analysis.zonal_areas.areas_within`.
        polygons: As of :func:`~landcover.labels.zones.read_zones`.
        field: Column with the name of each polygon.
        layer: Layer of a GeoPackage.
        points: Labelled field sheet of ``landcover design``.
        labels: How the sheet's labels are read.

    Returns:
        Estimates, or for a polygon with too few points the reason why there is none.

    Raises:
        InputError: The points are no field sheet, or not even the whole map has an estimate.
        MissingDataError: No point lies on the map.
    """
    reference = read_reference(points, labels, None)
    if not reference.stratum_area:
        raise InputError(
            f"{points.name}: expected a field sheet of `landcover design`, with the stratum of "
            "every point and its area, found other labels; no area follows from those."
        )
    zones = read_zones(polygons, field, layer)
    counted = areas_within(maps, zones)
    code = codes_at(maps, reference.points)
    on_map = code > 0
    if not on_map.any():
        raise MissingDataError(f"{points.name}: none of the {len(code)} points lies on the map.")
    strata = Strata(reference.points["stratum"].to_numpy(np.int64), reference.stratum_area)
    names = Names({entry.code: entry.name for entry in labels.legend.classes})
    mapped = mapped_hectares(maps)
    whole = judge(
        code, reference.points, mapped, names,
        design=reference.design, title=points.name, strata=strata,
    )  # fmt: skip
    if whole.area is None:
        raise InputError(f"{points.name}: no area follows from it. {whole.refused}")
    sample = Sample(
        stratum=strata.of_point[on_map],
        reference=reference.points["code"].to_numpy(np.int64)[on_map],
        stratum_area=reference.stratum_area,
        is_of_map=bool((strata.of_point == code)[on_map].all())
        and _same(reference.stratum_area, mapped),
    )
    inside = points_within(maps, zones, reference.points)[:, on_map]
    codes = [entry.code for entry in whole.area.classes]
    estimates = [_estimate(sample, zone, inside[k], codes) for k, zone in enumerate(counted)]
    notes = (*zones.notes, *reference.notes)
    return SampledAreas(estimates, whole.area, mapped, names.known, notes)


def _estimate(
    sample: Sample, zone: ZoneAreas, inside: NDArray[np.bool_], codes: Sequence[int]
) -> ZoneEstimate:
    n_points = int(inside.sum())
    try:
        areas = domain_areas(sample, inside, zone.hectares, codes)
    except InputError as error:
        return ZoneEstimate(zone, n_points, {}, str(error))
    return ZoneEstimate(zone, n_points, areas, "")


def _same(drawn: Mapping[int, float], mapped: Mapping[int, float]) -> bool:
    """Tell whether a map still has the areas of the day of the draw."""
    return all(
        abs(drawn.get(code, 0.0) - mapped.get(code, 0.0)) <= _SAME_AREA * mapped.get(code, 0.0)
        for code in {*drawn, *mapped}
    )
