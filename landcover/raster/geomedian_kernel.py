"""Geometric medians of many pixels at once, compiled.

Pixels walk to their medians in lockstep, eight in a vector; one that has arrived makes room for the
next. Every pixel's sums are made in the order of its observations and bands, so that its spectrum
is, to the last bit, what it would be alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled
from landcover.raster.lanes import (
    LANES,
    bits_less,
    every,
    load,
    load32,
    lowest_bit,
    root,
    store,
    where_less,
)
from landcover.raster.median_kernel import exchanges_of

# Weiszfeld steps made longer still converge (Ostresh 1978: up to twice); this factor needed the
# fewest on spectra of 2 to 10 bands.
_STRIDE = 1.25
_BLOCK = 512
"""Pixels whose band-wise medians are found together."""
_STATES = 3
"""Numbers that a walking pixel keeps: the length of its last step, whether its place is the nearest
spectrum, looked at last, and how many steps it has taken."""
_BEFORE, _IS_LAST, _STEPS = 0, LANES, 2 * LANES


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
    kind = values.dtype.type
    lowest = kind(np.iinfo(kind).min if is_whole else -np.inf)
    highest = kind(np.iinfo(kind).max if is_whole else np.inf)
    _geometric_medians(
        values, is_masked, exchanges_of(len(values)), kind(nodata), lowest, highest, is_whole,
        min_clear, tolerance, same_place, most_iterations, composite, n_clear,
    )  # fmt: skip


@compiled()
def _geometric_medians(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_masked, exchanges, nodata, lowest, highest, is_whole, min_clear, tolerance,
    same_place, most_iterations, composite, n_clear,
):  # fmt: skip
    n_times, n_bands, n_pixels = values.shape
    is_seen = np.empty((n_times, _BLOCK), dtype=np.bool_)
    planes = np.empty((n_times, _BLOCK), dtype=values.dtype)
    stand_in = np.empty(_BLOCK, dtype=values.dtype)
    centre = np.empty((n_bands, _BLOCK + LANES), dtype=np.float64)
    waiting = np.empty(_BLOCK, dtype=np.int64)
    first = np.empty(n_times + 2, dtype=np.int64)
    for start in range(0, n_pixels, _BLOCK):
        size = min(_BLOCK, n_pixels - start)
        part = values[:, :, start : start + size]
        seen = is_seen[:, :size]
        counts = n_clear[start : start + size]
        _find_seen(part, is_masked[:, start : start + size], nodata, seen, counts)
        _band_medians(
            part, seen, counts, exchanges, lowest, highest, planes, stand_in[:size], centre
        )
        n_waiting = _queue(counts, max(3, min_clear), first, waiting)
        _walk(part, seen, waiting[:n_waiting], tolerance, same_place, most_iterations, centre)
        for band in range(n_bands):
            medians, written = centre[band], composite[band, start : start + size]
            for pixel in range(size):
                value = np.rint(medians[pixel]) if is_whole else medians[pixel]
                written[pixel] = value if counts[pixel] >= min_clear else nodata


@compiled()
def _find_seen(values, is_masked, nodata, is_seen, counts):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Tell which spectra are complete and not masked, and count them."""
    counts[:] = 0
    for time in range(values.shape[0]):
        seen, masked = is_seen[time], is_masked[time]
        for pixel in range(counts.size):
            seen[pixel] = not masked[pixel]
        for band in range(values.shape[1]):
            given = values[time, band]
            for pixel in range(counts.size):
                # Nothing but a finite number gives 0 without itself.
                value = given[pixel]
                seen[pixel] = seen[pixel] & (value != nodata) & (value - value == 0)
        for pixel in range(counts.size):
            counts[pixel] += np.uint8(seen[pixel])


@compiled()
def _band_medians(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_seen, counts, exchanges, lowest, highest, planes, stand_in, centre
):
    """Take the median of each band among the observations that count.

    Others become the lowest and the highest number in turn: so the median lies in the middle.
    """
    n_times = values.shape[0]
    for band in range(values.shape[1]):
        stand_in[:] = highest
        for time in range(n_times):
            plane, seen, given = planes[time], is_seen[time], values[time, band]
            for pixel in range(counts.size):
                plane[pixel] = given[pixel] if seen[pixel] else stand_in[pixel]
            for pixel in range(counts.size):
                turned = lowest if stand_in[pixel] == highest else highest
                stand_in[pixel] = stand_in[pixel] if seen[pixel] else turned
        for pair in range(exchanges.shape[0]):
            low, high = planes[exchanges[pair, 0]], planes[exchanges[pair, 1]]
            for pixel in range(counts.size):
                one, other = low[pixel], high[pixel]
                low[pixel] = other if other < one else one
                high[pixel] = one if other < one else other
        low, high = planes[max(n_times // 2 - 1, 0)], planes[n_times // 2]
        middle = high if n_times % 2 else low
        medians = centre[band]
        for pixel in range(counts.size):
            is_even = counts[pixel] % np.uint8(2) == 0
            one = low[pixel] if is_even else middle[pixel]
            other = high[pixel] if is_even else middle[pixel]
            medians[pixel] = 0.5 * (np.float64(one) + np.float64(other))


@compiled()
def _queue(counts, fewest, first, waiting):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """List the pixels that must walk, those of as many observations together; give their number.

    One or two observations have their median already.
    """
    first[:] = 0
    for pixel in range(counts.size):
        if counts[pixel] >= fewest:
            first[counts[pixel] + 1] += 1
    for n in range(1, first.size):
        first[n] += first[n - 1]
    n_waiting = first[first.size - 1]
    for pixel in range(counts.size):
        if counts[pixel] >= fewest:
            waiting[first[counts[pixel]]] = pixel
            first[counts[pixel]] += 1
    return n_waiting


@compiled()
def _walk(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_seen, waiting, tolerance, same_place, most_iterations, centre
):
    """Move the centre of the waiting pixels to their geometric medians.

    A pixel walks until its steps are short. Towards a spectrum the walk is slow, but whether a
    spectrum is the median can be told exactly: so the nearest one is looked at last.
    """
    n_times, n_bands = values.shape[0], values.shape[1]
    # Both types of values are exact in float32.
    spectra = np.zeros(n_times * n_bands * LANES, dtype=np.float32)
    counted, distances = np.zeros(n_times * LANES), np.zeros(n_times * LANES)
    place, direction = np.zeros(n_bands * LANES), np.zeros(n_bands * LANES)
    states = np.zeros(_STATES * LANES)
    owner, counts = np.full(LANES, -1, dtype=np.int64), np.zeros(LANES, dtype=np.int64)
    n_taken, most, walking = 0, 0, 0
    for lane in range(min(LANES, waiting.size)):
        owner[lane] = waiting[lane]
        counts[lane] = _enter(
            values, is_seen, centre, owner[lane], lane, spectra, counted, place, states
        )
        most = max(most, counts[lane])
        walking |= 1 << lane
        n_taken += 1
    while walking != 0:
        is_pulled, goes_on = _step(
            spectra, counted, most, n_bands, tolerance, same_place, most_iterations, place,
            direction, distances, states,
        )  # fmt: skip
        arrived = walking & ~goes_on
        while arrived:
            lane = lowest_bit(arrived)
            arrived &= arrived - 1
            is_at_spectrum = not is_pulled >> lane & 1
            is_last = states[_IS_LAST + lane] > 0
            if is_at_spectrum or not is_last:
                for band in range(n_bands):
                    centre[band, owner[lane]] = place[band * LANES + lane]
            if not (is_at_spectrum or is_last):
                nearest = _nearest(distances, counts[lane], lane)
                for band in range(n_bands):
                    at = (nearest * n_bands + band) * LANES + lane
                    place[band * LANES + lane] = spectra[at]
                states[_IS_LAST + lane] = 1.0
            elif n_taken < waiting.size:
                owner[lane] = waiting[n_taken]
                counts[lane] = _enter(
                    values, is_seen, centre, owner[lane], lane, spectra, counted, place, states
                )
                most = max(most, counts[lane])
                n_taken += 1
            else:
                walking &= ~(1 << lane)


@compiled()
def _enter(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    values, is_seen, centre, pixel, lane, spectra, counted, place, states
):
    """Put the observations of a pixel that count into a lane, and give their number.

    Beyond them nothing weighs anything: all is finite there, and counted is 0.
    """
    n_times, n_bands = values.shape[0], values.shape[1]
    n = 0
    for time in range(n_times):
        if is_seen[time, pixel]:
            counted[n * LANES + lane] = 1.0
            for band in range(n_bands):
                at = (n * n_bands + band) * LANES + lane
                spectra[at] = np.float32(values[time, band, pixel])
            n += 1
    for beyond in range(n, n_times):
        counted[beyond * LANES + lane] = 0.0
    for band in range(n_bands):
        place[band * LANES + lane] = centre[band, pixel]
    states[_BEFORE + lane], states[_IS_LAST + lane], states[_STEPS + lane] = np.inf, 0.0, 0.0
    return n


@compiled()
def _nearest(distances, n, lane):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Find the nearest of n observations of a lane, of equal ones the first."""
    nearest = 0
    for time in range(1, n):
        if distances[time * LANES + lane] < distances[nearest * LANES + lane]:
            nearest = time
    return nearest


@compiled(error_model="numpy")
def _step(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    spectra, counted, n_times, n_bands, tolerance, same_place, most_iterations, place, direction,
    distances, states,
):  # fmt: skip
    """Move eight pixels by one step, those that are pulled away from where they are.

    The unit vectors to all spectra that are not at the place of a pixel are added up. Gives, a bit
    for each lane, which are pulled away, and which of these have further to go.
    """
    nothing, one, same = every(0.0), every(1.0), every(same_place)
    weight, n_here = nothing, nothing
    for band in range(n_bands):
        store(direction, band * LANES, nothing)
    for time in range(n_times):
        square = nothing
        for band in range(n_bands):
            at = (time * n_bands + band) * LANES
            difference = load32(spectra, at) - load(place, band * LANES)
            square = square + difference * difference
        distance = root(square)
        store(distances, time * LANES, distance)
        counts = load(counted, time * LANES)
        n_here = n_here + where_less(distance, same, counts, nothing)
        inverse = where_less(distance, same, nothing, counts / distance)
        weight = weight + inverse
        for band in range(n_bands):
            at = (time * n_bands + band) * LANES
            difference = load32(spectra, at) - load(place, band * LANES)
            store(direction, band * LANES, load(direction, band * LANES) + inverse * difference)
    square = nothing
    for band in range(n_bands):
        along = load(direction, band * LANES)
        square = square + along * along
    pull = root(square)
    may_go = where_less(load(states, _IS_LAST), one, one, nothing)
    share = where_less(
        n_here, pull, every(_STRIDE) * (one - n_here / pull) / weight * may_go, nothing
    )
    for band in range(n_bands):
        here = load(place, band * LANES)
        moved = here + share * load(direction, band * LANES)
        store(place, band * LANES, where_less(nothing, share, moved, here))
    # Steps that shrink by a factor r add up to r / (1 - r) times the last one.
    length, last = share * pull, load(states, _BEFORE)
    shrinks, least = last - length, every(1e-3) * last
    remaining = length * length / where_less(least, shrinks, shrinks, least)
    left = where_less(remaining, length, length, remaining)
    steps = load(states, _STEPS) + one
    store(states, _BEFORE, length)
    store(states, _STEPS, steps)
    is_pulled = bits_less(n_here, pull)
    is_far = ~bits_less(left, every(tolerance)) & bits_less(steps, every(float(most_iterations)))
    return is_pulled, is_pulled & is_far & bits_less(nothing, may_go)
