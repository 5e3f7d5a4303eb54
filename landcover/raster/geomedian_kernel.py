"""Geometric medians of many pixels at once, compiled.

Sixteen pixels walk to their medians in lockstep; one that has arrived makes room for the next.
Every pixel's sums are made in the order of its observations and bands, so that its spectrum is,
to the last bit, what it would be alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.median_kernel import exchanges_of

# Weiszfeld steps made longer still converge (Ostresh 1978: up to twice); this factor needed the
# fewest on spectra of 2 to 10 bands.
_STRIDE = 1.25
_LANES = 32
_BLOCK = 512
"""Pixels whose band-wise medians are found together."""
_STEP = 2
"""Bands whose differences are squared between two visits of a sum."""


def geometric_medians(
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
        values: Spectra, (time, band, pixel), contiguous; all but finite numbers is nodata.
        is_masked: True where an observation must not be used, (time, pixel).
        nodata: Further code of nodata, and what is written where too few remain.
        is_whole: Round to whole numbers.
        min_clear: Fewest observations that give a value.
        tolerance: Length of the step, and of all that would follow, at which the iteration
            stops; unit of the values.
        same_place: Distance below which two spectra are one, unit of the values.
        most_iterations: Most steps.
        composite: Result, (band, pixel); overwritten.
        n_clear: Number of observations that count, (pixel,); overwritten.
    """
    _geometric_medians(
        values, is_masked, exchanges_of(len(values)), nodata, is_whole, min_clear, tolerance,
        same_place, most_iterations, composite, n_clear,
    )  # fmt: skip


@compiled()
def _geometric_medians(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_masked, exchanges, nodata, is_whole, min_clear, tolerance, same_place,
    most_iterations, composite, n_clear,
):  # fmt: skip
    n_times, n_bands, n_pixels = values.shape
    is_seen = np.empty((n_times, _BLOCK), dtype=np.bool_)
    planes = np.empty((n_times, _BLOCK), dtype=np.float64)
    centre = np.empty((n_bands, _BLOCK), dtype=np.float64)
    waiting = np.empty(_BLOCK, dtype=np.int64)
    walk = _lanes(n_times, n_bands)
    for start in range(0, n_pixels, _BLOCK):
        size = min(_BLOCK, n_pixels - start)
        part = values[:, :, start : start + size]
        seen = is_seen[:, :size]
        counts = n_clear[start : start + size]
        _find_seen(part, is_masked[:, start : start + size], nodata, seen, counts)
        _band_medians(part, seen, counts, exchanges, planes, centre)
        # One or two observations have their median already. Pixels of as many go together.
        n_waiting = 0
        for n in range(max(3, min_clear), n_times + 1):
            for pixel in range(size):
                if counts[pixel] == n:
                    waiting[n_waiting] = pixel
                    n_waiting += 1
        _walk(part, seen, waiting[:n_waiting], tolerance, same_place, most_iterations, centre, walk)
        for band in range(n_bands):
            for pixel in range(size):
                value = np.rint(centre[band, pixel]) if is_whole else centre[band, pixel]
                composite[band, start + pixel] = value if counts[pixel] >= min_clear else nodata


@compiled()
def _find_seen(values, is_masked, nodata, is_seen, counts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tell which spectra are complete and not masked, and count them."""
    counts[:] = 0
    for time in range(values.shape[0]):
        for pixel in range(counts.size):
            is_seen[time, pixel] = not is_masked[time, pixel]
        for band in range(values.shape[1]):
            for pixel in range(counts.size):
                value = np.float64(values[time, band, pixel])
                is_seen[time, pixel] &= np.isfinite(value) & (value != nodata)
        for pixel in range(counts.size):
            counts[pixel] += np.uint8(is_seen[time, pixel])


@compiled()
def _band_medians(values, is_seen, counts, exchanges, planes, centre):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Take the median of each band among the observations that count."""
    for band in range(values.shape[1]):
        for time in range(values.shape[0]):
            for pixel in range(counts.size):
                value = np.float64(values[time, band, pixel])
                planes[time, pixel] = value if is_seen[time, pixel] else np.inf
        for pair in range(exchanges.shape[0]):
            low, high = planes[exchanges[pair, 0]], planes[exchanges[pair, 1]]
            for pixel in range(counts.size):
                one, other = low[pixel], high[pixel]
                low[pixel] = other if other < one else one
                high[pixel] = one if other < one else other
        for pixel in range(counts.size):
            n = max(int(counts[pixel]), 1)
            centre[band, pixel] = 0.5 * (planes[(n - 1) // 2, pixel] + planes[n // 2, pixel])


@compiled()
def _lanes(n_times, n_bands):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Make room for the pixels in lockstep; bands beyond the last are 0 everywhere."""
    wide = -(-n_bands // _STEP) * _STEP
    spectra = np.zeros((n_times, wide, _LANES), dtype=np.float64)
    counted = np.zeros((n_times, _LANES), dtype=np.float64)
    place = np.zeros((wide, _LANES), dtype=np.float64)
    direction = np.zeros((wide, _LANES), dtype=np.float64)
    distances = np.zeros((n_times, _LANES), dtype=np.float64)
    return spectra, counted, place, direction, distances


@compiled()
def _walk(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_seen, waiting, tolerance, same_place, most_iterations, centre, walk
):
    """Move the centre of the waiting pixels to their geometric medians.

    A pixel walks until its steps are short. Towards a spectrum the walk is slow, but whether a
    spectrum is the median can be told exactly: so the nearest one is looked at last.
    """
    spectra, counted, place, direction, distances = walk
    inverse, pull, weight = np.zeros(_LANES), np.zeros(_LANES), np.zeros(_LANES)
    n_here, share, before = np.zeros(_LANES), np.zeros(_LANES), np.zeros(_LANES)
    left = np.zeros(_LANES)
    owner = np.full(_LANES, -1, dtype=np.int64)
    counts, steps = np.zeros(_LANES, dtype=np.int64), np.zeros(_LANES, dtype=np.int64)
    # Whether a lane is pulled away, and whether its place is the nearest spectrum, looked at last.
    goes, is_last = np.zeros(_LANES, dtype=np.bool_), np.zeros(_LANES, dtype=np.bool_)
    n_taken, n_walking = 0, min(_LANES, waiting.size)
    for lane in range(n_walking):
        owner[lane], before[lane] = waiting[lane], np.inf
        counts[lane] = _enter(values, is_seen, centre, owner[lane], lane, spectra, counted, place)
        n_taken += 1
    while n_walking > 0:
        n_times = counts.max()
        _pull(
            spectra, counted, n_times, place, same_place, direction, distances, inverse, pull,
            weight, n_here,
        )  # fmt: skip
        _move(pull, weight, n_here, is_last, direction, goes, share, before, left, steps, place)
        for lane in range(_LANES):
            pixel = owner[lane]
            is_short = left[lane] < tolerance or steps[lane] >= most_iterations
            if pixel < 0 or (goes[lane] and not is_short):
                continue
            if goes[lane]:
                nearest = _nearest(distances, counts[lane], lane)
                is_last[lane] = True
                for band in range(centre.shape[0]):
                    centre[band, pixel] = place[band, lane]
                    place[band, lane] = spectra[nearest, band, lane]
                continue
            if pull[lane] <= n_here[lane]:
                for band in range(centre.shape[0]):
                    centre[band, pixel] = place[band, lane]
            is_last[lane], steps[lane], before[lane] = False, 0, np.inf
            if n_taken < waiting.size:
                owner[lane] = waiting[n_taken]
                counts[lane] = _enter(
                    values, is_seen, centre, owner[lane], lane, spectra, counted, place
                )
                n_taken += 1
            else:
                owner[lane], counts[lane] = -1, 0
                n_walking -= 1


@compiled(error_model="numpy")
def _move(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    pull, weight, n_here, is_last, direction, goes, share, before, left, steps, place
):
    """Move the places of lanes that are pulled away from where they are.

    ``goes`` tells which these are, ``share`` gets the share of the direction that is gone, and
    ``left`` the longer of the step and of all that would follow.
    """
    lanes = share.size
    for lane in range(lanes):
        goes[lane] = (pull[lane] > n_here[lane]) & (not is_last[lane])
    for lane in range(lanes):
        one = _STRIDE * (1.0 - n_here[lane] / pull[lane]) / weight[lane]
        share[lane] = one if goes[lane] else 0.0
    for band in range(place.shape[0]):
        for lane in range(lanes):
            moved = place[band, lane] + share[lane] * direction[band, lane]
            place[band, lane] = moved if goes[lane] else place[band, lane]
    for lane in range(lanes):
        # Steps that shrink by a factor r add up to r / (1 - r) times the last one.
        length, last = share[lane] * pull[lane], before[lane]
        one, other = last - length, 1e-3 * last
        remaining = length * length / (one if one > other else other)
        left[lane] = length if length > remaining else remaining
    for lane in range(lanes):
        before[lane] = share[lane] * pull[lane]
    for lane in range(lanes):
        steps[lane] += 1


@compiled()
def _enter(values, is_seen, centre, pixel, lane, spectra, counted, place):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Put the observations of a pixel that count into a lane, and give their number.

    Beyond them nothing weighs anything: all is finite there, and counted is 0.
    """
    n = 0
    for time in range(values.shape[0]):
        if is_seen[time, pixel]:
            counted[n, lane] = 1.0
            for band in range(values.shape[1]):
                spectra[n, band, lane] = np.float64(values[time, band, pixel])
            n += 1
    counted[n:, lane] = 0.0
    for band in range(values.shape[1]):
        place[band, lane] = centre[band, pixel]
    return n


@compiled()
def _nearest(distances, n, lane):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Find the nearest observation of a lane, of equal ones the first."""
    nearest = 0
    for time in range(1, n):
        if distances[time, lane] < distances[nearest, lane]:
            nearest = time
    return nearest


@compiled(error_model="numpy")
def _pull(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    spectra, counted, n_times, place, same_place, direction, distances, inverse, pull, weight,
    n_here,
):  # fmt: skip
    """Add up the unit vectors to all spectra that are not at the place of a lane.

    ``pull`` gets the length of their sum, ``weight`` the sum of the inverse distances, and
    ``n_here`` how many spectra are at the place. Each loop writes one array: so it is compiled to
    instructions that work on several lanes.
    """
    lanes = pull.size
    direction[:, :] = 0.0
    weight[:] = 0.0
    n_here[:] = 0.0
    for time in range(n_times):
        for lane in range(lanes):
            inverse[lane] = 0.0
        for band in range(0, place.shape[0], _STEP):
            for lane in range(lanes):
                square = inverse[lane]
                for b in range(_STEP):
                    difference = spectra[time, band + b, lane] - place[band + b, lane]
                    square += difference * difference
                inverse[lane] = square
        for lane in range(lanes):
            distances[time, lane] = np.sqrt(inverse[lane])
        for lane in range(lanes):
            n_here[lane] += counted[time, lane] if distances[time, lane] < same_place else 0.0
        for lane in range(lanes):
            distance = distances[time, lane]
            is_here = distance < same_place
            one = counted[time, lane] / (1.0 if is_here else distance)
            inverse[lane] = 0.0 if is_here else one
        for lane in range(lanes):
            weight[lane] += inverse[lane]
        for band in range(place.shape[0]):
            for lane in range(lanes):
                difference = spectra[time, band, lane] - place[band, lane]
                direction[band, lane] += inverse[lane] * difference
    pull[:] = 0.0
    for band in range(place.shape[0]):
        for lane in range(lanes):
            pull[lane] += direction[band, lane] * direction[band, lane]
    for lane in range(lanes):
        pull[lane] = np.sqrt(pull[lane])
