"""Pictures: right colours in the right amount, nodata visible, the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend
from landcover.publish.cartography import length_label, nice_length, percent_label
from landcover.publish.plots import count_codes, draw_map, draw_true_colour, stretch
from landcover.stores.rasters import RasterStyle, read_overview, write_raster

GRID = Grid(crs="EPSG:32631", ulx=501360, uly=5629680, pixel=10, width=60, height=40)


def share_of(path: Path, colour: str) -> float:
    """Share of a picture's pixels that have exactly this colour."""
    pixels = np.round(255 * imread(path)[..., :3]).astype(int)
    wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return float((pixels == wanted).all(axis=-1).mean())


def classes(nodata_rows: int = 0) -> np.ndarray:
    codes = np.full(GRID.shape, 7, np.uint8)
    codes[:, :15] = 1
    codes[:nodata_rows] = 0
    return codes


def test_a_map_shows_its_classes_in_their_shares(tmp_path: Path, legend: Legend) -> None:
    path = tmp_path / "map.png"
    draw_map(classes(), legend.classes, GRID, path, "Land cover, 2021", "zone 31N")
    crops, forest = share_of(path, "#F096FF"), share_of(path, "#007800")
    assert forest > 0.05
    # Three quarters against one, give or take the equal squares of the legend.
    assert crops / forest == pytest.approx(3, rel=0.05)
    assert share_of(path, "#0032C8") < 0.01  # in the legend only


def test_nodata_is_hatched_and_never_a_class(tmp_path: Path, legend: Legend) -> None:
    full, holed = tmp_path / "full.png", tmp_path / "holed.png"
    draw_map(classes(), legend.classes, GRID, full, "t")
    draw_map(classes(nodata_rows=20), legend.classes, GRID, holed, "t")
    assert share_of(full, "#F3F4F6") < 0.001
    assert share_of(holed, "#F3F4F6") > 0.05
    assert share_of(holed, "#F096FF") == pytest.approx(share_of(full, "#F096FF") / 2, rel=0.1)


@pytest.mark.parametrize("is_simulated", [False, True])
def test_the_same_map_gives_the_same_bytes(
    tmp_path: Path, legend: Legend, is_simulated: bool
) -> None:
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        draw_map(classes(5), legend.classes, GRID, path, "t", is_simulated=is_simulated)
    assert first.read_bytes() == second.read_bytes()
    assert b"matplotlib" not in first.read_bytes()


def test_a_simulated_map_is_stamped(tmp_path: Path, legend: Legend) -> None:
    plain, stamped = tmp_path / "plain.png", tmp_path / "stamped.png"
    draw_map(classes(), legend.classes, GRID, plain, "t")
    draw_map(classes(), legend.classes, GRID, stamped, "t", is_simulated=True)
    assert share_of(stamped, "#F096FF") < 0.97 * share_of(plain, "#F096FF")  # across the map
    assert share_of(stamped, "#D62728") > 0 == share_of(plain, "#D62728")  # and under the title


def test_a_map_without_a_reference_says_so_below_its_legend(tmp_path: Path, legend: Legend) -> None:
    plain, marked = tmp_path / "plain.png", tmp_path / "marked.png"
    draw_map(classes(), legend.classes, GRID, plain, "t")
    draw_map(classes(), legend.classes, GRID, marked, "t", is_validated=False)
    one, other = imread(plain), imread(marked)
    rows, columns = np.nonzero((one != other).any(axis=2))
    assert rows.size > 0
    assert rows.min() > one.shape[0] / 3
    assert columns.min() > one.shape[1] / 2


def test_a_code_without_a_name_is_refused(tmp_path: Path, legend: Legend) -> None:
    codes = classes()
    codes[0, 0] = 42
    with pytest.raises(InputError, match="42"):
        draw_map(codes, legend.classes, GRID, tmp_path / "map.png", "t")


@pytest.mark.parametrize("shape", [(300, 3000), (3000, 300), (4, 4)])
def test_any_shape_of_map_is_drawn_whole(
    tmp_path: Path, legend: Legend, shape: tuple[int, int]
) -> None:
    path = tmp_path / "map.png"
    grid = GRID.model_copy(update={"height": shape[0], "width": shape[1]})
    draw_map(np.full(shape, 1, np.uint8), legend.classes, grid, path, "A long title " * 8)
    assert share_of(path, "#007800") > 0.05
    assert max(imread(path).shape) < 2000


def test_true_colour_is_red_where_nothing_was_seen(tmp_path: Path) -> None:
    band = np.linspace(100, 2000, GRID.width * GRID.height).astype(np.int16).reshape(GRID.shape)
    holed = band.copy()
    holed[:20] = -32768
    whole, path = tmp_path / "whole.png", tmp_path / "holed.png"
    draw_true_colour(band, band, band, GRID, whole, "t")
    draw_true_colour(band, holed, band, GRID, path, "t")  # one band is enough
    assert share_of(whole, "#D62728") < 0.01  # the square in the legend
    assert share_of(path, "#D62728") > 0.1


def test_a_stretch_runs_from_black_to_white_and_leaves_nodata_out() -> None:
    bands = np.tile(np.arange(101, dtype=np.int16) * 10, (3, 1)).reshape(3, 1, 101)
    is_nodata = np.zeros((1, 101), bool)
    is_nodata[0, 100] = True
    light = stretch(bands, is_nodata)
    assert light[0, 0].tolist() == [0, 0, 0]
    assert light[0, 99].tolist() == [255, 255, 255]
    assert light[0, 100].tolist() == [0, 0, 0]
    assert (np.diff(light[0, :100, 0].astype(int)) >= 0).all()


def test_a_picture_without_any_clear_pixel_is_drawn(tmp_path: Path) -> None:
    empty = np.full(GRID.shape, -32768, np.int16)
    draw_true_colour(empty, empty, empty, GRID, tmp_path / "t.png", "t")
    assert share_of(tmp_path / "t.png", "#D62728") > 0.2


def test_a_large_raster_is_read_small(tmp_path: Path) -> None:
    grid = GRID.model_copy(update={"width": 1200, "height": 600})
    codes = np.full(grid.shape, 7, np.uint8)
    codes[::3] = 1  # a third of the rows: the mode is 7, the nearest row may be either
    codes[:, :300] = 0
    write_raster(tmp_path / "c.tif", codes, grid, RasterStyle("uint8", 0))
    small = read_overview(tmp_path / "c.tif", 300, resampling="mode")
    assert small.shape == (150, 300)
    assert count_codes(small) == {0: 75 * 150, 7: 225 * 150}
    assert set(np.unique(read_overview(tmp_path / "c.tif", 300))) <= {0, 1, 7}
    assert read_overview(tmp_path / "c.tif", 5000).shape == grid.shape
    with pytest.raises(InputError, match="longest side"):
        read_overview(tmp_path / "c.tif", 0)


def test_averages_pass_over_nodata(tmp_path: Path) -> None:
    grid = GRID.model_copy(update={"width": 512, "height": 512})
    values = np.full(grid.shape, 1000, np.int16)
    values[::2] = -32768
    write_raster(tmp_path / "b.tif", values, grid, RasterStyle("int16", -32768))
    small = read_overview(tmp_path / "b.tif", 256, resampling="average")
    assert np.unique(small).tolist() == [1000]


@pytest.mark.parametrize(
    ("metres", "nice", "label"),
    [
        (640, 500, "500 m"), (199.9, 100, "100 m"), (200, 200, "200 m"), (1000, 1000, "1 km"),
        (76_860, 50_000, "50 km"), (1_234_567, 1_000_000, "1,000 km"),
    ],
)  # fmt: skip
def test_scale_bars_have_round_lengths(metres: float, nice: float, label: str) -> None:
    assert nice_length(metres) == nice
    assert length_label(nice) == label


@pytest.mark.parametrize(
    ("percent", "label"), [(0, "–"), (0.04, "< 0.1 %"), (0.1, "0.1 %"), (71.77, "71.8 %")]
)
def test_what_is_there_never_reads_as_nothing(percent: float, label: str) -> None:
    assert percent_label(percent) == label
