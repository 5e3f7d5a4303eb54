"""Composites of neighbouring tiles, compared in a few windows of what they have in common."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.ledger import outputs, units
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import Output
from landcover.parts.preparation.radiometry import LAYERS, N_LAYERS
from landcover.parts.task import Task
from landcover.parts.work_grid import work_grid
from landcover.raster.tripwire import (
    FEWEST_PIXELS,
    OffsetEvidence,
    OffsetFinding,
    decide_offset,
    offset_evidence,
)
from landcover.raster.wrong_offset import Pair, WrongOffsets, find_wrong_offsets
from landcover.stores.rasters import RasterReader, open_raster
from landcover.tiling import neighbours_of

WINDOW_PX = 128
"""Side of a window on the coarser bands: 2,560 m at 20 m."""
N_WINDOWS = 8
"""Most windows of an overlap, evenly spread; fewer are read where the first ones agree."""


@dataclass(frozen=True)
class _Overlap:
    """What two composites have in common: the same ground on either's lattice."""

    layers: list[str]
    here: Window
    there: Window
    pixel: float


@dataclass(frozen=True)
class SharedGround:
    """Composites of one period of two neighbouring tiles, and the windows they have in common."""

    period: str
    """Name of the period."""
    tiles: tuple[str, str]
    """The two tiles, in order."""
    composites: tuple[Output, Output]
    """Their composites."""
    windows: _Overlap


def shared_ground(task: Task, tile: str) -> Iterator[SharedGround]:
    """Find what a tile shares with its neighbours: each pair once, by the first of the two.

    Args:
        task: The run; only composites of the tile and of its neighbours are looked up.
        tile: The first tile of each pair.
    """
    mine = _by_period(task, tile)
    for other in later_neighbours(tile, task.run.arguments.tiles):
        theirs = _by_period(task, other)
        for period in sorted(mine.keys() & theirs.keys()):
            one, two = mine[period], theirs[period]
            overlap = _touch(work_grid(one), work_grid(two)) and _overlap(one, two)
            if overlap:
                yield SharedGround(period, (tile, other), (one, two), overlap)


def later_neighbours(tile: str, tiles: Collection[str]) -> list[str]:
    """List the neighbours of a tile among some, as far as they come after it in order."""
    return sorted(other for other in neighbours_of(tile) if other > tile and other in tiles)


def count_pixels(task: Task, shared: SharedGround) -> dict[str, Any]:
    """Compare two composites in a few windows of what they share.

    Args:
        task: The run. In a plan nothing is read, and what was never compared counts as right.
        shared: The two.

    Returns:
        ``period``, and ``evidence``: what was counted, seen from the first and from the second.

    Raises:
        InputError: A composite is damaged.
        UnavailableError: A store is away.
    """
    task.job.check()
    nothing = (OffsetEvidence(), OffsetEvidence())
    found = nothing if task.is_dry else _count(task, *shared.composites, shared.windows)
    return {"period": shared.period, "evidence": [asdict(side) for side in found]}


def find_wrong_composites(overlaps: Iterable[Output], known: Collection[str]) -> WrongOffsets:
    """Tell which composites are off by an offset, from what was counted of all pairs.

    Args:
        overlaps: Outputs of stage ``overlap``.
        known: Ids of the composites of the run; pairs with others are passed over.

    Returns:
        Which are wrong, by id, and which pairs differ without telling which is wrong.
    """
    findings: dict[str, dict[Pair, OffsetFinding]] = {}
    for overlap in overlaps:
        a, b = overlap.wanted.inputs["composites"]
        if a in known and b in known:
            sides = (OffsetEvidence(**side) for side in overlap.stats["evidence"])
            found = dict(zip(((a, b), (b, a)), map(decide_offset, sides), strict=True))
            findings.setdefault(overlap.stats["period"], {}).update(found)
    # A composite may hold a wrong product in a part of its area only.
    told = [
        find_wrong_offsets({a for a, _ in pairs}, pairs, is_uniform=False)
        for _, pairs in sorted(findings.items())
    ]
    return WrongOffsets(
        found=tuple(one for wrong in told for one in wrong.found),
        undecided=tuple(pair for wrong in told for pair in wrong.undecided),
    )


def _by_period(task: Task, tile: str) -> dict[str, Output]:
    """Load the composites of a tile that the run has, by the name of their period."""
    spans = task.spans
    found: dict[str, Output] = {}
    for span in spans:
        state = units.load(task.workspace.records, task.run.id, "composite", f"{tile}.{span.name}")
        if state is not None and state.is_finished:
            made = outputs.find_many(task.workspace, state.outputs)
            # A season without products has nothing to compare.
            found |= {o.stats["period"]["name"]: o for o in made if o.stats["layers"]}
    return found


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
