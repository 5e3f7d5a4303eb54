"""Classes whose share on the map is not that of the training samples."""

from __future__ import annotations

from typing import Any

import pytest

from landcover.nouns.model import ModelCard
from landcover.publish.areas import ClassArea
from landcover.publish.class_shift import class_shift


def area(code: int, hectares: float) -> ClassArea:
    return ClassArea(
        code=code, name=f"c{code}", title=f"C{code}", colour="#000000", pixels=1,
        hectares=hectares, percent=0,
    )  # fmt: skip


def card(**counts: int) -> Any:
    return ModelCard.model_construct(class_counts={int(k[1:]): n for k, n in counts.items()})


@pytest.mark.parametrize(
    ("mapped", "told"),
    [
        ((50, 50), []),
        ((70, 30), []),
        ((99, 1), ["C2"]),  # 50 % of the samples, 1 % of the map
        ((10, 90), ["C1"]),
    ],
)
def test_twice_or_half_is_told(mapped: tuple[float, float], told: list[str]) -> None:
    found = class_shift([area(1, mapped[0]), area(2, mapped[1])], card(c1=500, c2=500))
    assert [one.title for one in found] == told


def test_small_shares_double_by_chance_and_are_left_out() -> None:
    found = class_shift([area(1, 97), area(2, 3)], card(c1=990, c2=10))
    assert found == ()


def test_a_class_without_samples_and_a_map_without_area() -> None:
    found = class_shift([area(1, 60), area(2, 40)], card(c1=10, c2=0))
    assert [(one.title, one.trained_percent) for one in found] == [("C2", 0)]
    assert class_shift([], card(c1=1, c2=1)) == ()
