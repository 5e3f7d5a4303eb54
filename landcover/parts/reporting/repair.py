"""Where a tile that is missing from the map stands, so that a scheduler can say what to press."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.nouns.base import Noun
from landcover.nouns.run import LOST, Run, UnitState
from landcover.nouns.stages import GROUPS, TILE_GROUPS, Group


class Standstill(Noun):
    """The group in which a missing tile came to a stop."""

    tile: str
    group: Group
    """Group of stages in which something of the tile is not finished."""
    labels: tuple[str, ...] = ()
    """Labels of its units that failed, were skipped or were stopped there; empty where the tile has
    all that it needs for the group, which was planned before that was so."""


def standstills(
    run: Run, states: Sequence[UnitState], tiles: Sequence[str]
) -> tuple[Standstill, ...]:
    """Find where missing tiles came to a stop.

    Args:
        run: The run.
        states: What became of its units.
        tiles: Tiles that are missing.
    """
    return tuple(_standstill(run, [s for s in states if s.unit.tile == t], t) for t in tiles)


def _standstill(run: Run, states: Sequence[UnitState], tile: str) -> Standstill:
    for group in TILE_GROUPS:
        mine = [state for state in states if state.stage in GROUPS[group]]
        lost = dict.fromkeys(state.unit.label for state in mine if state.state in LOST)
        # Not every tile has neighbours or labels: only what cannot be left out is waited for.
        is_needed = group in ("prepare", "classify") and run.includes(GROUPS[group][0])
        if lost and group != "sample":
            return Standstill(tile=tile, group=group, labels=tuple(lost))
        if is_needed and not (mine and all(state.is_finished for state in mine)):
            return Standstill(tile=tile, group=group)
    return Standstill(tile=tile, group="mosaic")
