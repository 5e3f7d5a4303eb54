"""Season readiness: what a region's seasons will be worth, before anything is processed.

From what is published: which products the recipe would choose, and the share of pixels that would
be left without a clear observation. Where composites of exactly these products exist already,
their counts are told instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.ledger import outputs, runs
from landcover.nouns.grid import Grid
from landcover.nouns.holes import missing_percent
from landcover.nouns.output import Output
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.nouns.run import Run, Unit
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import Stage
from landcover.nouns.work_windows import WINDOWS
from landcover.parts.preparation.composite_rule import OPTIONS, rule_of
from landcover.parts.preparation.composites import lacking_layers
from landcover.parts.preparation.expected_coverage import candidates_of, expect
from landcover.parts.preparation.expected_holes import (
    Hole,
    counted_holes,
    expected_holes,
    lost_percent,
)
from landcover.parts.preparation.fetching import AvailableProducts, find_products
from landcover.parts.preparation.quicklook_masks import masked_by_recipe
from landcover.parts.preparation.quicklooks import make_quicklook, quicklook_of_composite
from landcover.parts.task import Task
from landcover.parts.work_grid import work_grid
from landcover.publish.outlines import outline_of
from landcover.publish.quality import (
    Candidate,
    SeasonQuality,
    Status,
    TileQuality,
    season_quality,
    why_degraded,
)
from landcover.publish.quicklooks import Quicklook
from landcover.recipe import Recipe
from landcover.sources.addresses import is_remote, open_source
from landcover.sources.local import LocalSource
from landcover.sources.selection import gaps, select_products
from landcover.stores.workspace import Workspace
from landcover.tiling import tile_grid

Progress = Callable[[float, str], None]


def ignore_progress(share: float, what: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Readiness:
    """What is known of a region before it is processed."""

    tiles: tuple[TileQuality, ...]
    troubles: tuple[str, ...]
    """Why a tile could not be looked at, one sentence each."""
    simulated: bool
    """True where the products say that they are simulated."""


@dataclass(frozen=True)
class _Choice:
    """What the recipe would use for one season of a tile."""

    task: Task
    period: Period
    available: AvailableProducts
    status: Status
    candidates: tuple[Candidate, ...]

    @property
    def products(self) -> list[Product]:
        return [self.available.products[entry.name] for entry in self.candidates if entry.is_used]


def check_readiness(
    workspace: Workspace,
    recipe: Recipe,
    arguments: RunArguments,
    progress: Progress = ignore_progress,
) -> Readiness:
    """Look at every tile and season of a region; nothing is written.

    Args:
        workspace: Where composites may exist already; it is only read.
        recipe: How products are chosen and masked.
        arguments: Tiles, year and the source of the products.
        progress: Is told the share that is done and the tile.

    Returns:
        Tiles in the order of the arguments. One that the source could not tell of has empty
        seasons with the reason.

    Raises:
        MissingDataError: Nothing at all could be looked at.
    """
    run = _run(recipe, arguments)
    tiles: list[TileQuality] = []
    troubles: list[str] = []
    n_seasons = 0
    for number, tile in enumerate(arguments.tiles):
        progress(number / len(arguments.tiles), tile)
        seasons: list[SeasonQuality] = []
        grids: list[Grid] = []
        chosen: list[_Choice] = []
        for period, choice in _choices(workspace, run, recipe, tile):
            if isinstance(choice, LandcoverError):
                troubles.append(f"{tile} {period.name}: {choice}")
                why = str(choice)
                seasons.append(SeasonQuality(period=period.name, status="empty", reason=why))
                continue
            chosen.append(choice)
            season, grid = _season(choice)
            seasons.append(season)
            grids += [grid] if grid else []
        grid = grids[0] if grids else None
        outline = outline_of(grid or tile_grid(tile))
        quality = TileQuality(tile=tile, grid=grid, geometry=outline, seasons=tuple(seasons))
        tiles.append(quality.model_copy(update={"lost_percent": _lost(chosen, quality)}))
        n_seasons += len(seasons)
    if len(troubles) == n_seasons:
        raise MissingDataError(f"No tile could be looked at. {troubles[0]}")
    return Readiness(tuple(tiles), tuple(troubles), run.simulated)


def expected_quicklook(
    workspace: Workspace, recipe: Recipe, arguments: RunArguments, tile: str
) -> Quicklook:
    """Fill the quicklook of a tile: its season with the cloudiest product that would be used.

    Raises:
        MissingDataError: No season of the tile has products with rasters at hand.
    """
    found = []
    for period, choice in _choices(workspace, _run(recipe, arguments), recipe, tile):
        if isinstance(choice, LandcoverError) or not choice.products:
            continue
        made = find_composite(workspace, recipe, tile, period, choice.products)
        if made is not None or all(product.file("SCL") for product in choice.products):
            cloud = max(product.cloud_percent for product in choice.products)
            found.append((cloud, choice, made))
    if not found:
        raise MissingDataError(
            f"{tile}: a quicklook needs the rasters of products. Name a folder of products, or "
            "make the composites first (landcover run --until composite)."
        )
    _, choice, made = max(found, key=lambda entry: entry[0])
    if made is not None:
        return quicklook_of_composite(choice.task, made)
    masked = [masked_by_recipe(product, recipe.mask) for product in choice.products]
    return make_quicklook(tile, choice.period.name, masked, recipe.mask, recipe.composite.min_clear)


def find_composite(
    workspace: Workspace, recipe: Recipe, tile: str, period: Period, chosen: Sequence[Product]
) -> Output | None:
    """Find the newest whole composite of these products only, made and masked by the recipe."""
    names = {product.name for product in chosen}
    rule = {**OPTIONS, **rule_of(recipe, period)}
    for document in _made(workspace, "composite", f"{tile}/{period.name}"):
        wanted, made_of = document["wanted"], document["stats"]["products"]
        if WINDOWS in wanted["params"]:
            continue  # what a part of the tile is worth says little of the whole
        # An option that was not used is not among the parameters.
        params = {**OPTIONS, **wanted["params"]}
        if {product["name"] for product in made_of} != names or not _agrees(params, rule):
            continue
        masks = [
            workspace.records.get(outputs.COLLECTION, key)
            for key in wanted["inputs"].get("masks", ())
        ]
        if all(m and _agrees(m["wanted"]["params"], recipe.mask.to_document()) for m in masks):
            return outputs.find(workspace, document["_id"])
    return None


def _made(workspace: Workspace, stage: Stage, unit: str) -> list[dict[str, Any]]:
    where = {"wanted.stage": stage, "wanted.unit": unit}
    return workspace.records.find(outputs.COLLECTION, where, sort=["-created"])


def _agrees(params: Mapping[str, Any], rule: Mapping[str, Any]) -> bool:
    return all(params[name] == rule[name] for name in params.keys() & rule.keys())


def _run(recipe: Recipe, arguments: RunArguments) -> Run:
    source = open_source(arguments.products)
    return Run(
        id="readiness",
        recipe_id=runs.recipe_id(recipe),
        arguments=arguments,
        label_id=None,
        simulated=isinstance(source, LocalSource) and source.is_simulated,
    )


def _choices(
    workspace: Workspace, run: Run, recipe: Recipe, tile: str
) -> Iterator[tuple[Period, _Choice | LandcoverError]]:
    """Choose the products of each season of a tile; what went wrong is told in its place."""
    here: AvailableProducts | None = None
    spans = recipe.spans(run.arguments.year, run.arguments.season)
    # A folder is read once for all seasons; a catalogue is asked for the months in question.
    is_folder = not is_remote(run.arguments.products)
    every = [period for span in spans for period in span.periods]
    for span in spans:
        label = f"{tile} {span.name}"
        unit = Unit(id=f"{tile}.{span.name}", label=label, tile=tile, span=span.name)
        task = Task(workspace, run, recipe, unit)
        try:
            available = here or find_products(task, tile, every if is_folder else span.periods)
        except LandcoverError as error:
            yield from ((period, error) for period in span.periods)
            continue
        here = available if is_folder else None
        for period in span.periods:
            yield period, _choose(task, period, available)


def _choose(task: Task, period: Period, available: AvailableProducts) -> _Choice:
    rule = task.recipe.selection
    selected = select_products(list(available.products.values()), period, rule)
    baselines = {name: product.baseline for name, product in available.products.items()}
    names = {candidate.name for candidate in selected.candidates}
    # Where the chain has chosen from the same products, it knows more: it has seen their pixels.
    for document in _made(task.workspace, "collect", f"{task.unit.tile}/{period.name}"):
        params = document["wanted"]["params"]
        if params.get("selection") == rule.to_document() and names == {
            candidate["name"] for candidate in params["candidates"]
        }:
            known = candidates_of(params["candidates"], baselines)
            return _Choice(task, period, available, document["stats"]["status"], known)
    known = candidates_of([entry.to_document() for entry in selected.candidates], baselines)
    return _Choice(task, period, available, selected.status, known)


def _season(choice: _Choice) -> tuple[SeasonQuality, Grid | None]:
    """Say what a season will be worth, and on which grid that is known."""
    task, period, available, chosen = choice.task, choice.period, choice.available, choice.products
    unreadable = tuple(f"{name}: {error}" for name, error in available.damaged)
    season = SeasonQuality(
        period=period.name,
        status=choice.status,
        reason="" if chosen else _why_empty(choice.candidates, available.damaged_in(period)),
        candidates=choice.candidates,
        unreadable=unreadable,
    )
    if not chosen:
        return season, None
    tile = str(task.unit.tile)
    made = find_composite(task.workspace, task.recipe, tile, period, chosen)
    if made is not None:
        counted = season_quality(period.name, choice.candidates, made, unreadable=unreadable)
        return counted, work_grid(made)
    basis, shares, warnings = expect(task.recipe, chosen)
    warnings = (*gaps(period, chosen), *warnings)
    nodata = missing_percent(shares, task.recipe.composite.min_clear)
    degraded = _degraded(choice)
    expected = {
        **shares,
        "basis": basis,
        "nodata_percent": nodata,
        "warnings": warnings,
        "status": "degraded" if degraded else "ok",
        "degraded": degraded,
    }
    return season.model_copy(update=expected), _finest(chosen)


def _lost(chosen: Sequence[_Choice], tile: TileQuality) -> float | None:
    """Predict the share of a tile that will have no class; None where a season tells too little."""
    if tile.grid is None or any(s.basis not in ("composite", "scl") for s in tile.seasons):
        return None
    try:
        return lost_percent(tile.grid, (hole for choice in chosen for hole in _holes(choice)))
    except InputError:  # the seasons lie on different grids; the run will say so
        return None


def _holes(choice: _Choice) -> Iterator[Hole]:
    task = choice.task
    made = find_composite(
        task.workspace, task.recipe, str(task.unit.tile), choice.period, choice.products
    )
    if made is not None:
        return counted_holes(task, made)
    return expected_holes(task.recipe, choice.products)


def _degraded(choice: _Choice) -> tuple[str, ...]:
    """Say what a composite of the chosen products would lack."""
    # A catalogue may tell of products without telling of their files.
    known = [product for product in choice.products if product.files]
    layers = choice.task.recipe.composite.layers
    present = [layer for layer in layers if any(product.file(layer) for product in known)]
    return why_degraded(
        {
            "status": choice.status,
            "missing_layers": [x for x in layers if known and x not in present],
            "lacking": lacking_layers(present, known),
        }
    )


def _finest(products: Sequence[Product]) -> Grid | None:
    grids = [file.grid for product in products for file in product.files]
    return min(grids, key=lambda grid: grid.pixel) if grids else None


def _why_empty(candidates: Sequence[Candidate], unreadable: Sequence[str]) -> str:
    if unreadable and not candidates:
        many = f"{len(unreadable)} products are" if len(unreadable) > 1 else "A product is"
        return f"{many} there and cannot be read: {unreadable[0]}"
    if not candidates:
        return "No product is published for this season."
    word = "product" if len(candidates) == 1 else "products"
    return f"None of {len(candidates)} published {word} can be used."
