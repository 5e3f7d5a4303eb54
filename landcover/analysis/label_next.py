"""Where to label next: the places of a map that are uncertain, common and far from samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pyproj import Transformer

from landcover.analysis.area_points import basis_of, independent_of
from landcover.analysis.sample_files import read_samples
from landcover.errors import InputError, MissingDataError
from landcover.learn.folds import on_sphere
from landcover.learn.label_priority import Candidates, area_half_widths, rank_places
from landcover.ledger import lookup, outputs
from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.label_priority import ClassShrinkage, LabelPlan, NextPoint
from landcover.nouns.output import Output
from landcover.parts.mapping.map_lookup import MapFile, find_maps, map_of, mapped_hectares
from landcover.parts.mapping.map_rasters import CLASSES, CONFIDENCE
from landcover.parts.training.out_of_fold import read_answers
from landcover.publish.field_points import require_name, write_plan
from landcover.stores.models import CARD, read_card
from landcover.stores.rasters import open_raster
from landcover.stores.workspace import Workspace

MOST_CELLS = 200_000
"""Cells that a map is divided into at most: each gives a candidate of each class in it."""
LEAST_CELL = 8
"""Side of the smallest cell, pixels."""
CAUTION = (
    "The places are chosen, not drawn: they teach the model. The intervals are those of as many "
    "places drawn at random in each class (`landcover design`); areas need such a sample."
)


class Origin(NamedTuple):
    """Where a map comes from, as far as the ledger says."""

    model: Output | None = None
    samples: Output | None = None


def label_next(
    workspace: Callable[[], Workspace], text: str, n: int, samples: str | None, out: Path | None
) -> LabelPlan:
    """Plan labels and write the places to a file (see :func:`landcover.api.label_next`)."""
    if out is not None:
        require_name(out)
    plan = plan_labels(workspace, text, n, samples)
    if out is not None:
        write_plan(plan, out)
    return plan


def plan_labels(
    workspace: Callable[[], Workspace], text: str, n: int, samples: str | None = None
) -> LabelPlan:
    """Rank the places of a map by what their label would be worth.

    Args:
        workspace: Opens the workspace.
        text: A map or run as :mod:`landcover.ledger.lookup` takes it, or a path with its
            confidence beside it.
        n: Most places.
        samples: Run or sample set with the samples that exist; found by itself for runs and maps
            of the workspace.

    Returns:
        The places and the expected effect on the areas.

    Raises:
        InputError: There is no such map, or no confidence beside it.
        MissingDataError: No pixel of the map is in question.
    """
    if n < 1:
        raise InputError(f"Places to label: expected at least 1, found {n}.")
    maps, found = _maps(workspace, text)
    sample_set = found.samples if samples is None else lookup.find_samples(workspace(), samples)
    table = None
    names: dict[int, str] = {}
    if sample_set is not None:
        table = _with_answers(workspace, read_samples(workspace(), sample_set), sample_set, found)
        pairs = table.drop_duplicates("code")
        names = {int(c): str(name) for c, name in zip(pairs["code"], pairs["label"], strict=True)}
        # What was joined from other years and places is no sample of this map.
        if "library" in table.columns:
            table = table[table["library"] == ""]
    hectares = mapped_hectares(maps)
    candidates = _candidates(maps)
    if candidates.empty:
        raise MissingDataError(
            f"{text}: no block of 3x3 pixels has one class and a confidence; nothing can be ranked."
        )
    total = sum(hectares.values())
    share = candidates["code"].map({code: area / total for code, area in hectares.items()})
    places = on_sphere(candidates["lon"], candidates["lat"])
    points = None if table is None else table.drop_duplicates("point_id")
    known = None if points is None else on_sphere(points["lon"], points["lat"])
    ranking = rank_places(places, candidates["confidence"], share, n, known)
    chosen = candidates.iloc[ranking.chosen].assign(
        distance=ranking.distance_m, score=ranking.score
    )
    # A map by path is none of the workspace's, so no run has judged it.
    agreement = None if Path(text).exists() else independent_of(workspace(), maps)
    classes, notes = _expected(maps, hectares, table, agreement, chosen, names)
    return LabelPlan(
        points=tuple(
            _point(rank, row, names) for rank, row in enumerate(chosen.to_dict("records"), start=1)
        ),
        classes=classes,
        n_samples=0 if points is None else len(points),
        notes=(*notes, CAUTION),
    )


def _point(rank: int, row: Mapping[Hashable, Any], names: Mapping[int, str]) -> NextPoint:
    code, distance = int(row["code"]), float(row["distance"])
    return NextPoint(
        rank=rank,
        lon=round(float(row["lon"]), 7),
        lat=round(float(row["lat"]), 7),
        code=code,
        name=names.get(code, f"class {code}"),
        confidence=round(float(row["confidence"]), 4),
        distance_m=None if np.isinf(distance) else round(distance, 1),
        score=float(f"{row['score']:.6g}"),
    )


def _maps(workspace: Callable[[], Workspace], text: str) -> tuple[tuple[MapFile, ...], Origin]:
    """Find the maps that are meant, and their model with its samples where they are known."""
    path = Path(text)
    if path.exists():
        return find_maps(workspace, text), Origin()
    opened = workspace()
    found = lookup.find_maps(opened, text)
    return tuple(map_of(opened, one) for one in found), _origin_of(opened, found[0])


def _origin_of(workspace: Workspace, output: Output) -> Origin:
    """Follow a map to its model and the samples of that; unknown where the ledger does not say."""
    model = None
    for role in ("maps", "model", "sample_set"):
        named = output.wanted.inputs.get(role, ())
        if not named:
            continue
        found = outputs.find(workspace, named[0])
        if found is None:
            return Origin(model)
        output = found
        model = output if output.unit == "model" else model
    return Origin(model, output if output.unit == "samples" else None)


def _with_answers(
    workspace: Callable[[], Workspace], table: pd.DataFrame, sample_set: Output, found: Origin
) -> pd.DataFrame:
    """Add what a model that did not see a sample's group answers to it, where that is known."""
    if found.model is None or found.samples is None or found.samples.id != sample_set.id:
        return table
    opened = workspace()
    with outputs.local(opened, found.model, CARD) as path:
        card = read_card(path.parent)
    answers = read_answers(opened, found.model.key, card)
    return table if answers is None else table.assign(answer=answers["answer"].to_numpy())


def _candidates(maps: Sequence[MapFile]) -> pd.DataFrame:
    """List the candidates of all maps with their positions."""
    pixels = sum(one.grid.height * one.grid.width for one in maps)
    cell = max(LEAST_CELL, int(np.ceil(np.sqrt(pixels / MOST_CELLS))))
    parts = []
    for one in maps:
        found = Candidates(cell)
        with open_raster(_confidence_of(one)) as raster:
            for window, codes in one.windows():
                found.add_window(codes, raster.read(window, band=1), window.row, window.column)
        table = found.table()
        x = one.grid.ulx + (table["column"].to_numpy(float) + 0.5) * one.grid.pixel
        y = one.grid.uly - (table["row"].to_numpy(float) + 0.5) * one.grid.pixel
        to_degrees = Transformer.from_crs(one.grid.crs, "EPSG:4326", always_xy=True)
        lon, lat = to_degrees.transform(x, y)
        parts.append(table.assign(lon=lon, lat=lat))
    return pd.concat(parts, ignore_index=True)


def _confidence_of(one: MapFile) -> str:
    """Find the confidence beside a map: of a stage's folder, or of a published one."""
    folder, sign, name = one.href.rpartition("/")
    if name == CLASSES:
        other = CONFIDENCE
    elif name.startswith("map_"):
        other = f"confidence_{name.removeprefix('map_')}"
    else:
        raise InputError(
            f"{one.name}: its confidence is unknown; expected {CLASSES} with {CONFIDENCE} beside "
            "it, or map_….tif with confidence_….tif."
        )
    if not one.href.startswith("/vsi") and not Path(folder, other).is_file():
        raise InputError(f"{one.name}: there is no {other} beside it, so no place is in question.")
    return f"{folder}{sign}{other}"


def _expected(
    maps: Sequence[MapFile],
    hectares: Mapping[int, float],
    table: pd.DataFrame | None,
    agreement: AccuracyReport | None,
    chosen: pd.DataFrame,
    names: Mapping[int, str],
) -> tuple[tuple[ClassShrinkage, ...], list[str]]:
    """Compute what the places do to the intervals, from the points that are known on the map."""
    codes = sorted(hectares)
    basis = basis_of(maps, codes, table, agreement)
    counts, notes = basis.counts, list(basis.notes)
    if table is None:
        notes.append("The samples of the map are unknown here: distances are those of the places.")
    new = chosen["code"].value_counts()
    added = np.array([int(new.get(code, 0)) for code in codes])
    area = np.array([hectares[code] for code in codes])
    now, then = area_half_widths(counts, area), area_half_widths(counts, area, added)
    n_known = counts.sum(axis=1).astype(int)
    short = [names.get(c, f"class {c}") for c, n in zip(codes, n_known, strict=True) if n < 2]
    if short:
        notes.append(
            f"No interval of an area follows: fewer than two {basis.kind or 'reference'} points "
            f"lie on {', '.join(short)} in the map."
        )
    return tuple(
        ClassShrinkage(
            code=code,
            name=names.get(code, f"class {code}"),
            mapped_ha=float(area[k]),
            n_known=int(n_known[k]),
            n_new=int(added[k]),
            half_width_ha=None if np.isnan(now[k]) else float(now[k]),
            expected_ha=None if np.isnan(then[k]) else float(then[k]),
        )
        for k, code in enumerate(codes)
    ), notes
