"""How far steps of a map look around a pixel: known to who only plans, without the steps."""

from __future__ import annotations

ANCHOR_PX = 50
"""Distance of the pixels that a warp projects, the others lie between them: counted from the corner
of the target, so that no window changes a place. At 10 m that is wrong by less than a centimetre;
it divides the 10,000 and 12,000 px of the cells of a target grid, so neighbours agree too."""
DENOISING_CELLS = 64
"""Cells around a part of a DEM that make its result that of the whole: 48 suffice with the default
iterations (docs/methods/terrain.md#denoising)."""


def sieve_halo(min_pixels: int) -> int:
    """Say how many pixels around a part of an image one pass of the sieve must see.

    A small patch and the neighbours that may take it are known whole within it, or are known to be
    large enough: a patch that leaves the halo has ``min_pixels`` pixels inside it.
    """
    return 2 * min_pixels


def smoothing_halo(window: int) -> int:
    """Say how many pixels around a part of an image its smoothing must see."""
    return window // 2
