"""Distances between the spectra of a pixel, compiled: the medoid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled


@compiled()
def medoids(  # pragma: no cover - compiled
    values: NDArray[Any],
    is_masked: NDArray[np.bool_],
    nodata: float,
    min_clear: int,
    none: int,
    chosen: NDArray[np.uint8],
    n_clear: NDArray[np.uint8],
) -> None:
    """Write which observation of each pixel is nearest to all others.

    Args:
        values: Spectra, (time, band, y, x); everything but finite numbers is nodata.
        is_masked: True where an observation must not be used, (time, y, x).
        nodata: Further code of nodata.
        min_clear: Fewest observations that give a value.
        none: Written where too few remain.
        chosen: Time step, (y, x); overwritten.
        n_clear: Number of observations that count, (y, x); overwritten.
    """
    n_times, n_bands, height, width = values.shape
    spectra = np.empty((n_times, n_bands), dtype=np.float64)
    times = np.empty(n_times, dtype=np.int64)
    total = np.empty(n_times, dtype=np.float64)
    for y in range(height):
        for x in range(width):
            n = _gather(values, is_masked, nodata, y, x, spectra, times)
            n_clear[y, x] = n
            if n < min_clear:
                chosen[y, x] = none
                continue
            total[:n] = 0.0
            for first in range(n):
                for second in range(first):
                    distance = _distance(spectra[first], spectra[second])
                    total[first] += distance
                    total[second] += distance
            best = 0
            for candidate in range(1, n):
                if total[candidate] < total[best]:
                    best = candidate
            chosen[y, x] = times[best]


@compiled()
def _gather(  # pragma: no cover - compiled
    values: NDArray[Any],
    is_masked: NDArray[np.bool_],
    nodata: float,
    y: int,
    x: int,
    spectra: NDArray[np.float64],
    times: NDArray[np.int64],
) -> int:
    """Collect the complete, unmasked spectra of a pixel; give their number."""
    n = 0
    for t in range(values.shape[0]):
        if is_masked[t, y, x]:
            continue
        is_complete = True
        for band in range(values.shape[1]):
            value = np.float64(values[t, band, y, x])
            spectra[n, band] = value
            is_complete &= np.isfinite(value) & (value != nodata)
        if is_complete:
            times[n] = t
            n += 1
    return n


@compiled()
def _distance(  # pragma: no cover - compiled
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> float:
    """Give the Euclidean distance of two spectra."""
    square = 0.0
    for band in range(first.size):
        difference = first[band] - second[band]
        square += difference * difference
    return float(np.sqrt(square))
