"""Tile by stage: what became of the units of each tile, for a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from landcover.nouns.run import State, UnitState
from landcover.nouns.stages import STAGES, Stage

GRAVEST: tuple[State, ...] = (
    "failed", "interrupted", "cancelled", "skipped", "running", "planned", "done", "reused",
)  # fmt: skip
"""States in the order in which a person wants to see them."""
WAITING = "–"
"""Stands where nothing is planned of a tile yet."""

TileTable = Mapping[str, Mapping[Stage, Mapping[State, int]]]
"""Tile → stage → how many of its units are in which state."""


def tile_table(tiles: Sequence[str], states: Iterable[UnitState]) -> TileTable:
    """Count the units of each tile by stage and state.

    Args:
        tiles: Tiles of the run: one that nothing is planned of yet has an empty row.
        states: What became of the units; those that belong to no tile are left out.

    Returns:
        The table, tiles in the order of the run and stages in that of the story.
    """
    found: dict[str, dict[Stage, Counter[State]]] = {tile: {} for tile in tiles}
    for state in sorted(states, key=lambda s: STAGES.index(s.stage)):
        if state.unit.tile in found:
            found[state.unit.tile].setdefault(state.stage, Counter())[state.state] += 1
    return found


def shown_rows(table: TileTable) -> tuple[list[Stage], list[tuple[list[str], list[str]]]]:
    """Make the table short: tiles that stand alike share a row, and troubled ones come first.

    Args:
        table: What :func:`tile_table` gave.

    Returns:
        The stages that have units of tiles; rows of tiles and of a cell for each stage, such as
        ``failed 1/3``, where one of three seasons failed and nothing graver happened.
    """
    stages = [stage for stage in STAGES if any(stage in row for row in table.values())]
    alike: dict[tuple[str, ...], list[str]] = {}
    gravity: dict[tuple[str, ...], int] = {}
    for tile, row in table.items():
        cells = tuple(_cell(row.get(stage, {})) for stage in stages)
        alike.setdefault(cells, []).append(tile)
        worst = [GRAVEST.index(state) for counts in row.values() for state in counts]
        gravity[cells] = min(worst, default=GRAVEST.index("planned"))
    ordered = sorted(alike, key=lambda cells: gravity[cells])
    return stages, [(alike[cells], list(cells)) for cells in ordered]


def _cell(counts: Mapping[State, int]) -> str:
    if not counts:
        return WAITING
    gravest = min(counts, key=GRAVEST.index)
    total = sum(counts.values())
    return gravest if counts[gravest] == total else f"{gravest} {counts[gravest]}/{total}"
