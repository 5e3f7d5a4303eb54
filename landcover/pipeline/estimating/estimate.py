"""An estimate of a run: its work, times the costs that earlier runs had, spread over workers.

Method: docs/methods/estimate.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil, sqrt

from landcover.nouns.estimate import RunEstimate, Span, StageEstimate, StageWork
from landcover.nouns.run import Run
from landcover.nouns.stages import GROUPS, Stage
from landcover.pipeline.estimating import priors
from landcover.pipeline.estimating.earlier import Earlier, earlier_runs
from landcover.pipeline.estimating.fitting import LEAST_MISS, fit
from landcover.pipeline.estimating.priors import PRIORS, Prior
from landcover.pipeline.estimating.work import RunWork, work_of
from landcover.recipe import Recipe
from landcover.sources.addresses import is_remote
from landcover.stores.workspace import Workspace

WIDTH = 1.64
"""Standard deviations on each side of an estimate: nine of ten, were misses normal."""
BELOW, ABOVE = 0.05, 1.5
"""Range of a stage without records, times its prior: the paper's program was far slower."""
MB = 1e6


@dataclass(frozen=True)
class _Told:
    """What is told of one stage."""

    seconds: Span
    kept_bytes: float
    n_runs: int
    miss: float


def estimate_run(
    workspace: Workspace,
    run: Run,
    recipe: Recipe,
    *,
    n_workers: int,
    memory_gb: float,
    price: float | None = None,
) -> RunEstimate:
    """Tell what a run will take where nothing of it exists.

    Args:
        workspace: Earlier runs, and where the run is recorded; it is only read.
        run: The run, started or only planned.
        recipe: Its recipe.
        n_workers: Units at a time, 1 or more.
        memory_gb: Memory of a job, GB: told where no earlier run was as large.
        price: Of a worker for an hour, in any currency; None where it has none.

    Returns:
        The estimate; ``stages`` say each what it is made of.

    Raises:
        UnavailableError: The source of the products does not answer.
    """
    work = work_of(workspace, run, recipe)
    earlier = earlier_runs(workspace, run, recipe)
    is_away = is_remote(run.arguments.products)
    told = {s: _told(s, own, work, earlier, is_away=is_away) for s, own in work.stages.items()}
    seconds = _sum([one.seconds for one in told.values()])
    hours = Span(**{k: v / 3600 for k, v in seconds.to_document().items()})
    return RunEstimate(
        n_tiles=len(run.arguments.tiles),
        n_products=work.n_products,
        n_workers=n_workers,
        moved_bytes=work.moved_bytes,
        kept_bytes=sum(one.kept_bytes for one in told.values()),
        worker_hours=hours,
        wall_seconds=_wall(work, told, earlier, n_workers, seconds),
        peak_mb=_peak(work, earlier, memory_gb),
        price=None
        if price is None
        else Span(**{k: v * price for k, v in hours.to_document().items()}),
        stages={
            stage: StageEstimate(
                **own.to_document(),
                seconds=told[stage].seconds,
                kept_bytes=told[stage].kept_bytes,
                basis="records"
                if told[stage].n_runs
                else "paper"
                if PRIORS[stage].is_of_the_paper
                else "measured",
                n_runs=told[stage].n_runs,
            )
            for stage, own in work.stages.items()
        },
        notes=(*work.notes, *_notes(told)),
    )


def _told(
    stage: Stage, own: StageWork, work: RunWork, earlier: Sequence[Earlier], *, is_away: bool
) -> _Told:
    prior = _prior(stage, is_away=is_away)
    known = [run for run in earlier if stage in run.spent.stages]
    if stage == "collect":  # to download is another thing than to list a folder
        known = [run for run in known if run.spent.is_remote == is_away]
    rows = [measures(run.spent.stages[stage]) for run in known]
    costs, kept = _costs(prior)
    asked = measures(own)
    if not known:
        value = _unfitted(stage, own, work, costs, asked)
        seconds = Span(value=value, low=BELOW * value, high=ABOVE * value)
        return _Told(seconds, _dot(kept, asked), 0, 0.0)
    spent = [max(run.spent.stages[stage].seconds, 1e-3) for run in known]
    found = fit(rows, spent, costs)
    value = found.at(asked)
    low, high = value / (1 + WIDTH * found.miss), value * (1 + WIDTH * found.miss)
    sizes = [float(run.spent.stages[stage].kept_bytes) for run in known]
    has_sizes = any(kept) and min(sizes) > 0
    n_bytes = fit(rows, sizes, kept).at(asked) if has_sizes else _dot(kept, asked)
    return _Told(Span(value=value, low=low, high=high), n_bytes, len(known), found.miss)


def measures(work: StageWork) -> list[float]:
    """Give what costs are told for: the run, its units, and what they work on."""
    counts = [1.0, float(work.units), float(work.n_tiles)]
    return [*counts, work.tiles, work.seasons, work.products, work.points]


def _prior(stage: Stage, *, is_away: bool) -> Prior:
    prior = PRIORS[stage]
    if stage != "collect" or not is_away:
        return prior
    given = {field.name: getattr(prior, field.name) for field in fields(prior)}
    return Prior(**{**given, "products": priors.FETCHING_A_PRODUCT})


def _costs(prior: Prior) -> tuple[list[float], list[float]]:
    """Give seconds and bytes of a prior in the order of :func:`measures`."""
    sized = [prior.tiles, prior.seasons, prior.products, prior.points]
    seconds = [prior.run, prior.units, prior.n_tiles, *sized]
    areas = [prior.bytes_tiles, prior.bytes_seasons, prior.bytes_products, 0.0]
    # A little for the run and each unit: what is kept has a size whatever its area.
    return seconds, [1e3, 1e4, 1e4, *areas] if any(areas) else [0.0] * len(seconds)


def _unfitted(
    stage: Stage, own: StageWork, work: RunWork, costs: Sequence[float], asked: Sequence[float]
) -> float:
    """Give the paper's own time where the stage is one of the paper's, else what was measured."""
    of_the_paper = {
        "composite": work.composite_seconds,
        "sample": priors.SAMPLING_A_TILE * own.tiles,
        "train": priors.TRAINING,
        "classify": priors.PREDICTING_A_TILE * own.tiles,
    }
    return of_the_paper.get(stage, _dot(costs, asked))


def _sum(spans: Sequence[Span]) -> Span:
    """Add estimates whose misses are their own, over one machine that may be slower for all."""
    value = sum(span.value for span in spans)
    common = WIDTH * LEAST_MISS * value
    below = sqrt(sum((span.value - span.low) ** 2 for span in spans))
    above = sqrt(sum((span.high - span.value) ** 2 for span in spans))
    low = max(value - max(below, common / (1 + WIDTH * LEAST_MISS)), sum(s.low for s in spans) / 2)
    return Span(value=value, low=low, high=value + max(above, common))


def stage_wall(work: Mapping[Stage, StageWork], seconds: Mapping[Stage, float], n: int) -> float:
    """Give the time of all groups one after the other, each shared by workers, s.

    Args:
        work: Stage → its work.
        seconds: Stage → sum over its units, s.
        n: Workers. Units of a group take about as long as each other, so ``ceil(units / n)`` of
            them come one after the other.
    """
    total = 0.0
    for stages in GROUPS.values():
        mine = [stage for stage in stages if stage in seconds and work[stage].units]
        if mine:
            units = max(work[stage].units for stage in mine)
            total += sum(seconds[stage] for stage in mine) * ceil(units / n) / units
    return total


def lanes_of(work: Mapping[Stage, StageWork]) -> int:
    """Count the lanes of a run: a unit has one for each group of stages."""
    return sum(
        max((work[stage].units for stage in stages if stage in work), default=0)
        for stages in GROUPS.values()
    )


def _wall(
    work: RunWork,
    told: Mapping[Stage, _Told],
    earlier: Sequence[Earlier],
    n_workers: int,
    seconds: Span,
) -> Span:
    busy = stage_wall(work.stages, {s: one.seconds.value for s, one in told.items()}, n_workers)
    rows, beside = [], []
    for run in earlier:
        took = {stage: one.seconds for stage, one in run.spent.stages.items()}
        if run.n_workers is None or run.spent.wall_seconds is None or run.spent.n_reused:
            continue
        rows.append([1.0, float(lanes_of(run.spent.stages))])
        own = stage_wall(run.spent.stages, took, run.n_workers)
        beside.append(max(run.spent.wall_seconds - own, 0.05))
    prior = [priors.RUN_OVERHEAD, priors.LANE_OVERHEAD]
    asked = [1.0, float(lanes_of(work.stages))]
    overhead = fit(rows, beside, prior).at(asked) if rows else _dot(prior, asked)
    value = busy + overhead
    # What the units are missed by, the run is; what is beside them is told less well.
    low = busy * seconds.low / seconds.value + overhead / 1.5
    return Span(value=value, low=low, high=busy * seconds.high / seconds.value + overhead * 1.5)


def _peak(work: RunWork, earlier: Sequence[Earlier], memory_gb: float) -> float:
    """Give the most that a worker had; that of a job where no earlier tile was as large."""
    peaks = [max(s.peak_mb for s in run.spent.stages.values()) for run in earlier]
    sizes = [s.tiles / s.units for run in earlier for s in run.spent.stages.values()]
    is_known = max(sizes, default=0.0) >= 0.8 * work.largest_tile
    return max([*peaks, *([] if is_known and peaks else [memory_gb * 1e9 / MB])])


def _notes(told: Mapping[Stage, _Told]) -> list[str]:
    unknown = [stage for stage, one in told.items() if not one.n_runs]
    if len(unknown) == len(told):
        return [
            "No earlier run of this workspace has records: the paper's times and ours of a whole "
            "tile stand for them, of other machines."
        ]
    if unknown:
        return [f"No records of {', '.join(unknown)}: the paper's times or ours of a whole tile."]
    return []


def _dot(costs: Sequence[float], asked: Sequence[float]) -> float:
    return sum(cost * measure for cost, measure in zip(costs, asked, strict=True))
