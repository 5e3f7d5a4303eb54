"""Textures of a band from grey-level co-occurrence: around every pixel, or of squares.

Haralick et al. 1973; docs/methods/features.md#textures. Names and definitions are those of
scikit-image's ``graycoprops``.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.texture_kernel import (
    HOMOGENEITY_STEPS,
    INVALID,
    N_TEXTURES,
    dense_textures,
    square_textures,
)

LIMITS = (0.0, 0.5)
"""Reflectance of the lowest and above the highest grey level, the same for all tiles."""
MAX_LEVELS = 256
Values = NDArray[np.float32]
Levels = NDArray[np.int16]


class Textures(NamedTuple):
    """The six textures, each float32, (y, x)."""

    contrast: Values
    """Σ P (i − j)², levels²."""
    dissimilarity: Values
    """Σ P |i − j|, levels."""
    homogeneity: Values
    """Σ P / (1 + (i − j)²), 0-1."""
    energy: Values
    """√ASM, 0-1."""
    correlation: Values
    """Σ P (i − μ)(j − μ) / σ², −1 … 1; 1 where all levels are equal."""
    ASM: Values
    """Angular second moment, Σ P², 0-1."""


def glcm_textures(
    band: NDArray[np.floating],
    window: int = 7,
    levels: int = 32,
    *,
    limits: tuple[float, float] = LIMITS,
    pad: Literal["reflect", "nodata"] = "reflect",
) -> Textures:
    """Compute six textures of the window around every pixel.

    Each texture is computed for the angles 0, 45, 90 and 135 degrees from the symmetric,
    normalised matrix of neighbouring pixels, and averaged over the four.

    Args:
        band: Reflectance, 0-1, (y, x), NaN where nodata.
        window: Side of the window, odd, px.
        levels: Grey levels, 2-256: ⌊(ρ − low) / (high − low) · levels⌋, clipped to the outer ones.
        limits: Low and high.
        pad: What lies beyond the edge: the mirrored pixels, or ``nodata``, which leaves a frame of
            NaN.

    Returns:
        The textures, each float32, (y, x); NaN where fewer than half of an angle's pairs are known.

    Raises:
        InputError: A parameter is out of range.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> stripes = np.tile(np.array([0.1, 0.4], np.float32), (5, 4))
        >>> found = api.glcm_textures(stripes, window=3, levels=5)
        >>> float(found.contrast[2, 2]), float(found.dissimilarity[2, 2])
        (6.75, 2.25)
    """
    check_window(window, levels)
    radius = window // 2
    values = np.asarray(band, np.float32)
    if pad == "reflect":
        wide = np.pad(values, radius, "symmetric")
    else:
        wide = np.pad(values, radius, constant_values=np.nan)
    found = textures_inside(grey_levels(wide, levels, limits), window, levels)
    if pad == "nodata":
        height, width = values.shape
        frame = np.ones((height, width), dtype=np.bool_)
        frame[radius : height - radius, radius : width - radius] = False
        found[:, frame] = np.nan
    return Textures(*found)


def grey_levels(values: Values, levels: int, limits: tuple[float, float] = LIMITS) -> Levels:
    """Cut reflectance into grey levels between fixed limits.

    Args:
        values: float32, any shape, NaN where nodata.
        levels: Number of levels.
        limits: Reflectance of the lowest level, and that above the highest.

    Returns:
        0 … levels − 1, int16; −1 where nodata.
    """
    low, high = limits
    is_known = np.isfinite(values)
    scaled = (np.where(is_known, values, low).astype(np.float64) - low) / (high - low) * levels
    cut = np.clip(np.floor(scaled), 0, levels - 1).astype(np.int16)
    return np.where(is_known, cut, np.int16(INVALID))


def levels_of_range(values: Values, low: float, high: float) -> Levels:
    """Scale a band to the levels 1-255 between the extremes of its tile, as the deck's code does.

    Args:
        values: float32, any shape, NaN where nodata.
        low: Smallest value of the tile.
        high: Its largest value.

    Returns:
        int16; 0 where nodata, which that code counts as a level of its own.
    """
    is_known = np.isfinite(values)
    span = high - low if high > low else 1.0
    scaled = 1 + np.floor((np.where(is_known, values, low).astype(np.float64) - low) / span * 254)
    return np.where(is_known, scaled, 0).astype(np.int16)


def textures_inside(levels: Levels, window: int, n_levels: int) -> Values:
    """Compute the textures of the pixels that have all of their window.

    Args:
        levels: Grey levels, int16, (y + window − 1, x + window − 1), −1 where nodata; or patches
            of them, (pixel, …).
        window: Side of the window, odd.
        n_levels: Number of levels.

    Returns:
        float32, (texture, y, x) or (texture, pixel, y, x), as of :func:`glcm_textures`.
    """
    closeness = np.rint(HOMOGENEITY_STEPS / (1 + np.arange(n_levels, dtype=np.float64) ** 2))
    *leading, height, width = levels.shape
    patches = np.ascontiguousarray(levels).reshape(-1, height, width)
    shape = (height - window + 1, width - window + 1)
    found = np.empty((len(patches), N_TEXTURES, *shape), np.float32)
    for patch, of_patch in zip(patches, found, strict=True):
        dense_textures(patch, window, n_levels, closeness.astype(np.int64), of_patch)
    return np.moveaxis(found, 0, 1).reshape(N_TEXTURES, *leading, *shape)


def textures_of_squares(levels: Levels, side: int) -> NDArray[np.float64]:
    """Compute the textures of squares that do not overlap, as the HRLC deck's code does.

    One matrix a square: distance 1, angle 0, symmetric and normalised, 256 levels.

    Args:
        levels: 0-255, int16, (y, x); what is left over at the right and lower edge is not used.
        side: Side of a square, px.

    Returns:
        float64, (texture, y // side, x // side).
    """
    height, width = levels.shape
    found = np.empty((N_TEXTURES, height // side, width // side))
    square_textures(np.ascontiguousarray(levels), side, found)
    return found


def check_window(window: int, levels: int) -> None:
    """Refuse a window that has no middle, or levels that there cannot be.

    Raises:
        InputError: It is one of these.
    """
    if window < 3 or window % 2 == 0:
        raise InputError(f"A texture needs an odd window of 3 px or more, found {window}.")
    if not 2 <= levels <= MAX_LEVELS:
        raise InputError(f"Textures have 2 to {MAX_LEVELS} grey levels, found {levels}.")
