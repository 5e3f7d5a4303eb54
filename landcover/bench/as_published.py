"""Measured as the HRLC deck measures: runs one by one, seconds, average and largest memory.

The deck gives for each component the time, the average and the largest memory of all processes,
with the memory drawn over time. A bench that can measure so has a function
``as_published(request, progress) -> Report``; ``landcover bench NAME --as-published FOLDER`` calls
it, and the curves are drawn into ``FOLDER/NAME-memory.png``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.bench.memory import MemoryCurve
from landcover.bench.processes import Case, run_watched
from landcover.bench.tables import Cost, Progress, Report, Row
from landcover.errors import UsageError


@dataclass(frozen=True)
class PublishedRow:
    """What somebody else published of the same component, on another machine."""

    name: str
    """Whose it is, and which of theirs."""
    seconds: float
    """Wall seconds."""
    peak_gb: float
    """Largest memory, GB (10⁹ bytes)."""


@dataclass(frozen=True)
class Measured:
    """What is measured, and what stands beside it."""

    bench: str
    """Name of the bench."""
    title: str
    """What is done, with its sizes."""
    published: Sequence[PublishedRow]
    """The deck's rows."""
    facts: Mapping[str, Any]
    """Sizes and counts that the figures belong to."""


def measure_as_published(
    what: Measured, cases: Sequence[Case], repeats: int, folder: Path | None, progress: Progress
) -> Report:
    """Run every case several times, each time in a fresh process, and draw its memory over time.

    Args:
        what: What is measured.
        cases: The variants.
        repeats: Runs of each.
        folder: Where the picture goes; None draws none.
        progress: Is told what is being measured.

    Returns:
        One row a run; ``result`` holds ``average_mb`` and what the work returned.

    Raises:
        UsageError: The folder is a file.
        LandcoverError: A work function failed.
    """
    if folder is not None and folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: the curves go into a folder, and this is a file.")
    rows: list[Row] = []
    curves: dict[str, MemoryCurve] = {}
    orders = [(case, number) for number in range(1, repeats + 1) for case in cases]
    for place, (case, number) in enumerate(orders):
        name = f"{case.engine}, run {number}"
        progress(place / len(orders), f"{what.title}, {name}")
        cost, result, curve = run_watched(case)
        curves[name] = curve
        rows.append(_row(what.title, name, cost, curve, result))
    notes = [line for row in rows for line in _line(row)]
    notes += [
        f"{one.name} (other machine): {one.seconds:,.0f} s, at most {one.peak_gb:.1f} GB."
        for one in what.published
    ]
    if folder is not None:
        notes.append(f"Memory over time: {_draw(what, curves, folder)}")
    return Report(what.bench, what.facts, rows, notes)


def _row(title: str, name: str, cost: Cost, curve: MemoryCurve, result: Any) -> Row:
    told = {"average_mb": round(curve.average_mb, 1), "work": result}
    return Row(case=title, engine=name, cost=cost, repeats=1, result=told)


def _line(row: Row) -> list[str]:
    average, peak = row.result["average_mb"] / 1000, row.cost.peak_mb / 1000
    gb = 1.048576
    return [
        f"{row.engine}: {row.cost.seconds:,.1f} s, {row.cost.cpu_seconds:,.1f} CPU s, on average "
        f"{gb * average:.2f} GB, at most {gb * peak:.2f} GB of all processes."
    ]


def _draw(what: Measured, curves: Mapping[str, MemoryCurve], folder: Path) -> Path:
    from landcover.publish.memory_plot import draw_memory

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{what.bench}-memory.png"
    drawn = {name: (curve.seconds, curve.mb) for name, curve in curves.items()}
    lines = {f"{one.name}, largest": one.peak_gb for one in what.published}
    draw_memory(drawn, lines, path, what.title)
    return path
