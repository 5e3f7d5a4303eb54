"""A shard: a part of a region's tiles that one run of a scheduler works on, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from landcover.nouns.base import Noun
from landcover.nouns.stages import Group

Phase = Literal["prepare", "overlap", "sample", "classify"]
PHASES: Mapping[Phase, tuple[Group, ...]] = {
    "prepare": ("prepare",),
    "overlap": ("overlap",),
    "sample": ("terrain", "sample"),
    "classify": ("classify",),
}
"""Phase → its groups of stages. All tiles of a region have been through a phase before the next
begins, because that one may look at the neighbours: where composites overlap, and which tile a
label belongs to. So the map does not depend on the order in which shards end."""
MOST_TILES = 50
"""Tiles of a shard: with three seasons it has 150 lanes, and one pass of Airflow's scheduler grows
with the square of the lanes of a run (docs/decisions/0061)."""
MOST_TILES_OF_A_MAP = 100
"""Tiles that one run of a scheduler works on without shards."""
MOST_TILES_OF_A_REGION = 1000
"""Tiles of a region: 20 shards a phase. One mosaic and one model are made of all of them."""


class Shard(Noun):
    """Tiles of a run that are worked on together in one phase."""

    run: str
    """Run of the ledger."""
    name: str
    """``prepare-01``: phase and number."""
    phase: Phase
    """What is done with them."""
    tiles: tuple[str, ...]
    """Its tiles."""
    tries: tuple[str, ...] = ()
    """Names of the scheduler's runs that worked on it, the first one first."""
    stopped: tuple[str, ...] = ()
    """Those of them that are to end."""

    @property
    def label(self) -> str:
        """What people see: its name, its tiles and how many they are."""
        first, last = self.tiles[0], self.tiles[-1]
        named = first if first == last else f"{first} … {last}"
        return f"{self.name}: {named} ({len(self.tiles)})"
