"""Products as archives deliver them: older formats, items of other catalogues, packed, nested."""

from __future__ import annotations

import json
import shutil
import tarfile
import zipfile

import numpy as np
import pytest
import rasterio

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.products.reading import read_product
from landcover.products.stac_assets import layer_assets, said_offset, tile_of
from landcover.sources.local import LocalSource

NAME = "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126"


def write_item(folder, assets, *, name=NAME, **properties):
    """Write an item with a raster of 24 x 24 px for each asset."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, asset in enumerate(assets.values()):
        asset.setdefault("href", f"raster{number}.tif")
        with rasterio.open(
            folder / asset["href"], "w", driver="GTiff", width=24, height=24, count=1,
            dtype="uint16", crs="EPSG:32633",
            transform=rasterio.Affine(10, 0, 500_000, 0, -10, 8_000_040),
        ) as file:  # fmt: skip
            file.write(np.full((24, 24), 2500, "uint16"), 1)
    known = {
        "datetime": "2022-04-13T15:07:59Z", "platform": "sentinel-2b", "eo:cloud_cover": 1.0,
        "s2:nodata_pixel_percentage": 0.0, "s2:processing_baseline": "04.00",
        "s2:product_uri": f"{name}.SAFE", "grid:code": "MGRS-33XWJ",
    }  # fmt: skip
    kept = {k: v for k, v in {**known, **properties}.items() if v is not None}
    document = {"type": "Feature", "stac_version": "1.1.0", "id": name, "properties": kept,
                "assets": assets}  # fmt: skip
    (folder / "item.json").write_text(json.dumps(document))
    return folder


# Offsets


@pytest.mark.parametrize(
    ("asset", "offset"),
    [
        ({"raster:offset": -0.1, "raster:scale": 0.0001}, -1000),
        ({"raster:scale": 0.001, "bands": [{"name": "red", "raster:offset": -0.5}]}, -500),
        ({"bands": [{"raster:offset": "-0.1", "raster:scale": "0.0001"}]}, -1000),
        ({"raster:bands": {"offset": -0.1}}, -1000),
        ({"raster:bands": [{"offset": None}], "raster:offset": 0}, 0),
        ({"raster:bands": "none", "bands": [None, 3, {}]}, None),
    ],
)
def test_where_an_offset_may_stand(asset, offset):
    assert said_offset(asset, "red") == offset


@pytest.mark.parametrize(
    "asset",
    [
        {"raster:offset": "low"}, {"raster:offset": float("inf")}, {"raster:offset": [1]},
        {"raster:offset": True}, {"raster:offset": 0, "raster:scale": 0},
        {"raster:offset": 1e300, "raster:scale": 1e-300},
    ],
)  # fmt: skip
def test_a_wrong_offset_is_one_sentence(asset):
    with pytest.raises(InputError, match="red: expected an offset and a scale"):
        said_offset(asset, "red")


@pytest.mark.parametrize(
    "key", ["red", "B04", "b04_10m", "anything"], ids=["Earth Search", "layer", "CDSE", "band"]
)
def test_items_of_other_catalogues(tmp_path, key):
    asset = {"bands": [{"name": "B04"}], "raster:offset": -0.1, "raster:scale": 0.0001}
    product = read_product(write_item(tmp_path / "p", {key: asset}))
    assert [(f.layer, f.offset) for f in product.files] == [("B04", -1000)]
    assert (product.offset_decision, product.warnings) == ("metadata", ())


def test_the_finest_asset_of_a_layer_is_used():
    assets = {f"B02_{m}m": {"href": f"{m}.jp2"} for m in (60, 10, 20)}
    pictures = {"visual": {"href": "v.tif", "bands": [{"name": "B04"}, {"name": "B03"}]},
                "thumb": "B02", "B99": {"href": "x"}, "blue-jp2": {"href": "b.jp2"}}  # fmt: skip
    assert {k: v.key for k, v in layer_assets({"assets": assets | pictures}).items()} == {
        "B02": "B02_10m"
    }


@pytest.mark.parametrize(
    ("properties", "tile"),
    [
        ({"grid:code": "MGRS-1KAB"}, "01KAB"),
        ({"grid:code": "MGRS-01KAB"}, "01KAB"),
        ({"s2:mgrs_tile": "7hfe"}, "07HFE"),
        ({"mgrs:utm_zone": 7, "mgrs:latitude_band": "H", "mgrs:grid_square": "FE"}, "07HFE"),
        ({"grid:code": None, "s2:mgrs_tile": 33}, None),
        ({"grid:code": "MGRS-61KAB"}, None),
    ],
)
def test_the_tile_of_an_item(properties, tile):
    assert tile_of(properties) == tile


def test_one_damaged_item_hides_no_other(tmp_path):
    write_item(tmp_path / "good", {"red": {}})
    write_item(tmp_path / "bad", {"red": {"raster:offset": "low"}}, name=NAME[:-1] + "7")
    products, damaged = LocalSource(tmp_path).products("33XWJ")
    assert [p.name for p in products] == [NAME]
    assert [(name, type(error)) for name, error in damaged] == [("bad", InputError)]


# Older formats


def replace(file, *pairs):
    text = file.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    file.write_text(text)


@pytest.fixture
def limburg(data_dir, tmp_path):
    (source,) = (data_dir / "safe-mini" / "32UMA_limburg").iterdir()
    shutil.copytree(source, tmp_path / "in" / source.name)
    return tmp_path / "in" / source.name


def test_a_product_of_2017(limburg):
    """The format until 2018 (PSD 14.2): other names of elements, rasters only named by id."""
    now = read_product(limburg)
    replace(limburg / "MTD_MSIL2A.xml", ("PRODUCT_URI>", "PRODUCT_URI_2A>"),
            ("IMAGE_FILE>", "IMAGE_ID_2A>"), ("GRANULE/", ""), (
                "BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE"))  # fmt: skip
    (granule,) = limburg.glob("GRANULE/*/MTD_TL.xml")
    replace(granule, ("<TILE_ID ", "<TILE_ID_2A "), ("</TILE_ID>", "</TILE_ID_2A>"))
    then = read_product(limburg)
    assert then.files == now.files
    assert (then.tile, then.name, then.baseline) == (now.tile, now.name, now.baseline)


def test_a_product_of_2016_is_named(tmp_path):
    name = "S2A_USER_PRD_MSIL2A_PDMC_20160504T225644_R094_V20160504T105917_20160504T105917.SAFE"
    (tmp_path / name).mkdir()
    (tmp_path / name / "S2A_USER_MTD_SAFL2A_PDMC.xml").write_text("<x/>")
    _, damaged = LocalSource(tmp_path).products("30SUF")
    ((_, error),) = damaged
    assert "format of 2016" in str(error)


def test_files_of_macos_beside_rasters_are_no_rasters(limburg):
    before = read_product(limburg).files
    replace(limburg / "MTD_MSIL2A.xml", ("<IMAGE_FILE>", "<IMAGE_FILE>absent"))
    for image in list(limburg.glob("GRANULE/*/IMG_DATA/**/*.jp2")):
        image.with_name(f"._{image.name}").write_bytes(b"\0\5\x16\7")
    assert read_product(limburg).files == before


# Packed and nested


@pytest.mark.parametrize("pack", ["zip", "tar"])
def test_packed_products_are_told(tmp_path, limburg, pack):
    folder = tmp_path / "packed" / "2023" / "06"
    folder.mkdir(parents=True)
    path = folder / f"{limburg.name}.{pack}"
    if pack == "zip":
        zipfile.ZipFile(path, "w").writestr("x", "y")
    else:
        tarfile.open(path, "w").close()
    with pytest.raises(MissingDataError, match=r"1 packed products, such as .*unpack"):
        LocalSource(tmp_path / "packed").tiles()
    _, damaged = LocalSource(tmp_path / "packed").products("32UMA")
    assert [(name, "still packed" in str(e)) for name, e in damaged] == [(path.name, True)]
    assert LocalSource(tmp_path / "packed").products("30SUF") == ([], [])
    # Unpacked beside it, nothing is left to say.
    shutil.copytree(limburg, folder / limburg.name)
    products, damaged = LocalSource(tmp_path / "packed").products("32UMA")
    assert (len(products), damaged) == (1, [])


@pytest.mark.parametrize(
    ("place", "is_found"),
    [("32UMA", True), ("2023/06/15", True), ("a/b/c/d", False), (".hidden", False)],
)
def test_folders_are_searched_four_levels_deep(tmp_path, limburg, place, is_found):
    shutil.move(limburg, tmp_path / "all" / place / limburg.name)
    source = LocalSource(tmp_path / "all")
    if is_found:
        assert source.tiles() == ["32UMA"]
        return
    with pytest.raises(LandcoverError, match="up to 4 folders deep"):
        source.tiles()
