"""Eight numbers at once: each lane is what a number alone would be, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from landcover.compiled import compiled
from landcover.raster.lanes import (
    LANES,
    bits_less,
    every,
    load,
    load32,
    lowest_bit,
    root,
    store,
    where_less,
)


@compiled(error_model="numpy")
def _sums(one: Any, other: Any, found: Any) -> int:
    a, b = load(one, LANES), load32(other, 0)
    total = every(0.25)
    for _ in range(3):
        total = total + a * b / (a - b)
    store(found, LANES, where_less(a, b, root(total), total))
    return bits_less(a, b)  # type: ignore[no-any-return]


@compiled()
def _lowest(bits: int) -> int:
    return lowest_bit(bits)  # type: ignore[no-any-return]


def test_lanes_compute_as_numbers_do() -> None:
    rng = np.random.default_rng(5)
    one, other = rng.random(2 * LANES), rng.random(LANES).astype(np.float32)
    found = np.full(3 * LANES, -1.0)
    bits = _sums(one, other, found)
    a, b = one[LANES:], other.astype(np.float64)
    total = np.full(LANES, 0.25)
    for _ in range(3):
        total = total + a * b / (a - b)
    with np.errstate(invalid="ignore"):
        expected = np.where(a < b, np.sqrt(total), total)
    assert found[LANES : 2 * LANES].tobytes() == expected.tobytes()
    assert (found[:LANES] == -1).all()
    assert (found[2 * LANES :] == -1).all()
    assert [bits >> lane & 1 for lane in range(LANES)] == (a < b).tolist()


@pytest.mark.parametrize("bits", [1, 2, 12, 0b10000000])
def test_the_lowest_bit(bits: int) -> None:
    assert 1 << _lowest(bits) == bits & -bits
