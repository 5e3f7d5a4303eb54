"""How far a mosaic looks around a pixel, known before anything is joined."""

from __future__ import annotations

from math import ceil, sqrt

from landcover.raster.halos import ANCHOR_PX, sieve_halo, smoothing_halo
from landcover.recipe.mosaic import MosaicRecipe

SIEVE_PASSES = 4
"""Most passes of the sieve: small patches that touch only small ones wait for the next."""
WARP_PX = 16
"""Pixels beyond the region that a mosaic of another lattice may look at."""


def halo_of(how: MosaicRecipe) -> int:
    """Say how many pixels around a cell decide what its cleaned map holds.

    Whole steps of :data:`ANCHOR_PX`, so that warped pixels are the same as without the halo.
    """
    sieving = SIEVE_PASSES * sieve_halo(how.min_pixels) if how.min_pixels > 1 else 0
    cleaning = how.majority // 2 + sieving
    return -(-max(cleaning, reach_of(how)) // ANCHOR_PX) * ANCHOR_PX


def reach_of(how: MosaicRecipe) -> int:
    """Say how far around a changed pixel its second level is looked for, px; within the halo.

    As far as smoothing and the filter look, and from the middle of the largest square that the
    sieve takes.
    """
    smoothing = how.smooth_window // 2 if how.smooth else 0
    sieving = ceil((sqrt(how.min_pixels) + 1) / 2) if how.min_pixels > 1 else 0
    return smoothing + how.majority // 2 + sieving


def margin_of(how: MosaicRecipe) -> int:
    """Say how many pixels around a pixel of the published map may decide it."""
    smoothing = smoothing_halo(how.smooth_window) if how.smooth else 0
    return halo_of(how) + smoothing + WARP_PX
