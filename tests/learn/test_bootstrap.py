"""Ranges over resampled groups, and the gap between two splits."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.learn.bootstrap import Predictions, gap_between, ranges, shares_of

FOREST, WETLAND = 1, 5
CLASSES = [(FOREST, "closedForest"), (WETLAND, "herbaceousWetland")]


def answers(hits: dict[int, list[int]], n: int, prefix: str) -> Predictions:
    """Groups of ``n`` samples: so many hits in each group of each class."""
    mapped, reference, groups = [], [], []
    for code, each in hits.items():
        for number, right in enumerate(each):
            reference += [code] * n
            mapped += [code] * right + [9] * (n - right)
            groups += [f"{prefix}{code}-{number}"] * n
    return Predictions(np.array(mapped), np.array(reference), np.array(groups))


def gap(first: Predictions, second: Predictions):
    codes = [code for code, _ in CLASSES]
    return gap_between(
        shares_of(first, codes), shares_of(second, codes), ("rows", "independent"), CLASSES, seed=1
    )


def test_the_gap_of_a_class_that_only_validation_finds():
    # The paper's wetlands: nearly all found in validation, hardly any by independent points.
    validation = answers({FOREST: [9] * 30, WETLAND: [9] * 19 + [8]}, 9, "v")
    independent = answers({FOREST: [1] * 90 + [0] * 10, WETLAND: [1] * 4 + [0] * 16}, 1, "i")
    found = gap(validation, independent)
    overall, forest, wetland = found.classes
    assert wetland.first == pytest.approx(179 / 180)
    assert wetland.second == pytest.approx(0.2)
    assert wetland.difference == pytest.approx(0.2 - 179 / 180)
    assert wetland.n_groups == (20, 20)
    low, high = wetland.interval or (0, 0)
    # Binomial: the standard error of 4 of 20 is 0.0894, so 95 % lie within about ± 0.175.
    assert low == pytest.approx(wetland.difference - 0.175, abs=0.05)
    assert high == pytest.approx(wetland.difference + 0.175, abs=0.05)
    assert forest.difference == pytest.approx(-0.1)
    assert (overall.code, overall.n_groups) == (0, (50, 120))
    assert overall.second == pytest.approx(94 / 120)


def test_fewer_than_ten_groups_on_a_side_give_no_interval():
    found = gap(
        answers({FOREST: [3] * 12, WETLAND: [3] * 12}, 3, "v"),
        answers({FOREST: [1] * 12, WETLAND: [1] * 9}, 1, "i"),
    )
    assert found.classes[1].interval is not None
    assert found.classes[2].interval is None
    assert found.classes[2].difference == 0


def test_a_class_that_one_side_lacks_has_no_difference():
    found = gap(answers({FOREST: [3] * 12}, 3, "v"), answers({WETLAND: [1] * 12}, 1, "i"))
    assert found.classes[1].second is None
    assert found.classes[1].difference is None
    assert found.classes[1].interval is None


def test_the_same_samples_are_paired():
    one = answers({FOREST: [3, 0] * 10, WETLAND: [3] * 20}, 3, "g")
    same = gap(one, one)
    assert all(entry.interval == (0.0, 0.0) for entry in same.classes)
    # One sample less in every group, always: the difference does not spread either.
    less = answers({FOREST: [2] * 20, WETLAND: [2] * 20}, 3, "g")
    more = answers({FOREST: [3] * 20, WETLAND: [3] * 20}, 3, "g")
    assert gap(more, less).classes[0].interval == pytest.approx((-1 / 3, -1 / 3))


def test_ranges_widen_where_groups_differ():
    even = answers({FOREST: [5] * 40}, 10, "g")
    uneven = answers({FOREST: [10, 0] * 20}, 10, "g")
    assert ranges(shares_of(even, [FOREST])) == [(0.5, 0.5), (0.5, 0.5)]
    found = ranges(shares_of(uneven, [FOREST]))[0]
    # Forty groups, right or wrong as a whole: 0.5 ± 1.96·√(0.25/40).
    assert found == pytest.approx((0.5 - 0.155, 0.5 + 0.155), abs=0.03)
    assert found == ranges(shares_of(uneven, [FOREST]))[0]
