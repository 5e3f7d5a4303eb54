"""What people ask of a workspace: where to label next, what the seasons of a region are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.front.workspace import open_workspace

if TYPE_CHECKING:
    from landcover.nouns.label_priority import LabelPlan
    from landcover.stores.workspace import Workspace


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
        map_or_run: A run, a map by its id or the beginning of it, ``latest``, or a path.
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

    Examples:
        >>> from landcover import api
        >>> len(api.label_next("demo", points=3).points)
        3
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
        region: A file with polygons, or tile ids.
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

    Examples:
        >>> from landcover import api
        >>> found = api.quality_map(["30SUF"], "recipes/mediterranean-rf.yaml", year=2021,
        ...                         products="region/products")
        >>> found["features"][0]["properties"]["status"]
        'ok'
    """
    from landcover.analysis.readiness import check_readiness
    from landcover.pipeline.region import as_geojson, resolve_region, write_region

    opened = workspace or open_workspace()
    resolved, arguments = resolve_region(region, recipe, overrides, year=year, products=products)
    readiness = check_readiness(opened, resolved, arguments)
    if out is not None:
        write_region(opened, resolved, arguments, readiness, Path(out), plates)
    return as_geojson(readiness)
