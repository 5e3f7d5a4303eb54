"""How often pixels of a season will be seen, from products that no stage has touched yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.quicklook_masks import bits_of, excluded_by
from landcover.products.naming import parse_name
from landcover.products.numbers import as_classes
from landcover.publish.quality import Basis, Candidate
from landcover.raster.clouds import is_excluded
from landcover.recipe import Recipe
from landcover.stores.rasters import open_raster

MOST_PX = 1000
"""Rows or columns of a classification that are looked at: every n-th pixel of a larger one."""


def expect(
    recipe: Recipe, chosen: Sequence[Product]
) -> tuple[Basis, dict[str, float], tuple[str, ...]]:
    """Tell what share of a tile the chosen products would see, by the best that is at hand.

    Args:
        recipe: How the products are masked.
        chosen: Products of one tile and season, at least one.

    Returns:
        Where the shares come from; ``percent_0``, ``percent_1``, ``percent_2_or_more``; warnings.
    """
    estimate = expected_coverage([product.useful_percent / 100 for product in chosen])
    files = [file for product in chosen if (file := product.file("SCL"))]
    if len(files) < len(chosen):
        return "metadata", estimate, ()
    if len({file.grid for file in files}) > 1:
        why = "The products lie on different grids; a composite cannot be made of them."
        return "metadata", estimate, (why,)
    try:
        return "scl", _counted(recipe, files), ()
    except InputError as error:
        return "metadata", estimate, (str(error),)


def expected_coverage(clear_shares: Sequence[float]) -> dict[str, float]:
    """Estimate how often pixels are seen, as if the clouds of the products were independent.

    Args:
        clear_shares: Share of the tile that is neither nodata nor cloud in each product, 0-1.

    Returns:
        ``percent_0``, ``percent_1``, ``percent_2_or_more``. Clouds that come back over the same
        hills, shadows and the growth of masks make the true share of unseen pixels larger.
    """
    none, one = 1.0, 0.0
    for share in clear_shares:
        none, one = none * (1 - share), one * (1 - share) + none * share
    shares = {"percent_0": none, "percent_1": one, "percent_2_or_more": 1 - none - one}
    return {name: round(100 * max(0.0, share), 4) for name, share in shares.items()}


def candidates_of(
    documents: Sequence[Mapping[str, Any]], baselines: Mapping[str, int] | None = None
) -> tuple[Candidate, ...]:
    """List the candidates of a selection for people.

    Args:
        documents: Candidates as a selection keeps them.
        baselines: Product name → processing baseline, where it is known; else the name tells it.
    """
    known = baselines or {}
    found = []
    for document in documents:
        parsed = parse_name(document["name"])
        found.append(
            Candidate(
                name=document["name"],
                date=str(document["date"])[:10],
                baseline=known.get(document["name"], parsed.baseline if parsed else None),
                cloud_percent=document["cloud_percent"],
                nodata_percent=document["nodata_percent"],
                is_used=document["is_used"],
                reason=document["reason"],
            )
        )
    return tuple(found)


def _counted(recipe: Recipe, files: Sequence[ProductFile]) -> dict[str, float]:
    n_clear = np.zeros(1, dtype=np.uint8)
    for file in files:
        n_clear = n_clear + _is_clear(file, recipe)
    # A compiled loop stands beside it: who only lists candidates needs none.
    from landcover.raster.composite import coverage

    return {name: round(share, 4) for name, share in coverage(n_clear).items()}


def _is_clear(file: ProductFile, recipe: Recipe) -> NDArray[np.bool_]:
    # Read whole and thinned out here: the smaller levels that a JPEG 2000 file holds are averages,
    # and an average of classes is another class.
    step = -(-max(file.grid.shape) // MOST_PX)
    with open_raster(file.href) as raster:
        codes = as_classes(file, raster.read(band=file.band_number)[::step, ::step])
    bits = bits_of(codes, step * file.grid.pixel, recipe.mask)
    return ~is_excluded(bits, excluded_by(recipe.mask))
