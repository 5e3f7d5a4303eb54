"""A folder of products: what is usable is found, what is not is told and left out."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from landcover.errors import InputError, MissingDataError
from landcover.sources.local import LocalSource


@pytest.fixture
def limburg(data_dir):
    (path,) = (data_dir / "safe-mini/32UMA_limburg").glob("*.SAFE")
    return path


@pytest.fixture
def folder(limburg, tmp_path):
    """Give a folder of its own with one product."""
    shutil.copytree(limburg, tmp_path / "products" / limburg.name)
    return tmp_path / "products"


@pytest.mark.parametrize(
    ("place", "tiles"),
    [
        ("safe-mini", ["31UDS", "32UMA"]),  # one level of subfolders
        ("safe-mini/31UDS_9B424A", ["31UDS"]),  # the products themselves
        ("s2-l2a-fulltile-120m", ["33TWL", "33TWM"]),
    ],
)
def test_tiles(data_dir, place, tiles):
    assert LocalSource(data_dir / place).tiles() == tiles


@pytest.mark.parametrize(
    ("place", "tile", "n"),
    [
        ("safe-mini", "31UDS", 16),
        ("safe-mini", "32UMA", 1),
        ("safe-mini", "30SUF", 0),
        ("s2-l2a-fulltile-120m", "33TWL", 3),
    ],
)
def test_products(data_dir, place, tile, n):
    products, damaged = LocalSource(data_dir / place).products(tile)
    assert len(products) == n
    assert {product.tile for product in products} <= {tile}
    assert damaged == []


def test_a_product_itself_is_a_source(limburg):
    source = LocalSource(limburg)
    assert source.tiles() == ["32UMA"]
    products, damaged = source.products("32UMA")
    assert ([p.path for p in products], damaged) == ([str(limburg)], [])


@pytest.mark.parametrize("element", ["<NCOLS>", "<SENSING_TIME", "<HORIZONTAL_CS_CODE>", "</n1"])
def test_one_damaged_delivery_does_not_stop_a_tile(folder, limburg, element):
    twin = folder / limburg.name.replace("20230615T103631.SAFE", "20230615T103632.SAFE")
    shutil.copytree(limburg, twin)
    (granule,) = twin.rglob("MTD_TL.xml")
    granule.chmod(0o644)
    granule.write_text(granule.read_text().replace(element, f"{element}x", 1))
    products, damaged = LocalSource(folder).products("32UMA")
    assert [product.path for product in products] == [str(folder / limburg.name)]
    ((name, error),) = damaged
    assert name == twin.name
    assert isinstance(error, InputError)
    assert "\n" not in str(error)


def test_metadata_without_rasters_are_told_for_their_tile_only(data_dir):
    source = LocalSource(data_dir / "safe-metadata")
    products, damaged = source.products("33XWJ")
    assert products == []
    assert any(name.startswith("S2B_MSIL2A_20220413") for name, _ in damaged)
    assert not any("T22HBD" in name and name.startswith("S2") for name, _ in damaged)


def test_a_second_copy_of_a_product_is_left_out_and_told(folder, limburg):
    shutil.copytree(limburg, folder / "again" / limburg.name)
    products, damaged = LocalSource(folder).products("32UMA")
    assert len(products) == 1
    ((_, error),) = damaged
    assert "a second copy" in str(error)
    assert products[0].path in str(error)


@pytest.mark.parametrize("name", ["empty", "file.txt"])
def test_a_folder_without_products(tmp_path, name):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / name).touch()
    source = LocalSource(tmp_path)
    with pytest.raises(MissingDataError, match="no Sentinel-2 L2A product here"):
        source.tiles()
    assert source.products("30SUF") == ([], [])


def test_no_folder(tmp_path):
    with pytest.raises(InputError, match="Check --products"):
        LocalSource(tmp_path / "none")


@pytest.mark.parametrize(
    ("mark", "simulated"), [(None, False), ("SIMULATED.txt", True), ("../SIMULATED.txt", True)]
)
def test_simulated_products_are_marked(folder, mark, simulated):
    if mark:
        (folder / mark).touch()
    assert LocalSource(folder).is_simulated is simulated


def test_a_mark_inside_one_product_marks_the_folder(folder):
    assert not LocalSource(folder).is_simulated
    (next(LocalSource(folder).paths()) / "SIMULATED.txt").touch()
    assert LocalSource(folder).is_simulated


def test_search_lists_the_products_of_an_interval_by_date(data_dir):
    source = LocalSource(data_dir / "safe-mini")
    start, end = datetime(2018, 6, 13, tzinfo=UTC), datetime(2018, 7, 5, 10, 54, 27, tzinfo=UTC)
    found = source.search("31UDS", start, end)
    assert [f"{f.datatake:%m-%d}" for f in found] == ["06-13", "06-23", "06-28"]  # end exclusive
    assert [f.name for f in found] == sorted(f.name for f in found)
    assert source.search("31UDS", end, start) == []
    assert source.search("30SUF", start, end) == []


def test_fetching_copies_nothing(folder, limburg):
    source = LocalSource(folder)
    everything = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    (found,) = source.search("32UMA", *everything)
    place = source.fetch(found, folder / "elsewhere")
    assert place == folder / limburg.name
    assert not (folder / "elsewhere").exists()
    shutil.rmtree(place)
    with pytest.raises(MissingDataError, match=r"has disappeared. Deliver it again"):
        source.fetch(found, folder / "elsewhere")


NAME = "S2A_MSIL2A_20180416T105619_N0207_R108_T31UDS_20180416T105619"


@pytest.mark.parametrize("place", [f"{NAME}.SAFE", NAME, f"{NAME}/{NAME}.SAFE", f"batch/{NAME}"])
def test_a_product_that_is_half_uploaded_is_told_for_its_tile(tmp_path, place):
    (tmp_path / place / "GRANULE").mkdir(parents=True)
    (tmp_path / "notes").mkdir()
    source = LocalSource(tmp_path)
    assert source.tiles() == ["31UDS"]
    assert source.products("30SUF") == ([], [])
    products, ((name, error),) = source.products("31UDS")
    assert products == []
    assert name == Path(place).name
    assert str(error).startswith(f"{tmp_path / place}: named as a Level-2A product, but no MTD_")
    everything = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    assert source.search("31UDS", *everything) == []
