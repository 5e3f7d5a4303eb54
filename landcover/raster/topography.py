"""Reflectance freed from the light and shade of slopes: C-correction and SCS+C.

Teillet et al. 1982 (C-correction), Soenen et al. 2005 (SCS+C);
docs/methods/composites.md#topographic-correction. Applied to single products, before they are
composited. What a whole tile has to know is summed up first, as integers, so that nothing depends
on windows.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.reflectance import NODATA
from landcover.raster.terrain import Convention, aspect_vectors

Method = Literal["c", "scs+c"]
Floats = npt.NDArray[np.floating[Any]]

SLOPE_MIN = 5.0
"""Slope above which pixels take part in the regression, degrees.

Method: docs/methods/composites.md#topographic-correction.
"""
SHADOW_BELOW = 0.05
"""Illumination up to which a pixel lies in shadow and is left as it is.

Method: docs/methods/composites.md#topographic-correction.
"""
LARGEST_C = 10.0
"""Largest C: beyond it the correction is next to none.

Method: docs/methods/composites.md#topographic-correction.
"""
FACTOR_LIMITS = (0.2, 5.0)
"""Smallest and largest factor of the correction.

Method: docs/methods/composites.md#topographic-correction.
"""

# Steps per unit of illumination in the sums: with reflectance in steps of 1e-4, a full tile stays
# below 2e17 and so far inside int64.
_STEPS = 10_000


def illumination(
    slope: Floats, aspect: Floats, sun_zenith: npt.ArrayLike, sun_azimuth: npt.ArrayLike
) -> npt.NDArray[np.float64]:
    """Compute the cosine of the angle between the sun and the normal of the ground.

    cos i = cos θ cos s + sin θ sin s cos(φ_s − φ_a).

    Args:
        slope: Degrees, 0-90, (y, x), NaN where void.
        aspect: Direction of steepest descent, degrees clockwise from north (``compass``), (y, x);
            of no account where the slope is 0, where it may be NaN.
        sun_zenith: Degrees; one number or (y, x).
        sun_azimuth: Degrees clockwise from north; one number or (y, x).

    Returns:
        cos i, float64, (y, x), −1 … 1; NaN where slope or aspect is void.
    """
    tilt = np.radians(np.asarray(slope, np.float64))
    zenith = np.radians(np.asarray(sun_zenith, np.float64))
    turn = np.radians(np.asarray(sun_azimuth, np.float64) - np.asarray(aspect, np.float64))
    across = np.where(tilt == 0, 0.0, np.sin(zenith) * np.sin(tilt) * np.cos(turn))
    return np.asarray(np.cos(zenith) * np.cos(tilt) + across)


def mean_orientation(
    slope: npt.NDArray[np.float32],
    aspect: npt.NDArray[np.float32],
    ratio: int,
    *,
    convention: Convention,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Average the orientation of the ground over the pixels of a coarser grid.

    Gradients are averaged, not angles: a ridge between two slopes is level.

    Args:
        slope: Degrees, 0 to below 90, (y, x), NaN where void.
        aspect: Degrees in the given convention, (y, x).
        ratio: Fine pixels along a side of a coarse one; both sides of the image are multiples.
        convention: ``grass`` or ``compass``, see `landcover.raster.terrain.slope_aspect`.

    Returns:
        Slope and compass aspect, degrees, float64, (y / ratio, x / ratio); NaN where one of the
        pixels is void.

    Raises:
        InputError: The shapes disagree or are no multiples.
    """
    rows, columns = slope.shape
    if aspect.shape != slope.shape or rows % ratio or columns % ratio:
        raise InputError(
            f"Orientation needs slope and aspect of one shape, multiples of {ratio}, found "
            f"{slope.shape} and {aspect.shape}."
        )
    steepness = np.tan(np.radians(slope.astype(np.float64)))
    northness, eastness = aspect_vectors(aspect, convention, slope=slope)

    def mean(part: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        blocks = (steepness * part).reshape(rows // ratio, ratio, columns // ratio, ratio)
        return np.asarray(blocks.mean(axis=(1, 3)))

    north, east = mean(northness), mean(eastness)
    return (
        np.degrees(np.arctan(np.hypot(north, east))),
        np.mod(np.degrees(np.arctan2(east, north)), 360),
    )


def regression_sums(
    values: npt.NDArray[np.int16],
    cos_i: Floats,
    slope: Floats,
    is_masked: npt.NDArray[np.bool_],
    *,
    slope_min: float = SLOPE_MIN,
) -> npt.NDArray[np.int64]:
    """Sum up what the regression of reflectance on illumination needs.

    Args:
        values: Harmonised numbers of one band, int16, (y, x), −32768 where nodata.
        cos_i: Illumination of `illumination`, (y, x).
        slope: Degrees, (y, x).
        is_masked: True on what is no clear land, bool, (y, x).
        slope_min: Only slopes above this many degrees count.

    Returns:
        n, Σx, Σy, Σxx, Σxy with x = illumination × 10,000 and y = the numbers; int64, (5). Sums
        of windows add up to those of the tile.

    Raises:
        InputError: The shapes disagree.
    """
    _check_shapes(values, cos_i, slope, is_masked)
    is_used = ~is_masked & (values != NODATA) & (slope > slope_min) & (cos_i > SHADOW_BELOW)
    x = np.rint(cos_i[is_used] * _STEPS).astype(np.int64)
    y = values[is_used].astype(np.int64)
    return np.array([x.size, x.sum(), y.sum(), (x * x).sum(), (x * y).sum()], dtype=np.int64)


def c_of_sums(sums: npt.NDArray[np.int64]) -> float | None:
    """Compute C = b / m of the regression ρ = b + m·cos i.

    Args:
        sums: Sums of `regression_sums`.

    Returns:
        C, clipped to [0, 10]; None where reflectance does not rise with illumination or there is
        nothing to tell it by: then the band must not be corrected.
    """
    n, x, y, xx, xy = (int(value) for value in sums)
    spread = n * xx - x * x
    rise = n * xy - x * y
    if n < 2 or spread <= 0 or rise <= 0:
        return None
    # b / m with both multiplied by the spread; whole numbers until the last division.
    c = (y * spread - rise * x) / (n * rise) / _STEPS
    return min(max(c, 0.0), LARGEST_C)


def correct_topography(
    values: npt.NDArray[np.int16],
    cos_i: Floats,
    slope: Floats,
    sun_zenith: npt.ArrayLike,
    c: float | None,
    *,
    method: Method = "scs+c",
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.bool_]]:
    """Bring reflectance to that of level ground.

    ``c``: ρ (cos θ + C) / (cos i + C). ``scs+c``: ρ (cos s cos θ + C) / (cos i + C), for forest,
    whose trees stand upright. The factor is limited to [0.2, 5] and is exactly 1 on level ground.

    Args:
        values: Harmonised numbers of one band, int16, (y, x), −32768 where nodata.
        cos_i: Illumination of `illumination`, (y, x).
        slope: Degrees, (y, x).
        sun_zenith: Degrees; one number or (y, x).
        c: C of the band, see `c_of_sums`; None leaves the values as they are.
        method: ``c`` or ``scs+c``.

    Returns:
        The numbers, int16, rounded half to even and clipped to ±32767, −32768 where nodata; and
        True where a pixel lies in shadow or its slope is unknown and so was left as it is, bool.

    Raises:
        InputError: The shapes disagree, C is not in [0, 10], or the method is unknown.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> values = np.array([[1000, 1000]], np.int16)
        >>> cos_i, slope = np.array([[0.5, 0.9]]), np.array([[30.0, 10.0]])
        >>> api.correct_topography(values, cos_i, slope, sun_zenith=40.0, c=0.3)[0]
        array([[1204,  879]], dtype=int16)
    """
    _check_shapes(values, cos_i, slope)
    if method not in ("c", "scs+c"):
        raise InputError(f"Unknown correction {method!r}; use 'c' or 'scs+c'.")
    is_left = ~(cos_i > SHADOW_BELOW)
    if c is None:
        return values.copy(), is_left
    if not 0 <= c <= LARGEST_C:
        raise InputError(f"C must be from 0 to {LARGEST_C:g}, found {c}.")
    level = np.cos(np.radians(np.asarray(sun_zenith, np.float64)))
    upright = np.cos(np.radians(slope.astype(np.float64))) if method == "scs+c" else 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.clip((upright * level + c) / (cos_i + c), *FACTOR_LIMITS)
    factor = np.where(is_left | (slope == 0), 1.0, factor)
    limit = -(NODATA + 1)
    corrected = np.clip(np.rint(values * factor), -limit, limit).astype(np.int16)
    return np.where(values == NODATA, np.int16(NODATA), corrected), is_left


def _check_shapes(values: npt.NDArray[np.int16], *others: npt.NDArray[Any]) -> None:
    """Refuse arrays that are not on one grid, or values that are not harmonised numbers."""
    shapes = {values.shape, *(other.shape for other in others)}
    if values.dtype != np.int16 or len(shapes) > 1:
        raise InputError(
            f"Topographic correction takes harmonised int16 numbers and terrain on their grid, "
            f"found {values.dtype} and shapes {sorted(shapes)}; resample the terrain first."
        )
