"""The bench of growing runs: every unit is measured, and growth is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.bench import units
from landcover.bench.many_tiles import MEASURED, tiles_of
from landcover.bench.tables import Cost, Request, Row
from landcover.tiling import neighbours_of, tile_grid


def row(case: str, engine: str, cpu: float, memory: float) -> Row:
    return Row(case, engine, Cost(cpu, cpu, memory), 1, None, None)


def test_growth_is_told_from_the_smallest_run_to_the_largest() -> None:
    rows = [
        row("collect", "1 tiles", 0.5, 200), row("collect", "50 tiles", 0.9, 200),
        row("collect", "450 tiles", 0.55, 210), row("mosaic", "50 tiles", 1, 300),
        row("mosaic", "450 tiles", 1.3, 300),
    ]  # fmt: skip
    flat, grows = units.growth_of(rows)
    assert flat.startswith("collect: with 450 tiles 1.10 of the CPU and 1.05 of the memory")
    assert flat.endswith("with 1 tiles: flat.")
    assert (grows.startswith("mosaic"), grows.endswith("with 50 tiles: GROWS.")) == (True, True)


def test_the_measured_tile_has_its_neighbours() -> None:
    tiles = tiles_of(450)
    assert (len(set(tiles)), tiles[0]) == (450, MEASURED)
    assert set(neighbours_of(MEASURED)) <= set(tiles_of(50))
    assert len({tile_grid(tile).crs for tile in tiles}) > 1


@pytest.mark.slow
def test_every_unit_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "TILES", (1, 4))
    report = units.measure(Request(tmp_path, pixels=120, repeats=1), lambda share, what: None)
    measured = {(found.case, found.engine) for found in report.rows}
    alone = {"plan", "collect", "sample", "classify"}
    assert measured == {(case, f"{n} tiles") for case in alone for n in (1, 4)} | {
        ("overlap", "4 tiles"), ("mosaic", "4 tiles")
    }  # fmt: skip
    assert all(found.cost.cpu_seconds > 0 and found.cost.peak_mb > 50 for found in report.rows)
