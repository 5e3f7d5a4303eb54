"""A folder of products is listed once when a run starts, whatever its units need of it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from landcover import api
from landcover.bench import many_tiles
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.nouns.unit_document import unit_document
from landcover.sources import local

TILES = many_tiles.tiles_of(3)


@pytest.fixture
def products(tmp_path: Path, workspace_folder: Path) -> Path:
    """Products of three tiles, by their names; pixels are those of the first."""
    many_tiles.write_products(tmp_path / "products", TILES, 120, 0)
    return tmp_path / "products"


def start(products: Path, run: str = "run") -> None:
    api.start_run(
        run, many_tiles.recipe(), year=2021, products=str(products), tiles=list(TILES),
        until="collect", overrides=list(many_tiles.OVERRIDES),
    )  # fmt: skip


def collect(tile: str, run: str = "run") -> UnitState:
    unit = f"{tile}.2021-spring"
    api.run("collect", unit_document(run, "collect", unit))
    found = units.load(api.open_workspace().records, run, "collect", unit)
    assert found is not None
    return found


def test_units_do_not_list_the_folder(products: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[Path] = []
    real = local._below

    def below(folder: Path, depth: int) -> Iterator[Path]:
        if depth == local.DEPTH:
            listed.append(folder)
        yield from real(folder, depth)

    monkeypatch.setattr(local, "_below", below)
    start(products)
    api.plan("run", "prepare")
    first = collect(TILES[0])
    assert first.state == "done", first.message
    # The pixels of the others lie elsewhere, and each is told of its own products only.
    for tile in TILES[1:]:
        assert tile in collect(tile).message
    assert listed == [products]


def test_a_listing_is_that_of_the_start(products: Path) -> None:
    start(products)
    api.plan("run", "prepare")
    for folder in products.glob(f"*T{TILES[0]}*"):
        shutil.rmtree(folder)
    ended = collect(TILES[0])
    assert (ended.state, "no usable product" in ended.message) == ("skipped", True), ended.message


def test_what_names_no_tile_is_found_by_its_item(products: Path) -> None:
    (folder,) = products.glob(f"*20210306*T{TILES[0]}*")
    folder.rename(products / "delivery")
    (products / "S2A_OPER_PRD_MSIL2A_PDMC_20160101T000000").mkdir()
    found = local.LocalSource(products).by_tile()
    assert products / "delivery" in found[TILES[0]].paths
    assert [path.name for path in found[None].paths] == ["S2A_OPER_PRD_MSIL2A_PDMC_20160101T000000"]
    mine = local.listing_for(found, TILES[0]).paths
    assert {*found[TILES[0]].paths, *found[None].paths} == set(mine)
    assert list(mine) == sorted(mine)
    assert json.loads((products / "delivery" / "item.json").read_text())["type"] == "Feature"
    start(products)
    api.plan("run", "prepare")
    assert collect(TILES[0]).state == "done"
