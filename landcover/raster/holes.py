"""Which layers are missing where a pixel has no class."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt


def count_patterns(
    values: npt.NDArray[np.float32], layer_of: npt.NDArray[np.intp], n_layers: int
) -> Counter[tuple[int, ...]]:
    """Count pixels by the layers that have no value there.

    Args:
        values: Features of some pixels, float32, (feature, pixel), NaN nodata.
        layer_of: Layer of each feature, 0 to ``n_layers`` - 1, (feature,).
        n_layers: Number of layers.

    Returns:
        Missing layers, ascending → pixels; a layer is missing where any of its features is.
    """
    is_missing = ~np.isfinite(values)
    by_layer = np.zeros((n_layers, values.shape[1]), np.bool_)
    for layer in range(n_layers):
        is_missing[layer_of == layer].any(axis=0, out=by_layer[layer])
    packed = np.ascontiguousarray(np.packbits(by_layer, axis=0).T)
    found, counts = np.unique(packed, axis=0, return_counts=True)
    patterns = np.unpackbits(found, axis=1, count=n_layers).astype(np.bool_)
    return Counter(
        {
            tuple(int(layer) for layer in np.flatnonzero(pattern)): int(count)
            for pattern, count in zip(patterns, counts, strict=True)
        }
    )
