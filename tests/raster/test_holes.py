"""Which layers are missing where a pixel has no class: numbers worked by hand."""

from __future__ import annotations

import numpy as np

from landcover.raster.holes import count_patterns

NAN = np.nan


def test_patterns_of_five_pixels() -> None:
    # Two features of layer 0 (two seasons), one of layer 1, one of layer 2.
    values = np.array(
        [
            [NAN, 1.0, 1.0, NAN, np.inf],
            [1.00, 1.0, NAN, 1.0, 1.0],
            [1.00, NAN, 1.0, NAN, 1.0],
            [1.00, 1.0, 1.0, 1.0, 1.0],
        ],
        np.float32,
    )
    found = count_patterns(values, np.array([0, 0, 1, 2]), 3)
    assert found == {(0,): 3, (1,): 1, (0, 1): 1}


def test_many_layers_and_no_pixel() -> None:
    values = np.ones((20, 2), np.float32)
    values[[3, 19], 1] = NAN
    assert count_patterns(values, np.arange(20), 20) == {(): 1, (3, 19): 1}
    assert not count_patterns(values[:, :0], np.arange(20), 20)
