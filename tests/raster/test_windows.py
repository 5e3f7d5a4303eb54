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
    st.tuples(*2 * [st.sampled_from([1, 3, 64, 192, 512, 640, 1024, 5000])]),
)
def test_each_pixel_once_and_within_memory(
    height: int, width: int, bytes_per_pixel: float, block: tuple[int, int]
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
    ("size", "block", "memory_gb", "window"),
    # 12 bytes a pixel; the blocks of Sentinel-2 at 10, 20 and 60 m, then strips and odd ones
    [
        (10980, (1024, 1024), 1, (1024, 1024)),
        (5490, (640, 640), 1, (640, 640)),
        (1830, (192, 192), 1, (960, 960)),
        (1830, (192, 192), 0.008, (384, 960)),  # half of five blocks: two
        (1830, (192, 192), 0.0005, (192, 192)),
        (1830, (192, 192), 0.0003, (96, 192)),  # a part of a block, since no whole one fits
        (10980, (1, 10980), 1, (1024, 10980)),  # strips are read at full width
        (10980, (1, 10980), 0.05, (256, 10980)),
        (10980, (3, 10980), 0.009, (64, 10980)),
        (915, (1024, 1024), 1, (915, 915)),  # a block beyond the edge ends there
        (3000, (3000, 3000), 1, (3000, 3000)),  # one block: decoded once
    ],
)
def test_windows_are_whole_blocks(
    size: int, block: tuple[int, int], memory_gb: float, window: tuple[int, int]
) -> None:
    windows = plan_windows(size, size, bytes_per_pixel=12, memory_gb=memory_gb, block=block)
    assert windows[0] == (0, 0, *window)


@pytest.mark.parametrize(
    ("height", "bytes_per_pixel", "memory_gb", "block"),
    [
        (0, 1, 1, 512),
        (9, 0, 1, 512),
        (9, -1, 1, 512),
        (9, 1, 0, 512),
        (9, 1, float("nan"), 512),
        (9, 1, 1, 0),
    ],
)
def test_bad_arguments(height: int, bytes_per_pixel: float, memory_gb: float, block: int) -> None:
    with pytest.raises(InputError, match="found"):
        plan_windows(
            height,
            9,
            bytes_per_pixel=bytes_per_pixel,
            memory_gb=memory_gb,
            block=(block, block),
        )
