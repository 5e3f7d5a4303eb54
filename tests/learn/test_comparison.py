"""Two models on the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from landcover.errors import InputError
from landcover.learn.comparison import Comparison, compare, mcnemar, verdict


def test_mcnemar_by_hand():
    one = np.array([1] * 10 + [0] * 2 + [1] * 5 + [0] * 3, bool)
    other = np.array([0] * 10 + [1] * 2 + [1] * 5 + [0] * 3, bool)
    only_one, only_other, p = mcnemar(one, other)
    assert (only_one, only_other) == (10, 2)
    assert p == pytest.approx(2 * binom.cdf(2, 12, 0.5))
    assert mcnemar(one, one)[2] == 1


def test_a_polygon_votes_once():
    # One polygon of 500 pixels on which they differ is one difference, not 500.
    groups = np.repeat(np.arange(21), [500] + [5] * 20)
    one = np.ones(groups.size, bool)
    other = np.where(groups == 0, False, True)
    found = compare(one, other, groups)
    assert (found.only_first, found.only_second, found.n_groups) == (1, 0, 21)
    assert found.p_value == 1
    assert mcnemar(one, other)[2] < 1e-9
    low, high = found.difference
    assert low < found.second - found.first < high == 0


def test_a_real_difference_is_found_and_order_does_not_matter():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 9)
    one = np.repeat(rng.random(60) < 0.5, 9)
    other = np.repeat(rng.random(60) < 0.95, 9)
    found = compare(one, other, groups)
    assert found.p_value < 0.001
    assert found.difference[0] > 0
    order = rng.permutation(groups.size)
    assert compare(one[order], other[order], groups[order]) == found
    assert compare(one[:45], other[:45], groups[:45]).difference is None


def test_refused():
    with pytest.raises(InputError, match="same samples"):
        mcnemar([True], [True, False])
    with pytest.raises(InputError, match="expected 2 groups"):
        compare([True, True], [True, False], [1])


def test_the_verdict_says_what_chance_alone_would_do():
    # 12 groups to 2: exact binomial, 2 * P(X <= 2 | 14, 1/2) = 212 / 16384.
    found = Comparison(100, 0.9, 0.8, 12, 2, 212 / 16384, None, 30)
    assert verdict(found, "A", "B") == (
        "Of 30 held-out groups A has more right on 12 and B on 2: A is better (chance alone would "
        "do so in 1.3 % of cases)."
    )
    assert "B is better" in verdict(found._replace(only_first=2, only_second=12), "A", "B")
    even = found._replace(only_first=5, only_second=4, p_value=1.0)
    assert "no evidence that either is better" in verdict(even, "A", "B")
    same = found._replace(only_first=0, only_second=0, p_value=1.0)
    assert verdict(same, "A", "B") == "A and B are right on the same 30 groups."
    assert "less than 0.1 %" in verdict(found._replace(p_value=1e-5), "A", "B")
