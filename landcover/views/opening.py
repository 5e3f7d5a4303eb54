"""What people open: products, composites, features, maps and models.

Part of the front door (:mod:`landcover.api`); nothing heavy is imported before it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from landcover.front.workspace import open_workspace

if TYPE_CHECKING:
    import xarray

    from landcover.nouns.grid import Window
    from landcover.nouns.model import FeatureSet
    from landcover.stores.workspace import Workspace
    from landcover.views.models import OpenedModel
    from landcover.views.products import OpenedProduct


def open_product(path: str | Path) -> OpenedProduct:
    """Open a product folder: ``.metadata`` and a lazy ``.dataset(bands, resolution)``.

    Args:
        path: A SAFE folder, or a folder with a STAC item.

    Returns:
        The opened product; no pixel is read before ``.compute()``.

    Examples:
        >>> from pathlib import Path
        >>> from landcover import api
        >>> product = api.open_product(min(Path("region/products").glob("*.SAFE")))
        >>> product.dataset(["B04", "B08"])["B08"].dims
        ('y', 'x')
    """
    from landcover.views.products import OpenedProduct

    opened = OpenedProduct(Path(path))
    opened.metadata  # noqa: B018 - what is no product is told here, not at the first pixel
    return opened


def open_composite(
    tile: str, period: str, recipe: str | None = None, *, workspace: Workspace | None = None
) -> xarray.Dataset:
    """Open the newest composite of a tile and period, or those of a year, as a lazy dataset.

    Args:
        tile: Tile id.
        period: Period with its year, ``2021-spring``, or the year, ``2021``, for all its periods.
        recipe: Id of the recipe; any if None.
        workspace: Where it is; that of the settings if None.

    Returns:
        One variable per layer over (time, y, x) at the work grid, in order of time: reflectance,
        AOT and WVP, float32, NaN where nodata and in periods without the layer. ``time`` is the
        first day of a period, ``period`` its name.

    Raises:
        MissingDataError: There is none.
        InputError: The composites of the year lie on different grids.

    Examples:
        >>> from landcover import api
        >>> dict(api.open_composite("30SUF", "2021").sizes)
        {'time': 2, 'y': 240, 'x': 240}
    """
    from landcover.views.composites import open_composite as opened

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
        feature_set: Features, or the model (as `load_model` takes it) whose features they
            are; those of the run's recipe if None.
        run: Run that prepared the tile, as it is named; the newest if None.
        workspace: Where it is; that of the settings if None.

    Returns:
        (feature, y, x), float32, NaN nodata: reflectance 0-1, AOT, WVP (cm), indices, degrees,
        metres, as sampling and classification compute them.

    Raises:
        MissingDataError: No run has prepared the tile with all its seasons and its terrain.
        InputError: The window is not inside the tile, or the tile lacks a period of the features.

    Examples:
        >>> from landcover import api
        >>> api.open_features("30SUF", (0, 0, 64, 64)).sel(feature="summer_ndvi").shape
        (64, 64)
    """
    from landcover.views.features import open_features as opened

    return opened(workspace or open_workspace(), tile, window, feature_set, run=run)


def open_map(map_id: str, *, workspace: Workspace | None = None) -> xarray.Dataset:
    """Open a class map or a mosaic as a lazy dataset.

    Args:
        map_id: Id of the map or the beginning of it, run with one map, or ``latest``.
        workspace: Where it is; that of the settings if None.

    Returns:
        ``classification`` (uint8, nodata 0), whose attributes name classes and colours, and
        ``confidence`` (uint8 × 1/254, nodata 255), both over (y, x).

    Raises:
        InputError: No map, or more than one, may be meant.

    Examples:
        >>> from landcover import api
        >>> api.open_map("demo")["classification"].landcover.classes[0].name
        'closedForest'
    """
    from landcover.views.maps import open_map as opened

    return opened(workspace or open_workspace(), map_id)


def load_model(model: str | Path, *, workspace: Workspace | None = None) -> OpenedModel:
    """Read a trained model: ``.predict(features) -> codes, confidence`` and its ``.card``.

    Args:
        model: Folder of the model, its id or the beginning of it, a run, or ``latest``.
        workspace: Where ids are looked up; that of the settings if None.

    Returns:
        The model. A retired one can be read as well: it is refused for maps only.

    Raises:
        InputError: There is no such model, or its card or arrays were changed or damaged.

    Examples:
        >>> from landcover import api
        >>> api.load_model("demo").card.kind
        'random-forest'
    """
    from landcover.views.models import load_model as loaded

    return loaded(model, lambda: workspace or open_workspace())
