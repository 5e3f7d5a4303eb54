"""Units are put together by the cause that stopped them."""

from __future__ import annotations

from typing import Any

from landcover.nouns.run import Unit, UnitState
from landcover.parts.reporting.causes import causes_of


def state(tile: str, message: str, **more: Any) -> UnitState:
    unit = Unit(id=f"{tile}.2021-spring", label=f"{tile} 2021-spring", tile=tile)
    given: dict[str, Any] = {"stage": "composite", "state": "failed", **more}
    return UnitState(run="run", unit=unit, message=message, **given)


def test_what_names_the_unit_does_not_part_causes() -> None:
    states = [
        state(tile, f"{tile} 2021-spring: /data/{n}/T{tile}_B08.jp2: the file is damaged.")
        for n, tile in enumerate(["30SUF", "30SVF", "30SVG"])
    ]
    busy = "https://archive.example/{}/T{}.zip: the server answers 429; try again after 02:00."
    states += [
        state(tile, busy.format(n, tile), stage="collect") for n, tile in enumerate(["31TCJ"] * 1)
    ]
    first, second = causes_of(states)
    assert first.labels == ("30SUF 2021-spring", "30SVF 2021-spring", "30SVG 2021-spring")
    assert first.text == "3 × composite failed: the file is damaged."
    assert second.text == "collect failed: the server answers 429; try again after 02:00."


def test_the_largest_cause_is_first_and_other_words_are_another_cause() -> None:
    states = [
        state("30SUF", "30SUF 2021-spring: no B08 in S2A_MSIL2A_20210301_T30SUF_x.SAFE."),
        state("30SVF", "30SVF 2021-spring: no B09 in S2A_MSIL2A_20210301_T30SVF_x.SAFE."),
        state("30SVG", "30SVG 2021-spring: no B09 in S2B_MSIL2A_20210311_T30SVG_y.SAFE."),
    ]
    assert [(len(c.labels), c.sentence) for c in causes_of(states)] == [
        (2, "no B09 in …"), (1, "no B08 in …"),
    ]  # fmt: skip


def test_what_ended_well_or_only_waited_is_no_cause() -> None:
    states = [state("30SUF", "", state="skipped"), state("30SVF", "made", state="done")]
    assert causes_of(states) == []
