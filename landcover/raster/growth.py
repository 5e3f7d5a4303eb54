"""The average filter that grows a cloud mask (landcoverpy paper; docs/methods/masks.md#growth)."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor, inf
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError

GROWTH_M = 600.0
"""Side of the average filter, m (landcoverpy paper)."""
THRESHOLD = 0.075
"""Share of masked pixels in the filter above which a pixel is masked (landcoverpy paper)."""

FilterVariant = Literal["paper", "paper_code"]
Mask = npt.NDArray[np.bool_]

# Rows filtered at once: the sums of a strip stay inside the cache, whatever the image.
_STRIP_ROWS = 256


def kernel_px(pixel_size_m: float, growth_m: float = GROWTH_M, *, symmetric: bool = False) -> int:
    """Count the pixels along one side of the average filter.

    Args:
        pixel_size_m: Side of a pixel, m.
        growth_m: Side of the filter, m.
        symmetric: Round an even count up to the next odd one.

    Returns:
        k = max(1, ⌊growth / pixel⌋): 30 at 20 m, 10 at 60 m. A part of an image needs a halo of
        k // 2 pixels for the same result as the whole.

    Raises:
        InputError: The pixel size is not above 0, or the growth is below 0.
    """
    if not (0 < pixel_size_m < inf and 0 <= growth_m < inf):
        raise InputError(
            f"The filter needs a pixel size above 0 m and a growth of 0 m or more, "
            f"found {pixel_size_m} m and {growth_m} m."
        )
    # Decimal texts divide exactly where floats do not: 0.6 / 0.2 is just below 3.
    kernel = max(1, floor(Fraction(str(growth_m)) / Fraction(str(pixel_size_m))))
    return kernel + 1 if symmetric and kernel % 2 == 0 else kernel


def expand_cloud_mask(
    is_masked: Mask,
    pixel_size_m: float,
    variant: FilterVariant = "paper",
    *,
    growth_m: float = GROWTH_M,
    threshold: float = THRESHOLD,
    symmetric: bool = False,
) -> Mask:
    """Grow a cloud mask by the average filter of the landcoverpy paper.

    With f the share of masked pixels in the k × k window of rows and columns
    p − (k−1)//2 … p + k//2, edges reflected (d c b a | a b c d | d c b a): variant ``paper`` masks
    f > threshold, so that isolated small detections disappear; ``paper_code`` masks
    f ≥ threshold and every pixel that was masked before. Sums and comparison are exact integers.

    Args:
        is_masked: True on cloud and shadow, bool, (y, x), of any size, even below the window.
        pixel_size_m: Side of a pixel, m.
        variant: ``paper`` or ``paper_code``.
        growth_m: Side of the filter, m.
        threshold: Share of masked pixels, at least 0 and below 1.
        symmetric: Use an odd window, so that growth is the same on all sides.

    Returns:
        The grown mask, bool, (y, x).

    Raises:
        InputError: The mask is not a boolean image, or an argument is out of range.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> is_cloud = np.zeros((100, 100), bool)
        >>> is_cloud[40:60, 40:60] = True
        >>> int(api.expand_cloud_mask(is_cloud, 10.0).sum())
        2733
    """
    if is_masked.dtype != np.bool_ or is_masked.ndim != 2 or is_masked.size == 0:
        raise InputError(
            "A cloud mask must be a boolean image (y, x) with at least one pixel, found "
            f"{is_masked.dtype} of shape {is_masked.shape}; compare codes with scl_masked first."
        )
    kernel = kernel_px(pixel_size_m, growth_m, symmetric=symmetric)
    fewest = _fewest_masked(kernel, variant, threshold)
    if kernel == 1 and fewest == 1:
        return is_masked.copy()
    rows, columns = (_reflected(size, kernel) for size in is_masked.shape)
    grown = np.empty_like(is_masked)
    for top in range(0, is_masked.shape[0], _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, is_masked.shape[0])
        strip = is_masked[rows[top : bottom + kernel - 1]].take(columns, axis=1)
        counts = _window_sums(_window_sums(strip, kernel, 1, kernel), kernel, 0, kernel**2)
        np.greater_equal(counts, fewest, out=grown[top:bottom])
    if variant == "paper_code":
        grown |= is_masked
    return grown


def _fewest_masked(kernel: int, variant: str, threshold: float) -> int:
    """Count the masked pixels in a window from which on its centre is masked."""
    if not 0 <= threshold < 1:
        raise InputError(
            f"The filter threshold must be a share from 0 to below 1, not {threshold}."
        )
    limit = Fraction(str(threshold)) * kernel**2
    if variant == "paper":
        return floor(limit) + 1
    if variant == "paper_code":
        return ceil(limit)
    raise InputError(f"Unknown mask variant {variant!r}; use 'paper' or 'paper_code'.")


def _reflected(size: int, kernel: int) -> npt.NDArray[np.intp]:
    """Name the pixel at each position −(k−1)//2 … size − 1 + k//2, reflected as often as needed."""
    position = np.arange(-((kernel - 1) // 2), size + kernel // 2) % (2 * size)
    return np.minimum(position, 2 * size - 1 - position)


def _window_sums(
    values: npt.NDArray[Any], kernel: int, axis: int, largest: int
) -> npt.NDArray[np.unsignedinteger[Any]]:
    """Add up each run of ``kernel`` neighbours along an axis.

    Sums of runs of 1, 2, 4, … are doubled and put together by the binary digits of the kernel:
    a handful of additions of small integers, faster than cumulative sums and as exact.
    """
    sums = np.moveaxis(values, axis, 0).astype(np.min_scalar_type(largest))
    n_runs = sums.shape[0] - kernel + 1
    total = np.zeros((n_runs, *sums.shape[1:]), dtype=sums.dtype)
    start, width = 0, 1
    while True:
        if kernel & width:
            total += sums[start : start + n_runs]
            start += width
        if 2 * width > kernel:
            return np.moveaxis(total, 0, axis)
        sums = sums[:-width] + sums[width:]
        width *= 2
