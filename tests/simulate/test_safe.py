"""The products: metadata, radiometry, files, and what a selection of products will meet."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from landcover.simulate import SimulatedRegion
from landcover.simulate.files import Canvas
from landcover.simulate.product_xml import BAND_IDS, SCL_SHARES
from landcover.simulate.safe import digital_numbers
from landcover.simulate.site import place_sites

from .conftest import Safe

NAME = re.compile(
    r"^S2[AB]_MSIL2A_\d{8}T\d{6}_N\d{4}_R\d{3}_T\d{2}[C-HJ-NP-X][A-HJ-NP-Z]{2}_\d{8}T\d{6}\.SAFE$"
)
LAYERS = {
    10: {"B02", "B03", "B04", "B08", "AOT", "WVP"},
    20: {"B05", "B06", "B07", "B8A", "B11", "B12", "SCL"},
    60: {"B01", "B09"},
}


def test_names_and_metadata_say_the_same(safes: list[Safe]) -> None:
    for safe in safes:
        name = safe.path.name
        assert NAME.match(name)
        assert safe.text("PRODUCT_URI") == name
        assert safe.text("PROCESSING_BASELINE").replace(".", "") == safe.baseline[1:]
        assert safe.text("SPACECRAFT_NAME") == f"Sentinel-{name[1:3]}"
        assert int(safe.text("SENSING_ORBIT_NUMBER")) == int(name.split("_")[4][1:])
        start = re.sub("[-:]", "", safe.text("DATATAKE_SENSING_START"))[:15]
        assert start == name.split("_")[2]
        generated = re.sub("[-:]", "", safe.text("GENERATION_TIME"))[:15]
        assert generated == name.split("_")[6].removesuffix(".SAFE")
        (tile_id,) = safe.granule_xml.iter("TILE_ID")
        assert f"_T{safe.tile}_" in (tile_id.text or "")
        (sensed,) = safe.granule_xml.iter("SENSING_TIME")
        assert (sensed.text or "") > safe.text("DATATAKE_SENSING_START")


def test_scales_offsets_and_special_values(safes: list[Safe]) -> None:
    for safe in safes:
        assert float(safe.text("BOA_QUANTIFICATION_VALUE")) == 10_000
        assert float(safe.text("AOT_QUANTIFICATION_VALUE")) == 1_000
        assert float(safe.text("WVP_QUANTIFICATION_VALUE")) == 1_000
        special = {
            next(value.iter("SPECIAL_VALUE_TEXT")).text: next(
                value.iter("SPECIAL_VALUE_INDEX")
            ).text
            for value in safe.product_xml.iter("Special_Values")
        }
        assert special == {"NODATA": "0", "SATURATED": "65535"}
        offsets = {
            element.get("band_id"): element.text
            for element in safe.product_xml.iter("BOA_ADD_OFFSET")
        }
        carries = safe.baseline >= "N0400"
        expected = {str(number): "-1000" for number in range(len(BAND_IDS))} if carries else {}
        assert offsets == expected


def test_files_listed_are_files_written_on_nesting_grids(
    region: SimulatedRegion, safes: list[Safe]
) -> None:
    windows = place_sites(region.tiles, 240)[0].windows
    for safe in safes:
        assert set(safe.path.rglob("*.jp2")) == set(safe.images.values())
        for resolution, layers in LAYERS.items():
            for layer in layers:
                image = safe.images[layer]
                assert image.parent.name == f"R{resolution}m"
                with rasterio.open(image) as raster:
                    assert raster.driver == "JP2OpenJPEG"
                    assert raster.dtypes[0] == ("uint8" if layer == "SCL" else "uint16")
                    assert raster.shape == (2400 // resolution, 2400 // resolution)
                    assert raster.crs.to_epsg() == 32630
                    assert raster.transform.a == resolution
                    corner = (windows[safe.tile].ulx, windows[safe.tile].uly)
                    assert (raster.transform.c, raster.transform.f) == corner
    assert {len(safe.images) for safe in safes} == {sum(map(len, LAYERS.values()))}


def test_granule_metadata_place_the_window(region: SimulatedRegion, safes: list[Safe]) -> None:
    windows = place_sites(region.tiles, 240)[0].windows
    for safe in safes:
        (code,) = safe.granule_xml.iter("HORIZONTAL_CS_CODE")
        assert code.text == "EPSG:32630"
        for position in safe.granule_xml.iter("Geoposition"):
            found = {child.tag: float(child.text or "") for child in position}
            window, pixel = windows[safe.tile], float(position.get("resolution", ""))
            assert found == {"ULX": window.ulx, "ULY": window.uly, "XDIM": pixel, "YDIM": -pixel}
        sizes = {
            size.get("resolution"): [child.text for child in size]
            for size in safe.granule_xml.iter("Size")
        }
        assert sizes == {"10": ["240", "240"], "20": ["120", "120"], "60": ["40", "40"]}


def test_sun_angles_of_mean_and_grid_agree(safes: list[Safe]) -> None:
    for safe in safes:
        (mean,) = safe.granule_xml.iter("Mean_Sun_Angle")
        (grid,) = safe.granule_xml.iter("Sun_Angles_Grid")
        for angle, name in (("ZENITH_ANGLE", "Zenith"), ("AZIMUTH_ANGLE", "Azimuth")):
            (field,) = grid.iter(name)
            rows = np.array([(row.text or "").split() for row in field.iter("VALUES")], dtype=float)
            assert rows.shape == (23, 23)
            # The window lies at the upper-left node of its own grid.
            assert rows[0, 0] == pytest.approx(float(mean.findtext(angle, "")), abs=0.1)
            assert 0.5 < np.ptp(rows) < 5.0
    zenith = {safe.month: float(safe.granule_xml.findtext(".//ZENITH_ANGLE", "")) for safe in safes}
    assert zenith[6] < zenith[4] < zenith[3] < zenith[11]


def test_percentages_are_those_of_the_scene_classification(safes: list[Safe]) -> None:
    for safe in safes:
        counts = np.bincount(safe.numbers("SCL").ravel(), minlength=12)
        valid = counts[1:].sum()
        assert safe.nodata == pytest.approx(100 * counts[0] / counts.sum(), abs=1e-6)
        assert safe.cloud == pytest.approx(100 * counts[8:11].sum() / valid, abs=1e-6)
        for name, code in SCL_SHARES.items():
            assert float(safe.text(name)) == pytest.approx(100 * counts[code] / valid, abs=1e-6)
            (again,) = safe.granule_xml.iter(name)
            assert again.text == safe.text(name)
        assert sum(float(safe.text(name)) for name in SCL_SHARES) == pytest.approx(100, abs=1e-4)
        (of_tile,) = safe.granule_xml.iter("CLOUDY_PIXEL_PERCENTAGE")
        assert float(of_tile.text or "") == safe.cloud


def test_nodata_is_the_same_ground_in_all_layers(safes: list[Safe]) -> None:
    for safe in safes:
        outside = safe.numbers("SCL") == 0
        fine = outside.repeat(2, axis=0).repeat(2, axis=1)
        for layer in ("B02", "B08", "AOT", "WVP"):
            assert np.array_equal(safe.numbers(layer) == 0, fine)
        assert np.array_equal(safe.numbers("B11") == 0, outside)
        coarse = outside.reshape(40, 3, 40, 3).any(axis=(1, 3))
        assert np.array_equal(safe.numbers("B09") == 0, coarse)
        assert safe.numbers("B02").max() < 32_768


def test_footprint_goes_around_the_valid_pixels(safes: list[Safe]) -> None:
    to_metres = Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    for safe in safes:
        numbers = np.array(safe.text("EXT_POS_LIST").split(), dtype=float).reshape(-1, 2)
        assert np.array_equal(numbers[0], numbers[-1])
        x, y = to_metres.transform(numbers[:, 1], numbers[:, 0])
        area = abs(np.dot(x[1:], y[:-1]) - np.dot(x[:-1], y[1:])) / 2
        assert area / 2400**2 == pytest.approx(1 - safe.nodata / 100, abs=0.02)


def test_jp2_is_lossless(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).integers(0, 32_768, (90, 66), dtype=np.uint16)
    place = (10.0, 0.0, 6e5, 0.0, -10.0, 4e6)
    with Canvas(tmp_path / "x.jp2", numbers.shape, numbers.dtype, "EPSG:32630", place) as canvas:
        canvas.write(numbers, 0, 0)
        canvas.encode()
    with rasterio.open(tmp_path / "x.jp2") as image:
        assert np.array_equal(image.read(1), numbers)
        assert image.transform.f == 4e6


@pytest.mark.parametrize(
    ("reflectance", "is_nodata", "offset", "number"),
    [
        (0.1234, False, 0, 1234),
        (0.1234, False, -1000, 2234),
        (-0.005, False, -1000, 950),
        (-0.005, False, 0, 1),
        (0.1234, True, -1000, 0),
        (9.0, False, -1000, 32_767),
    ],
)
def test_digital_numbers(reflectance: float, is_nodata: bool, offset: int, number: int) -> None:
    field, outside = np.full((1, 1), reflectance, np.float32), np.full((1, 1), is_nodata)
    assert digital_numbers(field, outside, offset)[0, 0] == number


def test_three_baselines_two_spacecraft_and_one_odd_name(safes: list[Safe]) -> None:
    baselines = [safe.baseline for safe in safes]
    assert baselines.count("N0212") == 1
    assert baselines.count("N0400") == 1
    assert set(baselines) == {"N0212", "N0400", "N0509"}
    assert {safe.path.name[:3] for safe in safes} == {"S2A", "S2B"}
    assert sum((safe.path / "MTD_MSIL2a.xml").is_file() for safe in safes) == 1


def test_every_tile_and_season_asks_something_of_the_selection(safes: list[Safe]) -> None:
    for tile in ("30SUF", "30SVF"):
        of_tile = [safe for safe in safes if safe.tile == tile]
        for primary, fallback in ((3, 4), (6, 7), (11, 10)):
            month = [safe for safe in of_tile if safe.month == primary]
            usable = [safe for safe in month if safe.cloud <= 20]
            full = [safe for safe in usable if safe.nodata <= 10]
            more = [safe for safe in of_tile if safe.month == fallback and safe.cloud <= 20]
            assert len(month) == 3
            assert len(usable) < 3
            assert len(full) + len(more) >= 2
            if primary == 11:
                assert len(full) == 1
    wedges = {(safe.month, safe.tile): safe.nodata for safe in safes if safe.nodata}
    assert set(wedges) == {(3, "30SUF"), (6, "30SVF"), (11, "30SUF")}
    assert wedges[3, "30SUF"] > 10 > wedges[6, "30SVF"]
