"""SAFE folders of real pixels: what they are is read from their files, never guessed."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from landcover import api
from landcover.errors import InputError
from landcover.products.reading import is_product, read_product
from landcover.stores.rasters import describe

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B09", "B11", "B12", "B8A")


@pytest.fixture
def limburg(data_dir):
    (path,) = (data_dir / "safe-mini/32UMA_limburg").glob("*.SAFE")
    return path


@pytest.fixture
def copy(limburg, tmp_path):
    """Give a copy of the product that a test may change."""
    path = tmp_path / limburg.name
    shutil.copytree(limburg, path)
    for file in path.rglob("*"):
        file.chmod(0o755)
    return path


def edit(path: Path, pattern: str, replacement: str) -> None:
    found = re.sub(pattern, replacement, path.read_text(), flags=re.DOTALL)
    assert found != path.read_text()
    path.write_text(found)


def image(product: Path, layer: str) -> Path:
    (found,) = product.rglob(f"*_{layer}_*.jp2")
    return found


def test_limburg(limburg):
    product = read_product(limburg)
    assert product.name == "S2A_MSIL2A_20230615T103631_N0400_R008_T32UMA_20230615T103631"
    assert (product.tile, product.spacecraft, product.relative_orbit) == ("32UMA", "S2A", 8)
    assert product.datatake == datetime(2023, 6, 15, 10, 36, 31, 24_000, tzinfo=UTC)
    assert (product.baseline, product.discriminator) == (400, "20230615T103631")
    assert product.layers == (*BANDS, "SCL")
    assert product.offset_decision == "metadata"
    assert {file.layer: file.offset for file in product.files} == {
        **dict.fromkeys(BANDS, -1000), "SCL": 0,
    }  # fmt: skip
    assert {file.scale for file in product.files if file.layer != "SCL"} == {10_000}
    assert product.warnings == ()
    assert product.cloud_percent == 0


@pytest.mark.parametrize(
    ("layer", "pixel", "size"),
    [("B02", 10, (216, 210)), ("B8A", 20, (108, 105)), ("SCL", 20, (108, 105)),
     ("B01", 60, (36, 35))],
)  # fmt: skip
def test_sizes_are_those_of_the_rasters(limburg, layer, pixel, size):
    grid = read_product(limburg).file(layer).grid
    assert (grid.pixel, grid.shape) == (pixel, size)
    assert (grid.crs, grid.ulx, grid.uly) == ("EPSG:32632", 427_890, 5_596_630)


def test_flanders(data_dir):
    paths = sorted((data_dir / "safe-mini/31UDS_9B424A").glob("*.SAFE"))
    products = [read_product(path) for path in paths]
    assert len(products) == 16
    assert {product.tile for product in products} == {"31UDS"}
    assert {product.baseline for product in products} == {207}
    assert {file.offset for product in products for file in product.files} == {0}
    assert {product.offset_decision for product in products} == {"metadata"}
    assert {product.file("B02").grid.shape for product in products} == {(64, 64)}
    assert {product.file("B01") for product in products} == {None}  # not delivered
    assert [p.datatake for p in products] == sorted(p.datatake for p in products)


@pytest.mark.parametrize("name", ["MTD_MSIL2a.xml", "mtd_msil2a.XML"])
def test_the_case_of_the_metadata_does_not_matter(copy, limburg, name):
    (copy / "MTD_MSIL2A.xml").rename(copy / name)
    assert is_product(copy)
    assert read_product(copy).model_dump(exclude={"path", "files"}) == read_product(
        limburg
    ).model_dump(exclude={"path", "files"})


# Offsets


def test_without_a_list_the_baseline_decides_and_says_so(copy):
    edit(
        copy / "MTD_MSIL2A.xml", r"<BOA_ADD_OFFSET_VALUES_LIST>.*</BOA_ADD_OFFSET_VALUES_LIST>", ""
    )
    product = read_product(copy)
    assert product.offset_decision == "baseline"
    assert {f.layer: f.offset for f in product.files}["B12"] == -1000
    assert {f.layer: f.offset for f in product.files}["SCL"] == 0
    (warning,) = product.warnings
    assert "-1000 is assumed" in warning


def test_a_list_counts_even_before_its_baseline(copy):
    edit(copy / "MTD_MSIL2A.xml", "<PROCESSING_BASELINE>04.00<", "<PROCESSING_BASELINE>03.01<")
    product = read_product(copy)
    assert (product.offset_decision, product.file("B02").offset) == ("metadata", -1000)


def test_each_band_has_its_own_offset(copy):
    edit(copy / "MTD_MSIL2A.xml", r'(BOA_ADD_OFFSET band_id="1">)-1000', r"\g<1>-900")
    product = read_product(copy)
    assert (product.file("B02").offset, product.file("B03").offset) == (-900, -1000)


def test_a_list_that_lacks_a_band_is_refused(copy):
    edit(copy / "MTD_MSIL2A.xml", r'<BOA_ADD_OFFSET band_id="11">-1000</BOA_ADD_OFFSET>', "")
    with pytest.raises(InputError, match="list lacks B11"):
        read_product(copy)


# Image files


def test_a_list_of_another_product_makes_way_for_the_folder(copy, limburg):
    edit(copy / "MTD_MSIL2A.xml", r"<IMAGE_FILE>GRANULE/", "<IMAGE_FILE>GRANULE/ELSEWHERE_")
    product = read_product(copy)
    assert product.layers == read_product(limburg).layers
    assert any("none of the rasters that the metadata list" in w for w in product.warnings)


def test_without_a_list_the_folder_is_searched(copy, limburg):
    edit(copy / "MTD_MSIL2A.xml", r"<IMAGE_FILE>[^<]*</IMAGE_FILE>", "")
    product = read_product(copy)
    assert product.layers == read_product(limburg).layers
    assert product.warnings == ()


def test_an_absent_band_is_absent_and_told(copy):
    lost = image(copy, "B05")
    lost.unlink()
    product = read_product(copy)
    assert product.file("B05") is None
    assert product.layers == tuple(layer for layer in (*BANDS, "SCL") if layer != "B05")
    (warning,) = product.warnings
    assert lost.name in warning


def test_the_best_resolution_wins(copy):
    first = image(copy, "B02")
    coarse = copy / "MTD_MSIL2A.xml"
    twin = first.parent.parent / "R20m" / first.name.replace("10m", "20m")
    shutil.copy(image(copy, "B05"), twin)
    edit(coarse, r"<IMAGE_FILE>[^<]*</IMAGE_FILE>", "")
    assert read_product(copy).file("B02").href == str(first)


def test_no_image_at_all_is_refused(copy):
    for file in copy.rglob("*.jp2"):
        file.unlink()
    with pytest.raises(InputError, match="no image files"):
        read_product(copy)


# Grids


def test_a_grid_that_the_metadata_claim_is_not_believed(copy):
    (granule,) = copy.rglob("MTD_TL.xml")
    edit(granule, r'(<Size resolution="10">\s*<NROWS>)\d+', r"\g<1>10980")
    product = read_product(copy)
    assert product.file("B02").grid.shape == (216, 210)
    assert len(product.warnings) == 4  # the four bands of 10 m
    assert "the raster is believed" in product.warnings[0]
    assert "210x10980 px" in product.warnings[0]


def test_rasters_that_do_not_nest_are_refused(copy, data_dir):
    other = next((data_dir / "safe-mini/31UDS_9B424A").rglob("*_B05_20m.jp2"))
    shutil.copy(other, image(copy, "B05"))
    with pytest.raises(InputError, match="B05: Grids do not nest"):
        read_product(copy)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.999])
def test_a_truncated_raster_is_told_at_the_latest_when_it_is_read(copy, share):
    path = image(copy, "B02")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="damaged or truncated") as caught:
        api.open_product(copy).dataset(["B02"]).compute()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_pixel_is_needed_to_read_what_a_product_is(copy):
    path = image(copy, "B02")
    path.write_bytes(path.read_bytes()[:20_000])
    assert describe(path).shape == (216, 210)
    assert read_product(copy).file("B02").grid.shape == (216, 210)


# Granules and folders


def test_two_granules_are_refused(copy):
    (granule,) = (copy / "GRANULE").iterdir()
    shutil.copytree(granule, granule.with_name("L2A_T32UMA_A000000_20230615T103632"))
    with pytest.raises(InputError, match=r"expected one granule with an MTD_TL.xml, found 2"):
        read_product(copy)


def test_no_granule_is_refused(copy):
    shutil.rmtree(copy / "GRANULE")
    with pytest.raises(InputError, match="found 0"):
        read_product(copy)


def test_a_stray_file_among_the_granules_does_no_harm(copy, limburg):
    (copy / "GRANULE" / ".DS_Store").write_text("x")
    assert read_product(copy).layers == read_product(limburg).layers


@pytest.mark.parametrize("element", ["Cloud_Coverage_Assessment", "NODATA_PIXEL_PERCENTAGE"])
def test_a_product_that_cannot_be_selected_is_refused(copy, element):
    edit(copy / "MTD_MSIL2A.xml", rf"<{element}>[^<]*</{element}>", "")
    with pytest.raises(InputError, match="so the product cannot be selected"):
        read_product(copy)


@pytest.mark.parametrize(
    ("folder", "sentence"),
    [
        ("S2A_MSIL1C_2021*", "neither a SAFE folder of Level-2A"),
        ("S2A_OPER_MSI_L2A_TL*", "neither a SAFE folder of Level-2A"),
        ("S2A_MSIL2A_2015*", "expected one granule"),
        ("S2A_MSIL2A_2018*", "no asset of the item is present"),
        ("S2A_MSIL2A_2019*", "no image files"),
        ("S2A_MSIL2A_2023*", "no image files"),
        ("S2B_MSIL2A_2022*", "no image files"),
        ("esa_S2B*", "no image files"),
        ("no-such-folder", "no such product folder"),
        ("README.md", "neither a SAFE folder"),
    ],
)
def test_folders_with_metadata_only_are_refused_with_one_sentence(data_dir, folder, sentence):
    found = [*(data_dir / "safe-metadata").glob(folder)]
    (path,) = found or [data_dir / "safe-metadata" / folder]
    with pytest.raises(InputError, match=sentence) as caught:
        read_product(path)
    assert "\n" not in str(caught.value)
