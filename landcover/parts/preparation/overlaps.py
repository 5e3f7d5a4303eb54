"""Composites of neighbouring tiles, compared in a few windows of what they have in common."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.parts.preparation.radiometry import LAYERS, N_LAYERS
from landcover.parts.preparation.radiometry_records import recall
from landcover.parts.task import Task
from landcover.parts.work_grid import work_grid
from landcover.raster.tripwire import (
    FEWEST_PIXELS,
    OffsetEvidence,
    decide_offset,
    offset_evidence,
)
from landcover.raster.wrong_offset import WrongOffsets, find_wrong_offsets
from landcover.stores.rasters import RasterReader, open_raster

WINDOW_PX = 128
"""Side of a window on the coarser bands: 2,560 m at 20 m."""
N_WINDOWS = 8
"""Most windows of an overlap, evenly spread; fewer are read where the first ones agree."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Overlap:
    """What two composites have in common: the same ground on either's lattice."""

    layers: list[str]
    here: Window
    there: Window
    pixel: float


def compare(task: Task, tiles: Mapping[str, str], composites: Mapping[str, Output]) -> WrongOffsets:
    """Compare all composites of one period that overlap.

    Args:
        task: The run. In a plan nothing is read.
        tiles: Id of a composite → its tile.
        composites: Id → composite.

    Returns:
        Which are wrong, by id, and which pairs differ without telling which is wrong.

    Raises:
        UnavailableError: A store is away.
    """
    grids = {name: work_grid(composite) for name, composite in composites.items()}
    overlaps = {
        (a, b): overlap
        for a, b in combinations(sorted(composites), 2)
        if tiles[a] != tiles[b]
        and _touch(grids[a], grids[b])
        and (overlap := _overlap(composites[a], composites[b]))
    }

    @cache
    def both(a: str, b: str) -> tuple[OffsetEvidence, OffsetEvidence] | None:
        try:
            return _count(task, composites[a], composites[b], overlaps[a, b])
        except InputError as error:  # whoever needs the damaged file says so for its own unit
            log.warning("%s is not compared with its neighbour: %s", tiles[a], error)
            return None

    def count(a: str, b: str) -> OffsetEvidence | None:
        counted = both(*sorted((a, b)))
        return counted and counted[0 if a < b else 1]

    pairs = [pair for a, b in overlaps for pair in ((a, b), (b, a))]
    evidence = recall(task, "composites", pairs, count)
    findings = {pair: decide_offset(counted) for pair, counted in evidence.items()}
    # A composite may hold a wrong product in a part of its area only.
    return find_wrong_offsets(composites, findings, is_uniform=False)


def _touch(one: Grid, other: Grid) -> bool:
    left, bottom, right, top = one.bounds
    x, y, far, high = other.bounds
    return one.crs == other.crs and x < right and left < far and y < top and bottom < high


def _overlap(one: Output, other: Output) -> _Overlap | None:
    shared = one.stats["layers"].keys() & other.stats["layers"].keys()
    layers = [layer for layer in LAYERS if layer in shared][:N_LAYERS]
    if len(layers) < 2:
        return None
    a, b = _coarsest(one, layers), _coarsest(other, layers)
    if (a.crs, a.pixel) != (b.crs, b.pixel):
        return None
    # Coarse deliveries may be off by a part of a pixel: the nearest one is taken.
    columns = round((b.ulx - a.ulx) / a.pixel)
    rows = round((a.uly - b.uly) / a.pixel)
    whole = Window(rows, columns, *b.shape)
    here = whole.meet(Window.whole(a.shape))
    if here.is_empty or here.height * here.width < FEWEST_PIXELS:
        return None
    return _Overlap(layers, here, here.within(whole), a.pixel)


def _coarsest(output: Output, layers: list[str]) -> Grid:
    grids = [Grid.from_document(output.stats["layers"][layer]) for layer in layers]
    return max(grids, key=lambda grid: grid.pixel)


def _count(
    task: Task, one: Output, other: Output, overlap: _Overlap
) -> tuple[OffsetEvidence, OffsetEvidence]:
    """Count window after window, until the two agree or all windows are read."""
    first, second = OffsetEvidence(), OffsetEvidence()
    with ExitStack() as opened:
        sides = [
            [
                (
                    opened.enter_context(open_raster(task.href(output, f"{layer}.tif"))),
                    round(overlap.pixel / float(output.stats["layers"][layer]["pixel"])),
                )
                for layer in overlap.layers
            ]
            for output in (one, other)
        ]
        for window in _windows(overlap.here):
            a, b = (
                _read(side, window.shifted(place.row, place.column))
                for side, place in zip(sides, (overlap.here, overlap.there), strict=True)
            )
            is_clear = np.ones(a.shape[1:], dtype=np.bool_)
            first += offset_evidence(a, b, is_clear)
            second += offset_evidence(b, a, is_clear)
            finding = decide_offset(first)
            if (finding.verdict, finding.step) == ("ok", 0):
                break
    return first, second


def _windows(area: Window) -> Iterator[Window]:
    """Spread windows evenly over an area, counted from its first pixel."""
    cells = list(area.within(area).pieces(WINDOW_PX, WINDOW_PX))
    count = min(N_WINDOWS, len(cells))
    yield from (cells[(2 * n + 1) * len(cells) // (2 * count)] for n in range(count))


def _read(side: list[tuple[RasterReader, int]], window: Window) -> NDArray[np.int16]:
    bands = []
    for raster, ratio in side:
        bands.append(raster.read(window.refined(ratio), band=1)[::ratio, ::ratio])
    return np.stack(bands)
