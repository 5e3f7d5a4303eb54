"""What a reader must know before using a map: the sentences at the top of a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from landcover.nouns.grid import Grid
from landcover.publish.page import Page, zone_name
from landcover.publish.quality import BAD_PERCENT, TileQuality

TILE_SIDE_M = 109_800
"""Side of a whole tile, metres."""
MOST_NAMED = 3
"""Tiles that are named one by one before they are summed up."""


class Note(NamedTuple):
    """One sentence, and how loud it is."""

    level: Literal["alarm", "warning"]
    text: str


def notes_of(page: Page) -> list[Note]:
    """List what applies to a report, the gravest first."""
    found = [*_map(page), *_accuracy(page), *_cover(page.tiles), *_holes(page)]
    return sorted(found, key=lambda note: note.level != "alarm")


def whole_tile_percent(grid: Grid) -> float:
    """Give the share of a whole tile that a grid covers, %."""
    return 100 * grid.width * grid.height * grid.pixel**2 / TILE_SIDE_M**2


def small_percent(percent: float) -> str:
    """Write a share that may be tiny: one digit that counts below 1 %, one decimal above."""
    return f"{percent:.1g} %" if percent < 1 else f"{percent:.1f} %"


def side_label(grid: Grid) -> str:
    """Write the extent of a grid, metres below ten kilometres."""
    width, height = grid.width * grid.pixel, grid.height * grid.pixel
    if max(width, height) < 10_000:
        return f"{width:,g} x {height:,g} m"
    return f"{width / 1000:,.4g} x {height / 1000:,.4g} km"


def _map(page: Page) -> Iterator[Note]:
    if page.map_missing:
        yield Note("alarm", f"There is no class map. {page.map_missing}")
    for cell, reason in page.zones_missing.items():
        yield Note("alarm", f"{zone_name(cell)} is missing from this report. {reason}")
    for view in page.views:
        empty = [tile for tile in view.tiles if tile not in view.mapped]
        if empty and not page.map_missing:
            yield Note("alarm", f"{view.zone}: no class map of {_listed(empty)}.")
    lost = [tile.tile for tile in page.tiles if tile.status == "empty"]
    if lost and len(lost) == len(page.tiles):
        yield Note("alarm", "No tile could be prepared for every season.")
    elif lost:
        yield Note(
            "warning",
            f"{len(lost)} of {len(page.tiles)} tiles could not be prepared for every season and "
            f"are not on the map: {_listed(lost)}.",
        )


def _accuracy(page: Page) -> Iterator[Note]:
    report = page.accuracy
    if page.map_missing:
        return
    if not page.headline.is_measured:
        yield Note("alarm", page.headline.sentence)
    if report is None:
        return
    if report.overall <= report.majority_baseline:
        yield Note(
            "alarm",
            f"The model is right on {100 * report.overall:.1f} % of the held-out samples; a map of "
            f"one class only would be right on {100 * report.majority_baseline:.1f} %. Find the "
            "cause before using it.",
        )
    if page.samples is not None and page.samples.rare:
        names = _listed([page.title_of(name) for name in page.samples.rare], most=9)
        yield Note("warning", f"Not held out, so of unknown accuracy: {names} (too few groups).")


def _cover(tiles: Sequence[TileQuality]) -> Iterator[Note]:
    partial = [
        (tile.tile, tile.grid)
        for tile in tiles
        if tile.grid is not None
        and min(tile.grid.width, tile.grid.height) * tile.grid.pixel < TILE_SIDE_M
    ]
    if len(partial) <= MOST_NAMED:
        for name, grid in partial:
            yield Note(
                "warning",
                f"{name}: this covers only {side_label(grid)} of the tile "
                f"({small_percent(whole_tile_percent(grid))}).",
            )
        return
    shares = sorted((whole_tile_percent(grid), name) for name, grid in partial)
    yield Note(
        "warning",
        f"{len(partial)} of {len(tiles)} tiles are covered only in part: from "
        f"{small_percent(shares[0][0])} ({shares[0][1]}) to {small_percent(shares[-1][0])} "
        f"({shares[-1][1]}).",
    )


def _holes(page: Page) -> Iterator[Note]:
    for view in page.views:
        # Most of a file of a common grid may lie outside the tiles.
        if view.is_zone and view.nodata_percent is not None and view.nodata_percent > BAD_PERCENT:
            yield Note(
                "warning",
                f"{view.zone}: {view.nodata_percent:.1f} % of the map has no class, because a "
                "feature has no value there.",
            )
    why: dict[str, list[str]] = {}
    for tile in page.tiles:
        for season in tile.seasons:
            for reason in season.degraded:
                why.setdefault(reason, []).append(f"{tile.tile} {season.period}")
    if why:
        told = (f"{reason} ({_listed(where, most=3)})" for reason, where in why.items())
        yield Note("warning", f"Degraded seasons: {_listed(list(told), most=9)}.")


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
