"""Tiles on one lattice: margins, owners, and joining without mixing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.raster.mosaic import (
    blend_primary,
    deepest_valid,
    lattice_union,
    margin_to_edge,
    overlap_of,
    paste,
    primary_owner,
    take_from_owner,
)

UTM30 = "EPSG:32630"


def tile(row: int, column: int, height: int = 6, width: int = 6, pixel: float = 10.0) -> Grid:
    """A tile whose corner lies so many pixels down and right of (300000, 4100040)."""
    return Grid(
        crs=UTM30,
        ulx=300_000 + column * pixel,
        uly=4_100_040 - row * pixel,
        pixel=pixel,
        width=width,
        height=height,
    )


def whole(grid: Grid) -> Window:
    return Window(0, 0, grid.height, grid.width)


def join(maps: list[np.ndarray], grids: list[Grid], target: Grid, window: Window) -> np.ndarray:
    """Do what a mosaic does with the helpers, nodata 0."""
    values = []
    for tile_map, grid in zip(maps, grids, strict=True):
        overlap = overlap_of(grid, target, window)
        shape = window.height, window.width
        empty = Window(0, 0, 0, 0)
        part, at = (
            (tile_map[overlap.source.slices], overlap.target)
            if overlap
            else (tile_map[:0, :0], empty)
        )
        values.append(paste(part, at, shape, 0))
    return blend_primary(values, [margin_to_edge(grid, window, target) for grid in grids], 0)


def test_margin_to_edge() -> None:
    grid = tile(1, 1, 4, 5)
    margin = margin_to_edge(grid, Window(0, 0, 6, 7), tile(0, 0, 6, 7))
    assert margin.dtype == np.float32
    assert margin.tolist() == [
        [-5, -5, -5, -5, -5, -5, -5],
        [-5, 5, 5, 5, 5, 5, -5],
        [-5, 5, 15, 15, 15, 5, -5],
        [-5, 5, 15, 15, 15, 5, -5],
        [-5, 5, 5, 5, 5, 5, -5],
        [-5, -5, -5, -5, -5, -5, -5],
    ]


def test_a_full_tile_has_its_greatest_margin_in_the_middle() -> None:
    grid = tile(0, 0, 10980, 10980)
    margin = margin_to_edge(grid, Window(5489, 5488, 2, 4), grid)
    assert margin.tolist() == [[54885, 54895, 54895, 54885]] * 2


def test_two_neighbours_share_their_overlap_in_halves() -> None:
    grids = [tile(0, 0, 6, 10), tile(0, 6, 6, 10)]
    owner = primary_owner(grids, tile(0, 0, 6, 18), Window(2, 0, 2, 18))
    assert owner.dtype == np.int16
    # Columns 6-9 are common; columns 16 and 17 belong to nobody.
    assert owner[0].tolist() == [0] * 8 + [1] * 8 + [-1] * 2


def test_ties_take_the_lower_index() -> None:
    grids = [tile(0, 0, 9, 9), tile(0, 2, 9, 9)]
    target = lattice_union(grids)
    owner = primary_owner(grids, target, whole(target))
    assert owner[4, 5] == 0  # column 5 lies 3.5 px inside both
    swapped = primary_owner(grids[::-1], target, whole(target))
    assert swapped[4, 5] == 0
    margins = [margin_to_edge(grid, whole(target), target) for grid in grids]
    is_tie = margins[0] == margins[1]
    np.testing.assert_array_equal(owner[~is_tie], 1 - swapped[~is_tie])


def test_no_owner_has_less_margin_than_another_tile() -> None:
    grids = [tile(0, 0), tile(1, 4), tile(4, 1), tile(5, 5, 3, 8)]
    target = lattice_union(grids)
    owner = primary_owner(grids, target, whole(target))
    margins = np.stack([margin_to_edge(grid, whole(target), target) for grid in grids])
    deepest = margins.max(axis=0)
    is_covered = deepest > 0
    np.testing.assert_array_equal(owner == -1, ~is_covered)
    chosen = np.take_along_axis(margins, owner[np.newaxis].clip(0), axis=0)[0]
    np.testing.assert_array_equal(chosen[is_covered], deepest[is_covered])


def test_lattice_union() -> None:
    union = lattice_union([tile(3, 4, 5, 6), tile(0, 7, 2, 2)])
    assert union == tile(0, 4, 8, 6)
    assert lattice_union([tile(3, 4)]) == tile(3, 4)


@pytest.mark.parametrize(
    "change", [{"crs": "EPSG:32631"}, {"pixel": 20.0}, {"ulx": 300_005.0}, {"uly": 4_100_037.5}]
)
def test_another_lattice_is_named(change: dict[str, float | str]) -> None:
    other = tile(0, 0).model_copy(update=change)
    with pytest.raises(InputError, match="do not lie on one lattice") as error:
        lattice_union([tile(0, 0), other])
    assert tile(0, 0).describe() in str(error.value)
    assert other.describe() in str(error.value)
    with pytest.raises(InputError, match="do not lie on one lattice"):
        primary_owner([other], tile(0, 0), Window(0, 0, 2, 2))


@pytest.mark.parametrize(
    ("window", "source", "target"),
    [
        (Window(0, 0, 10, 10), Window(0, 0, 6, 6), Window(2, 3, 6, 6)),
        (Window(0, 0, 4, 4), Window(0, 0, 2, 1), Window(2, 3, 2, 1)),
        (Window(5, 5, 9, 9), Window(3, 2, 3, 4), Window(0, 0, 3, 4)),
        (Window(3, 4, 2, 2), Window(1, 1, 2, 2), Window(0, 0, 2, 2)),
    ],
)
def test_overlap_of(window: Window, source: Window, target: Window) -> None:
    assert overlap_of(tile(2, 3), tile(0, 0, 20, 20), window) == (source, target)


@pytest.mark.parametrize("window", [Window(0, 0, 2, 9), Window(8, 0, 2, 9), Window(0, 9, 9, 1)])
def test_no_overlap(window: Window) -> None:
    assert overlap_of(tile(2, 3), tile(0, 0, 20, 20), window) is None


def test_paste() -> None:
    part = np.array([[1, 2]], dtype=np.uint8)
    pasted = paste(part, Window(1, 1, 1, 2), (2, 4), 255)
    assert pasted.dtype == np.uint8
    assert pasted.tolist() == [[255, 255, 255, 255], [255, 1, 2, 255]]
    with pytest.raises(InputError, match=r"shape \(1, 2\) does not fill its place of 2x2 px"):
        paste(part, Window(0, 0, 2, 2), (2, 4), 255)


def test_the_next_valid_tile_decides_where_the_deepest_is_nodata() -> None:
    margins = [np.full((1, 4), depth, dtype=np.float32) for depth in (30, 20, -10)]
    values = [np.array([row], dtype=np.uint8) for row in ([1, 0, 0, 1], [2, 2, 0, 0], [3, 3, 3, 3])]
    assert blend_primary(values, margins, 0).tolist() == [[1, 2, 0, 1]]
    owner = deepest_valid([value != 0 for value in values], margins)
    assert owner.tolist() == [[0, 1, -1, 0]]
    assert take_from_owner([value * 10 for value in values], owner, 9).tolist() == [[10, 20, 9, 10]]


def test_nan_is_nodata_of_floats() -> None:
    margins = [np.full((1, 2), depth, dtype=np.float32) for depth in (30, 20)]
    values = [np.array([row], dtype=np.float32) for row in ([np.nan, 0.5], [0.25, 0.75])]
    joined = blend_primary(values, margins, np.nan)
    assert joined.dtype == np.float32
    assert joined.tolist() == [[0.25, 0.5]]


def test_a_mosaic_of_one_map_is_that_map() -> None:
    grid = tile(3, 5, 9, 7)
    tile_map = np.random.default_rng(0).integers(0, 10, grid.shape).astype(np.uint8)
    target = lattice_union([grid])
    np.testing.assert_array_equal(join([tile_map], [grid], target, whole(target)), tile_map)


def test_order_and_windows_do_not_matter() -> None:
    # Overlaps of odd width have no ties in their middle; ties elsewhere go by id.
    grids = {"A": tile(0, 0, 9, 9), "B": tile(0, 6, 9, 9), "C": tile(6, 3, 9, 9)}
    generator = np.random.default_rng(1)
    maps = {name: generator.integers(0, 5, (9, 9)).astype(np.uint8) for name in grids}
    target = lattice_union(list(grids.values()))
    results = []
    for order in itertools.permutations(grids):
        names = sorted(order)
        union = lattice_union([grids[name] for name in order])
        assert union == target
        results.append(
            join([maps[n] for n in names], [grids[n] for n in names], union, whole(union))
        )
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    pieces = np.zeros(target.shape, dtype=np.uint8)
    for window in target.windows(4, 5):
        pieces[window.slices] = join(list(maps.values()), list(grids.values()), target, window)
    np.testing.assert_array_equal(pieces, results[0])


def test_order_of_arguments_matters_only_at_ties() -> None:
    grids = [tile(0, 0, 9, 9), tile(0, 6, 9, 9), tile(6, 3, 9, 9)]
    maps = [np.full((9, 9), code, dtype=np.uint8) for code in (1, 2, 3)]
    target = lattice_union(grids)
    margins = np.stack([margin_to_edge(grid, whole(target), target) for grid in grids])
    is_tie = (margins == margins.max(axis=0)).sum(axis=0) > 1
    plain = join(maps, grids, target, whole(target))
    turned = join(maps[::-1], grids[::-1], target, whole(target))
    np.testing.assert_array_equal(plain[~is_tie], turned[~is_tie])
    assert set(np.unique(plain)) == {0, 1, 2, 3}


def test_counts_and_shapes_must_agree() -> None:
    values, margin = np.ones((2, 2), np.uint8), np.ones((2, 2), np.float32)
    with pytest.raises(InputError, match="found 0 and 0"):
        blend_primary([], [], 0)
    with pytest.raises(InputError, match="found 2 and 1"):
        blend_primary([values, values], [margin], 0)
    with pytest.raises(InputError, match="one shape for each tile"):
        blend_primary([values], [margin[:1]], 0)
    with pytest.raises(InputError, match="at least one tile"):
        take_from_owner([], np.zeros((2, 2), np.int16), 0)
