"""Feature elimination equals scikit-learn's RFE; whole groups are thinned."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from landcover.errors import InputError
from landcover.learn.sampling import thin_by_group
from landcover.learn.selection import select_features

NAMES = tuple(f"f{n}" for n in range(8))


def telling(n=240, seed=0):
    """Draw eight features of which the first, fourth and sixth tell three classes apart."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 4, n)
    features = rng.normal(size=(n, 8))
    features[:, 0] += 2.5 * (labels == 1)
    features[:, 3] += 2.0 * (labels == 2)
    features[:, 5] += 1.5 * labels
    return features.astype(np.float32), labels


def test_what_tells_classes_apart_stays():
    features, labels = telling()
    found = select_features(features, labels, feature_names=NAMES, n_features=3)
    assert found.kept == ("f0", "f3", "f5")
    assert [found.ranking[column] for column in (0, 3, 5)] == [1, 1, 1]
    assert sorted(found.ranking) == [1, 1, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("step", [1, 2, 3])
def test_equals_recursive_elimination_of_scikit_learn(step):
    features, labels = telling(seed=1)
    net = LogisticRegression(l1_ratio=0.5, solver="saga", max_iter=10_000, tol=1e-6, random_state=0)
    rows = StandardScaler().fit_transform(features.astype(float))
    oracle = RFE(
        net, n_features_to_select=3, step=step,
        importance_getter=lambda e: (e.coef_**2).sum(axis=0),
    ).fit(rows, labels)  # fmt: skip
    found = select_features(features, labels, feature_names=NAMES, n_features=3, step=step)
    assert found.kept == tuple(np.array(NAMES)[oracle.support_])


def test_later_of_two_equal_columns_goes_first_and_scale_does_not_matter():
    features, labels = telling()
    table = pd.DataFrame(features * [1, 1, 1, 1e4, 1, 1e-4, 1, 1], columns=NAMES)
    assert select_features(table, labels, feature_names=NAMES, n_features=3).kept == (
        "f0", "f3", "f5",
    )  # fmt: skip
    flat = table.assign(f6=1.0, f7=1.0)
    found = select_features(flat, labels, feature_names=NAMES, n_features=7)
    assert "f7" not in found.kept
    assert "f6" in found.kept


def test_rows_are_thinned_by_whole_groups_of_every_class():
    groups = np.repeat(np.arange(200), 9)
    codes = np.repeat(np.array([1] * 150 + [2] * 48 + [3] * 2), 9)
    keep = thin_by_group(codes, groups, 450, seed=1)
    assert 450 <= keep.sum() <= 450 + 3 * 9
    assert set(np.unique(codes[keep])) == {1, 2, 3}
    for group in np.unique(groups[keep]):
        assert keep[groups == group].all()
    shares = np.bincount(codes[keep])[1:] / keep.sum()
    assert shares == pytest.approx([0.75, 0.24, 0.01], abs=0.03)
    order = np.random.default_rng(0).permutation(len(codes))
    assert np.array_equal(thin_by_group(codes[order], groups[order], 450, seed=1), keep[order])
    assert not np.array_equal(thin_by_group(codes, groups, 450, seed=2), keep)


def test_searches_use_a_part_of_many_rows_and_tell_their_progress():
    features, labels = telling(n=600)
    told = []
    found = select_features(
        features, labels, np.arange(600) // 3, feature_names=NAMES, n_features=5, max_rows=150,
        progress=told.append,
    )  # fmt: skip
    assert 150 <= found.n_rows <= 165
    assert told == pytest.approx([1 / 3, 2 / 3, 1])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n_features": 9}, "1 to 8 features"),
        ({"n_features": 0}, "1 to 8 features"),
        ({"step": 0}, "step from 1"),
        ({"labels": np.ones(240)}, "two classes"),
        ({"labels": np.ones(3)}, "label for each row"),
    ],
)
def test_refused(change, sentence):
    features, labels = telling()
    arguments = {"samples": features, "labels": labels, "feature_names": NAMES, **change}
    if "n_features" not in arguments:
        arguments["n_features"] = 3
    with pytest.raises(InputError, match=sentence):
        select_features(**arguments)
