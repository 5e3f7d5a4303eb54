"""What Airflow costs for each task: a small region through the scheduler, and without it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import region_in_shards
from landcover.bench.airflow_parts import Seen, between, listed, look, running_airflow
from landcover.bench.processes import Case, run
from landcover.bench.tables import Cost, Progress, Report, Request, Row, Work

if TYPE_CHECKING:
    from landcover.airflow_process import RunningAirflow
    from landcover.settings import Settings
    from landcover.simulate import SimulatedRegion

TILES = ("30SUF", "30SVF", "30SWF", "30SUG", "30SVG", "30SWG")
UNTIL = "terrain"
SETTLE_SECONDS = 15.0
"""How long Airflow is looked at without work, to know what it takes by itself."""


def disk_gb(request: Request) -> float:
    """Say what region and workspaces take, GB."""
    if request.tiles is not None:
        return region_in_shards.GB_A_TILE * request.tiles + 0.1
    return len(TILES) * request.pixels_or(240) ** 2 * 3 * 250e-9 + 0.1


def measure(request: Request, progress: Progress) -> Report:
    """Make composites and terrain of six small tiles by Airflow's scheduler, and in one process.

    Tiles are so small that their work is nearly nothing: what is left is what it costs to have
    them started, waited for and recorded. Airflow's row counts its own parts only, the workers
    of Dask apart; what it takes when it has nothing to do is told in a note. With a number of
    tiles, a region of so many is sent through ``landcover_region`` instead.
    """
    if request.tiles is not None:
        return region_in_shards.measure(request, request.tiles, progress)
    from landcover.simulate import simulate

    pixels = request.pixels_or(240)
    progress(0.0, "simulating")
    region = simulate(
        request.folder / "region", tiles=TILES, pixels=pixels, seed=request.seed, only_usable=True
    )
    given = arguments_of(region)
    progress(0.3, "in one process")
    alone, _ = run(
        Case("one process", f"{__name__}:inline",
             {"folder": str(request.folder / "alone"), "given": given})
    )  # fmt: skip
    progress(0.5, "through the scheduler")
    rows, notes = through_scheduler(
        request.folder / "up", given, f"{len(TILES)} tiles", progress, request.database
    )
    rows.append(Row(f"{len(TILES)} tiles", "one process, all work", alone, repeats=1))
    facts = {"tiles": len(TILES), "pixels": pixels, "until": UNTIL}
    return Report("orchestration", facts, rows, notes)


def arguments_of(region: SimulatedRegion) -> dict[str, Any]:
    """Name what both ways are given."""
    from landcover.airflow_process import repository

    return {
        "recipe": str(repository() / "recipes" / "mediterranean-rf.yaml"),
        "year": region.year,
        "products": str(region.products),
        "dem": str(region.dem),
        "until": UNTIL,
    }


def inline(folder: str, given: Mapping[str, Any]) -> Work:
    """Run all units one after another in this process: the work itself."""
    from landcover import api
    from landcover.bench.season import use

    use(Path(folder))
    known = {key: value for key, value in given.items() if key != "recipe"}
    api.start_run("alone", given["recipe"], **known)

    def work() -> None:
        api.run_inline("alone")

    return work


def through_scheduler(
    workspace: Path,
    given: Mapping[str, Any],
    case: str,
    progress: Progress,
    database: str | None = None,
) -> tuple[list[Row], list[str]]:
    """Trigger the DAG of an Airflow of our own, and look at its parts before and afterwards."""
    from landcover.settings import read_settings

    settings = read_settings(workspace=str(workspace))
    with running_airflow(settings, database) as airflow:
        # The first runs of a part import and compile: one run is not counted.
        began = look(airflow)
        time.sleep(SETTLE_SECONDS)
        idle = _idle(began, look(airflow))
        rows, notes = [], [_told_idle(idle)]
        for number, name in enumerate(("made anew", "all reused")):
            progress(0.6 + 0.2 * number, name)
            before, started = look(airflow), time.monotonic()
            run_id = f"bench-{number}"
            n_tasks, state = _triggered(airflow, run_id, given)
            seconds, after = time.monotonic() - started, look(airflow)
            own = between(before, after)
            rows.append(
                Row(f"{case}, {name}", "Airflow's parts",
                    Cost(seconds, sum(own.values()), sum(after.mb.values())), repeats=1)
            )  # fmt: skip
            counts = {"tasks": n_tasks, "units and stages": _n_units(settings, run_id)}
            extra = sum(own.values()) - idle * seconds
            notes.append(f"{name} ({state}): {_each(counts, seconds, extra)}.")
            notes.append(f"{name}, CPU s by part: {listed(own, '%.1f')}.")
        notes.append(f"Memory of the parts, MB: {listed(after.mb, '%.0f')}.")
    return rows, notes


def _triggered(airflow: RunningAirflow, run_id: str, given: Mapping[str, Any]) -> tuple[int, str]:
    """Trigger a run, wait for its end, and count its task instances that were begun."""
    path = "/api/v2/dags/landcover_map/dagRuns"
    airflow.ask(path, {"dag_run_id": run_id, "conf": dict(given), "logical_date": None})
    while (state := airflow.ask(f"{path}/{run_id}")["state"]) not in ("success", "failed"):
        time.sleep(0.5)
    found = airflow.ask(f"{path}/{run_id}/taskInstances?limit=1000")["task_instances"]
    return sum(instance["state"] == "success" for instance in found), str(state)


def _idle(before: Seen, after: Seen) -> float:
    return sum(between(before, after).values()) / SETTLE_SECONDS


def _told_idle(idle: float) -> str:
    return f"Without any run, Airflow's parts take {idle:.2f} CPU s a second."


def _n_units(settings: Settings, run_id: str) -> int:
    from landcover import api
    from landcover.ledger import units
    from landcover.settings import in_environment

    with in_environment(settings):
        return len(units.states(api.open_workspace().records, run_id))


def _each(counts: Mapping[str, int], seconds: float, cpu_seconds: float) -> str:
    """Divide what a run took, over what Airflow takes without one, by tasks and by units."""
    return "; ".join(
        f"{n} {name}, {seconds / max(n, 1):.2f} s and {cpu_seconds / max(n, 1):.2f} CPU s each"
        for name, n in counts.items()
    )
