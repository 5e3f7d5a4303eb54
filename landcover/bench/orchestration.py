"""What Airflow costs for each task: a small region through the scheduler, and without it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
MB = 2**20
PARTS = ("api-server", "scheduler", "triggerer", "dag-processor")


@dataclass(frozen=True)
class Seen:
    """What the parts of Airflow had used by a moment."""

    cpu_seconds: Mapping[str, float]
    """User and system, children that ended included, by part."""
    mb: Mapping[str, float]
    """Resident memory, by part, MB (2²⁰ bytes)."""


def disk_gb(request: Request) -> float:
    """Say what region and workspaces take, GB."""
    return len(TILES) * request.pixels_or(240) ** 2 * 3 * 250e-9 + 0.1


def measure(request: Request, progress: Progress) -> Report:
    """Make composites and terrain of six small tiles by Airflow's scheduler, and in one process.

    Tiles are so small that their work is nearly nothing: what is left is what it costs to have
    them started, waited for and recorded. Airflow's row counts its own parts only, the workers
    of Dask apart; what it takes when it has nothing to do is told in a note.
    """
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
    rows, notes = through_scheduler(request.folder / "up", given, f"{len(TILES)} tiles", progress)
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
    workspace: Path, given: Mapping[str, Any], case: str, progress: Progress
) -> tuple[list[Row], list[str]]:
    """Trigger the DAG of an Airflow of our own, and look at its parts before and afterwards."""
    from landcover.airflow_process import start_airflow
    from landcover.settings import read_settings

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = read_settings(workspace=str(workspace))
    with start_airflow(settings, port) as airflow:
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
            own = _between(before, after)
            rows.append(
                Row(f"{case}, {name}", "Airflow's parts",
                    Cost(seconds, sum(own.values()), sum(after.mb.values())), repeats=1)
            )  # fmt: skip
            counts = {"tasks": n_tasks, "units and stages": _n_units(settings, run_id)}
            extra = sum(own.values()) - idle * seconds
            notes.append(f"{name} ({state}): {_each(counts, seconds, extra)}.")
            notes.append(f"{name}, CPU s by part: {_listed(own, '%.1f')}.")
        notes.append(f"Memory of the parts, MB: {_listed(after.mb, '%.0f')}.")
    return rows, notes


def look(airflow: RunningAirflow) -> Seen:
    """Look at CPU and memory of the parts of a running Airflow."""
    import psutil

    from landcover.airflow_process.sessions import members

    cpu, mb = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0.0)
    for child in airflow.children:
        part = next((name for name in PARTS if name in _words(child.process.args)), None)
        if part is None:
            continue
        for process in members({child.session}):
            try:
                cpu[part] += sum(process.cpu_times()[:4])
                mb[part] += process.memory_info().rss / MB
            except psutil.NoSuchProcess:
                continue
    return Seen(cpu, mb)


def _words(command: Any) -> Sequence[str]:
    return [str(word) for word in command] if isinstance(command, (list, tuple)) else []


def _triggered(airflow: RunningAirflow, run_id: str, given: Mapping[str, Any]) -> tuple[int, str]:
    """Trigger a run, wait for its end, and count its task instances that were begun."""
    path = "/api/v2/dags/landcover_map/dagRuns"
    airflow.ask(path, {"dag_run_id": run_id, "conf": dict(given), "logical_date": None})
    while (state := airflow.ask(f"{path}/{run_id}")["state"]) not in ("success", "failed"):
        time.sleep(0.5)
    found = airflow.ask(f"{path}/{run_id}/taskInstances?limit=1000")["task_instances"]
    return sum(instance["state"] == "success" for instance in found), str(state)


def _between(before: Seen, after: Seen) -> dict[str, float]:
    return {part: after.cpu_seconds[part] - before.cpu_seconds[part] for part in PARTS}


def _idle(before: Seen, after: Seen) -> float:
    return sum(_between(before, after).values()) / SETTLE_SECONDS


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


def _listed(figures: Mapping[str, float], pattern: str) -> str:
    return ", ".join(f"{part} {pattern % value}" for part, value in figures.items())
