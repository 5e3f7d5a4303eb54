"""Folds keep together what belongs together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from landcover.errors import InputError
from landcover.learn.folds import beside, block_ids, row_folds, unit_folds

TO_DEGREES = Transformer.from_crs("EPSG:6933", "EPSG:4326", always_xy=True)


def at(*metres: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = TO_DEGREES.transform(*zip(*metres, strict=True))
    return np.array(lon), np.array(lat)


def test_rows_of_a_class_are_dealt_evenly_and_divide_points():
    codes = np.repeat([1, 2], [50, 10])
    folds = row_folds(codes, 5, seed=3)
    assert np.bincount(folds[codes == 1]).tolist() == [10] * 5
    assert np.bincount(folds[codes == 2]).tolist() == [2] * 5
    points = np.arange(60) // 9
    assert any(np.unique(folds[points == p]).size > 1 for p in np.unique(points))
    assert (row_folds(codes, 5, seed=3) == folds).all()
    assert (row_folds(codes, 5, seed=4) != folds).any()


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 12)), min_size=30, max_size=80),
    st.integers(2, 4),
    st.integers(0, 5),
)
def test_a_unit_lies_in_one_fold(rows, n_folds, seed):
    codes, units = (np.array(column) for column in zip(*rows, strict=True))
    if np.unique(units).size < n_folds:
        return
    folds = unit_folds(codes, units, n_folds, seed=seed)
    assert all(np.unique(folds[units == unit]).size == 1 for unit in np.unique(units))
    assert set(np.unique(folds)) == set(range(n_folds))


def test_each_class_is_spread_over_the_folds():
    # Ten points of nine pixels in each of three classes: two points of each in every fold.
    codes, units = np.repeat([1, 2, 3], 90), np.arange(270) // 9
    folds = unit_folds(codes, units, 5, seed=0)
    assert (np.array([np.bincount(folds[codes == code]) for code in (1, 2, 3)]) == 18).all()


def test_other_order_same_folds_up_to_their_rows():
    codes, units = np.repeat([1, 2], 40), np.arange(80) // 4
    folds = unit_folds(codes, units, 4, seed=1)
    back = unit_folds(codes[::-1], units[::-1], 4, seed=1)[::-1]
    assert (folds == back).all()


def test_too_few_units_are_refused():
    with pytest.raises(InputError, match="2 separate units cannot make 5 folds"):
        unit_folds([1, 1, 2], ["a", "a", "b"], 5)
    with pytest.raises(InputError, match="one unit per row"):
        unit_folds([1, 1, 2], ["a", "b"], 2)


def test_blocks_are_squares_of_the_equal_area_grid():
    # Blocks of 10 km: 1 and 9 km share one, 11 km lies in the next, -1 km in the one before.
    lon, lat = at((1000, 4e6 + 100), (9000, 4e6 + 9900), (11_000, 4e6 + 100), (-1000, 4e6 + 100))
    blocks = block_ids(lon, lat, ["a", "b", "c", "d"])
    assert blocks[0] == blocks[1]
    assert np.unique(blocks).size == 3
    assert np.unique(block_ids(lon, lat, ["a", "b", "c", "d"], block_m=1000)).size == 4


def test_a_group_across_an_edge_joins_the_blocks():
    lon, lat = at((1000, 4e6 + 100), (11_000, 4e6 + 100), (21_000, 4e6 + 100))
    blocks = block_ids(lon, lat, ["field", "field", "other"])
    assert blocks[0] == blocks[1] != blocks[2]


def test_training_points_near_a_test_point_are_found():
    lon, lat = np.array([5.0, 5.0, 5.0]), np.array([40.0, 40.008, 40.1])
    # A thousandth of a degree of latitude is 111.2 m: 0.008° are 890 m.
    is_test = np.array([True, False, False])
    assert beside(lon, lat, is_test, 1000).tolist() == [False, True, False]
    assert beside(lon, lat, is_test, 880).tolist() == [False, False, False]
    assert not beside(lon, lat, is_test, 0).any()
