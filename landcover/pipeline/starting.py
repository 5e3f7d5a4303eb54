"""Start a run: resolve its arguments, read its ground truth, write its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from landcover.errors import InputError, LandcoverError, UsageError
from landcover.ledger import runs
from landcover.nouns.base import explain
from landcover.nouns.run import Run
from landcover.nouns.run_arguments import RUN_ID, RunArguments, RunRequest
from landcover.parts.preparation.listings import keep_listings
from landcover.parts.training.ground_truth import (
    absolute_labels,
    name_labels,
    require_labels_in,
    store_labels,
    with_mappings,
)
from landcover.parts.validation.reference_files import name_reference
from landcover.pipeline.up_to_date import fingerprint
from landcover.products.dem import find_dem, require_elevation
from landcover.recipe import Recipe, make_recipe, override, read_recipe
from landcover.sources.addresses import absolute, is_remote, open_source
from landcover.sources.dem import absolute_dem, open_dem
from landcover.sources.local import LocalSource
from landcover.sources.probing import require_answers
from landcover.stores.workspace import Workspace
from landcover.tiling import tile_grid, tiles_intersecting

_MOST_NAMED = 6


def resolve_tiles(products: str, tiles: tuple[str, ...], region: str | None) -> tuple[str, ...]:
    """Decide the tiles of a run: those named, those of a region, or all that have products.

    Raises:
        UsageError: A tile does not exist, or the region has no polygon.
    """
    if tiles:
        for tile in tiles:
            try:
                tile_grid(tile)
            except InputError as error:
                raise UsageError(str(error)) from error
        return tuple(sorted(set(tiles)))
    if region is None:
        if is_remote(products):
            raise UsageError(
                f"--products {products}: name the tiles (--tiles) or a region (--region); the "
                "source has those of the whole world."
            )
        return tuple(LocalSource(products).tiles())
    import shapely

    from landcover.parts.region import read_region

    found = tiles_intersecting(shapely.union_all(read_region(Path(region))))
    if not found:
        raise UsageError(f"{region}: no Sentinel-2 tile intersects the region.")
    return tuple(found)


# Paths are written so that they mean the same in every process.
_ABSOLUTE: Mapping[str, Callable[[str], str]] = {
    "products": absolute,
    "region": lambda path: str(Path(path).resolve()),
    "labels": absolute_labels,
    "dem": absolute_dem,
    "samples": absolute_labels,
    "label_map": lambda path: str(Path(path).resolve()),
    "test_labels": lambda path: str(Path(path).resolve()),
}


def resolve(
    recipe: str | Path | Mapping[str, Any], overrides: Sequence[str] = (), **given: Any
) -> tuple[Recipe, RunArguments]:
    """Read the recipe and make the arguments of a run of them.

    Args:
        recipe: A recipe file, or its document.
        overrides: ``key=value`` pairs that win over it.
        given: Fields of :class:`landcover.nouns.run_arguments.RunRequest`.

    Raises:
        UsageError: The recipe or an argument is wrong.
    """
    resolved = (
        make_recipe(override(recipe, overrides))
        if isinstance(recipe, Mapping)
        else read_recipe(recipe, overrides)
    )
    resolved = with_mappings(resolved)
    try:
        request = RunRequest(**{name: _plain(value) for name, value in given.items()})
        kept = {name: getattr(request, name) for name in RunArguments.model_fields}
        for name, write in _ABSOLUTE.items():
            kept[name] = None if kept[name] is None else write(kept[name])
        _require_past(request.year)
        tiles = resolve_tiles(request.products, request.tiles, request.region)
        if request.whole_tiles:
            kept["region"] = None
        until = request.only or request.until
        if request.season is not None:
            _require_season_alone(resolved, request)
        return resolved, RunArguments(**{**kept, "tiles": tiles, "until": until})
    except ValidationError as error:
        raise UsageError(explain(error, "run")) from error


def _require_past(year: int) -> None:
    now = datetime.now(UTC).year
    if year > now:
        raise UsageError(f"Year {year}: it lies in the future; name one up to {now}.")


def _require_season_alone(recipe: Recipe, request: RunRequest) -> None:
    """Refuse a season that the recipe cannot prepare by itself, or a map of one season."""
    recipe.spans(request.year, request.season)
    for name in ("labels", "samples", "model"):
        if getattr(request, name) is not None:
            raise UsageError(
                f"season {request.season!r}: a run of one season ends with its composites and "
                f"makes no map; leave out {name}, or the season."
            )


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def require_few(arguments: RunArguments, most: int | None, instead: str) -> None:
    """Refuse a run that has more tiles than who drives it can take.

    Raises:
        UsageError: It has; the sentence ends with what to do instead.
    """
    count = len(arguments.tiles)
    if most is not None and count > most:
        raise UsageError(f"The run has {count:,} tiles; expected at most {most:,}. {instead}")


def ask_sources(arguments: RunArguments) -> None:
    """Ask the remote services that a run needs whether they answer and let us in, within 10 s.

    Raises:
        UsageError: An address or a credential is wrong.
        UnavailableError: A service does not answer.
        InputError: A service refuses us.
    """
    require_answers(arguments.products, arguments.dem, arguments.tiles)


def start_run(
    workspace: Workspace,
    run_id: str,
    recipe: Recipe,
    arguments: RunArguments,
    *,
    is_asked: bool = False,
    is_plan: bool = False,
) -> Run:
    """Write the record of a run and its ground truth.

    Args:
        workspace: Where; for a plan, one that leaves nothing behind.
        run_id: Name of the run.
        recipe: The resolved recipe.
        arguments: The resolved arguments.
        is_asked: Remote services were asked already (:func:`ask_sources`).
        is_plan: The run will compute nothing: new labels are named and not read before a unit
            needs them, test points never are, and nobody will look for a run like it.

    Raises:
        InputError: Products, labels or DEM are not there or not usable, or their service refuses.
        UnavailableError: The service of products or DEM does not answer; nothing was written.
    """
    if not RUN_ID.match(run_id):
        raise UsageError(f"Run id {run_id!r}: use letters, digits and . _ : + - only.")
    source = open_source(arguments.products)
    listings = source.by_tile() if isinstance(source, LocalSource) else {}
    folders = [path for listing in listings.values() for path in listing.paths]
    is_simulated = False
    if isinstance(source, LocalSource):
        _require_products(source.tiles(listings), arguments)
        is_simulated = source.says_simulated(folders)
    if arguments.dem is not None and open_dem(arguments.dem) is None:
        dem = find_dem(Path(arguments.dem))
        if isinstance(dem, Path):
            require_elevation(dem)
    if not is_asked:
        ask_sources(arguments)  # after what lies here, which answers at once
    if arguments.model is not None:
        # What reads features is only loaded where a model has to be compared with them.
        from landcover.parts.training.model_compatibility import usable_model

        arguments = usable_model(workspace, recipe, arguments)
    label_id = None
    if arguments.labels is not None:
        name_or_store = name_labels if is_plan else store_labels
        label_id = name_or_store(
            workspace, recipe, arguments.labels, arguments.tiles, arguments.label_map
        )
    library_id = None
    if arguments.samples is not None:
        if arguments.model is not None:
            raise UsageError("--samples train a model and --model takes a trained one; give one.")
        from landcover.parts.training.library import store_library

        has_terrain = arguments.dem is not None
        library_id = store_library(workspace, recipe, arguments.samples, has_terrain=has_terrain)
    test_label_id = None
    if arguments.test_labels is not None:
        points = Path(arguments.test_labels)
        if is_plan:
            test_label_id = name_reference(workspace, recipe, points, arguments.test_design)
        else:
            from landcover.parts.validation.reference_points import store_reference

            test_label_id = store_reference(workspace, recipe, points, arguments.test_design)
    region_id = None
    if arguments.region is not None:
        from landcover.parts.region import store_region

        region_id = store_region(workspace, arguments.region)
    run = Run(
        id=run_id,
        recipe_id=runs.recipe_id(recipe),
        arguments=arguments,
        label_id=label_id,
        library_id=library_id,
        test_label_id=test_label_id,
        region_id=region_id,
        restores=recipe.restore is not None,
        simulated=is_simulated,
    )
    if label_id is not None and not is_plan and run.includes("sample"):
        must_train = run.includes("train") and library_id is None
        require_labels_in(workspace, label_id, arguments.tiles, must_train=must_train)
    if isinstance(source, LocalSource):
        keep_listings(workspace, run, listings)
    name = None if is_plan else _fingerprint(workspace, recipe, arguments, folders)
    runs.save(workspace, run, recipe, fingerprint=name)
    return run


def _fingerprint(
    workspace: Workspace, recipe: Recipe, arguments: RunArguments, folders: list[Path]
) -> str | None:
    try:
        return fingerprint(workspace, recipe, arguments, folders)
    except (LandcoverError, OSError):  # collect will say of its own tile what is wrong
        return None


def _require_products(known: Sequence[str], arguments: RunArguments) -> None:
    """Refuse a run none of whose tiles has a product; single tiles without one are skipped."""
    if not set(known) & set(arguments.tiles):
        some = ", ".join(known[:_MOST_NAMED]) + (", …" if len(known) > _MOST_NAMED else "")
        raise InputError(
            f"--products {arguments.products}: no product of {', '.join(arguments.tiles)}; it has "
            f"products of {some}. Name one of these with --tiles, or another folder."
        )


def new_run_id(recipe: Recipe) -> str:
    """Name a run by the moment it was started."""
    return f"{recipe.name}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:-3]
