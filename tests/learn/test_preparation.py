"""Features prepared for any kind of classifier: scaled, chosen, turned into components."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.feature_selection import RFECV
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from landcover.errors import InputError
from landcover.learn.choosing import drop_collinear
from landcover.learn.classifiers import training_rows
from landcover.learn.components import choose_number
from landcover.learn.fitting import fit_recipe
from landcover.learn.folds import unit_folds
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.predict import predict_blocks
from landcover.learn.preparation import fit_preparation
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.recipe import ModelRecipe
from landcover.recipe.preparing import Components, Preparing

QUICK = {"n_trees": 10, "hidden": (8,), "epochs": 120, "learning_rate": 0.02}


def rows_of(values, codes=None, groups=None):
    values = np.asarray(values, dtype=np.float32)
    codes = np.resize([1, 2], len(values)) if codes is None else codes
    names = tuple(f"f{column}" for column in range(values.shape[1]))
    return training_rows(values, codes, groups, feature_names=names)


def correlated(n=240, seed=0):
    """Six features of which two are nearly others, and one is constant; three classes."""
    rng = np.random.default_rng(seed)
    codes = np.resize([1, 2, 3], n).astype(np.uint8)
    base = rng.normal(0, 1, (n, 3)) + codes[:, None] * [1.0, 0.4, 0.0]
    values = np.column_stack(
        [base, base[:, 0] * 3 + rng.normal(0, 0.1, n), -base[:, 1], np.full(n, 7.0)]
    )
    return values.astype(np.float32), codes


@pytest.mark.parametrize(
    ("scaling", "expected"),
    [
        ({"method": "standard"}, [-0.538285, -0.512652, -0.487019, -0.461387, 1.999343]),
        ({"method": "min-max"}, [0, 0.010101, 0.020202, 0.030303, 1]),
        ({"method": "quantile"}, [0, 0.010093, 0.020606, 0.031119, 1]),
    ],
)
def test_scales_in_numbers(scaling, expected):
    given = np.array([[1.0], [2], [3], [4], [100]])
    made = fit_preparation(Preparing.model_validate({"scaling": scaling}), rows_of(given))
    assert made.transform(given.astype(np.float32))[:, 0] == pytest.approx(expected, abs=1e-6)


def test_scales_are_those_of_scikit_learn_and_only_quantiles_clip():
    values, codes = correlated()
    rows, beyond = rows_of(values[:, :5], codes), values[:, :5] * 3
    for name, twin in (("standard", StandardScaler()), ("min-max", MinMaxScaler())):
        made = fit_preparation(Preparing.model_validate({"scaling": {"method": name}}), rows)
        expected = twin.fit(rows.features.astype(float)).transform(beyond.astype(float))
        assert made.transform(beyond) == pytest.approx(expected, abs=1e-5)
    made = fit_preparation(Preparing.model_validate({"scaling": {"method": "quantile"}}), rows)
    assert made.transform(beyond).min() == 0
    assert made.transform(beyond).max() == 1


def test_of_correlated_features_the_one_that_tells_more_stays():
    correlation = np.array([[1, 0.95, 0.2], [0.95, 1, 0.3], [0.2, 0.3, 1]])
    kept, scores = drop_collinear(correlation, np.array([0.8, 0.7, 0.5]), 0.9)
    assert scores == pytest.approx([0.466019, 0.4, 0.333333], abs=1e-6)
    assert kept == (0, 2)
    kept, _ = drop_collinear(correlation, np.array([0.8, 0.7, 0.5]), 0.9, fixed=[1])
    assert kept == (1, 2)


def test_a_dropped_feature_is_compared_or_not():
    # 0 and 1 alike, 1 and 2 alike, 0 and 2 not; the middle one goes and takes 2 with it.
    correlation = np.array([[1, 0.95, 0.5], [0.95, 1, 0.95], [0.5, 0.95, 1]])
    information = np.array([0.9, 0.5, 0.4])
    assert drop_collinear(correlation, information, 0.9)[0] == (0,)
    assert drop_collinear(correlation, information, 0.9, skip_dropped=True)[0] == (0, 2)


def test_features_that_are_all_constant_teach_nothing():
    _, codes = correlated()
    with pytest.raises(InputError, match=r"each of 6 features has one value in all .* rows"):
        fit_preparation(
            Preparing.model_validate({"scaling": {}}), rows_of(np.ones((len(codes), 6)), codes)
        )


def test_copies_of_features_and_constants_go():
    values, codes = correlated()
    how = {"scaling": {}, "selection": {"method": "multicollinearity"}}
    made = fit_preparation(Preparing.model_validate(how), rows_of(values, codes))
    assert made.notes.constant == ("f5",)
    assert len(made.names) == 3
    assert len({"f0", "f3"} & set(made.names)) == 1
    assert len({"f1", "f4"} & set(made.names)) == 1
    assert made.notes.choice.correlation.shape == (5, 5)
    how["selection"]["fixed"] = ["f0", "f3"]
    both = fit_preparation(Preparing.model_validate(how), rows_of(values, codes))
    assert {"f0", "f3"} <= set(both.names)


def test_elimination_is_scikit_learns_with_grouped_folds():
    values, codes = correlated(n=90)
    groups = np.arange(90) // 3 % 30
    rows = rows_of(values[:, :5], codes, groups)
    made = fit_preparation(
        Preparing.model_validate({"scaling": {}, "selection": {"method": "rfecv"}}), rows
    )
    fold = unit_folds(codes, groups, 3, seed=0)
    twin = RFECV(
        SVC(kernel="linear"),
        cv=[(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(3)],
        scoring="f1_macro",
    ).fit(StandardScaler().fit_transform(values[:, :5].astype(float)), codes)
    assert made.kept.tolist() == np.flatnonzero(twin.support_).tolist()
    assert len(made.notes.choice.by_number) == 5


def test_an_elimination_says_its_time_before_it_begins(caplog, monkeypatch):
    values, codes = correlated(n=90)
    fits, told = [], []
    original, eliminate = SVC.fit, RFECV.fit

    def counted(self, *given, **more):
        fits.append(given[0].shape[1])
        return original(self, *given, **more)

    def began(self, *given, **more):
        told.extend(record.getMessage() for record in caplog.records)
        fits.clear()
        return eliminate(self, *given, **more)

    monkeypatch.setattr(SVC, "fit", counted)
    monkeypatch.setattr(RFECV, "fit", began)
    how = Preparing.model_validate({"scaling": {}, "selection": {"method": "rfecv", "step": 1}})
    with caplog.at_level("INFO"):
        fit_preparation(how, rows_of(values[:, :5], codes))
    assert len(told) == 1
    assert "rfecv fits 21 machines of up to 5 features, at most" in told[0]
    assert "CPU s (model.selection.step: larger is faster)" in told[0]
    # Three folds of 5, 4 … 1 features, and the elimination on all rows as far as it goes.
    assert 15 < len(fits) <= 21
    assert fits[:5] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize(("rule", "number"), [("cev", 7), ("elbow", 3), ("average", 5)])
def test_how_many_components_are_enough(rule, number):
    shares = [0.46, 0.22, 0.11, 0.07, 0.05, 0.03, 0.02, 0.015, 0.01, 0.008, 0.004, 0.003]
    assert choose_number(shares, Components(rule=rule)).chosen == number


def test_equal_components_have_no_knee():
    assert choose_number([0.25] * 4, Components(rule="elbow")).chosen == 1
    assert choose_number([1.0], Components(rule="elbow")).chosen == 1


@pytest.mark.parametrize("scaling", ["standard", "quantile"])
def test_components_are_those_of_scikit_learn_with_the_largest_loading_positive(scaling):
    values, codes = correlated()
    how = {"scaling": {"method": scaling}, "pca": {"rule": "cev", "explained": 0.99}}
    rows = rows_of(values, codes)
    made = fit_preparation(Preparing.model_validate(how), rows)
    scale = fit_preparation(Preparing.model_validate({"scaling": how["scaling"]}), rows)
    scaled = scale.transform(rows.features).astype(float)
    twin = PCA(len(made.names)).fit(scaled)
    expected = np.abs(twin.transform(scaled))
    assert np.abs(made.transform(rows.features)) == pytest.approx(expected, abs=1e-4)
    largest = np.abs(made.axes).argmax(axis=0)
    assert (made.axes[largest, np.arange(made.axes.shape[1])] > 0).all()
    assert made.names[0] == "pc1"


def test_a_row_depends_on_nothing_but_itself():
    values, codes = correlated()
    made = fit_preparation(
        Preparing.model_validate({"scaling": {}, "pca": {"explained": 1.0}}), rows_of(values, codes)
    )
    whole = made.transform(values)
    assert np.array_equal(np.roll(made.transform(np.roll(values, 5, axis=0)), -5, axis=0), whole)
    parts = [made.transform(values[:7]), made.transform(values[7:])]
    assert np.array_equal(np.concatenate(parts), whole)


FULL = {"scaling": {"method": "standard"}, "selection": {}, "pca": {"rule": "average"}}


@pytest.mark.parametrize("kind", CLASSIFIERS)
@pytest.mark.parametrize("how", [{"scaling": {"method": "quantile"}}, FULL], ids=["scaled", "all"])
def test_every_kind_learns_from_prepared_features_and_keeps_them(kind, how):
    values, codes = correlated()
    table = pd.DataFrame(values, columns=[f"f{n}" for n in range(6)])
    known = CLASSIFIERS[kind].parameters.model_fields
    model = fit_classifier(
        table, codes, kind=kind, preparing=Preparing.model_validate(how),
        parameters={name: value for name, value in QUICK.items() if name in known},
    )  # fmt: skip
    assert model.feature_names == tuple(table.columns)
    assert (model.predict(table)[0] == codes).mean() > 0.5
    again = load_arrays(io.BytesIO(save_arrays(model)), kind)
    assert np.array_equal(again.predict(table)[0], model.predict(table)[0])
    codes_in_blocks, _, _ = predict_blocks(again, np.asfortranarray(values), block=37)
    assert np.array_equal(codes_in_blocks, model.predict(table)[0])
    assert save_arrays(again) == save_arrays(model)


def test_a_changed_preparation_is_refused():
    values, codes = correlated()
    content = save_arrays(
        fit_classifier(values, codes, kind="svm", preparing=Preparing.model_validate(FULL))
    )
    with np.load(io.BytesIO(content)) as stored:
        arrays = dict(stored)

    def refuses(**changes):
        file = io.BytesIO()
        np.savez(file, **{name: a for name, a in {**arrays, **changes}.items() if a is not None})
        file.seek(0)
        with pytest.raises(InputError):
            load_arrays(file, "svm")

    own = [name for name in arrays if name.startswith("preparation_")]
    assert len(own) == 7
    for name in own:
        refuses(**{name: None})
        # (Its own features are compared with the card when a model is opened.)
        if arrays[name].size > 1 and name != "preparation_feature_names":
            refuses(**{name: arrays[name][:-1]})
        if arrays[name].dtype.kind == "f":
            refuses(**{name: np.full_like(arrays[name], np.nan)})
    refuses(preparation_kept=arrays["preparation_kept"] + 10)
    refuses(preparation_kept=arrays["preparation_kept"] - 10)
    refuses(preparation_scale=np.zeros_like(arrays["preparation_scale"]))


def test_features_that_never_vary_are_told():
    with pytest.raises(InputError) as caught:
        fit_preparation(Preparing.model_validate({"scaling": {}}), rows_of(np.ones((6, 2))))
    assert str(caught.value) == (
        "Preparation: each of 2 features has one value in all 6 training rows, so nothing can be "
        "learned. Look at the products and at the places of the labels."
    )


def test_a_fixed_feature_that_is_none_is_told():
    values, codes = correlated()
    how = Preparing.model_validate({"selection": {"fixed": ["ndvi"]}})
    with pytest.raises(InputError, match=r"selection\.fixed: ndvi is none of the 6 features"):
        fit_preparation(how, rows_of(values, codes))


@pytest.mark.parametrize("selection", ["multicollinearity", "rfecv"])
def test_random_labels_are_answered_by_chance(selection):
    rng = np.random.default_rng(4)
    n, k = 240, 3
    values = rng.normal(size=(n, 60)).astype(np.float32)
    table = pd.DataFrame(values, columns=[f"f{n}" for n in range(60)])
    table = table.assign(code=rng.permutation(np.resize([1, 2, 3], n)), group=np.arange(n) // 4)
    recipe = ModelRecipe.model_validate(
        {
            "kind": "svm", "scaling": {}, "pca": {"rule": "elbow"},
            "selection": {"method": selection, "step": 20, "threshold": 0.1},
        }
    )  # fmt: skip
    fold = unit_folds(table["code"], table["group"], 5)
    names = [f"f{n}" for n in range(60)]
    right = 0
    for one in range(5):
        model = fit_recipe(recipe, table[fold != one], names)
        asked = table[fold == one]
        right += int((model.predict(asked)[0] == asked["code"]).sum())
    # Binomial: three standard deviations of the share of 240 rows.
    assert abs(right / n - 1 / k) < 3 * np.sqrt(1 / k * (1 - 1 / k) / n)


def test_what_is_off_leaves_no_trace():
    document = ModelRecipe().to_document()
    assert not {"scaling", "selection", "pca"} & set(document)
    on = ModelRecipe.model_validate({"scaling": {}}).to_document()
    assert on["scaling"] == {"method": "standard", "low": 1.0, "high": 99.0}
    assert ModelRecipe.from_document(on).preparing.pca is None


def test_the_memory_of_a_row_is_that_of_its_arrays():
    """Four copies of the kept features and of the padding, float64; windows go by it."""
    made = fit_preparation(Preparing(), rows_of(np.eye(8, 5) + np.eye(8, 5, 1)))
    assert made.kept.size == len(made.names) == 5
    assert made.bytes_per_row == 4 * 8 * (5 + 4) + 12 * 5
