"""What people open or ask of a workspace: products, composites, maps, models, places to label.

Part of the front door (:mod:`landcover.api`); nothing heavy is imported before it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray

    from landcover.nouns.grid import Window
    from landcover.nouns.label_priority import LabelPlan
    from landcover.nouns.model import FeatureSet
    from landcover.parts.training.model_lookup import LoadedModel
    from landcover.settings import Settings
    from landcover.stores.workspace import Workspace
    from landcover.views.lazy import OpenedProduct


def open_workspace(settings: Settings | None = None) -> Workspace:
    """Open the stores that the settings name; those of the environment if None."""
    from dataclasses import fields

    from landcover.settings import read_settings
    from landcover.stores.workspace import Servers
    from landcover.stores.workspace import open_workspace as opened

    known = read_settings() if settings is None else settings
    servers = Servers(**{field.name: getattr(known, field.name) for field in fields(Servers)})
    return opened(known.objects, known.records, servers)


def open_product(path: str | Path) -> OpenedProduct:
    """Open a product folder: ``.metadata`` and a lazy ``.dataset(bands, resolution)``.

    Args:
        path: A SAFE folder, or a folder with a STAC item.

    Returns:
        The opened product; no pixel is read before ``.compute()``.
    """
    from landcover.views.lazy import OpenedProduct

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
    from landcover.views.stored import open_composite as opened

    return opened(workspace or open_workspace(), tile, period, recipe)


def open_features(
    tile: str,
    window: Window | tuple[int, int, int, int] | None = None,
    feature_set: FeatureSet | str | None = None,
    *,
    run: str | None = None,
    workspace: Workspace | None = None,
) -> xarray.DataArray:
    """Open what a classifier reads of a tile as a lazy array, computed where it is indexed.

    Args:
        tile: Tile id.
        window: Row, column, height and width on the work grid; the whole tile if None (72 float32
            features of 10,980² px are 34.7 GB when computed).
        feature_set: Features, or the model (id, unique beginning, folder) whose features they
            are; those of the run's recipe if None.
        run: Run that prepared the tile; the newest if None.
        workspace: Where it is; that of the settings if None.

    Returns:
        (feature, y, x), float32, NaN nodata: reflectance 0-1, AOT, WVP (cm), indices, degrees,
        metres, as sampling and classification compute them.

    Raises:
        MissingDataError: No run has prepared the tile with all its seasons and its terrain.
        InputError: The window is not inside the tile, or the tile lacks a period of the features.
    """
    from landcover.views.features import open_features as opened

    return opened(workspace or open_workspace(), tile, window, feature_set, run=run)


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
    from landcover.views.stored import open_map as opened

    return opened(workspace or open_workspace(), map_id)


def load_model(model: str | Path, *, workspace: Workspace | None = None) -> LoadedModel:
    """Read a trained model: ``.predict(features) -> codes, confidence`` and its ``.card``.

    Args:
        model: Folder of the model, or its id or unique beginning of an id.
        workspace: Where ids are looked up; that of the settings if None.

    Returns:
        The model. A retired one can be read as well: it is refused for maps only.

    Raises:
        InputError: There is no such model, or its card or arrays were changed or damaged.
    """
    from landcover.parts.training.model_lookup import load_model as loaded

    return loaded(lambda: workspace or open_workspace(), model)


def label_next(
    map_or_run: str,
    *,
    points: int = 50,
    out: str | Path | None = None,
    samples: str | None = None,
    workspace: Workspace | None = None,
) -> LabelPlan:
    """Rank the places of a map whose label would teach the next model most.

    Args:
        map_or_run: A run, or a map by id, unique beginning of an id, or path.
        points: Most places.
        out: GeoJSON or KMZ file to write, with an empty ``label`` to be filled in.
        samples: Run or sample set with the samples that exist; found by itself for runs and maps
            of the workspace.
        workspace: Where ids are looked up; that of the settings if None.

    Returns:
        The places, the best first, with the expected intervals of the class areas.

    Raises:
        InputError: There is no such map, or no confidence beside it.
        UsageError: The file is neither GeoJSON nor KMZ.
    """
    from landcover.analysis.label_next import label_next as ranked

    file = None if out is None else Path(out)
    return ranked(lambda: workspace or open_workspace(), map_or_run, points, samples, file)


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
    from landcover.analysis.readiness import look_ahead
    from landcover.pipeline.region import as_geojson, resolve_region, write_region

    opened = workspace or open_workspace()
    resolved, arguments = resolve_region(region, recipe, overrides, year=year, products=products)
    outlook = look_ahead(opened, resolved, arguments)
    if out is not None:
        write_region(opened, resolved, arguments, outlook, Path(out), plates)
    return as_geojson(outlook)
