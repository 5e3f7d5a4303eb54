"""Feathered overlaps: worked weights and means, ties, and independence of order and windows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.raster.feather import FEATHER_M, Part, blend_feather, feather_weights

CODES = (1, 2, 5)


def part(order: int, margin: float, *probabilities: int, code: int | None = None) -> Part:
    """A tile of one pixel; no probability makes it nodata."""
    if not probabilities:
        probabilities, code = (255,) * len(CODES), 0
    if code is None:
        code = CODES[int(np.argmax(probabilities))]
    return Part(
        order,
        np.array([[code]], np.uint8),
        np.array([[255 if code == 0 else max(probabilities)]], np.uint8),
        np.array([[margin]], np.float32),
        np.array(probabilities, np.uint8).reshape(-1, 1, 1),
    )


def blend(*parts: Part) -> tuple[int, int]:
    classes, confidence = blend_feather(parts, CODES, (1, 1))
    assert classes.dtype == confidence.dtype == np.uint8
    return int(classes[0, 0]), int(confidence[0, 0])


def byte(probability: float) -> int:
    return int(254 * probability + 0.5)


A = tuple(byte(p) for p in (0.6, 0.3, 0.1))
B = tuple(byte(p) for p in (0.2, 0.7, 0.1))


def test_weights_at_five_distances() -> None:
    margins = np.array([0, 5, FEATHER_M / 2, FEATHER_M, 50_000], np.float32)
    weights = feather_weights(margins) / feather_weights(margins)[-1]
    # At the very edge a decimetre is left, so that a sum of weights is never 0.
    np.testing.assert_allclose(weights, [0.1 / 9780, 5 / 9780, 0.5, 1, 1], rtol=1e-12)


def test_the_worked_numbers() -> None:
    # Equal weights: (.4, .5, .1), class 2.
    assert blend(part(0, 4000, *A), part(1, 4000, *B)) == (2, byte(0.5))
    # d_A 2000, d_B 6000: weights .25 and .75, (.3, .6, .1); from bytes 152.5 of 254.
    assert blend(part(0, 2000, *A), part(1, 6000, *B)) == (2, 153)
    # The other way round (.5, .4, .1).
    assert blend(part(0, 6000, *A), part(1, 2000, *B)) == (1, 127)


def test_one_valid_tile_is_copied() -> None:
    # Rounded probabilities may tie where the class was decided before rounding: it is kept.
    assert blend(part(0, 100, 100, 100, 54, code=2), part(1, 9000)) == (2, 100)
    assert blend(part(0, 100), part(1, 9000)) == (0, 255)
    assert blend(part(0, 100, *A), part(1, -5, *B)) == (1, A[0])
    assert blend() == (0, 255)


def test_at_the_edge_the_other_tile_decides() -> None:
    assert blend(part(0, 0, *A), part(1, 9780, *B)) == (2, B[1])
    assert blend(part(0, 0.01, *A), part(1, 9780, *B)) == (2, B[1])
    # Two tiles at their very edges count the same.
    assert blend(part(0, 0.01, *A), part(1, 0.01, *B)) == (2, byte(0.5))


def test_ties_take_the_primary_class_then_the_lower_code() -> None:
    one, other = (120, 80, 54), (80, 120, 54)
    assert blend(part(0, 9800, *one), part(1, 9900, *other)) == (2, 100)
    assert blend(part(0, 9900, *one), part(1, 9800, *other)) == (1, 100)
    # Of equal depth, the first by id.
    assert blend(part(1, 9900, *other), part(0, 9900, *one)) == (1, 100)
    # The primary's class is not among the likeliest: the lower code.
    others = part(1, 9900, 87, 87, 80), part(2, 9900, 87, 87, 80)
    assert blend(part(0, 20_000, 82, 82, 90), *others) == (1, 85)


probability = st.lists(st.integers(1, 254), min_size=3, max_size=3)
tiles = st.lists(
    st.tuples(probability, st.floats(0.5, 12_000, width=32), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=60, deadline=None)
@given(tiles)
def test_no_order_of_tiles_changes_a_bit(drawn: list[tuple[list[int], float, bool]]) -> None:
    parts = [
        part(order, margin, *(p if valid else ())) for order, (p, margin, valid) in enumerate(drawn)
    ]
    results = {blend(*order) for order in itertools.islice(itertools.permutations(parts), 24)}
    assert len(results) == 1
    valid = [p for p in parts if p.classes[0, 0]]
    if len(valid) > 1:
        # Against the plain weighted mean in double precision.
        weights = np.clip([p.margin[0, 0] / FEATHER_M for p in valid], 0.1 / FEATHER_M, 1)
        mean = np.average([p.probabilities.ravel() for p in valid], axis=0, weights=weights)
        code, confidence = results.pop()
        assert mean[CODES.index(code)] >= mean.max() - 0.01
        assert abs(confidence - mean.max()) <= 0.51


@settings(max_examples=20, deadline=None)
@given(probability, st.lists(st.floats(0.5, 12_000, width=32), min_size=2, max_size=4))
def test_equal_vectors_stay(vector: list[int], margins: list[float]) -> None:
    assert blend(*(part(n, m, *vector) for n, m in enumerate(margins)))[1] == max(vector)


def test_another_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"expected probabilities of shape \(2, 1, 1\)"):
        blend_feather([part(0, 100, *A)], (1, 2), (1, 1))
