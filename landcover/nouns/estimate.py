"""What a run is expected to take, and what it took: by stage, in the same words."""

from __future__ import annotations

from typing import Any, Literal

from landcover.nouns.base import Noun
from landcover.nouns.stages import Stage

WHOLE_TILE_PX = 10_980**2
"""Pixels of a whole tile at 10 m: what areas are counted in."""
Basis = Literal["records", "paper", "measured"]


class StageWork(Noun):
    """How much a stage has to do: sums over its units."""

    units: int
    """Units that are computed."""
    n_tiles: int = 0
    """Tiles that a unit of the whole run or of a cell works on; 0 where units are of tiles."""
    tiles: float = 0.0
    """Their pixels on the finest grid, in whole tiles of 10,980 × 10,980 px."""
    seasons: float = 0.0
    """Pixels × seasons, in whole tiles."""
    products: float = 0.0
    """Pixels × products, in whole tiles."""
    points: float = 0.0
    """Ground-truth points, thousands; of a forest that is fitted, times its trees / 100."""


class StageSpent(StageWork):
    """What the units of a stage took."""

    seconds: float
    """Sum of their wall times, s."""
    cpu_seconds: float
    """Sum of their CPU times, s."""
    peak_mb: float
    """Largest memory of a worker at one of them, MB."""
    kept_bytes: int
    """Size of what they made."""


class RunSpent(Noun):
    """What a run took."""

    stages: dict[Stage, StageSpent]
    """Stages that computed something; what was found again is not in it."""
    n_reused: int = 0
    """Units whose outputs were there already."""
    wall_seconds: float | None = None
    """From its start to its end, s; None where no clock tells."""
    is_remote: bool = False
    """Whether its products came from outside."""

    def joined(self, earlier: RunSpent | None) -> RunSpent:
        """Keep what an earlier end of the run told, where a later one found it made already.

        Args:
            earlier: What was told then; None where nothing was.
        """
        if earlier is None:
            return self
        stages = dict(earlier.stages)
        for stage, own in self.stages.items():
            if stage not in stages or own.units > stages[stage].units:
                stages[stage] = own
        return earlier.model_copy(update={"stages": stages})


class Span(Noun):
    """An estimate and the range around it."""

    value: float
    low: float
    high: float


class StageEstimate(StageWork):
    """What a stage is expected to take."""

    seconds: Span
    """Sum of the wall times of its units, s."""
    kept_bytes: float
    """Size of what they make."""
    basis: Basis
    """``records`` of earlier runs here; where there are none, the times of the ``paper``, or one
    that was ``measured`` on a whole tile."""
    n_runs: int = 0
    """Earlier runs that it is fitted on."""


class RunEstimate(Noun):
    """What a run is expected to take where nothing of it exists."""

    n_tiles: int
    n_products: int
    """Products that it uses; of many tiles, from the mean of some."""
    n_workers: int
    """Units at a time."""
    moved_bytes: float
    """Size of the products' files: what leaves the source, or is read from its folder."""
    kept_bytes: float
    """Size of what the run makes; fetched products are not in it."""
    worker_hours: Span
    """Sum of the units' wall times, h."""
    wall_seconds: Span
    """From start to end with ``n_workers``, s."""
    peak_mb: float
    """Memory of a worker, MB."""
    price: Span | None = None
    """Worker-hours × the setting ``worker_hour_price``, in its currency; None without it."""
    stages: dict[Stage, StageEstimate]
    notes: tuple[str, ...] = ()
    """What it does not know, one sentence each."""


def told_beside(estimate: RunEstimate | None, spent: RunSpent | None) -> dict[str, Any] | None:
    """Put an estimate beside what the run took.

    Args:
        estimate: What was told before the run; None where nothing was.
        spent: What it took; None where it has not ended.

    Returns:
        ``expected`` and ``took``, each with ``worker_hours``, ``wall_seconds``, ``kept_bytes`` and
        ``peak_mb``, ``took`` None before the end; ``n_workers``; ``text``, one sentence. None
        without an estimate.
    """
    if estimate is None:
        return None
    expected = {
        "worker_hours": estimate.worker_hours.to_document(),
        "wall_seconds": estimate.wall_seconds.to_document(),
        "kept_bytes": estimate.kept_bytes,
        "peak_mb": estimate.peak_mb,
    }
    took = None
    if spent is not None:
        stages = spent.stages.values()
        took = {
            "worker_hours": sum(one.seconds for one in stages) / 3600,
            "wall_seconds": spent.wall_seconds,
            "kept_bytes": sum(one.kept_bytes for one in stages),
            "peak_mb": max((one.peak_mb for one in stages), default=0.0),
            "n_reused": spent.n_reused,
        }
    text = _sentence(estimate, spent)
    return {"n_workers": estimate.n_workers, "expected": expected, "took": took, "text": text}


def duration(seconds: float) -> str:
    """Write a time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _sentence(estimate: RunEstimate, spent: RunSpent | None) -> str:
    wall = estimate.wall_seconds
    told = f"{duration(wall.value)} ({duration(wall.low)} to {duration(wall.high)})"
    if spent is None:
        return f"Estimated before it began: {told}."
    if spent.n_reused:
        return f"Estimated {told} for empty stores; {spent.n_reused} units were there already."
    if spent.wall_seconds is None:
        return f"Estimated {told}."
    kept = sum(one.kept_bytes for one in spent.stages.values())
    return (
        f"Estimated {told}, took {duration(spent.wall_seconds)}; estimated to keep "
        f"{estimate.kept_bytes / 1e9:.3g} GB, kept {kept / 1e9:.3g} GB."
    )
