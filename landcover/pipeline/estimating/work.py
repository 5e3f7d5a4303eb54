"""How much a run will have to do: its tiles, seasons, products and points, before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.nouns.estimate import StageWork
from landcover.nouns.run import Run
from landcover.nouns.stages import STAGES, Stage
from landcover.parts.preparation.fetching import AvailableProducts, find_products
from landcover.parts.spent import BY_POINTS, OF_SEVERAL, area_of, points_of, trees_of
from landcover.parts.task import Task
from landcover.pipeline.estimating.priors import PRODUCT_BYTES, composite_seconds
from landcover.pipeline.planning import WHOLE_RUN
from landcover.pipeline.time_left import expected_units
from landcover.recipe import Recipe
from landcover.sources.addresses import is_remote
from landcover.sources.selection import select_products
from landcover.stores.workspace import Workspace

MOST_TILES = 12
"""Tiles whose products are looked at; of more, some that are spread over the list."""


@dataclass(frozen=True)
class RunWork:
    """What a run will do where nothing of it exists."""

    stages: dict[Stage, StageWork]
    n_products: int
    """Products that are used; of many tiles from the mean of some."""
    moved_bytes: float
    """Size of their files."""
    largest_tile: float
    """Pixels of the largest tile, in whole tiles."""
    composite_seconds: float
    """The paper's time of all composites, s."""
    notes: tuple[str, ...]


@dataclass
class _Found:
    """Sums over the tiles that were looked at."""

    n_products: int = 0
    area: float = 0.0
    seasons: float = 0.0
    products: float = 0.0
    n_bytes: float = 0.0
    composite_seconds: float = 0.0
    largest: float = 0.0


def work_of(workspace: Workspace, run: Run, recipe: Recipe) -> RunWork:
    """Find out how much a run will have to do.

    Products are listed and chosen as the run will choose them; of none is a pixel read, so those
    that turn out to be damaged count.

    Args:
        workspace: Where the run is recorded.
        run: The run, started or only planned.
        recipe: Its recipe.

    Raises:
        UnavailableError: The source of the products does not answer.
    """
    tiles = run.arguments.tiles
    looked = _spread(tiles, MOST_TILES)
    found = _Found()
    for tile in looked:
        _look(Task(workspace, run, recipe, WHOLE_RUN), tile, found)
    times = len(tiles) / len(looked)
    counts = expected_units(run, recipe)
    points = points_of(workspace.records, run)
    n_seasons = found.seasons / found.area if found.area else 1.0
    notes = []
    if len(looked) < len(tiles):
        notes.append(f"Products were looked at in {len(looked)} of {len(tiles)} tiles.")
    if run.region_id is not None:
        notes.append("Whole tiles are counted; with a region less of them may be worked on.")
    stages = {}
    for stage in (s for s in STAGES if s in counts):
        n_units = counts[stage]
        share = n_units / len(tiles) if stage == "overlap" else 1.0
        n_spans = (
            n_units / len(tiles) if stage in ("collect", "mask", "composite", "restore") else 1
        )
        stages[stage] = StageWork(
            units=n_units,
            n_tiles=len(tiles) if stage in OF_SEVERAL else 0,
            tiles=found.area * times * share * n_spans,
            seasons=found.area * times * share * n_seasons,
            products=found.products * times if stage in ("collect", "mask", "composite") else 0.0,
            points=points * trees_of(recipe, stage) if stage in BY_POINTS else 0.0,
        )
    return RunWork(
        stages=stages,
        n_products=round(found.n_products * times),
        moved_bytes=found.n_bytes * times,
        largest_tile=found.largest,
        composite_seconds=found.composite_seconds * times,
        notes=tuple(notes),
    )


def _look(task: Task, tile: str, found: _Found) -> None:
    """Add what a tile has: its products are chosen season by season."""
    area = 0.0
    for span in task.spans:
        available = find_products(task, tile, span.periods)
        for period in span.periods:
            selected = select_products(
                list(available.products.values()), period, task.recipe.selection
            )
            used = [available.products[name] for name in selected.names]
            own = max((area_of(product) for product in used), default=area)
            area = max(area, own)
            found.n_products += len(used)
            found.products += own * len(used)
            found.n_bytes += sum(_size(available, name, own) for name in selected.names)
            found.composite_seconds += own * composite_seconds(len(used))
    n_periods = sum(len(span.periods) for span in task.spans)
    found.area += area
    found.seasons += area * n_periods
    found.largest = max(found.largest, area)


def _size(available: AvailableProducts, name: str, area: float) -> float:
    """Give the size of a product's files; one that is not here is of the usual size."""
    product = available.products[name]
    if not product.files or is_remote(product.path):
        return PRODUCT_BYTES * area
    try:
        return float(sum(Path(h).stat().st_size for h in {file.href for file in product.files}))
    except OSError:  # collect will say of its own tile what is wrong
        return PRODUCT_BYTES * area


def _spread(tiles: Sequence[str], most: int) -> list[str]:
    step = max(1.0, len(tiles) / most)
    return [tiles[int(i * step)] for i in range(min(len(tiles), most))]
