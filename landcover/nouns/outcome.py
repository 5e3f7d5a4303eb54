"""How a run ended: whether what it was asked for is there, and what it lacks."""

from __future__ import annotations

from typing import Literal

from landcover.nouns.base import Noun


class Outcome(Noun):
    """The end of a run."""

    state: Literal["done", "failed"]
    """``failed``: something that the run was asked for is not there, or too many tiles are
    missing."""
    reasons: tuple[str, ...] = ()
    """Why it failed, one sentence each, the gravest first."""
    missing_tiles: tuple[str, ...] = ()
    """Tiles that the run was asked for and that are not in its map; of a run without a map, those
    that failed."""
    missing_percent: float = 0.0
    """Their share of the tiles that were asked for, %: what ``tolerance_percent`` is about."""
    missing_cells: tuple[str, ...] = ()
    """Zones or cells of the map that are not there, by their labels."""
    degraded: tuple[str, ...] = ()
    """Seasons that were made of less than the recipe asks for, one sentence each."""
