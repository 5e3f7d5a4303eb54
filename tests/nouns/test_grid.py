"""A grid knows where its pixels are, which grids nest in it, and how windows cover it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window

TILE = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=10, width=10_980, height=10_980)


def grid(**changes):
    return TILE.model_copy(update=changes)


def test_a_tile_in_numbers():
    assert TILE.shape == (10_980, 10_980)
    assert TILE.bounds == (300_000, 3_990_240, 409_800, 4_100_040)
    assert TILE.transform == (10, 0, 300_000, 0, -10, 4_100_040)
    assert TILE.centre_of(0, 0) == (300_005, 4_100_035)
    assert TILE.describe() == "EPSG:32630 10980x10980 px of 10 at (300000, 4100040)"


@pytest.mark.parametrize(
    ("x", "y", "pixel"),
    [
        (300_000, 4_100_040, (0, 0)),  # the western and northern edges belong to the pixel
        (300_010, 4_100_030, (1, 1)),  # the eastern and southern ones to the next
        (300_009.99, 4_100_030.01, (0, 0)),
        (409_799.9, 3_990_240.1, (10_979, 10_979)),
        (409_800, 3_990_240, (10_980, 10_980)),
        (299_999.9, 4_100_040.1, (-1, -1)),
    ],
)
def test_pixel_at(x, y, pixel):
    assert TILE.pixel_at(x, y) == pixel


@settings(deadline=None)
@given(
    row=st.integers(-5, 20_000),
    column=st.integers(-5, 20_000),
    pixel=st.sampled_from([10, 20, 60, 120, 30.0, 1 / 3600]),
)
def test_the_centre_of_a_pixel_is_in_it(row, column, pixel):
    place = grid(pixel=pixel)
    assert place.pixel_at(*place.centre_of(row, column)) == (row, column)


@pytest.mark.parametrize(
    ("fine", "coarse", "ratio"),
    [
        ((10, 10_980), (10, 10_980), 1),
        ((10, 10_980), (20, 5_490), 2),
        ((10, 10_980), (60, 1_830), 6),
        ((20, 5_490), (60, 1_830), 3),
        ((10, 64), (60, 11), 6),  # a piece whose size is no multiple of the coarse pixel
        ((120, 915), (120, 915), 1),
    ],
)
def test_nesting(fine, coarse, ratio):
    of = grid(pixel=coarse[0], width=coarse[1], height=coarse[1])
    assert of.ratio_to(grid(pixel=fine[0], width=fine[1], height=fine[1])) == ratio


@pytest.mark.parametrize(
    "coarse",
    [
        {"crs": "EPSG:32631"},
        {"ulx": 300_010},
        {"uly": 4_100_020},
        {"width": 5_491},
        {"height": 5_489},
        {"pixel": 30},  # not filling the same extent
        {"pixel": 25, "width": 4_392, "height": 4_392},  # ratio 2.5
        {"pixel": 5, "width": 21_960, "height": 21_960},  # finer than the "finer" one
    ],
    ids=str,
)
def test_what_does_not_nest_is_refused_with_both_places(coarse):
    other = grid(pixel=20, width=5_490, height=5_490).model_copy(update=coarse)
    with pytest.raises(InputError, match="do not nest") as caught:
        other.ratio_to(TILE)
    assert other.describe() in str(caught.value)
    assert TILE.describe() in str(caught.value)


def test_corners_one_metre_apart_look_different_in_a_message():
    assert grid(uly=5_900_020).describe() != grid(uly=5_900_021).describe()
    assert "5900020" in grid(uly=5_900_020).describe()


@settings(deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rows=st.integers(1, 50),
    columns=st.integers(1, 50),
)
def test_windows_cover_each_pixel_once(height, width, rows, columns):
    counts = np.zeros((height, width), int)
    for window in grid(width=width, height=height).windows(rows, columns):
        assert 1 <= window.height <= rows
        assert 1 <= window.width <= columns
        counts[window.slices] += 1
    assert (counts == 1).all()


def test_windows_come_row_by_row():
    found = list(grid(width=5, height=3).windows(2, 4))
    assert found == [Window(0, 0, 2, 4), Window(0, 4, 2, 1), Window(2, 0, 1, 4), Window(2, 4, 1, 1)]


@pytest.mark.parametrize(("rows", "columns"), [(0, 4), (4, 0), (-1, 4)])
def test_windows_without_size_are_refused(rows, columns):
    with pytest.raises(InputError, match="at least"):
        list(TILE.windows(rows, columns))


@pytest.mark.parametrize(
    "wrong",
    [{"pixel": 0}, {"pixel": -10}, {"width": 0}, {"height": -1}, {"ulx": float("nan")}],
    ids=str,
)
def test_a_grid_without_size_or_place_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Grid.from_document({**TILE.to_document(), **wrong})
