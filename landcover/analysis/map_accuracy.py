"""A finished map against reference points, and points drawn from it for field work."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Transformer

from landcover.errors import InputError, MissingDataError
from landcover.learn.area import allocate, sample_size
from landcover.learn.comparison import Comparison, compare
from landcover.learn.sampling_design import StratifiedSample
from landcover.nouns.area import Design
from landcover.nouns.validation import Independent
from landcover.parts.class_names import Names
from landcover.parts.mapping.map_lookup import MapFile, codes_at, find_maps, mapped_hectares
from landcover.parts.validation.point_accuracy import Strata, judge
from landcover.parts.validation.reference_points import Reference, read_reference
from landcover.publish.field_points import write_sheet
from landcover.recipe import Labels
from landcover.stores.workspace import Workspace

Opens = Callable[[], Workspace]
Progress = Callable[[float, str], None]
_DIGITS = 7
# Of a degree: a centimetre.


def assess(
    workspace: Opens,
    map_text: str,
    points: Path,
    labels: Labels,
    *,
    design: Design | None = None,
    strata: str | None = None,
) -> Independent:
    """Validate a map by reference points.

    Args:
        workspace: Opens the workspace where a map is named by its id.
        map_text: Map, as :func:`~landcover.parts.mapping.map_lookup.find_maps` takes it.
        points: Field sheet or file of labels.
        labels: How labels are read.
        design: How the points were drawn; None: as the sheet says, else unknown.
        strata: Map whose classes were the strata of the draw; the judged map's own where None,
            or those of the sheet.

    Returns:
        Agreement; area-weighted accuracy and area, or the reason why there are none.

    Raises:
        InputError: A map or the points are not there or wrong.
        MissingDataError: No point lies on the map.
    """
    maps = find_maps(workspace, map_text)
    reference = read_reference(points, labels, design)
    mapped = codes_at(maps, reference.points)
    if not (mapped > 0).any():
        raise MissingDataError(
            f"{points.name}: none of the {len(mapped)} points lies on the map {map_text}."
        )
    found = judge(
        mapped,
        reference.points,
        mapped_hectares(maps),
        _names(labels),
        design=reference.design,
        title=f"{points.name} against {', '.join(one.name for one in maps)}",
        strata=_strata(workspace, strata, reference),
    )
    notes = (*found.agreement.notes, *reference.notes)
    agreement = found.agreement.model_copy(update={"notes": notes})
    return found.model_copy(update={"agreement": agreement})


def compare_at_points(
    workspace: Opens, first: str, second: str, points: Path, labels: Labels, *, seed: int = 0
) -> Comparison:
    """Tell whether one of two maps is right more often at the same reference points.

    Args:
        workspace: Opens the workspace where a map is named by its id.
        first: Map.
        second: Other map.
        points: Field sheet or file of labels.
        labels: How labels are read.
        seed: Seed of the resampling.

    Raises:
        MissingDataError: No point lies on both maps.
    """
    table = read_reference(points, labels, None).points
    one, other = (codes_at(find_maps(workspace, text), table) for text in (first, second))
    both = (one > 0) & (other > 0)
    if not both.any():
        raise MissingDataError(f"{points.name}: no point lies on both {first} and {second}.")
    code = table["code"].to_numpy()[both]
    return compare(
        one[both] == code, other[both] == code, table["group"].to_numpy()[both], seed=seed
    )


@dataclass(frozen=True)
class Plan:
    """How many points each class of a map gets."""

    hectares: Mapping[int, float]
    """Class → area in the map."""
    samples: Mapping[int, int]
    """Class → points."""
    expected_error: float
    """Standard error of the overall accuracy that follows, where user's accuracies are as
    expected, 0-1."""


def plan_sample(
    hectares: Mapping[int, float],
    *,
    standard_error: float = 0.01,
    samples: int | None = None,
    per_class: int | None = None,
    expected_users: float = 0.8,
    least: int = 50,
) -> Plan:
    """Decide how many points to draw in each class of a map.

    Args:
        hectares: Class → area in the map.
        standard_error: Standard error of the overall accuracy to reach, where no number is given.
        samples: Points in all.
        per_class: Points of every class, instead.
        expected_users: User's accuracy that is expected of every class, 0-1.
        least: Fewest points of a class.

    Raises:
        InputError: The map has no class, or a number is out of range.
    """
    codes = sorted(hectares)
    if not codes:
        raise InputError("Design: the map has no classified pixel, so there is nothing to sample.")
    k, area = len(codes), np.array([hectares[code] for code in codes])
    users = np.full(area.size, expected_users)
    if samples is not None and samples < 2 * k:
        raise InputError(
            f"Design: {samples} points in all are too few for {k} classes, since an interval needs "
            f"two of every class; draw {2 * k} or more, or join classes."
        )
    if per_class is not None:
        drawn = np.full(area.size, per_class)
    else:
        wanted = max(samples or sample_size(area, users, standard_error=standard_error), 2 * k)
        drawn = allocate(wanted, area, least=least)
        # Points that rare classes get are missing in the others: more, until the error is reached.
        while samples is None and (error := _error(area, drawn, users)) > standard_error:
            wanted = max(wanted + k, math.ceil(wanted * (error / standard_error) ** 2))
            drawn = allocate(wanted, area, least=least)
    if drawn.min() < 2:
        raise InputError("Design: an interval needs two points of every class at least.")
    counted = {code: int(n) for code, n in zip(codes, drawn, strict=True)}
    return Plan(hectares, counted, _error(area, drawn, users))


def _error(
    area: NDArray[np.float64], drawn: NDArray[np.int64], users: NDArray[np.float64]
) -> float:
    """Give the standard error of the overall accuracy (Olofsson et al. 2014, eq. 5)."""
    share = area / area.sum()
    return float(np.sqrt((share**2 * users * (1 - users) / (drawn - 1)).sum()))


def draw_sheet(
    maps: Sequence[MapFile], plan: Plan, path: Path, *, seed: int = 0, tell: Progress | None = None
) -> dict[int, int]:
    """Draw the points of a plan and write them as a field sheet.

    Args:
        maps: One map; several zones of one region have no common pixels to draw from.
        plan: Points of each class.
        path: Sheet to write.
        seed: Seed of the draw: the same map and seed give the same bytes.
        tell: Is told the share that is done.

    Returns:
        Class → points that were drawn; fewer than planned where a class has fewer pixels.

    Raises:
        InputError: There are several maps.
    """
    if len(maps) != 1:
        raise InputError(
            f"Design: expected one map, found {len(maps)}; draw a sheet for each zone."
        )
    one = maps[0]
    draw = StratifiedSample(plan.samples, seed)
    for window, codes in one.windows():
        draw.add_window(codes, window.row, window.column)
        if tell is not None:
            tell((window.row + window.height) / one.grid.height, "drawing points")
    pixels = draw.pixels()
    rows = pd.concat([_rows(one, code, found, plan) for code, found in pixels.items()])
    # Neighbours in the list are not neighbours in class: whoever labels them has no pattern.
    order = np.random.default_rng(seed).permutation(len(rows))
    rows = rows.iloc[order].reset_index(drop=True)
    digits = len(str(len(rows)))
    rows["id"] = [f"p{number:0{digits}d}" for number in range(1, len(rows) + 1)]
    write_sheet(rows, path)
    return {code: len(found) for code, found in pixels.items()}


def _rows(one: MapFile, code: int, pixels: NDArray[np.int64], plan: Plan) -> pd.DataFrame:
    grid = one.grid
    x = grid.ulx + (pixels[:, 1] + 0.5) * grid.pixel
    y = grid.uly - (pixels[:, 0] + 0.5) * grid.pixel
    lon, lat = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return pd.DataFrame(
        {
            "id": "",
            "lon": np.round(lon, _DIGITS),
            "lat": np.round(lat, _DIGITS),
            "stratum": code,
            "stratum_area_ha": round(plan.hectares[code], 4),
            "label": "",
        }
    )


def _names(labels: Labels) -> Names:
    return Names({entry.code: entry.name for entry in labels.legend.classes})


def _strata(workspace: Opens, text: str | None, reference: Reference) -> Strata | None:
    if text is None:
        if not reference.stratum_area:
            return None
        return Strata(reference.points["stratum"].to_numpy(np.int64), reference.stratum_area)
    maps = find_maps(workspace, text)
    return Strata(codes_at(maps, reference.points).astype(np.int64), mapped_hectares(maps))
