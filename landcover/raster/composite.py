"""One cloud-free value per pixel from several products: the masked median."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.median_kernel import Number, median_of_rows

MOST_PRODUCTS = 255
"""Most observations of a pixel that their uint8 count can hold."""

# Pixels copied at once where the stack is not contiguous.
_CHUNK = 1 << 16


def masked_median(
    values: npt.NDArray[np.int16], is_excluded: npt.NDArray[np.bool_], *, min_clear: int = 1
) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Take the per-pixel median of the usable harmonised numbers of one band.

    An even count gives the mean of the two middle values, rounded half to even
    (1100.5 → 1100, 1001.5 → 1002).

    Args:
        values: Harmonised numbers, int16, (time, y, x), −32768 where nodata; negatives are legal.
        is_excluded: True where an observation must not be used, bool, (time, y, x).
        min_clear: Fewest usable observations that give a pixel a value.

    Returns:
        The median, int16, (y, x), −32768 where too few remain; and the number of usable
        observations of this band, uint8, (y, x).

    Raises:
        InputError: Types or shapes disagree, no time step, more than 255, or min_clear below 1.
    """
    if values.dtype != np.int16:
        raise InputError(f"masked_median takes harmonised int16 numbers, found {values.dtype}.")
    _check(values.shape, is_excluded, min_clear)
    return _median(values, is_excluded, min_clear)


def median_composite(
    reflectance: npt.NDArray[np.float32],
    is_masked: npt.NDArray[np.bool_],
    *,
    min_clear: int = 1,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Take the per-pixel median of the clear observations.

    Each band is a median of its own, so a spectrum may mix dates.

    Args:
        reflectance: BOA reflectance, float32, (time, band, y, x), 0-1, NaN where nodata.
        is_masked: True where an observation must not be used, bool, (time, y, x).
        min_clear: Fewest clear observations that give a pixel a value.

    Returns:
        Composite, float32, (band, y, x), NaN where too few remain; and the number of clear
        observations, uint8, (y, x): of the band that has fewest, where bands differ.

    Raises:
        InputError: The shapes disagree or ``min_clear`` is below 1.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> reflectance = np.array([0.1, 0.2, 0.9], np.float32).reshape(3, 1, 1, 1)
        >>> is_masked = np.array([False, False, True]).reshape(3, 1, 1)
        >>> composite, n_clear = api.median_composite(reflectance, is_masked)
        >>> float(composite[0, 0, 0]), int(n_clear[0, 0])
        (0.15000000596046448, 2)
    """
    if reflectance.ndim != 4 or reflectance.shape[1] == 0:
        raise InputError(
            "median_composite takes reflectance (time, band, y, x) with at least one band, found "
            f"shape {reflectance.shape}."
        )
    stack = np.asarray(reflectance, dtype=np.float32)
    n_times, n_bands, height, width = stack.shape
    _check((n_times, height, width), is_masked, min_clear)
    composite = np.empty((n_bands, height, width), dtype=np.float32)
    n_clear = np.full((height, width), MOST_PRODUCTS, dtype=np.uint8)
    for band in range(n_bands):
        composite[band], n_of_band = _median(stack[:, band], is_masked, min_clear)
        np.minimum(n_clear, n_of_band, out=n_clear)
    return composite, n_clear


def count_coverage(n_clear: npt.NDArray[np.uint8]) -> tuple[int, int, int]:
    """Count the pixels with no, one, and two or more observations.

    Args:
        n_clear: Number of usable observations, uint8, any shape.

    Returns:
        Three counts. Counts of windows add up to those of the tile; percentages do not.
    """
    n_none = int(np.count_nonzero(n_clear == 0))
    n_one = int(np.count_nonzero(n_clear == 1))
    return n_none, n_one, n_clear.size - n_none - n_one


def coverage(n_clear: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Say how well a composite is covered by observations.

    Args:
        n_clear: Number of usable observations, uint8, any shape.

    Returns:
        ``percent_0``, ``percent_1``, ``percent_2_or_more``: share of the pixels with that many
        observations, %; NaN for an array without pixels.
    """
    names = ("percent_0", "percent_1", "percent_2_or_more")
    if n_clear.size == 0:
        return dict.fromkeys(names, float("nan"))
    counts = count_coverage(n_clear)
    return {name: 100.0 * n / n_clear.size for name, n in zip(names, counts, strict=True)}


def _median(
    values: npt.NDArray[Number], is_masked: npt.NDArray[np.bool_], min_clear: int
) -> tuple[npt.NDArray[Number], npt.NDArray[np.uint8]]:
    """Take the median along time; of a stack that is a view, a few rows at a time."""
    n_times, height, width = values.shape
    median = np.empty((height, width), dtype=values.dtype)
    n_seen = np.empty((height, width), dtype=np.uint8)
    is_plain = values.flags.c_contiguous and is_masked.flags.c_contiguous
    rows = height if is_plain else max(1, _CHUNK // width)
    for top in range(0, height, rows):
        part = slice(top, top + rows)
        found, n_found = median_of_rows(
            values[:, part].reshape(n_times, -1), is_masked[:, part].reshape(n_times, -1), min_clear
        )
        median[part] = found.reshape(-1, width)
        n_seen[part] = n_found.reshape(-1, width)
    return median, n_seen


def _check(shape: tuple[int, ...], is_masked: npt.NDArray[np.bool_], min_clear: int) -> None:
    """Refuse a stack and a mask that do not fit each other."""
    if is_masked.dtype != np.bool_ or is_masked.shape != shape or len(shape) != 3:
        raise InputError(
            f"The mask must be boolean (time, y, x) of shape {shape}, found {is_masked.dtype} of "
            f"shape {is_masked.shape}; bring the mask to the grid of the band first."
        )
    if not (1 <= shape[0] <= MOST_PRODUCTS and shape[1] and shape[2]):
        raise InputError(
            f"A composite takes 1 to {MOST_PRODUCTS} observations of at least one pixel, found "
            f"{shape[0]} of {shape[1]}x{shape[2]} px."
        )
    if min_clear < 1:
        raise InputError(f"min_clear must be at least 1, found {min_clear}.")
