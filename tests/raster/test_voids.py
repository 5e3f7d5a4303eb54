"""Voids filled from around them: how large, with what, and which stay."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.raster.voids import fill_voids


def relief() -> np.ndarray:
    rows, columns = np.mgrid[0:20, 0:30]
    return (100 + 2 * rows + 3 * columns).astype(np.float32)


def test_a_hole_of_one_cell() -> None:
    dem = np.array([[1, 2, 3], [4, np.nan, 6], [7, 8, 13]], np.float32)
    wide = np.pad(dem, 1, constant_values=5)
    filled, is_filled = fill_voids(wide, 1)
    # Four neighbours at distance 1, four at the diagonal with half the weight.
    assert filled[2, 2] == pytest.approx((2 + 4 + 6 + 8 + (1 + 3 + 7 + 13) / 2) / 6)
    assert is_filled.sum() == 1
    np.testing.assert_array_equal(filled[~is_filled], wide[~is_filled])


def test_only_small_holes_away_from_the_edge_are_filled() -> None:
    dem = relief()
    dem[3:5, 3:5] = np.nan  # 4 cells
    dem[8, 10], dem[9, 11] = np.nan, np.nan  # 2 cells that touch at a corner: one void
    dem[12:16, 12:16] = np.nan  # 16 cells
    dem[0, 20] = np.nan  # at the edge
    filled, is_filled = fill_voids(dem, 4)
    assert is_filled.sum() == 6
    assert np.isnan(filled).sum() == 17
    assert np.abs(filled[is_filled] - relief()[is_filled]).max() < 1.5
    assert fill_voids(dem, 1)[1].sum() == 0
    for unchanged, flags in (fill_voids(dem, 0), fill_voids(relief(), 9)):
        assert not flags.any()
        assert unchanged.dtype == np.float32


def test_a_filled_cell_lies_between_those_around_it() -> None:
    rng = np.random.default_rng(2)
    dem = rng.normal(500, 80, (40, 40)).astype(np.float32)
    dem[10:14, 20:27] = np.nan
    around = dem[9:15, 19:28]
    filled, is_filled = fill_voids(dem, 100)
    assert is_filled.sum() == 28
    assert filled[is_filled].min() >= np.nanmin(around)
    assert filled[is_filled].max() <= np.nanmax(around)
    np.testing.assert_array_equal(fill_voids(dem[::-1], 100)[0][::-1], filled)
