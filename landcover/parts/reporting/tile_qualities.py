"""How good the data of each tile and season of a run are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from landcover.parts.reporting.run_outputs import RunOutputs, SeasonFinding
from landcover.parts.work_grid import work_grid
from landcover.publish.outlines import outline_of
from landcover.publish.quality import TileQuality, season_quality
from landcover.tiling import tile_grid


def tile_qualities(found: RunOutputs) -> tuple[TileQuality, ...]:
    """Tell of every tile which products its seasons use, and what they leave uncovered."""
    tiles = []
    for tile, group in groupby(found.seasons, key=lambda season: season.tile):
        seasons = list(group)
        composites = [s.composite for s in seasons if s.composite]
        # A season that is filled from others has a composite without layers.
        grids = [work_grid(made) for made in composites if made.stats["layers"]]
        tiles.append(
            TileQuality(
                tile=tile,
                lost_percent=found.lost.get(tile),
                windows_percent=_worked_on(seasons),
                grid=grids[0] if grids else None,
                geometry=outline_of(grids[0] if grids else tile_grid(tile)),
                seasons=tuple(
                    season_quality(
                        s.period.name,
                        s.choice.candidates,
                        s.composite,
                        unreadable=s.choice.unreadable,
                        reason=s.reason,
                    )
                    for s in seasons
                ),
            )
        )
    return tuple(tiles)


def _worked_on(seasons: Sequence[SeasonFinding]) -> float | None:
    """Give the smallest share of the tile that a season was composited of; None for all of it."""
    shares = [s.composite.stats.get("windows_percent") for s in seasons if s.composite]
    return min((float(share) for share in shares if share is not None), default=None)
