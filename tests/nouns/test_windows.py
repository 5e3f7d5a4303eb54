"""The algebra of windows and grids, written once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landcover.nouns.grid import Grid, Window

SIDES = st.integers(1, 40)
PLACES = st.integers(-20, 40)
WINDOWS = st.builds(Window, PLACES, PLACES, SIDES, SIDES)


def pixels(window: Window) -> set[tuple[int, int]]:
    return {
        (row, column)
        for row in range(window.row, window.bottom)
        for column in range(window.column, window.right)
    }


@given(WINDOWS, WINDOWS)
def test_what_two_windows_have_in_common(one: Window, other: Window) -> None:
    common = one.meet(other)
    assert pixels(common) == pixels(one) & pixels(other)
    assert common.is_empty == (not pixels(one) & pixels(other))
    assert pixels(other.meet(one)) == pixels(common)


@given(WINDOWS, WINDOWS)
def test_within_counts_from_the_first_pixel_of_another(one: Window, outer: Window) -> None:
    moved = one.within(outer)
    assert moved.shifted(outer.row, outer.column) == one
    assert one.within(one) == Window.whole((one.height, one.width))


@given(WINDOWS, st.integers(0, 9), SIDES, SIDES)
def test_a_halo_ends_where_the_raster_does(
    window: Window, halo: int, rows: int, columns: int
) -> None:
    shape = (rows, columns)
    near = {
        (row + down, column + right)
        for row, column in pixels(window)
        for down in (-halo, 0, halo)
        for right in (-halo, 0, halo)
    }
    assert near <= pixels(window.padded(halo))
    inside = {(r, c) for r, c in pixels(window.padded(halo)) if 0 <= r < rows and 0 <= c < columns}
    assert pixels(window.widened(halo, shape)) == inside


@given(WINDOWS, st.integers(1, 6))
def test_coarse_pixels_cover_fine_ones(window: Window, ratio: int) -> None:
    coarse = window.coarsened(ratio)
    assert pixels(coarse) == {(row // ratio, column // ratio) for row, column in pixels(window)}
    assert window.meet(coarse.refined(ratio)) == window
    assert window.refined(ratio).coarsened(ratio) == window


@given(WINDOWS, st.integers(1, 15), st.integers(1, 15))
def test_pieces_cover_each_pixel_once(window: Window, rows: int, columns: int) -> None:
    pieces = list(window.pieces(rows, columns))
    assert all(piece.height <= rows and piece.width <= columns for piece in pieces)
    assert sum(len(pixels(piece)) for piece in pieces) == len(pixels(window))
    assert set().union(*map(pixels, pieces)) == pixels(window)


def test_slices_take_the_pixels_of_a_window() -> None:
    image = np.arange(48).reshape(6, 8)
    outer = Window(1, 2, 4, 5)
    inner = Window(2, 3, 2, 2)
    part = image[outer.slices]
    np.testing.assert_array_equal(part[inner.within(outer).slices], image[inner.slices])


def test_a_grid_is_cut_and_padded_where_its_pixels_are() -> None:
    grid = Grid(crs="EPSG:32630", ulx=300000, uly=4200000, pixel=20, width=50, height=40)
    part = grid.cut(Window(3, 5, 10, 12))
    assert part.centre_of(0, 0) == grid.centre_of(3, 5)
    assert part.shape == (10, 12)
    wide = grid.padded(4)
    assert wide.centre_of(4, 4) == grid.centre_of(0, 0)
    assert wide.bounds == pytest.approx((299920, 4199120, 301080, 4200080))
    assert wide.cut(Window(4, 4, 40, 50)) == grid
