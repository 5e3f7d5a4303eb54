"""Seconds, CPU seconds and peak memory of the demo, stage by stage, and of an unchanged rerun."""

from __future__ import annotations

import time
from collections.abc import Sequence

from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.nouns.run import UnitState
from landcover.nouns.stages import STAGES


def disk_gb(request: Request) -> float:
    """Say what region and workspace take, GB: measured 0.25 kB for each pixel of two tiles."""
    return 2 * request.pixels_or(720) ** 2 * 250e-9


def measure(request: Request, progress: Progress) -> Report:
    """Run the demo twice in a fresh workspace and sum up what each stage took."""
    from landcover.bench.runs import simulate_region, through_airflow

    pixels = request.pixels_or(720)
    began = time.monotonic()
    progress(0.0, "simulating")
    region = simulate_region(request.folder / "region", pixels=pixels, seed=request.seed)
    simulated = time.monotonic() - began
    progress(0.2, "first run")
    first, first_seconds = through_airflow(region, request.folder / "workspace")
    progress(0.7, "second run")
    second, second_seconds = through_airflow(region, request.folder / "workspace")
    recomputed = sum(state.state == "done" for state in second)
    return Report(
        "demo",
        {"tiles": 2, "pixels": pixels, "seasons": 3, "recomputed by the second run": recomputed},
        sum_up(first),
        (
            "Nothing stands beside it: a stage is summed over its units, its memory is that of "
            "the largest.",
            f"Simulation {simulated:.1f} s, first run through Airflow {first_seconds:.1f} s, "
            f"second run {second_seconds:.1f} s.",
        ),
    )


def sum_up(states: Sequence[UnitState]) -> list[Row]:
    """Sum the states of a run by stage, in the order of the stages."""
    rows = []
    for stage in STAGES:
        mine = [state for state in states if state.stage == stage]
        if mine:
            cost = Cost(
                seconds=round(sum(state.seconds for state in mine), 2),
                cpu_seconds=round(sum(state.cpu_seconds for state in mine), 2),
                peak_mb=max(state.peak_mb for state in mine),
            )
            rows.append(Row(stage, f"{len(mine)} units", cost, repeats=1))
    return rows
