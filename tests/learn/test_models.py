"""Models of every kind: answers equal scikit-learn's, arrays come back the same, weights count."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn import training
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.network import load_network, scaling
from landcover.nouns.classifiers import ForestParameters, NetworkParameters

NAMES = ("spring_B02", "summer_ndvi", "slope")
QUICK = {"hidden": (8, 6), "epochs": 60, "learning_rate": 0.02}


def toy(n=400, k=3, seed=0, spread=0.4):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, k, n)
    centres = np.random.default_rng(9).normal(0, 1, (k, 3))
    features = centres[labels] + rng.normal(0, spread, (n, 3))
    return pd.DataFrame(features.astype(np.float32), columns=NAMES), (labels + 1).astype(np.uint8)


KINDS = {
    "random-forest": {"n_trees": 15},
    "extra-trees": {"n_trees": 15},
    "mlp": QUICK,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [2, 3])
def test_answers_are_those_of_the_estimator(kind, k):
    table, labels = toy(k=k)
    model = fit_classifier(table, labels, kind=kind, parameters=KINDS[kind])
    rows = table.to_numpy()
    given = (rows - model.packed.centre) / model.packed.scale if kind == "mlp" else table
    expected = model.estimator.predict_proba(given)
    assert model.probabilities(rows) == pytest.approx(
        expected, abs=1e-5 if kind == "mlp" else 1e-12
    )
    codes, confidence = model.predict(table[list(NAMES[::-1])])
    assert (codes == labels).mean() > 0.8
    assert confidence == pytest.approx(expected.max(axis=1), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_come_back_and_equal_seeds_give_equal_bytes(kind):
    table, labels = toy()
    fit = {"kind": kind, "parameters": KINDS[kind], "prior_exponent": 0.5}
    model = fit_classifier(table, labels, seed=3, **fit)
    content = save_arrays(model)
    assert content == save_arrays(fit_classifier(table, labels, seed=3, threads=2, **fit))
    assert content != save_arrays(fit_classifier(table, labels, seed=4, **fit))
    again = load_arrays(io.BytesIO(content), kind, tuple(model.prior))
    for one, other in zip(model.predict(table), again.predict(table), strict=True):
        assert np.array_equal(one, other)
    assert again.feature_names == NAMES


def test_rows_without_a_feature_are_nodata():
    table, labels = toy()
    model = fit_classifier(table, labels, kind="mlp", parameters=QUICK)
    table.iloc[3, 1] = np.nan
    table.iloc[5, 0] = np.inf
    codes, confidence = model.predict(table)
    assert np.flatnonzero(codes == 0).tolist() == [3, 5]
    assert np.flatnonzero(np.isnan(confidence)).tolist() == [3, 5]


def test_share_of_a_class_moves_its_probability():
    table, labels = toy(spread=1.5)
    keep = (labels != 2) | (np.arange(len(labels)) % 8 == 0)
    table, labels = table[keep], labels[keep]
    plain = fit_classifier(table, labels, parameters={"n_trees": 30})
    full = fit_classifier(table, labels, parameters={"n_trees": 30}, prior_exponent=1.0)
    shares = np.bincount(labels)[1:] / labels.size
    expected = plain.probabilities(table.to_numpy()) * shares
    expected /= expected.sum(axis=1, keepdims=True)
    assert full.probabilities(table.to_numpy()) == pytest.approx(expected)
    assert (full.predict(table)[0] == 2).sum() < (plain.predict(table)[0] == 2).sum()


@pytest.mark.parametrize("kind", KINDS)
def test_weights_count(kind):
    # The same place, two answers: the heavier one wins.
    table = pd.DataFrame(np.tile(np.float32([0.1, 0.2, 0.3]), (60, 1)), columns=NAMES)
    table.iloc[::3] = 1.0
    labels = np.resize([3, 1, 2], 60).astype(np.uint8)
    for heavy in (1, 2):
        weights = np.where(labels == heavy, 5.0, 1.0)
        parameters = {
            **KINDS[kind],
            **({"epochs": 150, "learning_rate": 0.05} if kind == "mlp" else {}),
        }
        model = fit_classifier(table, labels, kind=kind, parameters=parameters, weights=weights)
        assert model.predict(table.iloc[[1]])[0].tolist() == [heavy]


def test_network_holds_out_whole_groups_and_scales_by_the_papers_limits():
    table, labels = toy(n=900)
    groups = np.arange(900) // 9
    model = fit_classifier(
        table, labels, groups, kind="mlp", parameters=QUICK, limits={"spring_B02": (0.0, 0.7)}
    )
    assert model.packed.centre[0] == pytest.approx(0.35)
    assert model.packed.scale[0] == pytest.approx(0.35)
    assert model.packed.centre[1] == pytest.approx(float(table["summer_ndvi"].mean()), abs=1e-6)
    assert (model.predict(table)[0] == labels).mean() > 0.8


def test_constant_features_do_not_divide_by_zero():
    centre, scale = scaling(np.full((4, 1), 3, np.float32), ("a",))
    assert (centre.tolist(), scale.tolist()) == ([3], [1])


def tampered(change):
    model = fit_classifier(*toy(), kind="mlp", parameters=QUICK)
    with np.load(io.BytesIO(save_arrays(model))) as stored:
        arrays = dict(stored)
    change(arrays)
    file = io.BytesIO()
    np.savez(file, **arrays)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda a: a["weight_0"].__setitem__((0, 0), np.nan), "finite float64"),
        (lambda a: a.update(weight_1=a["weight_1"][:-1]), "layers that lead"),
        (lambda a: a.update(scale=a["scale"] * 0), "centre and a scale"),
        (lambda a: a.update(classes=a["classes"][::-1]), "ascending"),
        (lambda a: a.pop("bias_0"), "expected a packed network"),
        (lambda a: a.update(format=np.int64(9)), "expected format 1"),
        (lambda a: a.update(classes=np.array([print], dtype=object)), "expected a packed network"),
    ],
)
def test_changed_networks_are_refused(change, sentence):
    with pytest.raises(InputError, match=sentence):
        load_network(tampered(change))


def test_cut_networks_are_refused():
    content = save_arrays(fit_classifier(*toy(), kind="mlp", parameters=QUICK))
    for cut in (b"", content[: len(content) // 2]):
        with pytest.raises(InputError, match=r"Network file"):
            load_network(io.BytesIO(cut))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"kind": "oracle"}, "expected one of random-forest"),
        ({"kind": "mlp", "parameters": ForestParameters()}, "expected NetworkParameters"),
        ({"parameters": NetworkParameters()}, "expected ForestParameters"),
        ({"prior_exponent": 2}, "prior exponent of 0 to 1"),
        ({"weights": [1, 2]}, "400 weights"),
        ({"weights": -np.ones(400)}, "not negative"),
    ],
)
def test_refused(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        fit_classifier(*toy(), **arguments)


def test_a_prior_that_does_not_fit_is_refused():
    content = save_arrays(fit_classifier(*toy(), parameters={"n_trees": 2}))
    for prior in ((0.5,), (0.5, 0.5, 0.0), (1.0, 0.5, -0.5)):
        with pytest.raises(InputError, match="3 positive factors"):
            load_arrays(io.BytesIO(content), "random-forest", prior)


@pytest.mark.parametrize(
    ("n_groups", "share", "n_judges"), [(20, 0.2, 4), (20, 0.0, 0), (9, 0.2, 0)]
)
def test_groups_are_held_out_to_stop_a_network_where_there_are_ten(
    n_groups: int, share: float, n_judges: int
) -> None:
    groups = np.repeat(np.arange(n_groups), 3)
    codes = np.tile(np.array([1, 2, 3], np.uint8), n_groups)
    trains, judges = training._hold_out(codes, groups, share, seed=0)
    assert len(set(groups[judges])) == n_judges
    assert not set(groups[judges]) & set(groups[trains])
    assert len(trains) + len(judges) == len(codes)
