"""What all units need to know of all tiles is read from one record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from landcover.ledger import units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.parts.prepared import COLLECTION, note_prepared, prepared, prepared_tiles
from landcover.parts.task import Task
from landcover.parts.training.run_features import run_features
from landcover.parts.work_grid import tile_work_grid
from landcover.recipe import read_recipe
from landcover.stores.objects import DirectoryStore
from landcover.stores.records import MEMORY, SqliteRecords
from landcover.stores.workspace import Workspace

RECIPE = read_recipe(Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml")
TILES = ("30SUF", "30SUG", "30SVF", "30SVG", "30SWF", "30SWG")


class CountingRecords(SqliteRecords):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__(MEMORY)
        self.calls: Counter[str] = Counter()

    def get(self, collection: str, key: str) -> Any:
        self.calls["get"] += 1
        return super().get(collection, key)

    def find(self, collection: str, where: Any = None, **how: Any) -> Any:
        self.calls["find"] += 1
        return super().find(collection, where, **how)


def grid(pixel: float, x: float = 300_000.0) -> Grid:
    side = round(2400 / pixel)
    return Grid(crs="EPSG:32630", ulx=x, uly=4e6, pixel=pixel, width=side, height=side)


def composed(task: Task, tile: str, season: str, layers: dict[str, Grid]) -> None:
    """Write down that a season of a tile was prepared with these layers."""
    wanted = Wanted(stage="composite", version=1, unit=f"{tile}/2021-{season}", inputs={}, params={
        "layers": sorted(layers), "x": layers["B02"].ulx,
    })  # fmt: skip
    stats = {
        "layers": {name: place.to_document() for name, place in layers.items()},
        "period": {"name": f"2021-{season}", "label": season},
    }
    output = Output(id=wanted.id, wanted=wanted, key="", files=(), stats=stats)
    records = task.workspace.records
    records.replace_one("outputs", {"_id": output.id, **output.to_document()})
    unit = Unit(id=f"{tile}.2021-{season}", label=f"{tile} 2021-{season}", tile=tile)
    state = UnitState(run="run", stage="composite", unit=unit, state="done", outputs=(output.id,))
    units.save(records, state)


def task_of(tiles: tuple[str, ...], tmp_path: Path) -> Task:
    arguments = RunArguments(tiles=tiles, year=2021, products="/products", labels="/labels")
    run = Run(id="run", recipe_id="r", arguments=arguments, label_id="l", simulated=False)
    workspace = Workspace(DirectoryStore(tmp_path), CountingRecords())
    task = Task(workspace, run, RECIPE, Unit(id=tiles[0], label=tiles[0], tile=tiles[0]))
    for number, tile in enumerate(tiles):
        for season in ("spring", "summer", "autumn"):
            layers = {"B02": grid(10, 300_000.0 + 2400 * number), "B05": grid(20)}
            composed(task, tile, season, layers)
    return task


@pytest.mark.parametrize("n_tiles", [1, 3, 6])
def test_what_a_unit_reads_does_not_grow_with_the_tiles(tmp_path: Path, n_tiles: int) -> None:
    task = task_of(TILES[:n_tiles], tmp_path)
    records = task.workspace.records
    assert isinstance(records, CountingRecords)
    note_prepared(task)  # as who plans a group does
    first = prepared(task)
    records.calls.clear()
    assert prepared(task) == first
    run_features(task)
    # Note and record, twice; get is a find here.
    assert records.calls == {"find": 4, "get": 4}


def test_it_says_what_the_composites_say(tmp_path: Path) -> None:
    task = task_of(TILES[:2], tmp_path)
    composed(task, TILES[1], "summer", {"B02": grid(10, 302_400.0), "AOT": grid(10)})
    for _ in range(2):  # made, then found
        known = prepared(task)
        assert known.grids == {tile: tile_work_grid(task, tile) for tile in TILES[:2]}
        assert known.layers == {
            "spring": {"B02", "B05"},
            "summer": {"B02", "B05", "AOT"},
            "autumn": {"B02", "B05"},
        }
        assert known.troubles == {}


def test_a_tile_that_lacks_a_season_is_not_prepared(tmp_path: Path) -> None:
    task = task_of(TILES[:2], tmp_path)
    state = units.load(task.workspace.records, "run", "composite", f"{TILES[0]}.2021-autumn")
    assert state is not None
    units.save(task.workspace.records, state.model_copy(update={"state": "failed"}))
    assert prepared_tiles(task) == [TILES[1]]
    assert set(prepared(task).grids) == {TILES[1]}


def test_a_tile_that_is_prepared_anew_is_looked_at_anew(tmp_path: Path) -> None:
    task = task_of(TILES[:1], tmp_path)
    assert "AOT" not in prepared(task).layers["spring"]
    composed(task, TILES[0], "spring", {"B02": grid(10), "AOT": grid(10)})
    assert "AOT" in prepared(task).layers["spring"]
    assert task.workspace.records.count_documents(COLLECTION) == 2


def test_a_tile_whose_seasons_disagree_is_told_and_the_others_keep_their_grids(
    tmp_path: Path,
) -> None:
    task = task_of(TILES[:2], tmp_path)
    composed(task, TILES[0], "autumn", {"B02": grid(10, 300_060.0)})
    known = prepared(task)
    assert set(known.grids) == {TILES[1]}
    assert known.troubles[TILES[0]].startswith("30SUF: the seasons lie on different grids (spring")
    assert known.troubles[TILES[0]].endswith("Deliver one extent.")
