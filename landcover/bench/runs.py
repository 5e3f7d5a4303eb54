"""Whole runs on simulated regions, timed from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from landcover import api
from landcover.airflow_process import repository, run_dag
from landcover.errors import InputError
from landcover.ledger import runs, units
from landcover.nouns.estimate import RunEstimate, RunSpent
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
    arguments = {"recipe": str(recipe_file()), **arguments_of(region)}
    began = time.monotonic()
    with in_environment(settings):
        run_dag(settings, run_id, arguments)
        seconds = time.monotonic() - began
        return units.states(api.open_workspace().records, run_id), seconds


def told_and_taken(region: SimulatedRegion, workspace: Path) -> tuple[RunEstimate, RunSpent]:
    """Make the map of a region by ``landcover run``.

    Returns:
        What was told of the run before it began, and what it took.

    Raises:
        InputError: The run failed, or has no figures.
    """
    command = [sys.executable, "-m", "landcover", "run", str(recipe_file()), "--json"]
    for name, value in {**arguments_of(region), "workspace": workspace}.items():
        command += [f"--{name}", str(value)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise InputError(f"A run of the bench failed: {(ended.stderr or ended.stdout)[-500:]}")
    with in_environment(read_settings(workspace=str(workspace))):
        records = api.open_workspace().records
        told, taken = runs.estimated(records, json.loads(ended.stdout)["run"])
    if told is None or taken is None:
        raise InputError("A run of the bench has no estimate in its record.")
    return told, taken


def recipe_file() -> Path:
    """Give the recipe of the benches that run everything."""
    return repository() / "recipes" / "mediterranean-rf.yaml"


def arguments_of(region: SimulatedRegion) -> dict[str, Any]:
    """Give what a run on a simulated region is asked with."""
    return {
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
    }
