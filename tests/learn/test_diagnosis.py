"""The class doctor: confused pairs, thin classes and missed points in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.learn.advice import advise_pair, describe_point, needed_groups
from landcover.learn.diagnosis import diagnose
from landcover.learn.models import fit_classifier
from landcover.nouns.explanation import ExplainedClass, Explanation, PointFeature
from landcover.nouns.model import Feature, ModelCard, feature_set

FEATURES = feature_set(
    [
        Feature(name="summer_B11", period="summer", layer="B11", kind="band"),
        Feature(name="spring_B11", period="spring", layer="B11", kind="band"),
        Feature(name="spring_NDVI", period="spring", layer="NDVI", kind="index"),
        Feature(name="slope", period=None, layer="slope", kind="terrain"),
    ]
)
NAMES = ("shrubland", "openForest", "water", "rock")
TITLES = {1: "Shrubland", 2: "Open forest", 3: "Water", 4: "Rock"}


def sample_table(seed=0, sizes=(16, 16, 16, 3)):
    """Points of 9 pixels; 1 and 2 differ a little in summer_B11 only, 3 and 4 lie far away."""
    rng = np.random.default_rng(seed)
    rows = []
    for code, n_points in enumerate(sizes, start=1):
        for number in range(n_points):
            centre = rng.normal(size=4) * 0.5 + [0.9 * code if code < 3 else 0, 0, 0, 0]
            centre[2] += 9 * (code == 3)
            centre[3] += 9 * (code == 4)
            for pixel in range(9):
                values = centre + rng.normal(size=4) * 0.3
                rows.append(
                    {
                        **dict(zip(FEATURES.names, values.astype(np.float32), strict=True)),
                        "code": code, "point_id": f"{code}-{number}", "group": f"{code}-{number}",
                        "is_train": number % 3 != 0 or code == 4,
                        "tile": "30SUF" if number % 2 else "30SVF",
                        "row": number, "column": pixel, "lon": -3.0, "lat": 37.0,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def model_of(table, kind="random-forest", **options):
    trained = table[table["is_train"]]
    parameters = {"hidden": [6], "epochs": 20} if kind == "mlp" else {"n_trees": 10}
    model = fit_classifier(
        trained, trained["code"], feature_names=FEATURES.names, kind=kind, parameters=parameters,
        **options,
    )  # fmt: skip
    codes = sorted(trained["code"].unique().tolist())
    card = ModelCard(
        id="0" * 16, kind=kind, features=FEATURES, codes=codes,
        names=tuple(NAMES[c - 1] for c in codes), colours=("#aa5500",) * len(codes),
        parameters={}, seed=0, sample_set_id="s", n_train_rows=len(trained), n_train_groups=9,
        class_counts=dict.fromkeys(codes, 1), arrays_sha256="0" * 64, versions={},
    )  # fmt: skip
    return model, card


@pytest.fixture(scope="module")
def table():
    return sample_table()


@pytest.fixture(scope="module")
def found(table):
    return diagnose(*model_of(table), table, titles=TITLES)


def test_the_confused_pair_comes_first_with_advice(table, found):
    pair = found.pairs[0]
    assert pair.codes == (1, 2)
    first, second = (found.matrix[1][0], found.matrix[0][1])
    assert pair.confused == first + second > 0
    assert pair.rows == 2 * 6 * 9
    assert pair.differences[0].feature == "summer_B11"
    assert pair.distance is not None
    assert 0 < pair.distance < 1.9
    assert set(pair.tiles) <= {"30SUF", "30SVF"}
    assert pair.advice.startswith(f"Shrubland and Open forest: JM {pair.distance:.2f}, ")
    assert f"{pair.percent:.0f} % mutual confusion, differ mainly in B11 of summer" in pair.advice
    assert "points of" in pair.advice
    assert found.advice[0] == pair.advice


def test_matrix_and_shares_are_those_of_the_held_out_rows(table, found):
    model, _ = model_of(table)
    held = table[~table["is_train"]]
    right = model.predict(held)[0] == held["code"].to_numpy()
    assert found.n_held == len(held) == np.sum(found.matrix)
    assert found.overall == pytest.approx(right.mean())
    assert found.n_missed == (~right).sum()
    assert [c.held_rows for c in found.classes] == [54, 54, 54, 0]
    assert found.classes[0].producers == pytest.approx(found.matrix[0][0] / 54)
    assert found.classes[3].producers is None


def test_a_class_of_few_points_is_named(found):
    assert [c.title for c in found.classes if c.is_thin] == ["Rock"]
    # 3 of a median of 10 groups: 7 more.
    assert found.advice[-1] == (
        "Rock is under-represented: it trains on 3 points or fields, the median of the classes is "
        "10, and none was held out: add 7."
    )
    assert any("Rock" in note for note in found.notes)


def test_weights_sum_by_layer_and_by_season(found):
    assert [f.total for f in found.features] == sorted(f.total for f in found.features)[::-1]
    by_name = {f.name: f for f in found.features}
    layers, seasons = found.by_layer(), found.by_period()
    assert set(seasons) == {"spring", "summer", "terrain"}
    assert layers["B11"] == pytest.approx(
        np.add(by_name["summer_B11"].shap, by_name["spring_B11"].shap)
    )
    assert seasons["terrain"] == by_name["slope"].shap
    assert sum(map(sum, layers.values())) == pytest.approx(sum(f.total for f in found.features))


def test_missed_points_say_what_pushed(table, found):
    assert found.points
    for missed in found.points:
        row = table[(table["point_id"] == missed.point) & (table["column"] == missed.column)]
        assert int(row["code"].iloc[0]) == missed.reference != missed.predicted
        assert not row["is_train"].any()
        assert missed.p_predicted >= missed.p_reference
        push = [abs(f.predicted - f.reference) for f in missed.features]
        assert push == sorted(push, reverse=True)
        assert missed.sentence.startswith(f"Point {missed.point} in {missed.tile}: ")
    margins = [m.p_predicted - m.p_reference for m in found.points]
    assert margins == sorted(margins, reverse=True)


def test_points_are_bounded_but_named_ones_are_told(table):
    model, card = model_of(table)
    few = diagnose(model, card, table, max_points=2)
    pairs = {(p.reference, p.predicted) for p in few.points}
    assert len(few.points) <= max(2, len(pairs))
    held = table[~table["is_train"]].reset_index(drop=True)
    wrong = held[model.predict(held)[0] != held["code"].to_numpy()]
    name = wrong["point_id"].iloc[-1]
    named = diagnose(model, card, table, max_points=2, points=(name,))
    expected = (wrong["point_id"] == name).sum()
    assert sum(p.point == name for p in named.points) == expected


def test_the_same_samples_give_the_same_document(table, found):
    again = diagnose(*model_of(table), table, titles=TITLES, threads=2)
    assert again.to_json() == found.to_json()
    assert Explanation.from_json(found.to_json()) == found


def test_a_network_gets_permutation_and_a_note(table):
    found = diagnose(*model_of(table, "mlp"), table)
    assert (found.features, found.n_rows) == ((), 0)
    assert found.by_layer() == {}
    assert len(found.clusters) == 4
    assert any(note.startswith("A neural network") for note in found.notes)
    for pair in found.pairs:
        assert pair.differences


def test_nothing_held_out_is_said(table):
    found = diagnose(*model_of(table), table.assign(is_train=True))
    assert (found.basis, found.n_held, found.overall) == ("training", 0, None)
    assert found.pairs == found.points == ()
    assert found.n_rows > 0
    assert any("No sample was held out" in note for note in found.notes)


def test_rows_of_nodata_and_a_class_without_rows_break_nothing(table):
    model, card = model_of(table)
    holes = table.copy()
    holes.loc[holes["code"] == 2, "slope"] = np.nan  # all rows of a class
    holes.loc[holes["point_id"] == "1-0", "spring_B11"] = np.nan
    found = diagnose(model, card, holes, titles=TITLES)
    assert [c.train_rows for c in found.classes] == [90, 0, 90, 27]
    assert found.n_held == 54 + 54 - 9
    assert any("Open forest is under-represented" in sentence for sentence in found.advice)


def test_a_model_that_learned_nothing_is_noted(table):
    model, card = model_of(table)
    mixed = table.assign(code=table["code"].map({1: 3, 2: 1, 3: 2, 4: 4}))
    found = diagnose(model, card, mixed)
    assert found.notes[0].startswith("The model is right on ")
    assert "would be right on 33.3 %" in found.notes[0]


def test_a_prior_is_noted(table):
    found = diagnose(*model_of(table, prior_exponent=1.0), table)
    assert any("before each class is multiplied" in note for note in found.notes)


def a_class(code, title, groups, producers=0.5):
    return ExplainedClass(
        code=code, title=title, colour="#000000", train_rows=9 * groups, train_groups=groups,
        held_rows=9, held_groups=1, users=None, producers=producers, is_thin=False,
    )  # fmt: skip


def test_points_to_add_reach_the_median_and_at_least_double():
    classes = [a_class(i, str(i), groups) for i, groups in enumerate([5, 40, 30, 0], start=1)]
    # Median of 0, 5, 30, 40 is 17.5.
    assert [needed_groups(c, classes) for c in classes] == [13, 40, 30, 18]
    assert needed_groups(a_class(1, "", 0), [a_class(1, "", 0)]) == 1


@pytest.mark.parametrize(
    ("distance", "expected"),
    [
        (
            1.21,
            "Shrubland and Open forest: JM 1.21, 31 % mutual confusion, differ mainly in B11 of "
            "summer: merge them, or add 24 points of Shrubland in tiles 30SUF, 30SVF (it trains "
            "on 6).",
        ),
        (0.4, "merge them; to keep both, add a season or layer in which they differ, and add 24"),
        (1.95, "their samples lie well apart, so check the labels of the missed points, then add"),
        (None, "JM unknown (too few samples), 31 % mutual confusion"),
    ],
)
def test_advice_depends_on_the_distance(distance, expected):
    pair = (a_class(1, "Shrubland", 6, 0.4), a_class(2, "Open forest", 30, 0.7))
    sentence = advise_pair(
        pair, [*pair, a_class(3, "Water", 40)], percent=31.2, distance=distance,
        differs_in=["B11 of summer"], tiles=["30SUF", "30SVF"],
    )  # fmt: skip
    assert expected in sentence
    assert sentence.endswith(".")


def test_a_missed_point_in_a_sentence():
    sides = [("B11 of summer", 0.3, -0.1), ("slope", -0.05, 0.1), ("NDVI of spring", 0.1, 0.02)]
    features = [
        PointFeature(feature=name, value=1, predicted=p, reference=r) for name, p, r in sides
    ]
    told = describe_point(
        "p7", "30SUF", reference=("Shrubland", 0.22), predicted=("Rock", 0.61), features=features
    )
    assert told == (
        "Point p7 in 30SUF: Shrubland (22 %) is taken for Rock (61 %): B11 of summer and NDVI of "
        "spring speak for Rock, slope speaks for Shrubland."
    )
    bare = describe_point("p7", "30SUF", reference=("A", 0.2), predicted=("B", 0.8), features=[])
    assert bare == "Point p7 in 30SUF: A (20 %) is taken for B (80 %)."
