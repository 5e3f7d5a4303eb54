"""What a model goes by: chosen rows, mean Shapley values, permuted groups of features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.explain import (
    choose_rows,
    contrast,
    correlated_features,
    explain,
    mean_recall,
    permutation_importance,
)
from landcover.learn.models import fit_classifier

NAMES = ("useful", "twin", "noise", "other")


@pytest.fixture(scope="module")
def table():
    """Classes 1 and 2 differ in ``useful`` and its twin, class 3 in ``other``; 60 groups of 5."""
    rng = np.random.default_rng(0)
    codes = np.repeat([1, 2, 3], 100)
    useful = (codes == 2) * 4 + rng.normal(size=300)
    found = pd.DataFrame(
        {
            "useful": useful,
            "twin": useful + rng.normal(size=300) * 0.01,
            "noise": rng.normal(size=300),
            "other": (codes == 3) * 6 + rng.normal(size=300),
            "code": codes,
            "group": [f"g{i // 5}" for i in range(300)],
        }
    )
    return found.sample(frac=1, random_state=1, ignore_index=True)


@pytest.fixture(scope="module")
def forest(table):
    return fit_classifier(
        table, table["code"], feature_names=NAMES, parameters={"n_trees": 12}, seed=1
    )


def test_rows_are_chosen_class_by_class_and_group_by_group():
    codes = np.array([1] * 90 + [2] * 10 + [3] * 2)
    groups = np.array([f"a{i // 9}" for i in range(90)] + [f"b{i}" for i in range(10)] + ["c"] * 2)
    rows = choose_rows(codes, groups, 22)
    # Class 3 has two rows only; its share goes to the others, ten rows each.
    assert np.bincount(codes[rows]).tolist() == [0, 10, 10, 2]
    assert len(set(groups[rows][codes[rows] == 1])) == 10, "every group gives one row first"
    assert rows.tolist() == sorted(set(rows.tolist()))
    assert choose_rows(codes, groups, 22).tolist() == rows.tolist()
    assert choose_rows(codes, groups, 22, seed=5).tolist() != rows.tolist()


@pytest.mark.parametrize(("most", "expected"), [(1, 3), (3, 3), (6, 6), (10_000, 102)])
def test_every_class_is_chosen_from(most, expected):
    codes = np.array([1] * 90 + [2] * 10 + [3] * 2)
    assert choose_rows(codes, np.arange(102), most).size == expected


def test_no_rows_no_choice():
    assert choose_rows([], [], 10).size == 0


def test_importance_names_the_useful_features(table, forest):
    found = explain(forest, table, table["code"], table["group"], training=table, max_rows=60)
    assert found.rows.size == 60
    assert found.values.shape == (60, 4, 3)
    assert found.importance == pytest.approx(np.abs(found.values).mean(axis=0))
    by_feature = dict(zip(NAMES, found.importance.sum(axis=1), strict=True))
    assert by_feature["noise"] < 0.2 * min(by_feature["useful"], by_feature["other"])
    # What tells 1 from 2 hardly matters to 3, and the other way round.
    first, _, third = found.importance.T
    assert first[NAMES.index("useful")] > third[NAMES.index("useful")]
    whole = found.expected + found.values.sum(axis=1)
    rows = table[list(NAMES)].to_numpy(np.float32)[found.rows]
    assert whole == pytest.approx(forest.probabilities(rows), abs=1e-9)


def test_extra_rows_are_explained_but_not_averaged(table, forest):
    plain = explain(forest, table, table["code"], max_rows=30)
    extra = np.setdiff1d(np.arange(300), plain.rows)[:7]
    more = explain(forest, table, table["code"], max_rows=30, extra=extra, threads=2)
    assert set(more.rows) == {*plain.rows, *extra}
    assert more.importance == pytest.approx(plain.importance, abs=1e-12)


def test_rows_without_a_feature_are_left_out(table, forest):
    holes = table.copy()
    holes.loc[:149, "useful"] = np.nan
    found = explain(forest, holes, table["code"], max_rows=50, extra=[0, 200])
    assert found.rows.min() >= 150
    assert 200 in found.rows
    holes["noise"] = np.nan
    with pytest.raises(InputError, match="none of 300 rows"):
        explain(forest, holes)


def test_rows_of_one_class_or_one_group_are_enough(table, forest):
    one = table[table["code"] == 2]
    found = explain(forest, one, one["code"], np.zeros(len(one)), training=table, max_rows=10)
    assert found.rows.size == 10
    assert len(found.clusters) >= 1


def test_lengths_must_fit(table, forest):
    with pytest.raises(InputError, match="expected 300 labels and groups"):
        explain(forest, table, [1, 2])


def test_a_network_is_explained_by_permutation_only(table):
    network = fit_classifier(
        table, table["code"], feature_names=NAMES, kind="mlp",
        parameters={"hidden": [8], "epochs": 40}, seed=0,
    )  # fmt: skip
    found = explain(network, table, table["code"], table["group"])
    assert found.values is None
    assert found.expected is None
    assert found.importance is None
    assert {name for cluster in found.clusters for name in cluster.features} == set(NAMES)


def test_correlated_features_fall_together():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 400))
    # Ranks count: a cubed feature is the same feature; so is a negative one.
    rows = np.stack([x, y, x**3, np.full(400, 5.0), -y], axis=1)
    found = [group.tolist() for group in correlated_features(rows)]
    assert found == [[0, 2], [1, 4], [3]]
    assert [g.tolist() for g in correlated_features(rows[:, :1])] == [[0]]
    loose = np.stack([x, x + y], axis=1)  # rank correlation about 0.7
    assert len(correlated_features(loose)) == 2
    assert len(correlated_features(loose, threshold=0.5)) == 1


def test_twins_cost_nothing_alone_and_much_together(table, forest):
    rows = table[list(NAMES)].to_numpy(np.float32)
    together = {c.features: c for c in permutation_importance(forest, rows, table["code"])}
    assert ("useful", "twin") in together
    assert together["useful", "twin"].drop > 0.25
    assert abs(together["noise",].drop) < 0.05
    alone = permutation_importance(forest, rows, table["code"], threshold=1)
    apart = {c.features: c.drop for c in alone}
    assert max(apart["useful",], apart["twin",]) < 0.8 * together["useful", "twin"].drop


def test_mean_recall_counts_every_class_the_same():
    assert mean_recall(np.array([1, 1, 1, 1]), np.array([1, 1, 1, 2])) == 0.5


def test_contrast_of_a_pair():
    # Two rows of class 1 and one of class 2; two features, three classes.
    values = np.zeros((3, 2, 3))
    values[0, 0] = [0.4, -0.2, 0]
    values[1, 0] = [0.2, 0.0, 0]
    values[2, 0] = [-0.1, 0.3, 0]
    values[2, 1] = [0.2, 0.1, 0]
    found = contrast(values, [1, 1, 2], [1, 2, 3], [1, 2])
    # Class 1: mean of 0.6 and 0.2; class 2: 0.4; each counts the same. It misleads by 0.1 / 2.
    assert found == pytest.approx([0.4, -0.05])
    assert contrast(values, [1, 1, 2], [1, 2, 3], [2, 1]) == pytest.approx(found)
    assert contrast(values, [3, 3, 3], [1, 2, 3], [1, 2]).tolist() == [0, 0]
    assert contrast(values, [1, 1, 3], [1, 2, 3], [1, 2]) == pytest.approx([0.4, 0])


def test_the_front_door_explains_and_measures_separability(table, forest):
    from landcover import api
    from landcover.parts.training.model_lookup import LoadedModel

    direct = api.explain(forest, table, table["code"], max_rows=12)
    loaded = api.explain(LoadedModel(card=None, model=forest), table, table["code"], max_rows=12)
    assert np.array_equal(direct.values, loaded.values)
    apart = api.jeffries_matusita(table[["useful", "other"]], table["code"])
    assert apart.codes.tolist() == [1, 2, 3]
    assert apart.distance[0, 1] > 1.5
