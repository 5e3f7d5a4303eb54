"""The time that is left, as the units of a run tell it."""

from __future__ import annotations

import pytest

from landcover.cli.progress import seconds_left
from landcover.nouns.run import State, Unit, UnitState
from landcover.nouns.stages import Stage


def unit(name: str, stage: Stage, state: State, seconds: float = 0.0) -> UnitState:
    return UnitState(
        run="r", stage=stage, unit=Unit(id=name, label=name), state=state, seconds=seconds
    )


def test_what_is_left_goes_by_the_mean_of_finished_units() -> None:
    found = [
        unit("a", "mask", "done", 10), unit("b", "mask", "done", 20), unit("c", "mask", "running"),
        unit("d", "mask", "planned"), unit("a", "composite", "done", 60),
        unit("b", "composite", "planned"), unit("e", "composite", "reused", 0),
    ]  # fmt: skip
    assert seconds_left(found) == pytest.approx(2 * 15 + 60)


def test_nothing_is_said_where_nothing_is_known() -> None:
    assert seconds_left([]) is None
    assert seconds_left([unit("a", "mask", "done", 10)]) is None
    # A unit that was found again took no time: it says nothing of one that is computed.
    assert seconds_left([unit("a", "mask", "reused"), unit("b", "mask", "planned")]) is None
