"""Seconds, CPU seconds and peak memory of the demo, stage by stage, as its ledger holds them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NamedTuple

from landcover.nouns.run import STAGES, UnitState


class Row(NamedTuple):
    """One stage of a run."""

    stage: str
    units: int
    seconds: float
    """Wall seconds, summed over units."""
    cpu_seconds: float
    """CPU seconds of the worker, summed over units."""
    peak_mb: float
    """Largest resident memory of a worker during a unit, MB."""


def measure(folder: Path, *, pixels: int, seed: int) -> dict[str, Any]:
    """Run the demo twice in a fresh workspace and sum up what each stage took.

    Args:
        folder: An empty folder for region and workspace.
        pixels: Side of each tile, 10 m pixels.
        seed: Seed of the region.

    Returns:
        ``simulate_seconds``, ``first_seconds``, ``second_seconds`` (whole runs through Airflow),
        ``rows`` of the first run, and ``recomputed``, the units that the second run did not find.
    """
    from landcover.bench.runs import simulate_region, through_airflow

    began = time.monotonic()
    region = simulate_region(folder / "region", pixels=pixels, seed=seed)
    simulated = time.monotonic() - began
    first, first_seconds = through_airflow(region, folder / "workspace")
    second, second_seconds = through_airflow(region, folder / "workspace")
    return {
        "pixels": pixels,
        "simulate_seconds": round(simulated, 1),
        "first_seconds": round(first_seconds, 1),
        "second_seconds": round(second_seconds, 1),
        "rows": [row._asdict() for row in sum_up(first)],
        "recomputed": sum(state.state == "done" for state in second),
    }


def sum_up(states: list[UnitState]) -> list[Row]:
    """Sum the states of a run by stage, in the order of the stages."""
    rows = []
    for stage in STAGES:
        mine = [state for state in states if state.stage == stage]
        if mine:
            rows.append(
                Row(
                    stage=stage,
                    units=len(mine),
                    seconds=round(sum(state.seconds for state in mine), 2),
                    cpu_seconds=round(sum(state.cpu_seconds for state in mine), 2),
                    peak_mb=max(state.peak_mb for state in mine),
                )
            )
    return rows
