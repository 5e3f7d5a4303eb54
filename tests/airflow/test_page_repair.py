"""What the button of the page clears, by the lanes and shards of the ledger alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.ledger import lanes, shards, units
from landcover.nouns.run import Unit, UnitState
from landcover.nouns.stages import Group, Stage
from landcover.stores.records import SqliteRecords
from landcover_airflow.page.repair import Pair, repair_of

RUN = "r"
TILES = ("30SUF", "30SVF", "30SUG")
AFTER_MODEL = ["plan_mosaic", ("mosaic.mosaic", 0), "plan_validate", "validate.validate",
               "plan_publish", "publish.publish", "report"]  # fmt: skip


def of_tile(tile: str) -> Unit:
    return Unit(id=tile, label=tile, tile=tile)


def of_season(tile: str) -> Unit:
    return Unit(id=f"{tile}.2021-spring", label=f"{tile} 2021-spring", tile=tile)


def lost(stage: Stage, unit: Unit) -> UnitState:
    return UnitState(run=RUN, stage=stage, unit=unit, state="failed", message="no")


@pytest.fixture
def records(tmp_path: Path) -> SqliteRecords:
    """A run without terrain, whose tiles have lanes, and whose last groups had nothing to do."""
    found = SqliteRecords(tmp_path / "records.sqlite")
    lanes.extend(found, RUN, "prepare", [of_season(tile) for tile in TILES])
    tile_groups: tuple[Group, ...] = ("overlap", "sample", "classify")
    for group in tile_groups:
        lanes.extend(found, RUN, group, [of_tile(tile) for tile in TILES])
    lanes.extend(found, RUN, "train", [Unit(id="all", label="all tiles")])
    lanes.extend(found, RUN, "mosaic", [Unit(id="32630", label="zone", cell="32630")])
    for tile in TILES[1:]:
        done = UnitState(run=RUN, stage="overlap", unit=of_tile(tile), state="done")
        units.save(found, done)
    return found


def test_a_lost_composite_is_made_and_the_model_with_it(records: SqliteRecords) -> None:
    found = repair_of(records, RUN, [lost("composite", of_season("30SVF"))], "landcover_map")
    expected: list[Pair] = [
        ("prepare.lane", 1),
        # The overlap that lacked a neighbour, and that of the tile.
        "plan_overlap", ("overlap.overlap", 0), ("overlap.overlap", 1),
        "plan_terrain", "terrain.terrain",
        "plan_sample", ("sample.sample", 1),
        "plan_train", ("train.train", 0), ("train.explain", 0),
        "plan_classify", *[("classify.classify", place) for place in range(3)],
        *AFTER_MODEL,
    ]  # fmt: skip
    assert found == expected


def test_a_lost_map_of_a_tile_leaves_the_others(records: SqliteRecords) -> None:
    found = repair_of(records, RUN, [lost("classify", of_tile("30SUG"))], "landcover_map")
    assert found == [("classify.classify", 2), *AFTER_MODEL]


def test_where_a_dag_ends_earlier_so_does_the_repair(records: SqliteRecords) -> None:
    broken = [lost("mask", of_season(tile)) for tile in TILES[:2]]
    found = repair_of(records, RUN, broken, "ingest_season")
    assert found[:2] == [("prepare.lane", 0), ("prepare.lane", 1)]
    assert found[-2:] == ["quality", "report"]
    assert "plan_terrain" not in found
    training = repair_of(records, RUN, broken, "train_model")
    assert training[-3:] == ["report", "approve", "start_maps"]


def test_in_a_region_the_shards_of_the_tiles_are_cleared(records: SqliteRecords) -> None:
    for phase in ("prepare", "overlap", "classify"):
        shards.extend(records, RUN, phase, TILES, 2)
    found = repair_of(records, RUN, [lost("composite", of_season("30SUG"))], "landcover_region")
    assert found[:5] == [("prepare", 1), "plan_overlap", ("overlap", 1), "plan_sample", "sample"]
    # Another model: all tiles are classified anew.
    assert [pair for pair in found if pair[0] == "classify"] == [("classify", 0), ("classify", 1)]
    mapped = repair_of(records, RUN, [lost("classify", of_tile("30SUG"))], "landcover_region")
    assert mapped == [("classify", 1), *AFTER_MODEL]


def test_nothing_lost_is_nothing_to_clear(records: SqliteRecords) -> None:
    assert repair_of(records, RUN, [], "landcover_map") == []
