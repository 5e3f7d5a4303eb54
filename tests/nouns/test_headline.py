"""The number that a map is quoted by: the most honest one there is."""

from __future__ import annotations

import pytest

from landcover.learn.accuracy import accuracy
from landcover.nouns.area import AreaReport, Estimate
from landcover.nouns.headline import Headline, headline_of
from landcover.nouns.validation import Independent, SplitName, SplitScore, Validation


def split(name: SplitName, overall: float, **more: object) -> SplitScore:
    return SplitScore.model_validate(
        {
            "name": name, "design": "d", "n_folds": 2, "n": 400, "n_groups": 40,
            "overall": overall, "macro_f1": overall, "majority_baseline": 0.3,
            "interval": (overall - 0.1, overall + 0.1), "classes": (), **more,
        }
    )  # fmt: skip


def independent(half: float | None = 0.048, *, is_probability: bool = True) -> Independent:
    points = accuracy([1, 1, 2, 2], [1, 1, 2, 1])
    area = AreaReport.model_construct(overall=Estimate(value=0.821, half_width=half))
    known = area if is_probability else None
    return Independent.model_construct(agreement=points, area=known, refused="")


EVERY = (
    split("rows", 0.99), split("held-out", 0.92), split("groups", 0.91), split("blocks", 0.88),
    split("tiles", 0.85), split("sources", 0.8),
)  # fmt: skip


def without(*names: str) -> Validation:
    return Validation(splits=tuple(one for one in EVERY if one.name not in names), gaps=())


@pytest.mark.parametrize(
    ("absent", "basis", "overall"),
    [
        ((), "sources", 0.8),
        (("sources",), "tiles", 0.85),
        (("sources", "tiles"), "blocks", 0.88),
        (("sources", "tiles", "blocks"), "groups", 0.91),
    ],
)
def test_the_first_that_could_be_measured(
    absent: tuple[str, ...], basis: str, overall: float
) -> None:
    found = headline_of(without(*absent))
    assert (found.basis, found.overall, found.n, found.n_groups) == (basis, overall, 400, 40)
    assert found.interval == (overall - 0.1, overall + 0.1)
    assert f"{100 * overall:.1f} %" in found.sentence
    assert "no probability sample" in found.sentence


def test_what_flatters_is_never_quoted() -> None:
    found = headline_of(without("groups", "blocks", "tiles", "sources"))
    assert not found.is_measured
    assert found.overall is None
    assert found.sentence.startswith("Accuracy not measured: ")


def test_a_split_that_hides_a_class_is_passed_over() -> None:
    lacking = split("sources", 0.1, unlearned=("cropland",), not_judged=90)
    found = headline_of(Validation(splits=(*EVERY[:-1], lacking), gaps=()))
    assert found.basis == "tiles"


def test_a_probability_sample_comes_first() -> None:
    known = without().model_copy(update={"independent": independent()})
    found = headline_of(known)
    assert (found.basis, found.overall) == ("independent", 0.821)
    assert found.interval == pytest.approx((0.773, 0.869))
    assert "82.1 ± 4.8 %" in found.sentence
    assert "4 points" in found.sentence
    bare = without().model_copy(update={"independent": independent(None)})
    assert headline_of(bare).interval is None


def test_points_of_unknown_design_are_told_and_not_quoted() -> None:
    points = independent(is_probability=False)
    assert headline_of(without().model_copy(update={"independent": points})).basis == "sources"
    alone = Validation.model_construct(
        splits=(), gaps=(), independent=points, calibration=None, coverages=(), n_rows=0, notes=()
    )
    found = headline_of(alone)
    assert not found.is_measured
    assert "75.0 % of 4 independent points" in found.sentence


def test_nothing_measured_has_a_reason_and_survives_the_records() -> None:
    found = headline_of(None, "no reference. No labels were given.")
    assert found.sentence == "Accuracy not measured: no reference. No labels were given."
    assert Headline.from_document(found.to_document()) == found
