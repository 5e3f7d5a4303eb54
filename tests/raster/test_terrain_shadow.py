"""Terrain shadow restored: numbers worked by hand, and what has to hold."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.terrain_shadow import (
    add_sums,
    darkness_sums,
    gain_offset,
    inpaint_seams,
    match_moments,
    moment_sums,
    restore_terrain_shadow,
    thresholds_of,
)

NODATA = -32768


def test_moments_worked_by_hand() -> None:
    values = np.array([[300, 320, 340, 360, 1000, 1100, 1300, 1400]], np.int16)
    is_shadow = np.arange(8)[None] < 4
    fit = gain_offset(moment_sums(values, is_shadow))
    assert fit == (pytest.approx(7.0710678), pytest.approx(-1133.4524))
    assert fit is not None
    matched = match_moments(values, is_shadow, *fit)
    assert matched[0].tolist() == [988, 1129, 1271, 1412, 1000, 1100, 1300, 1400]


def test_mean_and_spread_become_those_of_lit_ground() -> None:
    rng = np.random.default_rng(0)
    lit = rng.normal(3000, 400, (60, 60))
    is_shadow = np.zeros((60, 60), dtype=np.bool_)
    is_shadow[5:40, 10:50] = True
    values = np.where(is_shadow, rng.normal(500, 60, lit.shape), lit).astype(np.int16)
    fit = gain_offset(moment_sums(values, is_shadow))
    assert fit is not None
    # Before it is rounded to whole numbers.
    matched = fit[1] + fit[0] * values[is_shadow].astype(float)
    assert matched.mean() == pytest.approx(values[~is_shadow].mean(), rel=1e-6)
    assert matched.std(ddof=1) == pytest.approx(values[~is_shadow].std(ddof=1), rel=1e-6)


def test_a_band_without_spread_stays() -> None:
    values = np.array([[5, 5, 5, 9, 8]], np.int16)
    assert gain_offset(moment_sums(values, np.arange(5)[None] < 3)) is None
    assert gain_offset(moment_sums(values, np.zeros((1, 5), dtype=np.bool_))) is None


def test_thresholds_add_up_over_windows() -> None:
    rng = np.random.default_rng(3)
    near, shortwave, blue = rng.integers(100, 4000, (3, 20, 30)).astype(np.int16)
    near[3:6] = NODATA
    whole = darkness_sums(near, shortwave, blue)
    parts = [darkness_sums(near[:, c], shortwave[:, c], blue[:, c])
             for c in (slice(0, 11), slice(11, 30))]  # fmt: skip
    np.testing.assert_array_equal(add_sums(*parts), whole)
    index = ((near.astype(float) + shortwave) / 2)[near != NODATA]
    found = thresholds_of(whole)
    assert found is not None
    assert found.shadow_index == pytest.approx(index.min() + (index.mean() - index.min()) / 2)
    assert found.blue == pytest.approx(blue.min() + (blue.mean() - blue.min()) / 4)
    nothing = np.full((4, 4), NODATA, np.int16)
    assert thresholds_of(darkness_sums(nothing, nothing, nothing)) is None


def test_seams_are_filled_and_nodata_stays() -> None:
    values = np.full((30, 30), 1000, np.int16)
    is_shadow = np.zeros((30, 30), dtype=np.bool_)
    is_shadow[10:20, 10:20] = True
    values[10:20, 10:20] = 2000
    values[9, 9:13] = NODATA
    found = inpaint_seams(values, is_shadow)
    assert (found[12:18, 12:18] == 2000).all()
    assert (found[:8] == 1000).all()
    assert 1000 < found[20, 15] < 2000, "the seam is smooth"
    assert ((found == NODATA) == (values == NODATA)).all()
    known = found[found != NODATA]
    assert known.min() >= 1000, "nodata fills nothing"
    np.testing.assert_array_equal(inpaint_seams(values, is_shadow & False), values)


def test_what_does_not_fit_is_told() -> None:
    band = np.zeros((3, 3), np.int16)
    with pytest.raises(InputError, match="needs B02, B08 and B11 on the grid of the slope"):
        restore_terrain_shadow({"B02": band, "B08": band}, np.zeros((3, 3), np.float32))
