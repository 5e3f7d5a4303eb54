"""Pixels drawn strip by strip: the same as from the whole raster, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from landcover.labels.raster_fields import Strip, draw_from_fields, hashed


def drawn_at_once(values, of_class, n, seed):
    """Draw as the definition says, with all fields of the whole raster at hand."""
    fields = []
    for value in of_class:
        labelled, count = ndimage.label(values == value, structure=np.ones((3, 3), int))
        fields += [np.flatnonzero(labelled == number) for number in range(1, count + 1)]
    width = values.shape[1]
    order = []
    for pixels in fields:
        place = int(hashed(pixels[:1], width, 2 * seed + 1)[0])
        ranked = pixels[np.argsort(hashed(pixels, width, 2 * seed), kind="stable")]
        order += [(turn, place, pixel, pixels[0]) for turn, pixel in enumerate(ranked.tolist())]
    found = sorted((pixel, start) for _, _, pixel, start in sorted(order)[:n])
    return [pixel for pixel, _ in found], [start for _, start in found]


@given(
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(1, 24), st.integers(1, 24)),
    density=st.floats(0.05, 0.95),
    step=st.integers(1, 24),
    n=st.integers(1, 80),
    of_class=st.sampled_from([[1], [1, 3]]),
)
def test_strips_draw_what_the_whole_raster_does(seed, shape, density, step, n, of_class):
    random = np.random.default_rng(seed)
    values = np.where(random.random(shape) < density, random.integers(1, 4, shape), 0)
    strips = [
        Strip(part := values[top : top + step], np.ones(part.shape, bool), top, 0)
        for top in range(0, shape[0], step)
    ]
    pixel, start = draw_from_fields(strips, of_class, shape[1], n, seed)
    assert (pixel.tolist(), start.tolist()) == drawn_at_once(values, of_class, n, seed)


def test_a_field_that_winds_through_all_strips_is_one():
    spiral = np.zeros((9, 9), int)
    for ring in (0, 2, 4):
        spiral[ring : 9 - ring, ring : 9 - ring] = 1
        spiral[ring + 1 : 8 - ring, ring + 1 : 8 - ring] = 0
    spiral[1, 4] = spiral[3, 4] = 1
    strips = [Strip(spiral[row : row + 1], np.ones((1, 9), bool), row, 0) for row in range(9)]
    _, start = draw_from_fields(strips, [1], 9, 200, 0)
    assert set(start.tolist()) == {0}


@pytest.mark.parametrize("left", [0, 3])
def test_the_place_in_the_raster_decides_not_that_in_the_strip(left):
    values = np.random.default_rng(5).integers(0, 3, (12, 16))
    is_label = np.zeros(values.shape, bool)
    is_label[2:10, 3:14] = True
    whole = [Strip(values, is_label, 0, 0)]
    part = [Strip(values[2:10, left:14], is_label[2:10, left:14], 2, left)]
    for one, other in zip(
        *(draw_from_fields(s, [1], 16, 20, 1) for s in (whole, part)), strict=True
    ):
        np.testing.assert_array_equal(one, other)
