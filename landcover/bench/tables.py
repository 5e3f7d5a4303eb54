"""What a bench is asked and what it found: requests, costs, rows and reports."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

Work = Callable[[], Any]
"""What is timed: returns a result, or a function that gives one afterwards, or nothing."""
Progress = Callable[[float, str], None]
"""Is told the share that is done, 0-1, and what is being done."""
FULL_PIXELS = 10_980
"""Side of a whole tile, 10 m pixels."""


@dataclass(frozen=True)
class Request:
    """What a bench is asked for; None leaves the choice to the bench."""

    folder: Path
    """Scratch of the bench; its content is removed afterwards."""
    pixels: int | None = None
    """Side of a tile, 10 m pixels."""
    products: int | None = None
    """Products of a tile."""
    repeats: int | None = None
    """Measurements of each row; the median counts."""
    threads: int | None = None
    """Threads of a job."""
    seed: int = 0
    """Seed of simulated data."""
    full: bool = False
    """Measure a whole tile of 10,980 × 10,980 px, once."""
    region: Path | None = None
    """A simulated region to read instead of simulating one."""
    deliveries: tuple[str, ...] = ()
    """Deliveries that a composite is made from, ``jp2`` and ``cog``; none: ``jp2`` beside numpy."""
    pictures: Path | None = None
    """Folder for pictures of what was found, where a bench draws any."""
    as_published: Path | None = None
    """Measure as the HRLC deck does, and draw memory over time into this folder."""
    objects: str | None = None
    """Address of an object store to read from, ``s3://bucket/prefix``."""
    tiles: int | None = None
    """Tiles of a region, where a bench has one of any size."""
    database: str | None = None
    """Address of Airflow's database, ``postgresql://…``; SQLite if None."""

    def pixels_or(self, default: int) -> int:
        """Say the side of a tile, px: as asked, that of a whole tile, or the bench's own."""
        return self.pixels or (FULL_PIXELS if self.full else default)

    def repeats_or(self, default: int) -> int:
        """Say how often each row is measured: as asked, once for a whole tile, or as the bench."""
        return self.repeats or (1 if self.full else default)


@dataclass(frozen=True)
class Cost:
    """What one piece of work took."""

    seconds: float
    """Wall seconds."""
    cpu_seconds: float
    """CPU seconds, user and system, of all threads and of child processes that ended."""
    peak_mb: float
    """Largest resident memory of the process and its children together, MB (2²⁰ bytes)."""


@dataclass(frozen=True)
class Row:
    """One engine at one task: the medians of its measurements."""

    case: str
    """What is done: the same words for all engines that are compared."""
    engine: str
    """Who does it; the first of a case is ours."""
    cost: Cost
    """Median of each figure."""
    repeats: int
    """How many measurements."""
    ratio: float | None = None
    """CPU of ours divided by CPU of this engine; None for ours."""
    result: Any = None
    """What the work returned."""

    def to_document(self) -> dict[str, Any]:
        """Give the row for machines."""
        document = asdict(self)
        return {**document.pop("cost"), **document}


@dataclass(frozen=True)
class Report:
    """All that a bench found."""

    bench: str
    """Name of the bench."""
    facts: Mapping[str, Any]
    """Sizes and counts that the figures belong to."""
    rows: Sequence[Row]
    """The figures."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What else a reader must know, one sentence each."""

    def to_document(self) -> dict[str, Any]:
        """Give the report for machines."""
        return {
            "bench": self.bench,
            "facts": dict(self.facts),
            "rows": [row.to_document() for row in self.rows],
            "notes": list(self.notes),
        }


def medians(costs: Sequence[Cost]) -> Cost:
    """Take the median of each figure."""
    return Cost(
        seconds=round(median(c.seconds for c in costs), 4),
        cpu_seconds=round(median(c.cpu_seconds for c in costs), 4),
        peak_mb=round(median(c.peak_mb for c in costs), 1),
    )


def digest(*arrays: NDArray[Any]) -> str:
    """Name arrays by type, shape and content: 16 hex digits of a SHA-256."""
    import numpy as np

    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()[:16]


def lines(report: Report) -> list[str]:
    """Write a report as lines of text: facts, a table, notes."""
    facts = ", ".join(f"{name} {value}" for name, value in report.facts.items())
    wide = max([len(row.case) for row in report.rows] + [4])
    engine = max([len(row.engine) for row in report.rows] + [6])
    head = f"{'case':{wide}}  {'engine':{engine}}  {'CPU s':>9}  {'wall s':>9}  {'peak MB':>8}"
    found = [f"{report.bench}: {facts}", "", f"{head}  ours / this"]
    for row in report.rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.3f}"
        found.append(
            f"{row.case:{wide}}  {row.engine:{engine}}  {row.cost.cpu_seconds:>9.3f}  "
            f"{row.cost.seconds:>9.3f}  {row.cost.peak_mb:>8.0f}  {ratio:>11}"
        )
    return [*found, "", *report.notes] if report.notes else found
