"""The front door: every public name, and nothing heavy at import.

Names are looked up where they live when they are first used, so that a DAG file or a command
line that only needs one of them does not pay for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray

    from landcover.errors import Family
    from landcover.lazy import OpenedProduct
    from landcover.learn.accuracy import accuracy
    from landcover.learn.models import fit_classifier
    from landcover.nouns.run import Group, Stage
    from landcover.raster.clouds import expand_cloud_mask
    from landcover.raster.composite import median_composite
    from landcover.raster.denoise import denoise_dem
    from landcover.raster.features import normalise
    from landcover.raster.indices import spectral_index
    from landcover.raster.terrain import slope_aspect
    from landcover.raster.topography import correct_topography
    from landcover.recipe import read_recipe
    from landcover.settings import Settings
    from landcover.simulate import simulate
    from landcover.sources.label_polygons import polygons_to_points
    from landcover.sources.labels import read_labels
    from landcover.stores.workspace import Workspace
    from landcover.tiling import primary_tile, tile_grid, tiles_containing, tiles_intersecting

_HOME = {
    "accuracy": "landcover.learn.accuracy",
    "correct_topography": "landcover.raster.topography",
    "denoise_dem": "landcover.raster.denoise",
    "expand_cloud_mask": "landcover.raster.clouds",
    "fit_classifier": "landcover.learn.models",
    "median_composite": "landcover.raster.composite",
    "normalise": "landcover.raster.features",
    "polygons_to_points": "landcover.sources.label_polygons",
    "primary_tile": "landcover.tiling",
    "read_labels": "landcover.sources.labels",
    "read_recipe": "landcover.recipe",
    "simulate": "landcover.simulate",
    "slope_aspect": "landcover.raster.terrain",
    "spectral_index": "landcover.raster.indices",
    "tile_grid": "landcover.tiling",
    "tiles_containing": "landcover.tiling",
    "tiles_intersecting": "landcover.tiling",
}

__all__ = [
    "accuracy",
    "cancel",
    "correct_topography",
    "denoise_dem",
    "expand_cloud_mask",
    "fit_classifier",
    "mark_lost",
    "median_composite",
    "normalise",
    "open_composite",
    "open_map",
    "open_product",
    "plan",
    "polygons_to_points",
    "primary_tile",
    "quality_map",
    "read_labels",
    "read_recipe",
    "report",
    "run",
    "run_inline",
    "simulate",
    "slope_aspect",
    "spectral_index",
    "start_run",
    "tile_grid",
    "tiles_containing",
    "tiles_intersecting",
]


def __getattr__(name: str) -> Any:
    """Find a public name where it lives."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"landcover.api has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(home), name)


def open_product(path: str | Path) -> OpenedProduct:
    """Open a product folder: ``.metadata`` and a lazy ``.dataset(bands, resolution)``.

    Args:
        path: A SAFE folder, or a folder with a STAC item.

    Returns:
        The opened product; no pixel is read before ``.compute()``.
    """
    from landcover.lazy import OpenedProduct

    return OpenedProduct(Path(path))


def open_composite(
    tile: str, period: str, recipe: str | None = None, *, workspace: Workspace | None = None
) -> xarray.Dataset:
    """Open the newest composite of a tile and period as a lazy dataset.

    Args:
        tile: Tile id.
        period: Period with its year, ``2021-spring``.
        recipe: Id of the recipe; any if None.
        workspace: Where it is; that of the settings if None.

    Returns:
        One variable per layer at the work grid: reflectance, AOT and WVP, float32, NaN nodata.

    Raises:
        MissingDataError: There is none.
    """
    from landcover.views import open_composite as opened

    return opened(workspace or open_workspace(), tile, period, recipe)


def open_map(map_id: str, *, workspace: Workspace | None = None) -> xarray.Dataset:
    """Open a class map or a mosaic as a lazy dataset.

    Args:
        map_id: Id or unique beginning of an id.
        workspace: Where it is; that of the settings if None.

    Returns:
        ``classification`` (uint8, nodata 0) and ``confidence`` (uint8 × 1/254, nodata 255).

    Raises:
        InputError: No map, or more than one, has an id that begins so.
    """
    from landcover.views import open_map as opened

    return opened(workspace or open_workspace(), map_id)


def open_workspace(settings: Settings | None = None) -> Workspace:
    """Open the stores that the settings name; those of the environment if None."""
    from dataclasses import fields

    from landcover.settings import read_settings
    from landcover.stores.workspace import Servers
    from landcover.stores.workspace import open_workspace as opened

    known = read_settings() if settings is None else settings
    servers = Servers(**{field.name: getattr(known, field.name) for field in fields(Servers)})
    return opened(known.objects, known.records, servers)


def quality_map(
    region: str | Path | Sequence[str],
    recipe: str | Path | Mapping[str, Any],
    *,
    year: int,
    products: str,
    out: str | Path | None = None,
    plates: Sequence[str] = (),
    overrides: Sequence[str] = (),
    workspace: Workspace | None = None,
) -> dict[str, Any]:
    """Tell what the seasons of a region will be worth, before anything is processed.

    Args:
        region: A GeoJSON file with polygons, or tile ids.
        recipe: A recipe file, or its document.
        year: Year of the seasons.
        products: Folder with the products, or the address of a source.
        out: Folder for GeoJSON, PNG, HTML, JSON and CSV; nothing is written if None.
        plates: Tiles whose cloud masks are shown before and after growth, with ``out``.
        overrides: ``key=value`` pairs that win over the recipe file.
        workspace: Where composites may exist already; that of the settings if None.

    Returns:
        GeoJSON: one polygon per tile with ``status`` (ok, degraded, empty), ``nodata_pct`` (pixels
        missing in the worst season, %, null without a composite), ``nodata_pct_by_season``,
        ``basis`` (how the shares are known), ``n_products``, ``products`` and ``color``.

    Raises:
        UsageError: The region, the recipe or an argument is wrong.
        MissingDataError: No tile could be looked at.
    """
    from landcover.stages.readiness import look_ahead
    from landcover.stages.region import as_geojson, resolve_region, write_region

    opened = workspace or open_workspace()
    resolved, arguments = resolve_region(region, recipe, overrides, year=year, products=products)
    outlook = look_ahead(opened, resolved, arguments)
    if out is not None:
        write_region(opened, resolved, arguments, outlook, Path(out), plates)
    return as_geojson(outlook)


def start_run(
    run_id: str,
    recipe: str | Path | Mapping[str, Any],
    *,
    year: int,
    products: str,
    tiles: Sequence[str] = (),
    region: str | None = None,
    labels: str | None = None,
    dem: str | None = None,
    model: str | None = None,
    until: Stage = "publish",
    overrides: Sequence[str] = (),
) -> str:
    """Write the record of a run: everything its stages will need to know.

    Args:
        run_id: Name of the run; an existing run of this name is started over.
        recipe: A recipe file, or its document.
        year: Year of the seasons.
        products: Folder with the products.
        tiles: Tile ids; those of the region, or all that have products, if empty.
        region: GeoJSON file with polygons.
        labels: Ground-truth file, folder of them, or several with commas between them.
        dem: DEM file of any CRS, folder of degree cells, or address of a source of them
            (:mod:`landcover.sources.dem`).
        model: Id of a trained model to classify with.
        until: Last stage.
        overrides: ``key=value`` pairs that win over the recipe file.

    Returns:
        The run id.

    Raises:
        UsageError: The recipe or an argument is wrong.
        InputError: Products, labels or DEM are not there or not usable.
    """
    from landcover.stages import starting

    resolved, arguments = starting.resolve(
        recipe,
        overrides,
        year=year,
        products=products,
        tiles=tiles,
        region=region,
        labels=labels,
        dem=dem,
        model=model,
        until=until,
    )
    return starting.start_run(open_workspace(), run_id, resolved, arguments).id


def plan(run_id: str, group: Group) -> list[dict[str, str]]:
    """List the units that a group of stages has to work on, and write them to the ledger.

    Args:
        run_id: The run.
        group: ``prepare``, ``terrain``, ``sample``, ``train``, ``classify``, ``mosaic``,
            ``validate`` or ``publish``.

    Returns:
        ``unit`` (id) and ``label`` of each.
    """
    from landcover.ledger import runs
    from landcover.stages.planning import WHOLE_RUN, plan_group
    from landcover.stages.task import Task

    workspace = open_workspace()
    task = Task(workspace, *runs.load(workspace, run_id), WHOLE_RUN)
    return [{"unit": unit.id, "label": unit.label} for unit in plan_group(task, group)]


def run(
    stage: Stage,
    document: dict[str, Any],
    *,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, Any]:
    """Run one unit at one stage.

    Args:
        stage: Stage name.
        document: ``{schema, run, stage, unit, attempt, memory_gb, threads}``.
        progress: Is told the share that is done and what is being done.

    Returns:
        ``{unit, state, outputs, seconds, error_family, message}``; what goes wrong in the unit
        is in it, not raised.
    """
    from landcover.stages.running import run_stage

    return run_stage(open_workspace(), stage, document, progress)


def report(run_id: str) -> dict[str, Any]:
    """Sum up a run: counts by state, the reason of every trouble, and whether it failed."""
    from landcover.stages.reporting import report_run

    return report_run(open_workspace(), run_id)


def cancel(run_id: str) -> None:
    """Write down that somebody stopped a run, so that nothing is left as running."""
    from landcover.stages.reporting import cancel_run

    cancel_run(open_workspace(), run_id)


def run_inline(run_id: str, *, memory_gb: float = 1.0, threads: int = 1) -> dict[str, Any]:
    """Run all stages of a started run here, one unit after the other, without Airflow.

    Args:
        run_id: A run of :func:`start_run`.
        memory_gb: Memory of a job, GB.
        threads: Threads of a job.

    Returns:
        The report of the run.
    """
    from landcover.nouns.run import GROUPS

    for group, stages in GROUPS.items():
        for unit in plan(run_id, group):
            for stage in stages:
                document = {
                    "schema": 1,
                    "run": run_id,
                    "stage": stage,
                    "unit": unit["unit"],
                    "attempt": 1,
                    "memory_gb": memory_gb,
                    "threads": threads,
                }
                outcome = run(stage, document)
                if outcome["state"] not in ("done", "reused"):
                    break
    return report(run_id)


def mark_lost(stage: Stage, document: dict[str, Any], family: Family, message: str) -> None:
    """Write down the end of a unit whose worker could not do so itself.

    Args:
        stage: Stage name.
        document: What :func:`run` was given.
        family: ``memory``, ``unavailable`` or ``cancelled``.
        message: One sentence.
    """
    from landcover.stages import running

    running.mark_lost(open_workspace(), stage, document, family, message)
