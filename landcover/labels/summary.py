"""Ground truth counted by class, source and tile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from landcover.labels.reading import LabelTable
from landcover.nouns.label_summary import (
    ClassCount,
    Conflict,
    LabelSummary,
    SourceCount,
    Spacing,
    TileCount,
)
from landcover.nouns.legend import Legend
from landcover.tiling import tile_grid
from landcover.tiling.points import hits

MOST_CONFLICTS = 200
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG 1980)."""
BLOCK_M = 30.0
PIXEL_M = 10.0
_NOWHERE = ""


def summarise(table: LabelTable, legend: Legend, tiles: Sequence[str] = ()) -> LabelSummary:
    """Count ground truth and say what is odd about it.

    Args:
        table: The points.
        legend: Their legend.
        tiles: Tiles that are mapped; a point belongs to the one in which it lies deepest. If
            empty, to the one of all tiles of the world.

    Raises:
        InputError: A tile does not exist.
    """
    for tile in tiles:
        tile_grid(tile)
    points = table.points
    tile_of = owner_tiles(points["lon"].to_numpy(), points["lat"].to_numpy(), tiles)
    is_outside = tile_of == _NOWHERE
    swapped = _outside_if_swapped(points, tiles) if is_outside.any() and len(tiles) else None
    spacing = _spacing(points)
    classes = tuple(_classes(points, legend))
    by_source = _by(points, points["source"].to_numpy(dtype=object))
    found = _by(points[~is_outside], tile_of[~is_outside])
    named = sorted({*tiles, *found})
    summary = LabelSummary(
        points=len(points),
        groups=int(points["group"].nunique()),
        classes=classes,
        sources=tuple(
            SourceCount(name=name, points=sum(counts.values()), classes=counts)
            for name, counts in ((name, by_source.get(name, {})) for name in table.files)
        ),
        tiles=tuple(
            TileCount(tile=t, points=sum(found.get(t, {}).values()), classes=found.get(t, {}))
            for t in named
        ),
        tiles_are_given=bool(tiles),
        outside=int(is_outside.sum()),
        outside_classes=_counts(points["label"][is_outside]),
        outside_if_swapped=swapped,
        dropped=table.dropped,
        conflict_places=len(table.conflicts[["lon", "lat"]].round(7).drop_duplicates()),
        conflicts=tuple(
            Conflict.model_validate(row)
            for row in table.conflicts.head(MOST_CONFLICTS).to_dict("records")
        ),
        single_pixels=int((points["neighbourhood"] == 1).sum()),
        spacing=spacing,
        warnings=table.warnings,
    )
    return summary.model_copy(update={"warnings": (*table.warnings, *_remarks(summary))})


def owner_tiles(
    lon: NDArray[np.float64], lat: NDArray[np.float64], tiles: Sequence[str] = ()
) -> NDArray[np.object_]:
    """Name the tile in which each point lies deepest.

    Args:
        lon: Longitude, degrees, (point,).
        lat: Latitude, degrees, (point,).
        tiles: Tiles to choose from; all of the world if empty.

    Returns:
        Tile id, ``""`` where a point lies in none, (point,).
    """
    point, tile, _ = hits(lon, lat)
    if len(tiles):
        wanted = np.isin(tile, np.asarray(tiles))
        point, tile = point[wanted], tile[wanted]
    owners = np.full(len(lon), _NOWHERE, dtype=object)
    # Pairs come deepest first: the last to be written is the deepest.
    owners[point[::-1]] = tile[::-1].astype(object)
    return owners


def _outside_if_swapped(points: pd.DataFrame, tiles: Sequence[str]) -> int:
    lon, lat = points["lat"].to_numpy(), points["lon"].to_numpy()
    is_place = np.abs(lat) <= 90
    owners = owner_tiles(lon[is_place], lat[is_place], tiles)
    return len(points) - int((owners != _NOWHERE).sum())


def _classes(points: pd.DataFrame, legend: Legend) -> Iterator[ClassCount]:
    grouped = points.groupby("code")
    counts = grouped.size().to_dict()
    groups = grouped["group"].nunique().to_dict()
    for entry in legend.classes:
        inner = legend.second_of(entry.code)
        second: dict[str, int] = {}
        if inner is not None:
            codes = points.loc[points["code"] == entry.code, "code2"].value_counts().to_dict()
            second = {e.name: int(codes.get(e.code, 0)) for e in inner.classes}
        yield ClassCount(
            code=entry.code,
            name=entry.name,
            title=entry.title,
            colour=entry.colour,
            points=int(counts.get(entry.code, 0)),
            groups=int(groups.get(entry.code, 0)),
            second=second,
        )


def _by(points: pd.DataFrame, key: NDArray[np.object_]) -> dict[str, dict[str, int]]:
    """Count the classes of each value of a key, in the order of keys and of class names."""
    of_key, keys = pd.factorize(key, sort=True)
    of_label, labels = pd.factorize(points["label"].to_numpy(dtype=object), sort=True)
    counts = np.bincount(of_key * len(labels) + of_label, minlength=len(keys) * len(labels))
    return {
        str(name): {str(label): int(n) for label, n in zip(labels, row, strict=True) if n}
        for name, row in zip(keys, counts.reshape(len(keys), len(labels)), strict=True)
    }


def _counts(labels: pd.Series[str]) -> dict[str, int]:
    return {str(k): int(n) for k, n in labels.value_counts().sort_index().items()}


def _spacing(points: pd.DataFrame) -> Spacing | None:
    if len(points) < 2:
        return None
    lon, lat = np.radians(points["lon"].to_numpy()), np.radians(points["lat"].to_numpy())
    xyz = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    found = KDTree(xyz).query(xyz, k=2)
    chord, neighbour = np.asarray(found[0]), np.asarray(found[1])
    # Of points that coincide on the sphere the first found may be the point itself or the other.
    is_self = neighbour[:, 1] == np.arange(len(points))
    other = np.where(is_self, neighbour[:, 0], neighbour[:, 1])
    distance = 2 * EARTH_RADIUS_M * np.arcsin(chord[:, 1] / 2)
    code = points["code"].to_numpy()
    return Spacing(
        nearest_m=round(float(distance.min()), 2),
        median_m=round(float(np.median(distance)), 2),
        near=int((distance < BLOCK_M).sum()),
        near_other=int(((distance < PIXEL_M) & (code != code[other])).sum()),
    )


def _remarks(summary: LabelSummary) -> Iterator[str]:
    present = [entry for entry in summary.classes if entry.points]
    if len(present) == 1:
        yield f"One class only, {present[0].name}: a classifier needs two; add labels of others."
    for entry in present:
        if entry.groups == 1:
            n = f"its {entry.points} points are" if entry.points > 1 else "its one point is"
            yield (
                f"{entry.name}: {n} one group, so it can train but not be validated; add labels "
                "elsewhere."
            )
    if summary.outside:
        where = "the tiles given" if summary.tiles_are_given else "any Sentinel-2 tile"
        yield f"{summary.outside} of {summary.points} points lie outside {where}."
    swapped = summary.outside_if_swapped
    if swapped is not None and swapped < summary.outside:
        yield (
            f"With longitude and latitude exchanged, {summary.outside - swapped} points more would "
            "lie in the tiles: are they swapped?"
        )
    if summary.spacing and summary.spacing.near_other:
        yield (
            f"{summary.spacing.near_other} points have one of another class nearer than "
            f"{PIXEL_M:g} m: where they share a pixel, it is left out."
        )
