"""The GeoTIFFs that people get: COG layout, names and colours inside, nodata everywhere."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend
from landcover.publish.page import Page
from landcover.publish.zone_files import Cell, _without_margins, count_codes, write_cell
from landcover.stores.rasters import write_cog

COLOURS = {1: (0, 120, 0, 255), 7: (240, 150, 255, 255), 9: (0, 50, 200, 255)}


def test_the_map_is_a_cog_with_colours_and_names(report: tuple[Path, Page]) -> None:
    path = report[0] / "map_32631.tif"
    with rasterio.open(path) as raster:
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert raster.block_shapes == [(512, 512)]
        assert raster.overviews(1) == [2, 4]  # until below 512 px
        assert raster.nodata == 0
        assert raster.crs.to_epsg() == 32631
        assert raster.descriptions == ("land cover class",)
        assert raster.compression.name == "deflate"
        assert raster.tags()["title"] == "Land cover <test>, 2021"
        assert raster.tags()["AREA_OR_POINT"] == "Area"
        assert {code: raster.colormap(1)[code] for code in COLOURS} == COLOURS
    names = ElementTree.parse(f"{path}.aux.xml").getroot()
    listed = [e.text or "" for e in names.iterfind(".//CategoryNames/Category")]
    assert listed[:2] == ["nodata", "closedForest"]
    assert (listed[7], listed[9]) == ("cropland", "permanentWater")
    rows = [[f.text for f in r] for r in names.iterfind(".//GDALRasterAttributeTable/Row")]
    assert ["7", "cropland", "240", "150", "255"] in rows


def test_overviews_invent_no_class_and_keep_nodata_and_colours(
    report: tuple[Path, Page],
) -> None:
    path = report[0] / "map_32631.tif"
    with rasterio.open(path) as raster:
        full = raster.read(1)
    with rasterio.open(path, overview_level=0) as raster:
        half = raster.read(1)
        assert raster.nodata == 0
        assert raster.colormap(1)[7] == COLOURS[7]
    blocks = full.reshape(650, 2, 550, 2).swapaxes(1, 2).reshape(650, 550, 4)
    counts = np.stack([(blocks == code).sum(axis=-1) for code in range(10)], axis=-1)
    counts[..., 0] = 0  # nodata has no vote
    is_empty = counts.sum(axis=-1) == 0
    assert (half[is_empty] == 0).all()
    chosen = np.take_along_axis(counts, half[..., None].astype(int), axis=-1)[..., 0]
    assert (chosen[~is_empty] == counts.max(axis=-1)[~is_empty]).all()


def test_confidence_keeps_its_scale_and_averages_what_is_there(
    report: tuple[Path, Page],
) -> None:
    path = report[0] / "confidence_32631.tif"
    with rasterio.open(path, overview_level=1) as raster:
        assert np.unique(raster.read(1)).tolist() == [127, 255]
    with rasterio.open(path) as raster:
        assert (raster.nodata, raster.overviews(1)) == (255, [2, 4])
        assert raster.scales[0] == pytest.approx(1 / 254)


def test_the_source_of_a_cog_keeps_its_bytes(mosaic: Path, tmp_path: Path) -> None:
    source = mosaic / "classification.tif"
    before = source.read_bytes()
    write_cog(source, tmp_path / "a.tif", resampling="MODE", tags={"title": "x"})
    write_cog(source, tmp_path / "b.tif", resampling="MODE", tags={"title": "x"})
    assert source.read_bytes() == before
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix != ".xml") == ["a.tif", "b.tif"]


def test_a_cog_of_nothing_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such raster"):
        write_cog(tmp_path / "none.tif", tmp_path / "a.tif", resampling="MODE", tags={})


def test_areas_follow_from_the_pixels(report: tuple[Path, Page], mosaic: Path) -> None:
    view = report[1].views[0]
    pixels, hectares = count_codes(mosaic / "classification.tif")
    assert sum(pixels.values()) == 1100 * 1300
    assert view.nodata_percent == pytest.approx(10)
    water = next(area for area in view.areas if area.name == "permanentWater")
    assert water.pixels == 990 * 300
    assert water.hectares == pytest.approx(2970)
    water_code = next(code for code, count in pixels.items() if count == water.pixels)
    assert hectares[water_code] == pytest.approx(2970)
    assert sum(area.percent for area in view.areas) == pytest.approx(100, abs=1e-3)


def test_a_zone_without_a_map_shows_its_composite_only(
    cell: Cell, legend: Legend, tmp_path: Path
) -> None:
    bare = cell.model_copy(update={"mapped": ()})
    view = write_cell(tmp_path, bare, legend.classes, {}, title="t", is_simulated=False)
    assert (view.map_picture, view.areas) == (None, ())
    assert [p.name for p in tmp_path.iterdir()] == ["true_colour_32631.png"]


def test_a_cell_of_a_zone_is_not_red_beyond_its_tiles() -> None:
    grid = Grid(crs="EPSG:32630", ulx=7e5, uly=4.4e6, pixel=10, width=10_000, height=10_000)
    bands = [np.full((1_600, 1_600), -32768, np.int16) for _ in range(3)]
    bands[0][400:500, 800:1_000] = 100
    bands[2][420:520, 800:1_000] = 100
    cut, part = _without_margins(bands, grid)
    assert [band.shape for band in cut] == [(120, 200)] * 3
    # 6.25 pixels of the cell in one of the picture.
    assert part.bounds == (7e5 + 50_000, 4.4e6 - 32_500, 7e5 + 62_500, 4.4e6 - 25_000)
    assert part.pixel == 10
    empty = [np.full((4, 4), -32768, np.int16)] * 3
    assert _without_margins(empty, grid)[1] == grid
