"""The second level on the page: files, areas, and one picture of both levels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish.page import MapView
from landcover.publish.second_level import _both_levels, _rows, write_second
from landcover.publish.zone_files import Cell, write_cell
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=40, height=20)


def entry(code: int, name: str, colour: str) -> LegendClass:
    return LegendClass(code=code, name=name, colour=colour, title=name.title())


LEGEND = (entry(1, "forest", "#007800"), entry(7, "cropland", "#F096FF"))
# The code 7 is cropland on the first level and pine on the second.
SECOND = {1: (entry(7, "pine", "#003000"), entry(12, "oak", "#90A000"))}


def cell_in(folder: Path, second: np.ndarray | None) -> Cell:
    classes = np.full(GRID.shape, 1, np.uint8)
    classes[:, 30:] = 7
    classes[0] = 0
    write_raster(folder / "classification.tif", classes, GRID, RasterStyle("uint8", 0))
    full = np.full(GRID.shape, 200, np.uint8)
    write_raster(folder / "confidence.tif", full, GRID, RasterStyle("uint8", 255))
    if second is not None:
        colours = {7: (0, 0x30, 0, 255), 12: (0x90, 0xA0, 0, 255), 0: (0, 0, 0, 0)}
        style = RasterStyle("uint8", 0, ("land cover class of the second level",), colours=colours)
        write_raster(folder / "classification2.tif", second, GRID, style)
    return Cell(
        cell="32631", folder=str(folder), tiles=("31UDS",), mapped=("31UDS",),
        period="2021-spring", dates=(),
    )  # fmt: skip


def second_layer() -> np.ndarray:
    second = np.zeros(GRID.shape, np.uint8)
    second[1:, :10] = 7
    second[1:, 10:25] = 12
    return second


def views(folder: Path, out: Path, second: np.ndarray | None) -> tuple[MapView, MapView]:
    cell, tags = cell_in(folder, second), {"title": "Map, 2021"}
    view = write_cell(out, cell, LEGEND, tags, title="Map", is_simulated=False)
    return view, write_second(
        out, cell, view, LEGEND, SECOND, tags, title="Map", is_simulated=False
    )


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("mosaic", "report"):
        (tmp_path / name).mkdir()
    return tmp_path / "mosaic", tmp_path / "report"


def test_files_and_areas(folders: tuple[Path, Path]) -> None:
    _, view = views(*folders, second_layer())
    (forest,) = view.second
    assert (forest.code, forest.title, forest.pixels) == (1, "Forest", 19 * 30)
    assert [(a.code, a.pixels, a.hectares, a.percent) for a in forest.areas] == [
        (7, 190, 1.9, 40.0), (12, 285, 2.85, 60.0),
    ]  # fmt: skip
    assert forest.undivided == 19 * 5
    out = folders[1]
    assert view.second_picture == "second_32631.png"
    assert (out / "second_32631.png").stat().st_size > 10_000
    with rasterio.open(out / "second_32631.tif") as raster:
        assert raster.tags()["title"] == "Map, 2021, second level"
        assert raster.tags(1)["class_7"] == "pine"
        assert raster.colormap(1)[12] == (0x90, 0xA0, 0, 255)
        np.testing.assert_array_equal(raster.read(1), second_layer())
    assert 'value="12" label="Oak" color="#90a000"' in (out / "second_32631.qml").read_text()
    assert (out / "second_32631_colours.txt").read_text().splitlines()[1] == "7,0,48,0,255,Pine"


def test_codes_of_both_levels_are_not_mixed_up(folders: tuple[Path, Path]) -> None:
    _, view = views(*folders, second_layer())
    rows = list(_rows(LEGEND, SECOND, view, view.second))
    assert [(row.title, row.pixels) for row in rows] == [
        ("Pine", 190), ("Oak", 285), ("Forest, undivided", 95), ("Cropland", 190),
    ]  # fmt: skip
    drawn = _both_levels(folders[1], "32631", rows)
    assert [int(drawn[5, x]) for x in (0, 10, 25, 30)] == [1, 2, 3, 4]
    assert not drawn[0].any()


def test_a_picture_has_no_hole_where_all_is_divided(folders: tuple[Path, Path]) -> None:
    second = second_layer()
    second[1:, 25:30] = 12
    _, view = views(*folders, second)
    rows = list(_rows(LEGEND, SECOND, view, view.second))
    assert [row.title for row in rows] == ["Pine", "Oak", "Cropland"]
    # As in an overview whose commonest code is of another part of the pixel.
    second[1, 0] = 0
    write_raster(folders[1] / "second_32631.tif", second, GRID, RasterStyle("uint8", 0))
    assert _both_levels(folders[1], "32631", rows)[1, 0] == 2


def test_one_level_changes_nothing(folders: tuple[Path, Path]) -> None:
    before, after = views(*folders, None)
    assert before == after
    assert not list(folders[1].glob("second*"))
    assert json.dumps(after.model_dump(mode="json")["second"]) == "[]"
