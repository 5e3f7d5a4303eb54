"""What was told of four runs before they began, beside what they took: each has another region."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from landcover.bench.tables import Cost, Progress, Report, Request, Row

if TYPE_CHECKING:
    from landcover.nouns.estimate import RunEstimate, RunSpent, Span

PIXELS = 300


@dataclass(frozen=True)
class Asked:
    """A region of a run; no two share a tile, so that nothing of one is there for another."""

    tiles: tuple[str, ...]
    size: float
    """Side of a tile, times what is asked for."""
    products: int
    """Of each season."""


RUNS = (
    Asked(("30SUF", "30SVF"), 1.0, 3),
    Asked(("30SUG",), 2.0, 4),
    Asked(("30SWF", "30SXF", "30SWG"), 1.4, 3),
    Asked(("30SVG", "30SVH"), 1.8, 5),
)


def disk_gb(request: Request) -> float:
    """Say what the regions and the workspace take, GB: as the demo's, for each pixel."""
    pixels = request.pixels_or(PIXELS)
    return sum(len(run.tiles) * (run.size * pixels) ** 2 * 125e-9 for run in RUNS)


def measure(request: Request, progress: Progress) -> Report:
    """Make the maps of four regions in one workspace, each estimated before it begins.

    The first is told by the paper's times, the second by the first, and so on.

    Args:
        request: Pixels, seed and folder.
        progress: Is told how far it is.
    """
    from landcover.bench.runs import told_and_taken
    from landcover.simulate import simulate

    pixels = request.pixels_or(PIXELS)
    rows, notes = [], []
    for number, asked in enumerate(RUNS, 1):
        progress((number - 1) / len(RUNS), f"run {number} of {len(RUNS)}")
        side = int(pixels * asked.size) // 6 * 6
        region = simulate(
            request.folder / f"region-{number}",
            tiles=asked.tiles,
            pixels=side,
            products_per_season=asked.products,
            only_usable=True,
            seed=request.seed + number,
        )
        told, taken = told_and_taken(region, request.folder / "workspace")
        what = f"{number}: {len(asked.tiles)} x {side} px, {told.n_products} products"
        rows.append(Row(what, "units of the run", cost_of(taken), repeats=1))
        notes.append(f"Run {number}: {beside(told, taken)}")
    return Report("estimate", {"runs": len(RUNS), "workers": 1}, rows, notes)


def cost_of(taken: RunSpent) -> Cost:
    """Sum up what a run took; its seconds are from start to end."""
    stages = taken.stages.values()
    return Cost(
        seconds=round(taken.wall_seconds or 0.0, 1),
        cpu_seconds=round(sum(one.cpu_seconds for one in stages), 1),
        peak_mb=max(one.peak_mb for one in stages),
    )


def beside(told: RunEstimate, taken: RunSpent) -> str:
    """Say what was told and what came, of the time of all units and from start to end."""
    seconds = sum(one.seconds for one in taken.stages.values())
    hours = _told(told.worker_hours, 3600, seconds)
    wall = _told(told.wall_seconds, 1, taken.wall_seconds or 0.0)
    kept = sum(one.kept_bytes for one in taken.stages.values())
    return (
        f"units told {hours}; start to end told {wall}; kept told {told.kept_bytes / 1e6:.0f} MB, "
        f"came {kept / 1e6:.0f} MB ({told.kept_bytes / kept - 1:+.0%})."
    )


def _told(span: Span, factor: float, took: float) -> str:
    value, low, high = (factor * one for one in (span.value, span.low, span.high))
    return f"{value:.0f} s ({low:.0f} to {high:.0f}), took {took:.0f} s ({value / took - 1:+.0%})"
