"""A region of hundreds of tiles through ``landcover_region``: all reused, and with one stale tile.

Of the region that is all reused one tile is made, and the ledger holds the others alike, with links
to its files: whoever looks whether all is there has the work of a real region. Of the region with a
stale tile every tile has products of its own, some tens of pixels wide, and is really made, so that
a dry run finds it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.airflow_parts import between, listed, look, running_airflow
from landcover.bench.tables import Cost, Progress, Report, Request, Row

if TYPE_CHECKING:
    from landcover.airflow_process import RunningAirflow

DAG, SHARD_DAG = "landcover_region", "landcover_shard"
GB_A_TILE = 1.5e-3
PIXELS = 60
UNTIL = "classify"
"""A mosaic of single windows of some pixels would be mostly empty cells."""
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
WITH_LABELS = 4
"""Tiles that the model is trained on; the region is mapped with it."""


@dataclass(frozen=True)
class Seen:
    """What became of a run of the region."""

    state: str
    seconds: float
    """From the trigger to the end."""
    cpu_seconds: Mapping[str, float]
    """By part of Airflow, the workers of Dask apart."""
    mb: float
    """Resident memory of all parts, MB (2²⁰ bytes)."""
    n_tasks: int
    """Task instances of the region's run, skipped ones too."""
    shards: tuple[str, ...]
    """Runs of shards that were begun."""
    n_units: int
    """Units and stages of the run in the ledger."""
    made: tuple[str, ...]
    """Those that were not reused, ``stage unit``."""


def measure(request: Request, count: int, progress: Progress) -> Report:
    """Send a region through Airflow when all of it is there, then with one new product.

    Args:
        request: Pixels, seed, folder and Airflow's database.
        count: Tiles.
        progress: Is told how far it is.
    """
    from landcover.settings import read_settings

    pixels = request.pixels_or(PIXELS)
    progress(0.0, f"{count} tiles, one of them made")
    all_alike = copy_region(request.folder, count, pixels, request.seed)
    progress(0.4, f"making {count} tiles in one process")
    own = make_region(request.folder / "own", count, pixels, request.seed)
    rows, notes = [], []
    settings = read_settings(workspace=str(request.folder / "workspace"))
    progress(0.7, "starting Airflow")
    with running_airflow(settings, request.database) as airflow:
        renew_product(request.folder / "own", count // 2, count, pixels)
        for name, given in (("all reused", all_alike), ("one stale tile", own)):
            progress(0.8, f"{count} tiles, {name}")
            seen = run_region(airflow, name.replace(" ", "-"), given)
            cost = Cost(seen.seconds, sum(seen.cpu_seconds.values()), seen.mb)
            rows.append(Row(f"{count} tiles, {name}", "Airflow's parts", cost, repeats=1))
            notes.append(f"{name}: {told(seen)}")
    kind = "SQLite" if request.database is None else "PostgreSQL"
    facts = {"tiles": count, "pixels": pixels, "until": UNTIL, "database": kind}
    return Report("orchestration", facts, rows, notes)


def told(seen: Seen) -> str:
    """Say what a run did."""
    begun = ", ".join(name.partition(".")[2] for name in seen.shards) or "none"
    return (
        f"{seen.state}; {seen.n_tasks} task instances of the region; shards begun: {begun}; "
        f"{seen.n_units} units and stages, {len(seen.made)} of them made anew. "
        f"CPU s by part: {listed(seen.cpu_seconds, '%.1f')}."
    )


def copy_region(folder: Path, count: int, pixels: int, seed: int) -> dict[str, Any]:
    """Write a workspace in which a region's run is done, and give the arguments of another one."""
    import json

    from landcover.bench import many_tiles

    many_tiles.write_workspace(folder, count, pixels, seed, UNTIL)
    if (state := many_tiles.finish()) != "done":
        raise RuntimeError(f"The run of the region ended as {state}.")
    recipe = folder / "recipe.yaml"  # JSON is YAML
    recipe.write_text(json.dumps(many_tiles.recipe()))
    return {"recipe": str(recipe), **many_tiles.arguments(folder, count, UNTIL)}


def make_region(folder: Path, count: int, pixels: int, seed: int) -> dict[str, Any]:
    """Make products, a model, and all of a region's run in this process.

    Args:
        folder: ``products`` and ``labels.csv`` go here; the workspace is that of the process.
        count: Tiles.
        pixels: Side of each tile's window, pixels of 10 m, a multiple of 12.
        seed: Seed of the pixels.

    Returns:
        Arguments of the run, as the form of the DAG has them.
    """
    from landcover import api
    from landcover.airflow_process import repository
    from landcover.bench.many_tiles import (
        OVERRIDES,
        YEAR,
        tiles_of,
        write_labels,
        write_own_products,
    )

    tiles = tiles_of(count)
    write_own_products(folder / "products", tiles, pixels, seed)
    write_labels(folder / "labels.csv", tiles[:WITH_LABELS], pixels)
    recipe = str(repository() / "recipes" / "mediterranean-rf.yaml")
    overrides = [SEASON, *OVERRIDES[1:]]
    common: dict[str, Any] = {
        "year": YEAR,
        "products": str(folder / "products"),
        "overrides": overrides,
    }
    few = list(tiles[:WITH_LABELS])
    api.start_run(
        "model", recipe, tiles=few, labels=str(folder / "labels.csv"), until="train", **common
    )
    api.run_inline("model")
    given = {**common, "tiles": list(tiles), "model": "model", "until": UNTIL}
    api.start_run("first", recipe, **given)
    outcome = api.run_inline("first")
    if outcome["state"] != "done":
        raise RuntimeError(f"The region was not made: {outcome['reasons']}")
    return {"recipe": recipe, **given}


def renew_product(folder: Path, number: int, count: int, pixels: int) -> None:
    """Deliver the products of one tile anew, with other pixels."""
    import shutil

    from landcover.bench.many_tiles import tiles_of, write_own_products

    tile = tiles_of(count)[number]
    for path in (folder / "products").glob(f"*_T{tile}_*"):
        shutil.rmtree(path)
    write_own_products(folder / "products", (tile,), pixels, seed=1 + number)


def run_region(airflow: RunningAirflow, run_id: str, given: Mapping[str, Any]) -> Seen:
    """Trigger ``landcover_region``, wait for its end, and look at what it did."""
    from landcover import api
    from landcover.ledger import units

    path = f"/api/v2/dags/{DAG}/dagRuns"
    before, started = look(airflow), time.monotonic()
    airflow.ask(path, {"dag_run_id": run_id, "conf": dict(given), "logical_date": None})
    state = None
    while state not in ("success", "failed"):
        time.sleep(0.5)
        with suppress(OSError):  # a busy machine answers late
            state = airflow.ask(f"{path}/{run_id}")["state"]
    seconds, after = time.monotonic() - started, look(airflow)
    tasks = airflow.ask(f"{path}/{run_id}/taskInstances?limit=1000")["task_instances"]
    runs = airflow.ask(f"/api/v2/dags/{SHARD_DAG}/dagRuns?limit=200")["dag_runs"]
    states = units.states(api.open_workspace().records, run_id)
    names = (str(run["dag_run_id"]) for run in runs)
    return Seen(
        state=str(state),
        seconds=seconds,
        cpu_seconds=between(before, after),
        mb=sum(after.mb.values()),
        n_tasks=len(tasks),
        shards=tuple(sorted(name for name in names if name.startswith(f"{run_id}."))),
        n_units=len(states),
        made=tuple(f"{s.stage} {s.unit.id}" for s in states if s.state != "reused"),
    )
