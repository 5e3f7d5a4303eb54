"""Whole runs on simulated regions, timed from outside."""

from __future__ import annotations

import time
from pathlib import Path

from landcover import api
from landcover.airflow_process import repository, run_dag
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.settings import in_environment, read_settings
from landcover.simulate import SimulatedRegion, simulate


def simulate_region(folder: Path, *, pixels: int, seed: int) -> SimulatedRegion:
    """Simulate two neighbouring tiles, as the demo does."""
    return simulate(folder, pixels=pixels, seed=seed)


def through_airflow(region: SimulatedRegion, workspace: Path) -> tuple[list[UnitState], float]:
    """Run the whole DAG on a region.

    Returns:
        The states of its units, and the wall seconds from start to end.
    """
    settings = read_settings(workspace=str(workspace))
    run_id = f"bench-{time.monotonic_ns()}"
    arguments = {
        "recipe": str(repository() / "recipes" / "mediterranean-rf.yaml"),
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
    }
    began = time.monotonic()
    with in_environment(settings):
        run_dag(settings, run_id, arguments)
        seconds = time.monotonic() - began
        return units.states(api.open_workspace().records, run_id), seconds
