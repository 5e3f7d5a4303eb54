"""Sets of classes hold the true one as often as was stated, group by group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.learn.conformal import check_coverage, conformal_scores, is_plausible

CLASSES = np.array([2, 5, 9], np.uint8)


def told(rng, n, k=3, sharpness=1.5):
    """Draw true classes and probabilities that point at them more or less."""
    truth = rng.integers(0, k, n)
    logits = rng.normal(0, 1, (n, k))
    logits[np.arange(n), truth] += sharpness
    probability = np.exp(logits)
    return truth, probability / probability.sum(axis=1, keepdims=True)


def test_threshold_by_hand():
    """Four groups of one sample each weigh a fifth: scores .1 .2 .4 .7 reach .2 .4 .6 .8."""
    probability = np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.6, 0.1, 0.3]])
    scores = conformal_scores(probability, CLASSES, [2, 5, 2, 9], [1, 2, 3, 4])
    assert scores.score.tolist() == pytest.approx([0.1, 0.2, 0.4, 0.7])
    assert scores.share.tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert scores.threshold(0.6) == pytest.approx(0.4)
    assert scores.threshold(0.61) == pytest.approx(0.7)
    assert scores.threshold(0.8) == pytest.approx(0.7)
    assert scores.threshold(0.81) == np.inf


def test_one_large_group_counts_as_one():
    """Ninety good samples of one group and a bad one of another: half of the weight is bad."""
    probability = np.array([[0.99, 0.01, 0]] * 90 + [[0.3, 0.7, 0]])
    scores = conformal_scores(probability, CLASSES, [2] * 91, ["a"] * 90 + ["b"])
    assert scores.threshold(1 / 3) == pytest.approx(0.01)
    assert scores.threshold(0.5) == pytest.approx(0.7)


def test_equals_split_conformal_where_every_group_has_one_sample():
    rng = np.random.default_rng(0)
    truth, probability = told(rng, 199)
    scores = conformal_scores(probability, CLASSES, CLASSES[truth], np.arange(199))
    own = np.sort(1 - probability[np.arange(199), truth])
    for coverage in (0.5, 0.8, 0.9, 0.95):
        # The ceil((n + 1) · coverage)-th smallest score.
        assert scores.threshold(coverage) == own[int(np.ceil(200 * coverage - 1e-9)) - 1]


def test_sets_by_hand():
    probability = np.array([[0.6, 0.3, 0.1], [0.34, 0.33, 0.33], [1, 0, 0]])
    assert is_plausible(probability, 0.7).sum(axis=1).tolist() == [2, 3, 1]
    assert is_plausible(probability, 0.1).tolist() == [
        [True, False, False], [True, False, False], [True, False, False]
    ]  # fmt: skip
    assert is_plausible(probability, np.inf).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), coverage=st.sampled_from([0.9, 0.95]))
def test_new_groups_are_covered(seed, coverage):
    """Samples of a group resemble each other; counted as independent they promise too much."""
    rng = np.random.default_rng(seed)
    n_groups = 600
    sizes = rng.integers(1, 10, n_groups)
    group = np.repeat(np.arange(n_groups), sizes)
    truth, base = told(rng, n_groups, sharpness=1)
    probability = base[group] * rng.uniform(0.95, 1.05, (group.size, 3))
    probability /= probability.sum(axis=1, keepdims=True)
    found = check_coverage(probability, CLASSES, CLASSES[truth[group]], group, coverage=coverage)
    # 20 halves of 300 groups: the mean moves by a few hundredths from draw to draw.
    assert coverage - 0.05 < found.mean < coverage + 0.05
    assert found.lowest <= found.mean <= found.highest
    assert 1 <= found.size <= 3
    assert set(found.by_class) == {2, 5, 9}


def test_a_class_that_the_model_does_not_know_is_never_covered():
    rng = np.random.default_rng(3)
    truth, probability = told(rng, 100)
    codes = CLASSES[truth].astype(int)
    codes[:50] = 7
    scores = conformal_scores(probability, CLASSES, codes, np.arange(100))
    assert np.isinf(scores.score[-50:]).all()
    assert scores.threshold(0.9) == np.inf
    found = check_coverage(probability, CLASSES, codes, np.arange(100), coverage=0.4)
    assert found.by_class[7] == 0


def test_nothing_held_out():
    with pytest.raises(InputError, match="held out of training; none was"):
        conformal_scores(np.empty((0, 3)), CLASSES, [], [])
    with pytest.raises(InputError, match="at least two held-out groups, found 1"):
        check_coverage(np.eye(3), CLASSES, CLASSES, ["a"] * 3, coverage=0.9)
