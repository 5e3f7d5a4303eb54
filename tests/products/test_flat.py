"""Flat GeoTIFF products: what names, tags and the description tell, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from flat_deliveries import write_description, write_geotiff

from landcover.errors import InputError
from landcover.products.numbers import as_classes, as_numbers
from landcover.products.reading import is_product, read_product
from landcover.sources.local import LocalSource

NAME = "S2B_20180605T105031_T31UDS"


def flat(value: int, size: int = 12) -> np.ndarray:
    return np.full((size, size), value)


def scl(size: int = 12) -> np.ndarray:
    """A quarter cloud; of 144 pixels one in a dozen nodata."""
    codes = flat(4, size)
    codes[: size // 2, : size // 2] = 9
    codes[:, -1] = 0
    return codes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A product of three files: 10 m with described bands, 20 m, and SCL."""
    place = tmp_path / NAME
    write_geotiff(place / "10m.tif", [flat(1000, 24), flat(2000, 24)], ["B2", "blue_noise"])
    write_geotiff(place / "20m.tif", [flat(3), flat(4)], ["B8A", "b11"], pixel=20,
                  tags={"SUN_ZENITH": "41.5", "sun_azimuth": 155})  # fmt: skip
    write_geotiff(place / "x_SCL_20m.tif", [scl()], pixel=20, dtype="uint8")
    write_description(tmp_path, offset=-1000, baseline="05.09", sun_azimuth=1, view_zenith=5)
    return place


def test_a_folder_of_files(folder: Path) -> None:
    product = read_product(folder)
    assert (product.name, product.tile, product.spacecraft) == (NAME, "31UDS", "S2B")
    assert product.datatake == datetime(2018, 6, 5, 10, 50, 31, tzinfo=UTC)
    assert product.layers == ("B02", "B11", "B8A", "SCL")
    found = {f.layer: (f.band, f.offset, f.scale, f.grid.pixel) for f in product.files}
    assert found == {
        "B02": (1, -1000, 10_000, 10), "B11": (2, -1000, 10_000, 20),
        "B8A": (1, -1000, 10_000, 20), "SCL": (1, 0, 1, 20),
    }  # fmt: skip
    # Of 132 valid pixels 36 are cloud; a tag says more than the description of all products.
    assert (product.cloud_percent, product.nodata_percent) == (27.2727, 8.3333)
    assert (product.sun_zenith, product.sun_azimuth, product.view_zenith) == (41.5, 155, 5)
    assert (product.baseline, product.offset_decision) == (509, "given")
    assert product.warnings == ("bands that are no layers are not used: 10m.tif blue_noise.",)


@pytest.mark.parametrize("scaling", [(1.0, 0.0), (0.0001, -0.1)])
def test_a_file_of_a_southern_zone_with_an_order(
    tmp_path: Path, scaling: tuple[float, float]
) -> None:
    """Two products beside each other, int16 with a nodata of its own, dates as people write."""
    for day in ("2021-06-03", "2021-06-13"):
        write_geotiff(
            tmp_path / f"export_{day}.tif", [flat(-9999), flat(2500), scl()], tile="33LXH",
            dtype="int16", nodata=-9999, scaling=scaling, interleave="pixel",
        )  # fmt: skip
    own = {} if scaling != (1.0, 0.0) else {"offset": -1000}
    order = ["B04", None, "SCL"]
    write_description(tmp_path, product="file", tile="33LXH", bands=order, **own)
    write_description(tmp_path, "export_2021-06-13.yaml", sun_zenith=33.5, cloud_percent=7)
    source = LocalSource(tmp_path)
    assert source.tiles() == ["33LXH"]
    (first, second), damaged = source.products("33LXH")
    assert damaged == []
    assert first.datatake == datetime(2021, 6, 3, tzinfo=UTC)
    assert [(f.layer, f.band, f.offset, f.scale, f.nodata) for f in first.files] == [
        ("B04", 1, -1000, 10_000, -9999), ("SCL", 3, 0, 1, -9999)
    ]  # fmt: skip
    assert (first.sun_zenith, second.sun_zenith, second.cloud_percent) == (None, 33.5, 7)
    june = datetime(2021, 6, 10, tzinfo=UTC), datetime(2021, 7, 1, tzinfo=UTC)
    assert [f.name for f in source.search("33LXH", *june)] == ["export_2021-06-13"]
    found = source.search("33LXH", *june)[0]
    assert source.fetch(found, tmp_path) == tmp_path / "export_2021-06-13.tif"


def test_numbers_of_other_types(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "a_20210603.tif", [flat(5)], ["B04"], dtype="int16", nodata=-9999)
    write_description(tmp_path, product="file", tile="31UDS", offset=0)
    (file,) = read_product(tmp_path / "a_20210603.tif").files
    values = np.array([-9999, -20, 0, 1, 32767], np.int16)
    assert as_numbers(file, values).tolist() == [0, 1, 1, 1, 32767]
    undeclared = file.model_copy(update={"nodata": None})
    assert as_numbers(undeclared, values).tolist() == [0, 0, 0, 1, 32767]
    of_esa = file.model_copy(update={"band": None, "nodata": None})
    numbers = np.array([0, 7, 65535], np.uint16)
    assert as_numbers(of_esa, numbers) is numbers
    other = file.model_copy(update={"nodata": 65535})
    assert as_numbers(other, numbers).tolist() == [1, 7, 0]
    assert as_classes(file.model_copy(update={"nodata": 255}), numbers[:2]).tolist() == [0, 7]


def test_names_of_ones_own(tmp_path: Path) -> None:
    place = tmp_path / "T5QKB-20200101"
    write_geotiff(place / "a_nir.tif", [flat(5)], ["Band 1"])
    write_description(place, offset=0, names={"Band 1": "B08"}, tile="31UDS")
    assert read_product(place).layers == ("B08",)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "nothing says the radiometric offset"),
        ({"offset": 0, "bands": ["B02", "B99"]}, "'B99', which is no layer"),
        ({"offset": 0, "bands": ["B02", "B02"]}, "B02 is named by more than one band"),
        ({"offset": 0, "bands": ["B02", "B03", "B04"]}, r"2 bands, none named .* lists 3"),
        ({"offset": 0}, "no band is named as a layer"),
        ({"offset": 0, "bands": ["B02", "B03"], "ofset": 1}, r"ofset.*Extra inputs"),
        ({"offset": "none", "bands": ["B02", "B03"]}, r"offset.*integer"),
        ({"offset": 0, "bands": ["B02", "B03"], "tile": "33TWL"}, "lies in EPSG:32631, tile 33TWL"),
        ({"offset": 0, "bands": ["B02", "B03"], "tile": "31TDF"}, "lies outside tile 31TDF"),
        ({"offset": 0, "bands": ["B02", "B03"], "date": "june"}, "expected a date, found 'june'"),
        ({"offset": 0, "bands": ["B02", "B03"], "baseline": 5}, None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, said: dict[str, object], says: str | None) -> None:
    place = tmp_path / NAME
    write_geotiff(place / "a.tif", [flat(1), flat(2)])
    write_description(tmp_path, **({"bands": ["B02", "B03"]} if said == {} else said))
    if says is None:
        assert read_product(place).baseline == 500
        return
    with pytest.raises(InputError, match=says):
        read_product(place)
    damaged = LocalSource(tmp_path).products("31UDS")[1]
    assert [name for name, _ in damaged] in ([NAME], []), "told, never raised"


def test_other_files_are_told(tmp_path: Path) -> None:
    place = tmp_path / "31UDS_20180605"
    write_description(tmp_path, offset=0)
    write_geotiff(place / "B02.tif", [flat(1)], dtype="float32")
    with pytest.raises(InputError, match=r"float32, expected digital numbers.*gdal_translate"):
        read_product(place)
    write_geotiff(place / "B02.tif", [flat(1)])
    write_geotiff(place / "b2.tif", [flat(1)])
    with pytest.raises(InputError, match=r"B02 is there twice.*B02.tif.*b2.tif"):
        read_product(place)
    (place / "b2.tif").write_text("<VRTDataset/>")
    with pytest.raises(InputError, match=r"b2\.tif"):
        read_product(place)
    (place / "b2.tif").unlink()
    (tmp_path / "flat-products.yaml").write_text("offset: [0")
    with pytest.raises(InputError, match="not valid YAML"):
        read_product(place)


def test_a_folder_that_nobody_describes_is_none(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "31UDS_20180605" / "B02.tif", [flat(1)])
    assert not is_product(tmp_path / "31UDS_20180605")
    assert [*LocalSource(tmp_path).paths()] == []
