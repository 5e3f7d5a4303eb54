"""Blocks of a tile: the same ground on every grid, each pixel once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.nouns.grid import Grid, Window
from landcover.nouns.work_windows import Block, WorkWindows, whole_or_cut


def grid_of(pixel: float, side: int = 1098) -> Grid:
    width = -(-side * 10 // int(pixel))
    return Grid(crs="EPSG:32630", ulx=0, uly=0, pixel=pixel, width=width, height=width)


def windows_of(*blocks: tuple[int, int], alignment: int = 150, halo: int = 0) -> WorkWindows:
    found = tuple(Block(row=row, column=column) for row, column in sorted(blocks))
    return WorkWindows(alignment=alignment, pixel=10, blocks=found, halo=halo)


def painted(windows: list[Window], shape: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype]:
    times = np.zeros(shape, int)
    for window in windows:
        times[window.slices] += 1
    return times


def test_a_block_is_the_same_ground_on_every_grid() -> None:
    one = windows_of((1, 2))
    assert one.on(grid_of(10)) == [Window(150, 300, 150, 150)]
    assert one.on(grid_of(20)) == [Window(75, 150, 75, 75)]
    assert one.on(grid_of(60)) == [Window(25, 50, 25, 25)]
    # With a halo of a pixel of 10 m, coarse pixels that it touches count.
    assert one.widened(1).on(grid_of(60)) == [Window(24, 49, 27, 27)]
    assert one.widened(1).inner == one


def test_neighbours_become_one_window() -> None:
    assert windows_of((0, 0), (0, 1), (1, 0), (1, 1), halo=2).on(grid_of(10)) == [
        Window(0, 0, 302, 302)
    ]


def test_blocks_end_with_the_tile() -> None:
    assert windows_of((7, 7)).on(grid_of(10)) == [Window(1050, 1050, 48, 48)]
    assert windows_of((7, 7)).percent_of(grid_of(10)) == round(100 * 48**2 / 1098**2, 4)


def test_the_default_is_what_is_stored_whole() -> None:
    assert 1536 % 512 == 0
    assert 1536 * 10 / 60 == 256


_BLOCKS = st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=9)


@given(_BLOCKS, st.integers(0, 40), st.sampled_from([10, 20, 60]), st.integers(50, 400))
@settings(max_examples=60, deadline=None)
def test_each_pixel_comes_once(
    blocks: set[tuple[int, int]], halo: int, pixel: int, side: int
) -> None:
    grid, one = grid_of(pixel), windows_of(*blocks, halo=halo)
    expected = np.zeros(grid.shape, int)
    for row, column in blocks:
        first = [(10 * (150 * at - halo)) // pixel for at in (row, column)]
        last = [-(-10 * (150 * (at + 1) + halo) // pixel) for at in (row, column)]
        rows, columns = (slice(max(0, a), b) for a, b in zip(first, last, strict=True))
        expected[rows, columns] = 1
    np.testing.assert_array_equal(painted(one.on(grid), grid.shape), expected)
    plan = list(grid.windows(side, side + 7))
    cut = one.cut(plan, grid)
    np.testing.assert_array_equal(painted(cut, grid.shape), expected)
    # Nothing of a window of the plan comes before what lies above it.
    assert all(any(p.meet(part) == part for p in plan) for part in cut)
    for window in plan:
        assert one.touch(window, grid) == bool(expected[window.slices].any())


def test_without_blocks_all_windows_stay() -> None:
    plan = list(grid_of(10).windows(512, 512))
    assert whole_or_cut(plan, grid_of(10), None) == plan


def test_there_is_no_run_without_a_block() -> None:
    with pytest.raises(ValueError, match="blocks"):
        WorkWindows(alignment=1536, pixel=10, blocks=())
