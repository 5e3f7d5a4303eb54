"""What the files of a composite hold, in physical units."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.clouds import upsample_nearest
from landcover.raster.layer_units import fill_layer, layer_values


def test_integers_are_scaled_by_their_layer_and_floats_are_what_they_say() -> None:
    stored = np.array([1750, -32768], np.int16)
    np.testing.assert_array_equal(layer_values(stored, "B04"), np.float32([0.175, np.nan]))
    np.testing.assert_array_equal(layer_values(stored, "B04_p05"), np.float32([0.175, np.nan]))
    np.testing.assert_array_equal(layer_values(stored, "WVP"), np.float32([1.75, np.nan]))
    days = np.array([12, np.nan], np.float32)
    np.testing.assert_array_equal(layer_values(days, "ndvi_maxday"), days)


@pytest.mark.parametrize("ratio", [1, 2, 6])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_window_is_filled_as_if_the_whole_layer_were_enlarged_and_cut(
    ratio: int, dtype: str
) -> None:
    stored = np.random.default_rng(ratio).integers(-50, 10_000, (7, 9)).astype(dtype)
    stored[2, 3] = np.nan if dtype == "float32" else -32768
    whole = upsample_nearest(layer_values(stored, "B04"), ratio)
    for row, column, height, width in ((0, 0, *whole.shape), (ratio - 1, 0, 5, 7), (1, 2, 4, 3)):
        out = np.full((height, width), 9, np.float32)
        fill_layer(stored, "B04", ratio, (row, column), out)
        expected = whole[row : row + height, column : column + width]
        np.testing.assert_array_equal(out, expected)


def test_other_types_are_refused() -> None:
    with pytest.raises(InputError, match="must be int16"):
        layer_values(np.array([1], np.uint16), "B04")
