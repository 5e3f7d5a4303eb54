"""The refined masks of one image: clouds by deviation, shadows by darkness, written as bits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Window
from landcover.nouns.product import Product
from landcover.parts.preparation.mask_scratch import WindowFile
from landcover.parts.preparation.mask_season import MaskSeason, SeasonImage
from landcover.parts.preparation.masking import shares, write_grids
from landcover.raster.clouds import (
    DEFECTIVE_BIT,
    NODATA_BIT,
    SHADOW_BIT,
    SNOW_BIT,
    grown_bits,
    mask_bits,
)
from landcover.raster.refine_masks import looks_for_shadows
from landcover.raster.refinement import (
    Bools,
    CloudStep,
    DarkGround,
    DeckRule,
    describe_step,
    join_bits,
    mark_shadows,
    median_of_nine,
)
from landcover.recipe import Refinement
from landcover.stores.rasters import ReadingPool

_KEPT = NODATA_BIT | SNOW_BIT | DEFECTIVE_BIT
# What the classification says of these stays, whatever is refined.


def rule_of(recipe: Refinement) -> DeckRule:
    """Read the numbers of the method from a recipe."""
    return DeckRule(
        cloud_coverage_threshold=recipe.cloud_coverage_threshold,
        image_brightness_threshold=recipe.image_brightness_threshold,
        compares_difference=recipe.compare == "difference",
        positive_only=recipe.positive_only,
        robust_min_percent=recipe.robust_min_percent,
        excludes_water=recipe.exclude_water,
        clip_percent=recipe.clip_percent,
    )


def write_refined_masks(season: MaskSeason, product: Product, path: Path) -> dict[str, Any]:
    """Write the refined masks of a product.

    Args:
        season: The images of its quarter.
        product: The product.
        path: Folder to make: ``{pixel}m.tif`` for the grid of blue and for each coarser one,
            uint8, bits as of `landcover.parts.preparation.masking.write_masks`.

    Returns:
        Shares as of unrefined masks, those of the classification as ``before``, and what was
        decided about clouds and shadows.

    Raises:
        InputError: The product lacks a band, or a file is damaged.
    """
    season.prepare(path)
    path.mkdir()
    image, rule = season.image(product), season.rule
    is_cloud, is_shadow, told = _found(season, image)
    ratio = image.scl.grid.ratio_to(season.grid)
    classified, n_unknown = mask_bits(image.codes, image.scl.grid.pixel, growth_m=0)
    stay = classified & np.uint8(_KEPT | (SHADOW_BIT if rule.variant == "deck" else 0))
    joined = join_bits(stay, ratio, is_cloud, is_shadow)
    del is_cloud, is_shadow
    pixel = season.grid.pixel
    bits = grown_bits(joined, pixel, rule.filter, rule.growth_m, rule.threshold)
    del joined
    write_grids(product, rule, bits, season.grid, path)
    return {
        **shares(bits, n_unknown),
        "before": {
            "cloud_percent": round(100 * image.found.cloud_share, 4),
            "shadow_percent": round(100 * image.found.shadow_share, 4),
        },
        "quarter": season.quarter,
        **told,
    }


def _found(season: MaskSeason, image: SeasonImage) -> tuple[Bools, Bools, dict[str, Any]]:
    if season.rule.variant != "ours":
        return _by_deck(season, image)
    # scipy.ndimage, which takes half a second to load: the deck's rule needs none of it.
    from landcover.parts.preparation.mask_ours import find_ours

    return find_ours(season, image)


def _by_deck(season: MaskSeason, image: SeasonImage) -> tuple[Bools, Bools, dict[str, Any]]:
    """Refine as the deck does; the classification's shadow stays shadow."""
    step = CloudStep.decide(image.found, rule_of(season.rule.used_refinement))
    is_cloud, sums = _clouds(season, image, step)
    found, is_shadow = _shadows(season, image, is_cloud, sums)
    return is_cloud, is_shadow, {"clouds": describe_step(step), "shadows": found}


def _clouds(
    season: MaskSeason, image: SeasonImage, step: CloudStep
) -> tuple[Bools, NDArray[np.int64]]:
    """Mark the clouds of an image; count them and add up their blue."""
    assert season.background is not None
    is_cloud = np.zeros(season.grid.shape, np.bool_)
    sums = np.zeros(2, np.int64)
    for number, window in enumerate(season.background.windows):
        season.task.job.check()
        kinds, place = season.kinds_of(image, window)
        twice, values = season.background.read(number), image.values.read(number)
        is_cloud[window.slices] = step.mark(values, kinds, twice, sums, place)
    return is_cloud, sums


def _shadows(
    season: MaskSeason, image: SeasonImage, is_cloud: Bools, sums: NDArray[np.int64]
) -> tuple[dict[str, Any], Bools]:
    """Mark what is as dark as shadow; tell the thresholds, or why none were looked for."""
    rule = rule_of(season.rule.used_refinement)
    is_dark = np.zeros(season.grid.shape, np.bool_)
    if not looks_for_shadows(sums, image.found.n_valid, rule):
        return {"kept": "hardly any cloud, or none that is bright"}, is_dark
    ground = DarkGround(rule.excludes_water)
    index = _indices(season, image, is_cloud, ground)
    thresholds = ground.thresholds(rule.robust_min_percent)
    if thresholds is None:
        index.path.unlink()
        return {"kept": "no ground outside clouds"}, is_dark
    for number, window in enumerate(index.windows):
        values, twice = image.values.read(number), index.read(number)
        is_dark[window.slices] = mark_shadows(values, twice, thresholds)
    index.path.unlink()
    told = {"largest_csi": round(thresholds[0], 3), "largest_blue": round(thresholds[1], 3)}
    return told, median_of_nine(is_dark)


def _indices(
    season: MaskSeason, image: SeasonImage, is_cloud: Bools, ground: DarkGround
) -> WindowFile:
    """Decode the infrared bands of an image, once, and keep twice its cloud shadow index."""
    windows: Sequence[Window] = image.values.windows
    index = WindowFile(image.values.path.with_suffix(".csi"), windows, np.int32)
    bands = season.rule.used_refinement.bands
    with ReadingPool(season.task.job.threads) as pool:
        for number, window in enumerate(windows):
            season.task.job.check()
            reads = [
                pool.submit(partial(season.read_band, image=image, band=band, window=window))
                for band in bands
            ]
            infrared, shortwave = (read.result() for read in reads)
            kinds, place = season.kinds_of(image, window)
            index.append(
                ground.add(
                    image.values.read(number),
                    is_cloud[window.slices],
                    kinds,
                    infrared,
                    shortwave,
                    place,
                )
            )
    return index
