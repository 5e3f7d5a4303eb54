"""Overlaps on the page: the most different first, both orders of two classes counted together."""

from __future__ import annotations

from typing import Any

from landcover.nouns.legend import LegendClass
from landcover.nouns.output import Output
from landcover.parts.reporting.overlap_report import seams_of

LEGEND = [
    LegendClass(code=4, name="shrubland", colour="#112233", title="Shrubland"),
    LegendClass(code=7, name="cropland", colour="#445566", title="Cropland"),
]


def mosaic(stats: dict[str, Any]) -> Output:
    return Output.model_construct(stats=stats)


def overlap(first: str, second: str, percent: float, classes: dict[str, int]) -> dict[str, Any]:
    return {"first": first, "second": second, "pixels": 100, "percent": percent, "classes": classes}


def test_the_most_different_pair_comes_first() -> None:
    found = seams_of(
        mosaic(
            {
                "overlaps": [
                    overlap("30SUF", "30SVF", 3.0, {"4-7": 1, "7-4": 1, "4-9": 1}),
                    overlap("30SUF", "30SUG", 8.0, {}),
                ],
                "absent": ["30SVG"],
            }
        ),
        LEGEND,
    )
    assert [(view.second, view.percent) for view in found["overlaps"]] == [
        ("30SUG", 8.0),
        ("30SVF", 3.0),
    ]
    assert found["overlaps"][0].commonest == ""
    assert found["overlaps"][1].commonest == "Shrubland and Cropland: 67 % of the differences"
    assert found["absent"] == ("30SVG",)


def test_a_code_without_a_name_and_a_mosaic_of_an_older_version() -> None:
    view = seams_of(mosaic({"overlaps": [overlap("a", "b", 1.0, {"9-4": 5})]}), LEGEND)["overlaps"]
    assert view[0].commonest == "Shrubland and class 9: 100 % of the differences"
    assert seams_of(mosaic({}), LEGEND) == {"overlaps": (), "absent": ()}
