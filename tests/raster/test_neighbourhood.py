"""Means over neighbourhoods, beside scipy on what is known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import generic_filter

from landcover.raster.neighbourhood import box_mean, offsets

NAN = float("nan")


def test_worked_by_hand() -> None:
    values = np.array([[1, 2, NAN], [4, 5, 6], [7, 8, 9]], np.float32)
    found = box_mean(values, 1)
    assert found[0, 0] == 3  # 1, 2, 4, 5: beyond the edge is nothing
    assert found[1, 1] == np.float32(42 / 8)  # all but the unknown one
    assert np.isnan(found[0, 2])
    np.testing.assert_array_equal(box_mean(values, 0), values)


def test_steps_are_all_of_the_square() -> None:
    assert len(set(offsets(2))) == 25


@given(
    arrays(np.float32, (5, 7), elements=st.floats(-2, 2, width=32)),
    arrays(np.bool_, (5, 7)),
    st.integers(1, 4),
)
def test_it_equals_a_plain_filter(values, hidden, radius) -> None:  # type: ignore[no-untyped-def]
    known = np.where(hidden, np.nan, values).astype(np.float32)
    size = 2 * radius + 1

    def mean(around: np.ndarray) -> float:
        left = around[np.isfinite(around)]
        return float(left.mean()) if left.size else NAN

    expected = generic_filter(known.astype(float), mean, size=size, mode="constant", cval=NAN)
    expected[hidden] = NAN
    np.testing.assert_allclose(box_mean(known, radius), expected, atol=1e-6)
