"""Window plans: each pixel once, within memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError, MemoryExceededError
from landcover.raster.windows import plan_windows


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 2300),
    st.integers(1, 2300),
    st.floats(1, 2000),
    st.sampled_from([64, 256, 512, 1024]),
)
def test_each_pixel_once_and_within_memory(
    height: int, width: int, bytes_per_pixel: float, block: int
) -> None:
    memory_gb = 0.05
    windows = plan_windows(
        height, width, bytes_per_pixel=bytes_per_pixel, memory_gb=memory_gb, block=block
    )
    seen = np.zeros((height, width), dtype=np.uint8)
    for window in windows:
        seen[window.slices] += 1
        assert window.height * window.width * bytes_per_pixel <= memory_gb * 1e9
        assert window.row + window.height <= height
        assert window.column + window.width <= width
    assert (seen == 1).all()
    assert windows == sorted(windows)


@pytest.mark.parametrize(
    ("memory_gb", "rows", "columns"),
    # 300 bytes a pixel: 1024 x 1024 px need 0.3146 GB
    [
        (8, 1024, 1024),
        (0.32, 1024, 1024),
        (0.31, 512, 1024),
        (0.10, 512, 512),
        (0.05, 256, 512),
        (0.02, 256, 256),
        (0.0013, 64, 64),
    ],
)
def test_windows_follow_memory(memory_gb: float, rows: int, columns: int) -> None:
    windows = plan_windows(10980, 10980, bytes_per_pixel=300, memory_gb=memory_gb)
    assert windows[0] == (0, 0, rows, columns)
    assert len(windows) == -(-10980 // rows) * -(-10980 // columns)
    assert all(window.row % rows == 0 and window.column % columns == 0 for window in windows)


def test_a_small_raster_is_one_window() -> None:
    assert plan_windows(64, 915, bytes_per_pixel=4, memory_gb=1) == [(0, 0, 64, 915)]
    # What counts is the window that exists, not the one that was hoped for.
    assert len(plan_windows(10, 10, bytes_per_pixel=1000, memory_gb=1e-4)) == 1


def test_too_little_memory() -> None:
    with pytest.raises(MemoryExceededError, match="64x64 px at 300 bytes per pixel"):
        plan_windows(1000, 1000, bytes_per_pixel=300, memory_gb=0.001)


@pytest.mark.parametrize(
    ("height", "bytes_per_pixel", "memory_gb", "block"),
    [(0, 1, 1, 512), (9, 0, 1, 512), (9, 1, 0, 512), (9, 1, float("nan"), 512),
     (9, 1, 1, 500), (9, 1, 1, 32), (9, 1, 1, 2048)],
)  # fmt: skip
def test_bad_arguments(height: int, bytes_per_pixel: float, memory_gb: float, block: int) -> None:
    with pytest.raises(InputError, match="found"):
        plan_windows(height, 9, bytes_per_pixel=bytes_per_pixel, memory_gb=memory_gb, block=block)
