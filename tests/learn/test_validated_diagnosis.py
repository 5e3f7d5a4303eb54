"""The class doctor joined with independent points: which of both a sentence goes by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.validated_diagnosis import NOT_VALIDATED, with_validation, without_validation
from landcover.nouns.area import AreaReport, Estimate
from landcover.nouns.explanation import (
    ConfusedPair,
    Difference,
    ExplainedClass,
    Explanation,
    MisclassifiedPoint,
    ValidatedExplanation,
)
from landcover.nouns.model import Feature, ModelCard, feature_set
from landcover.nouns.validation import Independent

CODES = (1, 2, 3)
TITLES = {1: "Shrubland", 2: "Open forest", 3: "Water"}
NAMES = ("summer_B04", "slope")


@pytest.fixture
def card() -> ModelCard:
    features = feature_set(
        [
            Feature(name="summer_B04", period="summer", layer="B04", kind="band"),
            Feature(name="slope", period=None, layer="slope", kind="terrain"),
        ]
    )
    return ModelCard.model_construct(codes=CODES, features=features, seed=0)


def an_explanation(held: dict[int, int], matrix: Any, *pairs: ConfusedPair) -> Explanation:
    return Explanation(
        model="0123456789abcdef", kind="random-forest", title="", simulated=False,
        basis="held-out", n_rows=0, n_held=sum(held.values()), overall=0.9,
        classes=tuple(
            ExplainedClass(
                code=code, title=TITLES[code], colour="#101010", train_rows=90, train_groups=10,
                held_rows=held[code], held_groups=2, users=0.9, producers=0.9, is_thin=False,
            )
            for code in CODES
        ),
        matrix=matrix, features=(), clusters=(), pairs=pairs, points=(), n_missed=0,
        advice=("as it was",), notes=("a note",),
    )  # fmt: skip


def a_pair(confused: int, rows: int) -> ConfusedPair:
    return ConfusedPair(
        codes=(1, 2), confused=confused, rows=rows, distance=1.21, measured=("summer_B04",),
        differences=(Difference(feature="summer_B04", amount=0.2),), tiles=("30SUF",),
        advice="as it was",
    )  # fmt: skip


def independent(matrix: Any, **more: Any) -> Independent:
    """Make a report of a matrix; rows = map, columns = reference."""
    counts = np.array(matrix)
    row, column = np.nonzero(counts)
    codes = np.array([1, 2, 3, 9])
    mapped = np.repeat(codes[row], counts[row, column])
    reference = np.repeat(codes[column], counts[row, column])
    report = accuracy(mapped, reference, design="simple random sample")
    return Independent(**({"agreement": report, "area": None, "refused": "few"} | more))


def a_missed_point(tile: str) -> MisclassifiedPoint:
    return MisclassifiedPoint(
        point="p1", tile=tile, row=4, column=5, lon=-3.25, lat=37.5, reference=1, predicted=2,
        p_reference=0.2, p_predicted=0.6, features=(), sentence="Point p1.",
    )  # fmt: skip


HELD = {1: 20, 2: 16, 3: 18}


def test_enough_points_are_preferred_and_counted(card: ModelCard) -> None:
    known = an_explanation(HELD, ((15, 4, 0), (5, 12, 0), (0, 0, 18)), a_pair(9, 36))
    # Of 20 points of 1 five are mapped as 2, of 20 of 2 one is mapped as 1: 6 of 40.
    points = (a_missed_point("30SVF"), a_missed_point("30SVF"))
    found = with_validation(
        known, card, independent([[15, 1, 0], [5, 19, 0], [0, 0, 7]]), pd.DataFrame(),
        run="r", points=points,
    )  # fmt: skip
    (pair,), (validated,) = found.pairs, found.judgement.pairs
    assert (pair.confused, pair.rows, validated.confused, validated.points) == (9, 36, 6, 40)
    assert pair.percent == 25
    assert validated.percent == 15
    assert validated.is_used
    assert pair.advice == found.advice[0] == (
        "Shrubland and Open forest: JM 1.21, 15 % mutual confusion on 40 independent points "
        "(25 % of held-out pixels), differ mainly in B04 of summer: merge them, or add 10 points "
        "of Shrubland in tile 30SVF (it trains on 10)."
    )  # fmt: skip
    assert found.judgement.n == 47
    assert found.judgement.n_missed == 6
    assert found.judgement.overall == pytest.approx(41 / 47)
    assert found.judgement.weighted is None
    assert found.judgement.points_of((1, 2)) == points
    assert found.judgement.points_of((1, 3)) == ()
    assert found.notes == ("a note",)
    assert found.matrix == known.matrix
    assert ValidatedExplanation.from_json(found.to_json()) == found
    with pytest.raises(InputError, match="no pair"):
        found.judgement.pair_of((2, 3))


@pytest.mark.parametrize(
    ("matrix", "n"), [([[19, 1], [1, 8]], 29), ([[25, 1], [1, 8]], 35), ([[11, 1], [1, 9]], 22)]
)
def test_few_points_leave_the_sentence_to_held_out_rows(
    card: ModelCard, matrix: list[list[int]], n: int
) -> None:
    known = an_explanation(HELD, ((15, 4, 0), (5, 12, 0), (0, 0, 18)), a_pair(9, 36))
    found = with_validation(known, card, independent(matrix), pd.DataFrame(), run="r")
    assert not found.judgement.pairs[0].is_used
    assert (
        f"25 % mutual confusion on 36 held-out pixels ({n} independent points are too few)"
        in (found.advice[0])
    )
    assert "in tile 30SUF" in found.advice[0]


def test_without_a_point_of_a_pair_that_is_said(card: ModelCard) -> None:
    known = an_explanation(HELD, ((15, 4, 0), (5, 12, 0), (0, 0, 18)), a_pair(9, 36))
    found = with_validation(
        known, card, independent([[0, 0, 0], [0, 0, 0], [0, 0, 5]]), pd.DataFrame(), run="r"
    )
    assert found.judgement.pairs[0].percent is None
    assert "36 held-out pixels (no independent point)" in found.advice[0]


def test_points_that_find_no_confusion_ask_for_nothing(card: ModelCard) -> None:
    known = an_explanation(HELD, ((15, 4, 0), (5, 12, 0), (0, 0, 18)), a_pair(9, 36))
    found = with_validation(known, card, independent([[20, 0], [0, 20]]), pd.DataFrame(), run="r")
    assert found.advice == ()
    assert found.pairs[0].advice == (
        "Shrubland and Open forest: none confused on 40 independent points "
        "(25 % of held-out pixels)."
    )


def test_a_pair_that_only_points_confuse_is_added(card: ModelCard) -> None:
    known = an_explanation(HELD, ((20, 0, 0), (0, 16, 0), (0, 0, 18)))
    rng = np.random.default_rng(0)
    code = np.repeat([1, 3], 60)
    trained = pd.DataFrame(
        {"summer_B04": rng.normal(code, 0.1), "slope": rng.normal(0, 1, 120), "code": code}
    )
    matrix = [[20, 0, 4], [0, 9, 0], [0, 0, 12]]
    found = with_validation(known, card, independent(matrix), trained, run="r")
    (pair,) = found.pairs
    assert pair.codes == (1, 3)
    assert (pair.confused, pair.rows, pair.differences) == (0, 38, ())
    assert pair.measured[0] == "summer_B04"
    assert pair.distance is not None
    assert pair.distance > 1.9
    assert "11 % mutual confusion on 36 independent points (0 % of held-out pixels)" in pair.advice
    assert "differ mainly in B04 of summer" in pair.advice
    assert "labels of the missed points" in pair.advice


def test_points_are_used_where_nothing_was_held_out(card: ModelCard) -> None:
    known = an_explanation({1: 0, 2: 0, 3: 0}, ((0, 0, 0),) * 3)
    found = with_validation(known, card, independent([[3, 1], [0, 2]]), pd.DataFrame(), run="r")
    assert found.judgement.pairs[0].is_used
    assert found.pairs[0].percent is None
    assert "17 % mutual confusion on 6 independent points (none held out)" in found.advice[0]


def test_classes_that_the_model_lacks_are_counted(card: ModelCard) -> None:
    known = an_explanation(HELD, ((20, 0, 0), (0, 16, 0), (0, 0, 18)))
    matrix = [[9, 1, 0, 2], [0, 8, 0, 0], [0, 0, 5, 0], [0, 0, 1, 0]]
    found = with_validation(known, card, independent(matrix), pd.DataFrame(), run="r")
    assert any("3 of the independent points have a class" in note for note in found.notes)
    assert found.judgement.n_missed == 4
    assert [pair.codes for pair in found.pairs] == [(1, 2)]


def test_the_weighted_accuracy_comes_along(card: ModelCard) -> None:
    known = an_explanation(HELD, ((20, 0, 0), (0, 16, 0), (0, 0, 18)))
    area = AreaReport(
        design="d", unit="ha", overall=Estimate(value=0.8, half_width=0.1), classes=(), n=6,
        total_area=10,
    )  # fmt: skip
    given = independent([[3, 1], [0, 2]], area=area, refused="")
    found = with_validation(known, card, given, pd.DataFrame(), run="r")
    assert found.judgement.weighted == Estimate(value=0.8, half_width=0.1)


def test_without_points_that_is_said() -> None:
    known = an_explanation(HELD, ((20, 0, 0), (0, 16, 0), (0, 0, 18)))
    found = without_validation(known)
    assert found.notes == ("a note", NOT_VALIDATED)
    assert found.model_copy(update={"notes": known.notes}) == known
