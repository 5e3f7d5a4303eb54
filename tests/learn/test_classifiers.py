"""Fitting: what is refused, what is reproducible, and how a split by row flatters."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from landcover.errors import InputError
from landcover.learn import classifiers
from landcover.learn.accuracy import accuracy
from landcover.learn.classifiers import feature_matrix, training_rows
from landcover.learn.forest import pack, save_forest
from landcover.learn.models import Model
from landcover.nouns.classifiers import ForestParameters

NAMES = ("spring_B02", "summer_NDVI", "slope", "autumn_B11")


def toy(n=120, k=3, seed=0, spread=0.2):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    centres = np.random.default_rng(99).normal(0, 1, (k, len(NAMES)))
    features = centres[labels] + rng.normal(0, spread, (n, len(NAMES)))
    return features.astype(np.float32), (labels + 1).astype(np.uint8)


def fit_estimator(samples, labels, *, feature_names, **how):
    return classifiers.fit_estimator(
        training_rows(samples, labels, feature_names=feature_names), **how
    )


def bytes_of(estimator):
    file = io.BytesIO()
    save_forest(pack(estimator), file)
    return file.getvalue()


def test_separable_classes_are_learned():
    features, labels = toy(spread=0.02)
    unseen, truth = toy(seed=1, spread=0.02)
    model = fit_estimator(features, labels, feature_names=NAMES)
    codes, _ = Model("random-forest", pack(model)).predict(unseen)
    assert accuracy(codes, truth).overall == 1
    assert model.classes_.dtype == np.uint8
    assert model.n_estimators == 100
    assert tuple(model.feature_names_in_) == NAMES


def test_seed_decides_and_threads_do_not():
    features, labels = toy(spread=1.0)

    def fit(**how):
        return bytes_of(fit_estimator(features, labels, feature_names=NAMES, **how))

    parameters = ForestParameters(n_trees=12)
    one = fit(parameters=parameters, seed=3, threads=1)
    assert one == fit(parameters={"n_trees": 12}, seed=3, threads=2)
    assert one != fit(parameters=parameters, seed=4)
    model = fit_estimator(features, labels, feature_names=NAMES, threads=2)
    assert model.n_jobs == 1, "the number of threads would enter the stored estimator"


def test_columns_are_taken_by_name():
    features, labels = toy(spread=1.0)
    table = pd.DataFrame(features, columns=NAMES).assign(lon=1.5, label="forest")
    shuffled = table[["slope", "label", *NAMES[:2], "lon", NAMES[3]]]
    few = {"n_trees": 5}
    plain = fit_estimator(features, labels, feature_names=NAMES, parameters=few)
    named = fit_estimator(shuffled, labels, feature_names=NAMES, parameters=few)
    assert bytes_of(plain) == bytes_of(named)
    codes, confidence = Model("random-forest", pack(plain)).predict(features)
    by_name = Model("random-forest", pack(plain)).predict(feature_matrix(shuffled, NAMES))
    assert np.array_equal(codes, by_name[0])
    assert np.array_equal(confidence, by_name[1])
    wrong, _ = Model("random-forest", pack(plain)).predict(feature_matrix(table, NAMES[::-1]))
    assert not np.array_equal(codes, wrong)


def test_renamed_feature_is_refused():
    table = pd.DataFrame(np.zeros((2, 4), np.float32), columns=[*NAMES[:3], "autumn_B12"])
    with pytest.raises(InputError, match="lacks autumn_B11 of 4 features"):
        feature_matrix(table, NAMES)


def test_doubled_column_and_wrong_width_are_refused():
    table = pd.DataFrame(np.zeros((2, 5)), columns=[*NAMES, "slope"])
    with pytest.raises(InputError, match="more than once"):
        feature_matrix(table, NAMES)
    with pytest.raises(InputError, match=r"array \(n, 4\), found shape \(2, 3\)"):
        feature_matrix(np.zeros((2, 3)), NAMES)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_without_every_feature_are_refused(bad):
    features, labels = toy()
    features[[4, 7], 2] = bad
    sentence = r"found 2 of 120 rows without \(first in slope\); drop these rows"
    with pytest.raises(InputError, match=sentence):
        fit_estimator(features, labels, feature_names=NAMES)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (np.ones(120, int), r"at least two classes, found \[1\]"),
        (np.arange(120) % 3, "class codes 1 to 255, found 0 to 2; 0 is nodata"),
        (np.arange(120) + 200, "class codes 1 to 255, found 200 to 319"),
        (np.ones(120), "integer class codes, found float64"),
        (np.ones(7, int), r"expected 120 labels, found shape \(7,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_estimator(toy()[0], labels, feature_names=NAMES)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"kind": "oracle"}, "expected one of random-forest, .*, found 'oracle'"),
        ({"parameters": {"trees": 5}}, "ForestParameters: trees"),
        ({"parameters": {"n_trees": 0}}, "ForestParameters: n_trees"),
        ({"parameters": {"max_features": 5}}, "max_features is 5, but there are 4 features"),
    ],
)
def test_unknown_ways_of_fitting_are_refused(how, sentence):
    features, labels = toy()
    with pytest.raises(InputError, match=sentence):
        fit_estimator(features, labels, feature_names=NAMES, **how)


def test_split_by_row_leaks_through_blocks_and_split_by_group_does_not():
    """Random labels on blocks of nine near-equal pixels: nothing can be learned (1/K)."""
    rng = np.random.default_rng(0)
    k, n_blocks = 4, 240
    group = np.repeat(np.arange(n_blocks), 9)
    features = rng.normal(0, 1, (n_blocks, 4))[group] + rng.normal(0, 0.05, (group.size, 4))
    labels = rng.integers(1, k + 1, n_blocks)[group]

    def held_out_accuracy(folds):
        train, test = next(folds)
        model = fit_estimator(
            features[train], labels[train], feature_names=NAMES, parameters={"n_trees": 30}
        )
        codes, _ = Model("random-forest", pack(model)).predict(features[test].astype(np.float32))
        return accuracy(codes, labels[test]).overall

    by_row = held_out_accuracy(ShuffleSplit(1, test_size=0.25, random_state=0).split(features))
    by_group = held_out_accuracy(
        GroupShuffleSplit(1, test_size=0.25, random_state=0).split(features, groups=group)
    )
    assert by_row > 0.9
    # 60 test blocks of 4 classes: 1/4 ± 3 standard errors √(.25 · .75 / 60).
    assert abs(by_group - 1 / k) < 0.17
