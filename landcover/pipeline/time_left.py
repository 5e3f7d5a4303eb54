"""How long a run will go on, from what its units took and how many of them there will be.

A group of stages is planned when it is its turn. Before that, the number of its units follows from
tiles and seasons, and their time from the same stage of earlier runs of the workspace. What never
ran here is named, not guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from landcover.ledger import runs, units
from landcover.nouns.run import LOST, Run, UnitState
from landcover.nouns.stages import GROUPS, STAGES, Stage
from landcover.recipe import Recipe
from landcover.recipe.mosaic import MOST_TILES_IN_A_FILE
from landcover.stores.records import RecordStore
from landcover.tiling import neighbours_of, tile_grid

MOST_RUNS = 5
"""Earlier runs that are looked at, the newest first."""
WAITING = ("planned", "running")


@dataclass(frozen=True)
class TimeLeft:
    """What a run will still take."""

    seconds: float
    """Sum over its units, one after the other, s."""
    unknown: tuple[Stage, ...] = ()
    """Stages to come that never ran in this workspace: their time is not in the sum."""


def time_left(
    found: Sequence[UnitState], expected: Mapping[Stage, int], earlier: Mapping[Stage, float]
) -> TimeLeft | None:
    """Estimate how long a run will go on.

    Args:
        found: Units of the run that are planned so far.
        expected: Stage → units that it will have, as far as can be told before.
        earlier: Stage → mean seconds of a unit in earlier runs.

    Returns:
        None where nothing is left, or where nothing is known of any of it.
    """
    planned = Counter(state.stage for state in found)
    lost = {(_group_of(s.stage), s.unit.id) for s in found if s.state in LOST}
    waiting = Counter(
        s.stage for s in found if s.state in WAITING and (_group_of(s.stage), s.unit.id) not in lost
    )
    left = {stage: waiting[stage] if planned[stage] else expected.get(stage, 0) for stage in STAGES}
    seconds = {stage: _mean(found, stage, earlier) for stage, count in left.items() if count}
    known = {stage: mean for stage, mean in seconds.items() if mean is not None}
    if not known:
        return None
    total = sum(mean * left[stage] for stage, mean in known.items())
    return TimeLeft(total, tuple(stage for stage in seconds if stage not in known))


def expected_units(run: Run, recipe: Recipe) -> dict[Stage, int]:
    """Count the units that each stage of a run will have where no tile is lost."""
    tiles = run.arguments.tiles
    n_spans = len(recipe.spans(run.arguments.year, run.arguments.season))
    counts: dict[str, int] = {
        "prepare": len(tiles) * n_spans,
        "overlap": sum(any(n > t and n in tiles for n in neighbours_of(t)) for t in tiles),
        **dict.fromkeys(("terrain", "sample", "classify"), len(tiles)),
        "mosaic": _n_cells(tiles, recipe),
    }
    return {
        stage: counts.get(group, 1)
        for group, stages in GROUPS.items()
        for stage in stages
        if run.includes(stage)
    }


def earlier_seconds(records: RecordStore, run_id: str) -> dict[Stage, float]:
    """Give the mean seconds of a unit of each stage, from the newest earlier run that has one."""
    found: dict[Stage, float] = {}
    for document in records.find("runs", sort=runs.NEWEST_FIRST)[: MOST_RUNS + 1]:
        if document["_id"] == run_id or len(found) == len(STAGES):
            continue
        states = units.states(records, str(document["_id"]))
        for stage in STAGES:
            mean = _mean(states, stage, {})
            if mean is not None:
                found.setdefault(stage, mean)
    return found


def _n_cells(tiles: Sequence[str], recipe: Recipe) -> int:
    """Count the files of the map: of tiles in 100 km squares about one each."""
    if recipe.mosaic.grid != "utm":
        return len(tiles)
    zones = Counter(tile_grid(tile).crs for tile in tiles)
    how = recipe.mosaic.cells
    return sum(
        1 if how == "zone" or (how == "auto" and n <= MOST_TILES_IN_A_FILE) else n
        for n in zones.values()
    )


def _mean(found: Iterable[UnitState], stage: Stage, earlier: Mapping[Stage, float]) -> float | None:
    """Give the mean of what was computed; a unit that was found again took no time."""
    times = [s.seconds for s in found if s.stage == stage and s.state == "done"]
    return fmean(times) if times else earlier.get(stage)


def _group_of(stage: Stage) -> str:
    return next(group for group, stages in GROUPS.items() if stage in stages)
