"""Folders with a STAC item: the offset follows what was done to the pixels."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from landcover import api
from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.products.reading import is_product, read_product
from landcover.products.stac_item import find_item
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32633", ulx=499_980, uly=5_200_020, pixel=10, width=32, height=24)
PROPERTIES = {
    "datetime": "2023-08-15T09:57:57.246000Z",
    "created": "2023-08-15T21:19:47.562Z",
    "platform": "sentinel-2a",
    "grid:code": "MGRS-33TWM",
    "proj:epsg": 32633,
    "eo:cloud_cover": 0.2,
    "s2:nodata_pixel_percentage": 10.8,
    "s2:processing_baseline": "05.09",
    "s2:product_uri": "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T155057.SAFE",
    "s2:generation_time": "2023-08-15T15:50:57.000000Z",
    "view:sun_elevation": 54.0,
    "view:sun_azimuth": 152.0,
}
SAYS_OFFSET = {"scale": 1e-4, "offset": -0.1}
SAYS_NONE = {"scale": 1e-4, "offset": 0}
KEYS = {"blue": "B02", "red": "B04", "aot": "AOT", "scl": "SCL"}


def make(folder, *, numbers=2000, bands=None, without=(), **properties):
    """Write a folder with an item and small rasters."""
    folder.mkdir(exist_ok=True)
    assets = {}
    for key, layer in KEYS.items():
        pixels = np.full(GRID.shape, 4 if layer == "SCL" else numbers, np.uint16)
        pixels[0, 0] = 0
        pixels[0, 1] = pixels[0, 1] if layer == "SCL" else 65_535
        write_raster(folder / f"{layer}.tif", pixels, GRID, RasterStyle("uint16", 0))
        said = (bands or {}).get(layer)
        assets[key] = {
            "href": f"https://bucket/x/{layer}.tif",
            **({"raster:bands": [said]} if said else {}),
        }
    kept = {k: v for k, v in {**PROPERTIES, **properties}.items() if k not in without}
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "own-id", "properties": kept,
        "assets": {**assets, "nir": {"href": "B08.tif"}, "thumbnail": {"href": "t.jpg"}},
    }  # fmt: skip
    (folder / "item.json").write_text(json.dumps(item))
    return folder


# The real items


@pytest.fixture
def slovenia(data_dir):
    return data_dir / "s2-l2a-fulltile-120m"


def test_a_real_item(slovenia):
    product = read_product(slovenia / "S2A_33TWM_20230815_0_L2A")
    assert product.name == "S2A_MSIL2A_20230815T095031_N0509_R079_T33TWM_20230815T155057"
    assert (product.tile, product.spacecraft, product.baseline) == ("33TWM", "S2A", 509)
    assert product.datatake == datetime(2023, 8, 15, 9, 50, 31, tzinfo=UTC)
    assert product.generated == datetime(2023, 8, 15, 15, 50, 57, tzinfo=UTC)
    assert (product.relative_orbit, product.discriminator) == (79, "20230815T155057")
    assert (product.cloud_percent, product.nodata_percent) == (0.207328, 10.863982)
    assert product.sun_zenith == pytest.approx(90 - 54.95299919641)
    assert product.layers == ("B02", "B03", "B04", "B08", "SCL")
    # The provider took the offset off, whatever raster:bands repeats of -0.1.
    assert product.offset_decision == "provider"
    assert {file.offset for file in product.files} == {0}
    assert [file.scale for file in product.files] == [10_000] * 4 + [1]


def test_the_grid_comes_from_the_rasters_own_size_and_the_extent_of_the_item(slovenia):
    product = read_product(slovenia / "S2A_33TWM_20230815_0_L2A")
    place = Grid(crs="EPSG:32633", ulx=499_980, uly=5_200_020, pixel=120, width=915, height=915)
    assert {file.grid for file in product.files} == {place}
    (warning,) = product.warnings
    assert "915x915 px of 120" in warning
    assert "10980x10980 px of 10" in warning


def test_every_real_item_is_read(slovenia):
    products = [read_product(p) for p in sorted(slovenia.iterdir()) if p.is_dir()]
    assert [p.tile for p in products] == ["33TWL", "33TWL", "33TWM", "33TWM", "33TWL", "33TWM"]
    assert all(product.warnings for product in products)


def test_an_item_without_a_transform_is_refused_where_the_rasters_have_no_place(slovenia, tmp_path):
    source = slovenia / "S2A_33TWM_20230815_0_L2A"
    (item_path,) = source.glob("*.json")
    item = json.loads(item_path.read_text())
    for asset in item["assets"].values():
        asset.pop("proj:transform", None)
    (tmp_path / "item.json").write_text(json.dumps(item))
    shutil.copy(source / "B02.tif", tmp_path)
    with pytest.raises(InputError, match="has no georeference") as caught:
        read_product(tmp_path)
    assert "proj:transform" in str(caught.value)


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        ([10, 0, 499_980], [10, 10]),
        ([10, 0, 0, 0, -20, 0], [10, 10]),
        ([10, 0, 0, 0, -10, 0], [10]),
    ],
)
def test_an_item_with_a_senseless_place_is_refused(slovenia, tmp_path, transform, shape):
    (item_path,) = (slovenia / "S2A_33TWM_20230815_0_L2A").glob("*.json")
    item = json.loads(item_path.read_text())
    item["assets"]["blue"].update({"proj:transform": transform, "proj:shape": shape})
    (tmp_path / "item.json").write_text(json.dumps(item))
    shutil.copy(item_path.parent / "B02.tif", tmp_path)
    with pytest.raises(InputError, match=r"proj:transform|north-up"):
        read_product(tmp_path)


# Offsets


@pytest.mark.parametrize(
    ("changes", "offset", "decision"),
    [
        ({"earthsearch:boa_offset_applied": True}, 0, "provider"),
        ({"s2:processing_baseline": "03.01"}, 0, "metadata"),
        ({"earthsearch:boa_offset_applied": False, "s2:processing_baseline": "03.01"}, 0,
         "metadata"),
        # The item says "not applied": the dark end of the pixels decides.
        ({"earthsearch:boa_offset_applied": False, "numbers": 2000}, -1000, "sniffed"),
        ({"earthsearch:boa_offset_applied": False, "numbers": 900}, -1000, "sniffed"),
        ({"earthsearch:boa_offset_applied": False, "numbers": 899}, 0, "sniffed"),
        ({"earthsearch:boa_offset_applied": False, "numbers": 0}, -1000, "sniffed"),
        ({}, -1000, "baseline"),
        ({"bands": {"B02": SAYS_OFFSET, "B04": SAYS_OFFSET}}, -1000, "metadata"),
        ({"bands": {"B02": SAYS_NONE, "B04": SAYS_NONE}}, 0, "metadata"),
    ],
    ids=str,
)  # fmt: skip
def test_the_offset_and_how_it_was_decided(tmp_path, changes, offset, decision):
    product = read_product(make(tmp_path / "p", **changes))
    assert product.offset_decision == decision
    found = {file.layer: file.offset for file in product.files}
    assert found == {"B02": offset, "B04": offset, "AOT": 0, "SCL": 0}
    assert bool(product.warnings) is (decision in ("sniffed", "baseline"))


def test_each_band_has_its_own_offset(tmp_path):
    bands = {"B02": {"scale": 1e-4, "offset": -0.09}, "B04": {"scale": 1e-4, "offset": -0.1}}
    product = read_product(make(tmp_path / "p", bands=bands))
    assert (product.file("B02").offset, product.file("B04").offset) == (-900, -1000)


def test_a_band_that_says_nothing_gets_the_offset_of_its_baseline(tmp_path):
    bands = {"B02": {"scale": 1e-4, "offset": -0.1}, "AOT": {"scale": 1e-3, "offset": 0.0}}
    product = read_product(make(tmp_path / "p", bands=bands))
    assert product.offset_decision == "baseline"
    assert {f.layer: f.offset for f in product.files}["B04"] == -1000
    assert "assumed for B04" in product.warnings[0]


def test_a_sniffed_offset_says_what_was_seen(tmp_path):
    product = read_product(make(tmp_path / "p", **{"earthsearch:boa_offset_applied": False}))
    assert "B02 2000, B04 2000 DN, so -1000 is used" in product.warnings[0]


def test_reflectance_of_an_item(tmp_path):
    path = make(tmp_path / "p", numbers=1234, **{"earthsearch:boa_offset_applied": True})
    found = api.open_product(path).dataset().compute()
    assert np.isnan(found.B02[0, :2]).all()  # nodata and saturated
    assert found.B02[1, 1] == np.float32(0.1234)
    assert found.AOT[1, 1] == np.float32(1.234)
    assert found.SCL[1, 1] == 4


# Items that lack something


@pytest.mark.parametrize(
    "key",
    ["s2:processing_baseline", "grid:code", "platform", "eo:cloud_cover",
     "s2:nodata_pixel_percentage"],
)  # fmt: skip
@pytest.mark.parametrize("how", ["absent", "null"])
def test_a_lost_property_is_named(tmp_path, key, how):
    changes = {"without": [key]} if how == "absent" else {key: None}
    with pytest.raises(InputError, match=f"no property {key}"):
        read_product(make(tmp_path / "p", **changes))


@pytest.mark.parametrize(
    ("key", "value"),
    [("s2:processing_baseline", "new"), ("eo:cloud_cover", "cloudy"),
     ("s2:generation_time", "yesterday"), ("view:sun_azimuth", "south")],
)  # fmt: skip
def test_a_wrong_property_is_told(tmp_path, key, value):
    with pytest.raises(InputError) as caught:
        read_product(make(tmp_path / "p", **{key: value}))
    assert value in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("without", "generated"),
    [
        (["created"], datetime(2023, 8, 15, 15, 50, 57, tzinfo=UTC)),
        (["s2:generation_time"], datetime(2023, 8, 15, 21, 19, 47, 562_000, tzinfo=UTC)),
    ],
)
def test_the_generation_time_has_a_stand_in(tmp_path, without, generated):
    assert read_product(make(tmp_path / "p", without=without)).generated == generated


def test_without_the_name_of_the_delivery_the_item_names_the_product(tmp_path):
    product = read_product(make(tmp_path / "p", without=["s2:product_uri"]))
    assert (product.name, product.discriminator, product.relative_orbit) == ("own-id", "", 0)
    assert product.datatake == datetime(2023, 8, 15, 9, 57, 57, 246_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "document",
    [
        "[]", "{", "null", '{"type": "FeatureCollection", "features": []}',
        '{"type": "Collection", "stac_version": "1.0.0", "assets": {}}',
        '{"type": "Feature", "stac_version": "1.0.0", "assets": {}}',
        '{"type": "Feature", "properties": {}, "assets": {}}',
    ],
)  # fmt: skip
def test_other_json_is_no_item(tmp_path, document):
    (tmp_path / "a.json").write_text(document)
    assert find_item(tmp_path) is None
    assert not is_product(tmp_path)


def test_the_item_is_found_among_other_files(tmp_path):
    path = make(tmp_path / "p")
    (path / "a.json").write_text("[]")
    (path / "b.json").write_bytes(b"\xff\xfe")
    assert find_item(path) == path / "item.json"
    assert find_item(path / "item.json") is None
