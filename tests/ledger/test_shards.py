"""Shards keep their places, also where there are more than two digits can number."""

from __future__ import annotations

from pathlib import Path

from landcover.ledger import shards
from landcover.stores.workspace import open_workspace


def test_more_than_a_hundred_shards_keep_their_places(tmp_path: Path) -> None:
    address = f"sqlite://{tmp_path}/records.sqlite"
    records = open_workspace(f"file://{tmp_path}/objects", address).records
    tiles = [f"T{n}" for n in range(102)]
    first = shards.extend(records, "run", "prepare", tiles[:99], most=1)
    every = shards.extend(records, "run", "prepare", tiles, most=1)
    assert every[:99] == first
    assert shards.of_phase(records, "run", "prepare") == every
    assert [shard.tiles[0] for shard in every] == tiles
    assert [every[0].name, every[-1].name] == ["prepare-01", "prepare-102"]
