"""Masks repeated straight into their place are those repeated and cut."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.raster.clouds import upsample_nearest
from landcover.raster.spreading import spread_into


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    ratio=st.integers(1, 6),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    data=st.data(),
)
def test_equals_repeating_and_cutting(
    seed: int, ratio: int, shape: tuple[int, int], data: st.DataObject
) -> None:
    coarse = np.random.default_rng(seed).random(shape) < 0.5
    whole = upsample_nearest(coarse, ratio)
    row = data.draw(st.integers(0, whole.shape[0] - 1))
    column = data.draw(st.integers(0, whole.shape[1] - 1))
    height = data.draw(st.integers(1, whole.shape[0] - row))
    width = data.draw(st.integers(1, whole.shape[1] - column))
    out = np.random.default_rng(seed + 1).random((height, width)) < 0.5
    spread_into(coarse, ratio, row, column, out)
    assert np.array_equal(out, whole[row : row + height, column : column + width])
