"""The sentences about a class distribution: largest class, concentration, minor classes."""

from __future__ import annotations

import pytest

from landcover.nouns.legend import MEDITERRANEAN
from landcover.publish.areas import class_areas
from landcover.publish.distribution import effective_classes, findings


def areas(pixels: dict[int, int]):
    return class_areas(pixels, {k: n / 100 for k, n in pixels.items()}, MEDITERRANEAN.classes)


def test_equal_classes_count_each() -> None:
    assert effective_classes([5, 5, 5, 5]) == pytest.approx(4)
    assert effective_classes([7, 0, 0]) == pytest.approx(1)
    assert effective_classes([]) == 0
    # exp(-(0.9 ln 0.9 + 0.1 ln 0.1))
    assert effective_classes([90, 10]) == pytest.approx(1.3841, abs=1e-4)


def test_a_concentrated_map_is_told_with_its_minor_classes() -> None:
    said = findings(areas({0: 999, 1: 9200, 7: 700, 9: 96, 8: 4}))
    assert said == (
        "Closed forest is the largest class, with 92.0 % of the area.",
        "The largest class covers 92.0 %; the area is divided as among 1.4 equally large classes "
        "(of 4 on the map).",
        "Minor classes that were found: Permanent water 1.0 %, Built-up < 0.1 %.",
        "Known to the model and not on the map: Open forest, Shrubland, Herbaceous vegetation, "
        "Herbaceous wetland, Bare or sparse vegetation.",
    )


def test_classes_that_the_model_does_not_know_are_not_missed() -> None:
    said = findings(areas({1: 60, 7: 40}), trained=("Closed forest", "Cropland", "Built-up"))
    assert said[1].startswith("The 2 largest classes cover 100.0 %")
    assert said[-1] == "Known to the model and not on the map: Built-up."
    assert findings(areas({0: 10})) == ()
