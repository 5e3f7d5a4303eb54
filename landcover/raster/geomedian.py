"""One spectrum per pixel from several dates, all bands together: geometric median and medoid.

A median of each band mixes dates; these two keep bands together (Roberts et al. 2017;
docs/methods/composites.md#geometric-median-and-medoid).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.raster.geomedian_kernel import geometric_medians
from landcover.raster.median_kernel import Number
from landcover.raster.reflectance import NODATA, REFLECTANCE_UNITS
from landcover.raster.spectra_kernel import medoids

NO_OBSERVATION = 255
"""Chosen observation of a pixel that has none."""
MOST_OBSERVATIONS = 254
"""Most time steps whose number fits beside `NO_OBSERVATION`."""

TOLERANCE = 1e-5
"""Step below which the iteration stops, reflectance
(docs/methods/composites.md#geometric-median-and-medoid); as steps may shrink slowly, what is left
to go, estimated from the last two, must be below it as well."""
SAME_PLACE = 1e-9
"""Distance below which two spectra are one, reflectance.

Method: docs/methods/composites.md#geometric-median-and-medoid.
"""
MOST_ITERATIONS = 100
"""Iterations after which a geometric median is taken as it is.

Method: docs/methods/composites.md#geometric-median-and-medoid.
"""


def geometric_median(
    values: NDArray[Number], is_masked: NDArray[np.bool_], *, min_clear: int = 1
) -> tuple[NDArray[Number], NDArray[np.uint8]]:
    """Find the spectrum whose distances to the clear spectra have the smallest sum.

    Weiszfeld's iteration from the band-wise median, with the step of Vardi and Zhang (2000) where
    it meets one of the spectra: the plain step would stay there, right or wrong. An observation
    counts only where all its bands do. One gives itself, two their midpoint.

    Args:
        values: Harmonised numbers, int16, −32768 where nodata; or reflectance, float32, 0-1, NaN
            where nodata; (time, band, y, x).
        is_masked: True where an observation must not be used, bool, (time, y, x).
        min_clear: Fewest clear observations that give a pixel a value.

    Returns:
        The spectrum, (band, y, x), type and nodata of the values, integers rounded half to even;
        and the number of observations that count, uint8, (y, x).

    Raises:
        InputError: Types or shapes do not fit, or ``min_clear`` is below 1.
    """
    stack = _checked(values, is_masked, min_clear)
    composite = np.empty(stack.shape[1:], dtype=stack.dtype)
    n_clear = np.empty(stack.shape[2:], dtype=np.uint8)
    is_whole, nodata, units = _units(stack)
    n_times, n_bands = stack.shape[:2]
    geometric_medians(
        stack.reshape(n_times, n_bands, -1),
        np.ascontiguousarray(is_masked).reshape(n_times, -1),
        nodata,
        is_whole,
        min_clear,
        TOLERANCE * units,
        SAME_PLACE * units,
        MOST_ITERATIONS,
        composite.reshape(n_bands, -1),
        n_clear.reshape(-1),
    )
    return composite, n_clear


def medoid_composite(
    values: NDArray[Number], is_masked: NDArray[np.bool_], *, min_clear: int = 1
) -> tuple[NDArray[Number], NDArray[np.uint8], NDArray[np.uint8]]:
    """Take the clear observation whose distances to the others have the smallest sum.

    Of equal sums the earliest observation is taken, so of two always the first.

    Args:
        values: As for `geometric_median`.
        is_masked: True where an observation must not be used, bool, (time, y, x).
        min_clear: Fewest clear observations that give a pixel a value.

    Returns:
        The spectrum, (band, y, x), type and nodata of the values; the number of observations that
        count, uint8, (y, x); and the time step that was taken, uint8, (y, x), 255 for none.

    Raises:
        InputError: Types or shapes do not fit, or ``min_clear`` is below 1.
    """
    stack = _checked(values, is_masked, min_clear)
    n_clear = np.empty(stack.shape[2:], dtype=np.uint8)
    chosen = np.empty(stack.shape[2:], dtype=np.uint8)
    _, nodata, _ = _units(stack)
    medoids(
        stack,
        np.ascontiguousarray(is_masked),
        nodata,
        min_clear,
        NO_OBSERVATION,
        chosen,
        n_clear,
    )
    index = np.where(chosen == NO_OBSERVATION, 0, chosen)[np.newaxis, np.newaxis]
    composite = np.take_along_axis(stack, index.astype(np.intp), axis=0)[0]
    composite[:, chosen == NO_OBSERVATION] = nodata
    return composite, n_clear, chosen


def _units(stack: NDArray[Number]) -> tuple[bool, float, float]:
    """Tell whether values are whole numbers, their nodata, and how many make a reflectance of 1."""
    if stack.dtype == np.int16:
        return True, float(NODATA), float(REFLECTANCE_UNITS)
    return False, float("nan"), 1.0


def _checked(
    values: NDArray[Number], is_masked: NDArray[np.bool_], min_clear: int
) -> NDArray[Number]:
    """Refuse a stack and a mask that do not fit each other, and make the stack contiguous."""
    if values.ndim != 4 or values.dtype not in (np.int16, np.float32) or 0 in values.shape:
        raise InputError(
            "Spectra must be int16 or float32 (time, band, y, x) with at least one of each, found "
            f"{values.dtype} of shape {values.shape}."
        )
    n_times, _, height, width = values.shape
    if is_masked.dtype != np.bool_ or is_masked.shape != (n_times, height, width):
        raise InputError(
            f"The mask must be boolean (time, y, x) of shape {(n_times, height, width)}, found "
            f"{is_masked.dtype} of shape {is_masked.shape}."
        )
    if n_times > MOST_OBSERVATIONS:
        raise InputError(f"At most {MOST_OBSERVATIONS} observations are compared, found {n_times}.")
    if min_clear < 1:
        raise InputError(f"min_clear must be at least 1, found {min_clear}.")
    return np.ascontiguousarray(values)
