"""Outlines of patches: as GDAL's polygonizer draws them, to the first point of every ring."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from landcover.bench.plain.polygons import outline_codes
from landcover.raster.outlines import joined, outline_patches

SMALL = arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3)
)


@settings(max_examples=200, deadline=None)
@given(codes=SMALL, row=st.integers(0, 5))
def test_as_gdal_draws_them(codes: NDArray[np.uint8], row: int) -> None:
    outlines, edges = outline_patches(codes, row)
    expected, polygons = outline_codes(codes, row)
    _, points, (starts, rings) = shapely.to_ragged_array(polygons)
    assert outlines.codes.tolist() == expected.tolist()
    assert outlines.rings.tolist() == rings.tolist()
    assert outlines.starts.tolist() == starts.tolist()
    assert outlines.points.tolist() == points.tolist()
    for line, y in zip(edges, (0, len(codes) - 1), strict=True):
        for x, number in enumerate(line):
            assert polygons[number].contains(shapely.Point(x + 0.5, row + y + 0.5))


def test_patches_that_meet_at_a_corner() -> None:
    codes = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
    outlines, edges = outline_patches(codes)
    # The two 1s are two patches; the 0s around them are one, and hang together below.
    assert outlines.codes.tolist() == [1, 1, 0]
    assert edges.tolist() == [[0, 2, 2], [2, 2, 2]]
    assert outlines.points[:5].tolist() == [[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]
    # A hole that touches the border of its patch is a ring of its own.
    assert np.diff(outlines.rings).tolist() == [1, 1, 2]


@settings(max_examples=30, deadline=None)
@given(codes=SMALL, seed=st.integers(0, 99))
def test_some_of_them(codes: NDArray[np.uint8], seed: int) -> None:
    outlines, _ = outline_patches(codes)
    order = np.random.default_rng(seed).permutation(len(outlines))
    parts = [outlines.take(part) for part in np.array_split(order, 3)]
    whole = joined(parts)
    assert whole.codes.tolist() == outlines.codes[order].tolist()
    for n, number in enumerate(order):
        one, other = whole.take(np.array([n])), outlines.take(np.array([number]))
        assert one.points.tolist() == other.points.tolist()
        assert one.starts.tolist() == other.starts.tolist()
