"""The table of tiles: graver states win, tiles that stand alike share a row."""

from __future__ import annotations

from landcover.nouns.run import State, Unit, UnitState
from landcover.nouns.stages import Stage
from landcover.parts.reporting.tile_table import shown_rows, tile_table


def unit(tile: str | None, stage: Stage, state: State, span: str = "") -> UnitState:
    name = f"{tile}.{span}"
    return UnitState(
        run="r", stage=stage, unit=Unit(id=name, label=name, tile=tile), state=state
    )  # fmt: skip


STATES = [
    unit("30SUF", "composite", "done", "spring"), unit("30SUF", "composite", "done", "summer"),
    unit("30SUF", "classify", "running"), unit("30SUG", "composite", "done", "spring"),
    unit("30SUG", "composite", "failed", "summer"), unit("30SVF", "classify", "running"),
    unit("30SVF", "composite", "done", "spring"), unit("30SVF", "composite", "done", "summer"),
    unit(None, "train", "done"),
]  # fmt: skip


def test_units_are_counted_by_tile_stage_and_state() -> None:
    table = tile_table(["30SUF", "30SUG", "30SVG"], STATES)
    assert table == {
        "30SUF": {"composite": {"done": 2}, "classify": {"running": 1}},
        "30SUG": {"composite": {"done": 1, "failed": 1}},
        "30SVG": {},
    }


def test_troubled_tiles_come_first_and_equal_ones_share_a_row() -> None:
    stages, rows = shown_rows(tile_table(["30SUF", "30SUG", "30SVF", "30SVG"], STATES))
    assert stages == ["composite", "classify"]
    assert rows == [
        (["30SUG"], ["failed 1/2", "–"]),
        (["30SUF", "30SVF"], ["done", "running"]),
        (["30SVG"], ["–", "–"]),
    ]
    assert shown_rows({}) == ([], [])
