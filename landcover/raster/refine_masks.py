"""Refine the masks of one season given as whole arrays: the front door's `refine_masks`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.refinement import (
    Bools,
    Bytes,
    ClipLimits,
    CloudStep,
    DarkGround,
    DeckRule,
    Deviations,
    Halves,
    Shorts,
    background_window,
    kinds_of,
    mark_shadows,
    median_of_nine,
    to_background,
)

Reals = NDArray[np.float32]


def refine_masks(
    blue: Shorts,
    infrared: Shorts,
    shortwave: Shorts,
    is_cloud: Bools,
    is_shadow: Bools,
    *,
    is_water: Bools | None = None,
    rule: DeckRule | None = None,
) -> tuple[Bools, Bools, Reals]:
    """Refine the cloud and shadow masks of one season by the deck's rule.

    Args:
        blue: B02 of the images of the season, reflectance × 10,000, int16, (time, y, x), −32768
            where nodata.
        infrared: B08, likewise.
        shortwave: B11, likewise.
        is_cloud: True on cloud, bool, (time, y, x).
        is_shadow: True on cloud shadow, bool, (time, y, x).
        is_water: True on water, bool, (time, y, x); None: nowhere.
        rule: The numbers of the method; None: those of the deck's public code.

    Returns:
        Cloud and shadow after refinement, bool, (time, y, x) each; and the background, the 25 %
        quantile of blue over the clear images, reflectance, float32, (y, x), NaN for none.

    Raises:
        InputError: Types or shapes do not fit.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> blue = np.full((4, 8, 8), 300, np.int16)
        >>> blue[0, :4, :4] = 2500
        >>> is_cloud = np.zeros(blue.shape, bool)
        >>> is_cloud[0, :3, :3] = True
        >>> blue[0, 6, 6] = 380
        >>> refined, _, _ = api.refine_masks(blue, blue, blue, is_cloud, np.zeros_like(is_cloud))
        >>> int(refined[0].sum()), int(refined[1:].sum())
        (16, 0)
    """
    _check(blue, infrared, shortwave, is_cloud, is_shadow)
    used = rule or DeckRule()
    kinds = kinds_of(is_cloud, is_shadow, is_water)
    twice = background_window(_clipped(blue, used), kinds)
    clouds, shadows = np.empty_like(is_cloud), np.empty_like(is_shadow)
    for t in range(blue.shape[0]):
        bands = (blue[t], infrared[t], shortwave[t])
        clouds[t], shadows[t] = _refine_one(bands, kinds[t], twice, is_shadow[t], used)
    return clouds, shadows, to_background(twice)


def _clipped(blue: Shorts, rule: DeckRule) -> Shorts:
    if rule.clip_percent is None:
        return blue
    found = np.empty_like(blue)
    for values, own in zip(blue, found, strict=True):
        limits = ClipLimits(rule.clip_percent)
        limits.add(values)
        own[:] = limits.clip(values)
    return found


def _refine_one(
    bands: tuple[Shorts, Shorts, Shorts],
    kinds: Bytes,
    twice: Halves,
    is_shadow: Bools,
    rule: DeckRule,
) -> tuple[Bools, Bools]:
    blue, infrared, shortwave = bands
    found = Deviations(rule.positive_only)
    found.add(blue, kinds, twice)
    step = CloudStep.decide(found, rule)
    sums = np.zeros(2, np.int64)
    is_cloud = step.mark(blue, kinds, twice, sums)
    if not looks_for_shadows(sums, found.n_valid, rule):
        return is_cloud, is_shadow
    ground = DarkGround(rule.excludes_water)
    index = ground.add(blue, is_cloud, kinds, infrared, shortwave)
    thresholds = ground.thresholds(rule.robust_min_percent)
    if thresholds is None:
        return is_cloud, is_shadow
    return is_cloud, is_shadow | median_of_nine(mark_shadows(blue, index, thresholds))


def looks_for_shadows(sums: NDArray[np.int64], n_valid: int, rule: DeckRule) -> bool:
    """Say whether an image has enough cloud, and bright enough, to look for its shadows.

    Args:
        sums: Number of refined cloud pixels and sum of their blue, int64.
        n_valid: Pixels with a value.
        rule: The numbers of the method.
    """
    n_cloud, total = int(sums[0]), int(sums[1])
    if n_cloud == 0 or n_cloud / n_valid <= rule.cloud_coverage_threshold:
        return False
    return total / n_cloud > rule.image_brightness_threshold


def _check(blue: Shorts, *others: NDArray[np.generic]) -> None:
    if blue.dtype != np.int16 or blue.ndim != 3 or blue.size == 0:
        raise InputError(
            "refine_masks needs blue as int16 (time, y, x), reflectance x 10,000 with nodata "
            f"-32768, found {blue.dtype} of shape {blue.shape}; harmonise digital numbers first."
        )
    names = ("infrared", "shortwave", "is_cloud", "is_shadow")
    for name, other in zip(names, others, strict=True):
        if other.shape != blue.shape:
            raise InputError(
                f"refine_masks: {name} has shape {other.shape}, blue {blue.shape}; bring all "
                "bands and masks to one grid."
            )
