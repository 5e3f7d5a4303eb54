"""Masks of a season are read once for all layers, within the memory that they may take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landcover.nouns.grid import Window
from landcover.parts.preparation.shared_masks import MOST_SHARE, SharedMasks

WINDOWS = (Window(0, 0, 40, 33), Window(40, 0, 7, 33))


class Raster:
    """Counts what is read of made-up mask bits."""

    def __init__(self, bits: np.ndarray[Any, Any]) -> None:
        self.bits, self.read_windows = bits, list[Window]()

    def read(self, window: Window, band: int) -> np.ndarray[Any, Any]:
        self.read_windows.append(window)
        return self.bits[window.slices]


@pytest.fixture
def raster() -> Raster:
    bits = np.random.default_rng(3).integers(0, 64, (47, 33), dtype=np.uint8)
    bits[40:] = 2
    return Raster(bits)


def test_each_window_of_a_mask_is_read_once(raster: Raster) -> None:
    masks = SharedMasks(2 | 32, memory_gb=1)
    for _ in range(3):
        for window in WINDOWS:
            found = masks.hidden(lambda path: raster, "a.tif", window)  # type: ignore[arg-type, return-value]
            assert np.array_equal(found.pixels, raster.bits[window.slices] & 34 > 0)
            assert found.is_all == (window.row == 40)
    assert raster.read_windows == list(WINDOWS)
    masks.hidden(lambda path: raster, "b.tif", WINDOWS[0])  # type: ignore[arg-type, return-value]
    assert len(raster.read_windows) == 3


def test_what_does_not_fit_is_read_again(raster: Raster) -> None:
    bits = 40 * 33 // 8  # of the first window; then 28 bytes of the second one fit no more
    masks = SharedMasks(2 | 32, memory_gb=(bits + 10) / 1e9 / MOST_SHARE)
    for _ in range(2):
        for window in WINDOWS:
            found = masks.hidden(lambda path: raster, "a.tif", window)  # type: ignore[arg-type, return-value]
            assert np.array_equal(found.pixels, raster.bits[window.slices] & 34 > 0)
    assert raster.read_windows == [*WINDOWS, WINDOWS[1]]
