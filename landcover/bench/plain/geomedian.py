"""The geometric median of each pixel's spectra, one pixel after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.geomedian import MOST_ITERATIONS, SAME_PLACE, TOLERANCE
from landcover.raster.reflectance import NODATA, REFLECTANCE_UNITS

_STRIDE = 1.25


def geometric_median(
    values: NDArray[Any], is_masked: NDArray[np.bool_], min_clear: int = 1
) -> tuple[NDArray[Any], NDArray[np.uint8]]:
    """Find the geometric median as ``raster.geomedian`` says, and the observations that count."""
    composite = np.empty(values.shape[1:], dtype=values.dtype)
    n_clear = np.empty(values.shape[2:], dtype=np.uint8)
    is_whole = values.dtype == np.int16
    nodata, units = (float(NODATA), REFLECTANCE_UNITS) if is_whole else (float("nan"), 1)
    geometric_medians(
        values, is_masked, nodata, is_whole, min_clear, TOLERANCE * units, SAME_PLACE * units,
        MOST_ITERATIONS, composite, n_clear,
    )  # fmt: skip
    return composite, n_clear


@compiled()
def geometric_medians(  # pragma: no cover - compiled
    values: NDArray[Any],
    is_masked: NDArray[np.bool_],
    nodata: float,
    is_whole: bool,
    min_clear: int,
    tolerance: float,
    same_place: float,
    most_iterations: int,
    composite: NDArray[Any],
    n_clear: NDArray[np.uint8],
) -> None:
    """Write the geometric median of each pixel.

    Args:
        values: Spectra, (time, band, y, x); everything but finite numbers is nodata.
        is_masked: True where an observation must not be used, (time, y, x).
        nodata: Further code of nodata, and what is written where too few remain.
        is_whole: Round to whole numbers.
        min_clear: Fewest observations that give a value.
        tolerance: Length of the step, and of all that would follow, at which the iteration
            stops; unit of the values.
        same_place: Distance below which two spectra are one, unit of the values.
        most_iterations: Most steps.
        composite: Result, (band, y, x); overwritten.
        n_clear: Number of observations that count, (y, x); overwritten.
    """
    n_times, n_bands, height, width = values.shape
    spectra = np.empty((n_times, n_bands), dtype=np.float64)
    times = np.empty(n_times, dtype=np.int64)
    centre = np.empty(n_bands, dtype=np.float64)
    step = np.empty(n_bands, dtype=np.float64)
    column = np.empty(n_times, dtype=np.float64)
    for y in range(height):
        for x in range(width):
            n = _gather(values, is_masked, nodata, y, x, spectra, times)
            n_clear[y, x] = n
            if n < min_clear:
                for band in range(n_bands):
                    composite[band, y, x] = nodata
                continue
            _band_medians(spectra, n, column, centre)
            if n > 2:
                _iterate(spectra, n, tolerance, same_place, most_iterations, step, column, centre)
            for band in range(n_bands):
                composite[band, y, x] = np.rint(centre[band]) if is_whole else centre[band]


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
def _band_medians(  # pragma: no cover - compiled
    spectra: NDArray[np.float64], n: int, column: NDArray[np.float64], centre: NDArray[np.float64]
) -> None:
    """Take the median of each band."""
    for band in range(spectra.shape[1]):
        for t in range(n):
            value = spectra[t, band]
            i = t
            while i > 0 and column[i - 1] > value:
                column[i] = column[i - 1]
                i -= 1
            column[i] = value
        centre[band] = 0.5 * (column[(n - 1) // 2] + column[n // 2])


@compiled()
def _iterate(  # pragma: no cover - compiled
    spectra: NDArray[np.float64],
    n: int,
    tolerance: float,
    same_place: float,
    most_iterations: int,
    step: NDArray[np.float64],
    distances: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> None:
    """Walk from the centre to the geometric median; at a spectrum that is one, stay there."""
    n_bands = centre.size
    before = np.inf
    for _ in range(most_iterations):
        pull, weight, n_here = _pull(spectra, n, centre, same_place, step, distances)
        if pull <= n_here:
            return
        share = _STRIDE * (1.0 - n_here / pull) / weight
        for band in range(n_bands):
            centre[band] += share * step[band]
        # Steps that shrink by a factor r add up to r / (1 - r) times the last one.
        length = share * pull
        remaining = length * length / max(before - length, 1e-3 * before)
        if max(length, remaining) < tolerance:
            break
        before = length
    nearest = 0
    for t in range(1, n):
        if distances[t] < distances[nearest]:
            nearest = t
    # Towards a spectrum the walk is slow, but whether it is the median can be told exactly.
    pull, _, n_here = _pull(spectra, n, spectra[nearest], same_place, step, distances)
    if pull <= n_here:
        centre[:] = spectra[nearest]


@compiled()
def _pull(  # pragma: no cover - compiled
    spectra: NDArray[np.float64],
    n: int,
    place: NDArray[np.float64],
    same_place: float,
    direction: NDArray[np.float64],
    distances: NDArray[np.float64],
) -> tuple[float, float, int]:
    """Add up the unit vectors to all spectra that are not at this place.

    Gives the length of their sum, the sum of the inverse distances, and how many are here.
    """
    direction[:] = 0.0
    weight = 0.0
    n_here = 0
    for t in range(n):
        distance = _distance(spectra[t], place)
        distances[t] = distance
        if distance < same_place:
            n_here += 1
            continue
        inverse = 1.0 / distance
        weight += inverse
        for band in range(place.size):
            direction[band] += inverse * (spectra[t, band] - place[band])
    square = 0.0
    for band in range(place.size):
        square += direction[band] * direction[band]
    return np.sqrt(square), weight, n_here


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
