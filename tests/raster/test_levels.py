"""Two levels of a class map: joined, resampled and refilled without contradiction."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from landcover.nouns.grid import Grid, Window
from landcover.raster.levels import (
    SecondPart,
    join_second,
    parents_of,
    refill_second,
    take_second,
)
from landcover.raster.resample import Places, find_places

PARENTS = parents_of({1: (11, 12), 7: (71, 1)})
"""A code of the second level may be that of another class on the first."""


def codes(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.uint8)


def margin(*rows: list[float]) -> np.ndarray:
    return np.array(rows, np.float32)


def test_parents() -> None:
    assert PARENTS.dtype == np.uint8
    assert {code: int(PARENTS[code]) for code in np.flatnonzero(PARENTS)} == {
        11: 1, 12: 1, 71: 7, 1: 7,
    }  # fmt: skip
    assert not parents_of({}).any()


def test_the_deepest_tile_that_agrees_answers() -> None:
    # Deeper; deeper but of another class; alone; nobody of the class; equally deep; outside.
    classes = codes([1, 1, 7, 7, 1, 1])
    one = SecondPart(0, codes([11, 11, 1, 12, 11, 0]), margin([5, 2, 3, 9, 4, 9]))
    other = SecondPart(1, codes([12, 71, 0, 11, 12, 12]), margin([6, 9, 9, 4, 4, -1]))
    for parts in ([one, other], [other, one]):
        found = join_second(parts, classes, PARENTS)
        np.testing.assert_array_equal(found, codes([12, 11, 1, 0, 11, 0]))
    assert not join_second([one], np.zeros_like(classes), PARENTS).any()


def test_a_warped_pixel_takes_a_near_code_of_its_class() -> None:
    part = codes([11, 71], [12, 0])
    rows = np.array([[0.5, 0.9, 0.9, 0.5, 1.9, np.nan]])
    columns = np.array([[0.5, 1.2, 1.2, 0.5, 1.9, 0.5]])
    places = Places(Window(0, 0, 2, 2), rows, columns, margin([1] * 6))
    # Nearest is 11, fits; nearest is 71, fits not: 11 weighs .6·.3 = .18, 12 .4·.3 = .12;
    # fits; no 7 at the very centre of 11; undivided and its neighbours weigh nothing; outside.
    found = take_second(part, places, codes([1, 1, 7, 7, 1, 1]), PARENTS)
    np.testing.assert_array_equal(found, codes([11, 11, 71, 0, 0, 0]))


@pytest.mark.parametrize("part", [codes([71, 12]), codes([71], [12])], ids=["right", "below"])
def test_a_code_on_each_side_is_near(part: np.ndarray) -> None:
    # The pixel lies in the 71, which fits not, and a tenth from the 12, the only one that does.
    row, column = (0.5, 0.9) if part.shape == (1, 2) else (0.9, 0.5)
    places = Places(Window(0, 0, 2, 2), np.array([[row]]), np.array([[column]]), margin([1]))
    np.testing.assert_array_equal(take_second(part, places, codes([1]), PARENTS), codes([12]))


def test_warping_is_that_of_the_nearest_pixel_where_it_fits() -> None:
    rng = np.random.default_rng(3)
    grid = Grid(crs="EPSG:1", ulx=0, uly=900, pixel=30, width=30, height=30)
    target = Grid(crs="EPSG:2", ulx=10, uly=890, pixel=25, width=34, height=34)
    places = find_places(grid, target, Window(0, 0, 34, 34), lambda x, y: (x + 3, y - 4))
    assert places is not None
    second = rng.choice(np.array([0, 11, 12, 71, 1], np.uint8), grid.shape)
    part = second[places.source.slices]
    at = np.nan_to_num(places.rows).astype(int), np.nan_to_num(places.columns).astype(int)
    nearest = np.where(np.isnan(places.rows), 0, part[at]).astype(np.uint8)
    classes = PARENTS[nearest]
    np.testing.assert_array_equal(take_second(part, places, classes, PARENTS), nearest)


def test_refilling_by_hand() -> None:
    classes = codes([1, 1, 1], [1, 1, 1], [7, 7, 3])
    second = codes([11, 12, 71], [12, 0, 12], [11, 1, 12])
    # The corner sees two 12 (not the 71, nor what lies beyond); the centre 11 twice, 12 four
    # times; the lower left corner a 1 of class 7; class 3 has no second level.
    expected = codes([11, 12, 12], [12, 12, 12], [1, 1, 0])
    np.testing.assert_array_equal(refill_second(classes, second, PARENTS, 1), expected)
    # Without reach only what contradicts goes.
    expected = codes([11, 12, 0], [12, 0, 12], [0, 1, 0])
    np.testing.assert_array_equal(refill_second(classes, second, PARENTS, 0), expected)


def test_equally_common_codes_give_the_lowest() -> None:
    found = refill_second(codes([1, 1, 1]), codes([12, 0, 11]), PARENTS, 1)
    np.testing.assert_array_equal(found, codes([12, 11, 11]))


def slow_refill(classes: np.ndarray, second: np.ndarray, reach: int) -> np.ndarray:
    filled = np.zeros_like(classes)
    for (y, x), own in np.ndenumerate(classes):
        if own and second[y, x] and PARENTS[second[y, x]] == own:
            filled[y, x] = second[y, x]
            continue
        seen = second[max(0, y - reach) : y + reach + 1, max(0, x - reach) : x + reach + 1]
        votes = Counter(int(c) for c in seen.ravel() if c and own and PARENTS[c] == own)
        if votes:
            filled[y, x] = min(votes, key=lambda code: (-votes[code], code))
    return filled


@pytest.mark.parametrize("reach", [1, 4])
def test_refilling_is_the_slow_way_and_needs_its_halo_only(reach: int) -> None:
    rng = np.random.default_rng(reach)
    classes = rng.choice(np.array([0, 1, 3, 7], np.uint8), (40, 50))
    second = rng.choice(np.array([0, 0, 0, 11, 12, 71, 1], np.uint8), classes.shape)
    whole = refill_second(classes, second, PARENTS, reach)
    np.testing.assert_array_equal(whole, slow_refill(classes, second, reach))
    seen = slice(10 - reach, 20 + reach), slice(15 - reach, 30 + reach)
    part = refill_second(classes[seen], second[seen], PARENTS, reach)
    np.testing.assert_array_equal(part[reach:-reach, reach:-reach], whole[10:20, 15:30])
    # No pixel contradicts its class.
    assert (PARENTS[whole[whole > 0]] == classes[whole > 0]).all()
