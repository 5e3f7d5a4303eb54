"""``landcover bench``."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping
from landcover.errors import UnavailableError, UsageError

# What a simulation, its JPEG 2000 files and our outputs leave free on top of their estimate.
SPARE = 1.2


@click.command("bench")
@click.argument("name", required=False)
@click.option("--pixels", type=click.IntRange(240), help="Side of each tile, 10 m pixels.")
@click.option("--products", type=click.IntRange(1, 255), help="Products of a composite.")
@click.option("--repeats", type=click.IntRange(1), help="Measurements; their median counts.")
@click.option("--threads", type=click.IntRange(1), help="Threads of a job.")
@click.option("--seed", default=0, show_default=True, help="Seed of the simulated region.")
@click.option("--full", is_flag=True, help="A whole tile, 10,980 x 10,980 px, measured once.")
@click.option(
    "--region",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure on this simulated region instead of simulating one.",
)
@click.option(
    "--deliveries",
    metavar="KINDS",
    callback=lambda _context, _parameter, value: _deliveries(value),
    help="Deliveries whose composites `composite` compares: jp2,cog.",
)
@click.option(
    "--objects",
    metavar="ADDRESS",
    help="Store that `store` reads from, s3://bucket/prefix; its endpoint and keys as for any run.",
)
@click.option(
    "--tiles",
    type=click.IntRange(2, 1000),
    help="Tiles of a region in shards that `orchestration` sends through landcover_region.",
)
@click.option(
    "--database",
    metavar="ADDRESS",
    help="Airflow's database for `orchestration`, postgresql://user@host:port/name "
    "[default: SQLite].",
)
@click.option(
    "--pictures",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pictures of what was found; `smoothness` draws one.",
)
@click.option(
    "--as-published",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Measure as the HRLC deck does: runs one by one, average and largest memory of all "
    "processes, drawn over time into FOLDER.",
)
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for what is measured on [default: the system's temporary folder].",
)
@common
def command(
    name: str | None,
    pixels: int | None,
    products: int | None,
    repeats: int | None,
    threads: int | None,
    seed: int,
    full: bool,
    region: Path | None,
    deliveries: tuple[str, ...],
    objects: str | None,
    tiles: int | None,
    database: str | None,
    pictures: Path | None,
    as_published: Path | None,
    scratch: Path | None,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Measure ours beside what a user would pick instead. Without NAME, list the benches.

    Every row is measured in a process of its own, engines in turn: CPU seconds of all its threads
    and children, wall seconds, and the largest resident memory. The last column is the CPU of ours
    divided by the CPU of that row: below 1, ours is faster.

    Example: landcover bench composite --pixels 1098 --products 5
    """
    from landcover.bench import BENCHES, load, summaries
    from landcover.bench.tables import Request, lines

    if name is None:
        return _list(summaries(), as_json=as_json)
    if name not in BENCHES:
        raise UsageError(f"There is no bench {name!r}; choose one of {', '.join(BENCHES)}.")
    bench = load(name)
    if as_published is not None and not hasattr(bench, "as_published"):
        raise UsageError(f"--as-published: {name} has no published figures to stand beside.")
    with tempfile.TemporaryDirectory(prefix="landcover-bench-", dir=scratch) as folder:
        request = Request(
            folder=Path(folder),
            pixels=pixels,
            products=products,
            repeats=repeats,
            threads=threads,
            seed=seed,
            full=full,
            region=None if region is None else region.resolve(),
            deliveries=deliveries,
            objects=objects,
            tiles=tiles,
            database=database,
            pictures=pictures,
            as_published=as_published,
        )
        _check_disk(request.folder, SPARE * bench.disk_gb(request), quiet=as_json)
        with stepping(name, quiet=as_json) as progress:
            measure = bench.measure if as_published is None else bench.as_published
            report = measure(request, progress)
    if as_json:
        show_json(report.to_document())
        return 0
    for line in lines(report):
        click.echo(line)
    return 0


def _deliveries(text: str | None) -> tuple[str, ...]:
    kinds = tuple(text.split(",")) if text else ()
    if set(kinds) - {"jp2", "cog"}:
        raise UsageError(f"--deliveries {text}: expected jp2, cog or both, joined by a comma.")
    return kinds


def _list(summaries: dict[str, str], *, as_json: bool) -> int:
    if as_json:
        show_json(summaries)
        return 0
    for name, summary in summaries.items():
        click.echo(f"{name:10} {summary}")
    return 0


def _check_disk(folder: Path, need_gb: float, *, quiet: bool) -> None:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if not quiet:
        click.echo(f"needs {need_gb:.2f} GB in {folder}, {free_gb:.1f} GB are free", err=True)
    if need_gb > free_gb:
        raise UnavailableError(
            f"{folder}: the bench needs {need_gb:.1f} GB, {free_gb:.1f} GB are free. Free disk "
            "space or choose another folder (--scratch)."
        )
