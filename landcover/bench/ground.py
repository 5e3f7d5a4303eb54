"""The ground that the bench of maps shows: layers that vary from pixel to pixel as real ones do.

How alike neighbours are decides how fast a forest is walked, ours and anybody's: alike pixels take
one path. The shares below give correlations of 0.90, 0.67 and 0.33 between pixels 1, 3 and 10 apart
at 10 m; seven BigEarthNet patches and one of Slovenia (bands 3, 4, 8) had medians of 0.90, 0.66 and
0.32.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from landcover.nouns.grid import Grid, Window

CLASSES = 9
PARCEL_M = 180
"""Side of a parcel, all of one class, m: whole pixels of every grid."""
OVERLAP = 1.6
"""Standard deviation of the pixels of a class around its mean, in that of the means."""
OF_PARCELS, OF_GRAIN, OF_NOISE = 0.65, 0.31, 0.04
"""Shares of the variance inside a class: of whole parcels, of blurred and of plain noise."""
GRAIN_M = 12.5
"""Blur of the grain, standard deviation, m."""
_STRIP = 512


def random(seed: int, name: str) -> Any:
    """Give the random numbers of one named thing: they hang on no other thing."""
    import numpy as np

    return np.random.default_rng([seed, crc32(name.encode())])


def class_means(seed: int, layer: str, mean: float, spread: float) -> NDArray[Any]:
    """Draw the mean of each class in a layer, float32, (``CLASSES``,), unit of the layer."""
    import numpy as np

    return np.asarray(random(seed, f"means {layer}").normal(mean, spread, CLASSES), np.float32)


def layer_strips(
    seed: int, layer: str, grid: Grid, mean: float, spread: float
) -> Iterator[tuple[Window, NDArray[Any]]]:
    """Draw a layer in strips of full width; the grain of a strip knows nothing of the next one.

    Args:
        seed: Same seed, same layer.
        layer: Its name, with that of its season.
        grid: Its grid.
        mean: Mean of all classes, unit of the layer.
        spread: Standard deviation of the means of classes.

    Yields:
        Window and values, float32, (y, x).
    """
    import numpy as np
    from scipy.ndimage import gaussian_filter

    side = round(PARCEL_M / grid.pixel)
    shape = -(-grid.height // side), -(-grid.width // side)
    classes = random(seed, "classes").integers(0, CLASSES, shape)
    within = OVERLAP * spread
    rng = random(seed, f"values {layer}")
    parcels = class_means(seed, layer, mean, spread)[classes]
    parcels += _normals(rng, shape, within * OF_PARCELS**0.5)
    columns = np.arange(grid.width) // side
    blur = GRAIN_M / grid.pixel
    # The factor of a Gaussian blur on the deviation of white noise, for blurs of a pixel and more.
    kept = min(1.0, 1 / (2 * np.pi**0.5 * blur))
    for window in grid.windows(_STRIP, grid.width):
        rows = np.arange(window.row, window.row + window.height) // side
        size = window.height, window.width
        values = _normals(rng, size, within * OF_GRAIN**0.5 / kept)
        if kept < 1:
            gaussian_filter(values, blur, output=values, mode="wrap", truncate=2.5)
        values += _normals(rng, size, within * OF_NOISE**0.5)
        values += parcels[rows][:, columns]
        yield window, values


def sample_values(
    seed: int, layer: str, classes: NDArray[Any], mean: float, spread: float
) -> NDArray[Any]:
    """Draw a layer of pixels that lie apart, each in a parcel of its own.

    Args:
        seed: Same seed, same means of classes as in :func:`layer_strips`.
        layer: Its name, with that of its season.
        classes: Class of each pixel, integer, (n,).
        mean: Mean of all classes, unit of the layer.
        spread: Standard deviation of the means of classes.

    Returns:
        float32, (n,).
    """
    values = _normals(random(seed, f"samples {layer}"), classes.shape, OVERLAP * spread)
    values += class_means(seed, layer, mean, spread)[classes]
    return values


def _normals(rng: Any, shape: tuple[int, ...], deviation: float) -> NDArray[Any]:
    import numpy as np

    values: NDArray[Any] = rng.standard_normal(shape, dtype=np.float32)
    values *= np.float32(deviation)
    return values
