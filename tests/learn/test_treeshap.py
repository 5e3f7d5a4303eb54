"""Shapley values of a forest: beside shap, beside all subsets, and their sum."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier

from landcover.errors import InputError
from landcover.learn.forest import forest_probabilities, pack
from landcover.learn.treeshap import count_covers, tree_shap


def samples(n=160, d=5, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, d)).astype(np.float32)
    score = rows @ rng.normal(size=(d, n_classes)) + rng.normal(size=(n, n_classes)) * 0.7
    return rows, score.argmax(axis=1) + 1


def fitted(rows, codes, kind=RandomForestClassifier, **options):
    # Without bootstrap every tree sees every row once: our covers are then those of the fit.
    options = {"n_estimators": 4, "bootstrap": False, "random_state": 1, **options}
    estimator = kind(**options).fit(rows, codes)
    return estimator, pack(estimator, [f"f{i}" for i in range(rows.shape[1])])


def known(forest, covers, row, subset, tree, node):
    """Expected answer of one tree's node when only the features of ``subset`` are known."""
    at = forest.tree_offsets[tree] + node
    if forest.leaf[at] >= 0:
        return forest.leaf_probabilities[forest.leaf[at]]
    left, right = forest.children[at]
    if forest.feature[at] in subset:
        goes_left = row[forest.feature[at]] <= forest.threshold[at]
        return known(forest, covers, row, subset, tree, left if goes_left else right)
    first = forest.tree_offsets[tree]
    share = covers[first + left] / covers[at]
    return share * known(forest, covers, row, subset, tree, left) + (1 - share) * known(
        forest, covers, row, subset, tree, right
    )


def brute_force(forest, covers, row):
    """Shapley's formula over all subsets of the features, (d, K)."""
    d = len(forest.feature_names)
    game = {
        subset: np.mean(
            [known(forest, covers, row, subset, tree, 0) for tree in range(forest.n_trees)], axis=0
        )
        for size in range(d + 1)
        for subset in combinations(range(d), size)
    }
    values = np.zeros((d, forest.classes.size))
    for subset in game:
        for feature in set(range(d)) - set(subset):
            weight = factorial(len(subset)) * factorial(d - len(subset) - 1) / factorial(d)
            bigger = tuple(sorted((*subset, feature)))
            values[feature] += weight * (game[bigger] - game[subset])
    return values, game[()]


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("options", [{}, {"min_samples_leaf": 5}, {"max_depth": 2}])
def test_equals_shap(kind, options):
    shap = pytest.importorskip("shap", reason="shap is not installed")
    rows, codes = samples(n=300, d=9, n_classes=4)
    estimator, forest = fitted(rows, codes, kind, **options)
    explainer = shap.TreeExplainer(estimator, feature_perturbation="tree_path_dependent")
    expected = explainer.shap_values(rows[:25])
    found = tree_shap(forest, count_covers(forest, rows), rows[:25])
    assert found.values.shape == (25, 9, 4)
    assert found.values == pytest.approx(expected, abs=1e-6)
    assert found.expected == pytest.approx(explainer.expected_value, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    d=st.integers(1, 5),
    n_classes=st.integers(2, 3),
    leaf=st.integers(1, 6),
    bootstrap=st.booleans(),
)
def test_equals_shapleys_formula(seed, d, n_classes, leaf, bootstrap):
    rows, codes = samples(n=60, d=d, seed=seed, n_classes=n_classes)
    _, forest = fitted(
        rows, codes, n_estimators=2, min_samples_leaf=leaf, bootstrap=bootstrap, random_state=seed
    )
    covers = count_covers(forest, rows)
    found = tree_shap(forest, covers, rows[:3])
    for number in range(3):
        expected, empty = brute_force(forest, covers, rows[number])
        assert found.values[number] == pytest.approx(expected, abs=1e-10)
        assert found.expected == pytest.approx(empty, abs=1e-10)


def test_values_of_every_row_sum_to_its_probabilities():
    rows, codes = samples(n=900, d=12, seed=3, n_classes=5)
    _, forest = fitted(rows, codes, bootstrap=True, n_estimators=7)
    unseen = np.random.default_rng(4).normal(size=(150, 12)).astype(np.float32) * 2
    found = tree_shap(forest, count_covers(forest, rows), unseen)
    whole = found.expected + found.values.sum(axis=1)
    assert np.abs(whole - forest_probabilities(forest, unseen)).max() < 1e-9
    # What is added to one class is taken from others.
    assert np.abs(found.values.sum(axis=2)).max() < 1e-12


def test_a_feature_that_no_tree_asks_for_adds_nothing():
    rows, codes = samples(d=4)
    rows[:, 2] = 7
    _, forest = fitted(rows, codes)
    assert not (forest.feature[forest.leaf < 0] == 2).any()
    found = tree_shap(forest, count_covers(forest, rows), rows[:20])
    assert not found.values[:, 2].any()
    assert found.values[:, 0].any()


def test_branches_without_a_row_keep_the_sum():
    rows, codes = samples()
    _, forest = fitted(rows, codes)
    covers = count_covers(forest, rows[:3])
    assert (covers == 0).any()
    found = tree_shap(forest, covers, rows[:40])
    whole = found.expected + found.values.sum(axis=1)
    assert whole == pytest.approx(forest_probabilities(forest, rows[:40]), abs=1e-7)


def test_covers_are_those_of_the_fit_and_threads_change_nothing():
    rows, codes = samples(n=200)
    estimator, forest = fitted(rows, codes)
    covers = count_covers(forest, rows)
    theirs = np.concatenate([tree.tree_.n_node_samples for tree in estimator.estimators_])
    assert covers.tolist() == theirs.tolist()
    told = []
    one = tree_shap(forest, covers, rows[:50], progress=lambda done, left: told.append(done))
    three = tree_shap(forest, covers, rows[:50], threads=3)
    assert np.array_equal(one.values, three.values)
    assert told == sorted(told)
    assert told[-1] == 1


def test_no_rows_give_no_values():
    rows, codes = samples()
    _, forest = fitted(rows, codes)
    covers = count_covers(forest, rows)
    found = tree_shap(forest, covers, rows[:0])
    assert found.values.shape == (0, 5, 3)
    assert found.expected == pytest.approx(tree_shap(forest, covers, rows[:1]).expected)


def test_refusals():
    rows, codes = samples()
    _, forest = fitted(rows, codes)
    covers = count_covers(forest, rows)
    with pytest.raises(InputError, match=r"float32 rows \(n, 5\)"):
        tree_shap(forest, covers, rows[:, :4])
    with pytest.raises(InputError, match="float32"):
        count_covers(forest, rows.astype(float))
    with pytest.raises(InputError, match="a count for each"):
        tree_shap(forest, covers[:-1], rows)
    bad = rows.copy()
    bad[0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        tree_shap(forest, covers, bad)
