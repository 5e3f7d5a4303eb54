"""Tiles in the layout of AWS, made of a real SAFE folder."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from landcover.errors import InputError
from landcover.products.reading import is_product, read_product
from landcover.sources.local import LocalSource


@pytest.fixture
def limburg(data_dir):
    (product,) = (data_dir / "safe-mini" / "32UMA_limburg").iterdir()
    return product


@pytest.fixture
def tile(limburg, tmp_path):
    """Lay a SAFE folder out as AWS does: ``32/U/MA/2023/6/15/0/R10m/B02.jp2``."""
    folder = tmp_path / "32" / "U" / "MA" / "0"
    for image in limburg.glob("GRANULE/*/IMG_DATA/R*m/*.jp2"):
        layer = re.search(r"_(B\d[\dA]|AOT|WVP|SCL)_", image.name)[1]
        (folder / image.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder / image.parent.name / f"{layer}.jp2")
    shutil.copy(next(limburg.glob("GRANULE/*/MTD_TL.xml")), folder / "metadata.xml")
    write(folder, productName=limburg.name.removesuffix(".SAFE"), dataCoveragePercentage=100.0,
          cloudyPixelPercentage=1.5)  # fmt: skip
    return folder


def write(folder, **info):
    (folder / "tileInfo.json").write_text(json.dumps(info))


def test_it_is_the_product_of_the_safe_folder(tile, limburg):
    here, safe = read_product(tile), read_product(limburg)
    for field in ("name", "tile", "spacecraft", "datatake", "baseline", "relative_orbit",
                  "sun_zenith", "sun_azimuth", "discriminator"):  # fmt: skip
        first, second = (getattr(product, field) for product in (here, safe))
        assert first == (second.replace(microsecond=0) if field == "datatake" else second), field
    same = {"href", "grid"}
    assert [f.model_dump(exclude=same) for f in here.files] == [
        f.model_dump(exclude=same) for f in safe.files
    ]
    assert [f.grid for f in here.files] == [f.grid for f in safe.files]
    assert (here.cloud_percent, here.nodata_percent) == (1.5, 0)
    assert here.offset_decision == "baseline"
    assert "-1000 is assumed" in here.warnings[0]


def test_it_is_found_by_tile(tile, tmp_path):
    products, damaged = LocalSource(tmp_path).products("32UMA")
    assert ([p.path for p in products], damaged) == ([str(tile)], [])


def test_an_older_baseline_has_no_offset(tile):
    name = "S2A_MSIL2A_20210304T105901_N0214_R094_T32UMA_20210304T134515"
    write(tile, productName=name, dataCoveragePercentage=90, cloudyPixelPercentage=0)
    product = read_product(tile)
    assert {f.offset for f in product.files} == {0}
    assert (product.nodata_percent, product.warnings) == (10, ())


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({}, "names a Level-2A product, found ''"),
        ({"productName": "S2A_MSIL1C_20210304T105901_N0214_R094_T32UMA_20210304T134515"},
         "names a Level-2A product"),
        ({"cloudyPixelPercentage": "low"}, "cloudyPixelPercentage: expected 0 to 100"),
        ({"dataCoveragePercentage": -1}, "dataCoveragePercentage: expected 0 to 100"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tile, limburg, info, says):
    known = {"productName": limburg.name, "dataCoveragePercentage": 1, "cloudyPixelPercentage": 1}
    write(tile, **({} if info == {} else {**known, **info}))
    with pytest.raises(InputError, match=says):
        read_product(tile)


def test_a_name_beside_it_will_do(tile, limburg):
    write(tile, dataCoveragePercentage=100, cloudyPixelPercentage=0)
    (tile / "productInfo.json").write_text(json.dumps({"name": limburg.name}))
    assert read_product(tile).name == limburg.name.removesuffix(".SAFE")


def test_other_folders_are_no_tiles(tmp_path):
    (tmp_path / "tileInfo.json").write_text("{}")
    assert not is_product(tmp_path)
