"""Which pixels lie near any of many samples, compiled: what the trust layer asks of every pixel.

Pixels are compared in lockstep, 64 at a time, column after column, so that each sum is the one
that a single pixel would get, to the last bit. Three things spare comparisons and change no
answer. Samples that were near the pixels before are asked first. Then those that are near most
training samples. And a sample is passed over where the first principal axes of all samples, and
how far from their space the two lie, show that it is too far: what they differ by on the axes, and
by that distance, is never longer than what they differ by.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

Floats = NDArray[np.float32]

LANES = 64
"""Pixels compared in lockstep."""
AXES = 16
"""Principal axes on which samples are compared first."""
PLACES = AXES + 1
"""Numbers of a pixel compared first: its places on the axes, and how far it lies off them."""
RECENT = 8
"""Samples that were near last and are asked first."""
_STEP = 8
"""Columns between two looks whether all pixels are too far already."""
_RUN = 512
"""Pixels worked on until each is answered; those that remain are put together anew."""
_FIRST = 16
"""Samples between the first and the second time that pixels are put together anew."""
_SLACK = 1e-4
"""Relative error that rounding to float32 may make on the axes, generously."""


class References(NamedTuple):
    """Samples made ready to be compared with; R samples, c columns, p ≥ c a multiple of 8."""

    columns: NDArray[np.int32]
    """Feature of each column, (c,)."""
    centre: Floats
    """What is taken from a feature, (c,)."""
    factor: Floats
    """What it is then multiplied by, (c,)."""
    samples: Floats
    """The samples in that space, those that are near most others first, (R, p)."""
    threshold: np.float32
    """Squared distance that is still near."""
    axes: Floats
    """The principal axes, (``AXES``, p)."""
    projected: Floats
    """The samples on them and how far each lies off them, (R, ``PLACES``)."""
    least: Floats
    """Least that the product of pixel and sample in these places, less half the pixel's square, is
    where the two can be near, (R,)."""


def make_references(
    columns: NDArray[np.int32],
    centre: Floats,
    factor: Floats,
    samples: Floats,
    threshold: np.float32,
) -> References:
    """Make samples ready.

    Args:
        columns: Feature of each column, (c,).
        centre: What is taken from a feature, (c,).
        factor: What it is then multiplied by, (c,).
        samples: The samples in that space, (R, c).
        threshold: Squared distance that is still near, finite.
    """
    ordered = samples[_by_cover(samples, float(threshold))]
    n, width = ordered.shape
    exact = ordered.astype(np.float64)
    spread = exact - exact.mean(axis=0)
    _, vectors = np.linalg.eigh(spread.T @ spread)
    wide = -(-width // _STEP) * _STEP
    axes = np.zeros((AXES, wide), dtype=np.float32)
    axes[: min(AXES, width), :width] = vectors.T[::-1][:AXES]
    turned = axes[:, :width].astype(np.float64)
    on_axes = exact @ turned.T
    off_axes = np.sqrt(((exact - on_axes @ turned) ** 2).sum(axis=1))
    projected = np.column_stack([on_axes, off_axes]).astype(np.float32)
    radius = float(np.sqrt(threshold))
    # A pixel that is near is no farther from the origin than this; so are its rounding errors.
    farthest = float(np.sqrt((exact**2).sum(axis=1).max())) + radius
    limit = (radius * (1 + _SLACK) + _SLACK * farthest) ** 2 + _SLACK * farthest**2
    squares = (projected.astype(np.float64) ** 2).sum(axis=1)
    padded = np.zeros((n, wide), dtype=np.float32)
    padded[:, :width] = ordered
    return References(
        columns=columns,
        centre=centre,
        factor=factor,
        samples=padded,
        threshold=threshold,
        axes=axes,
        projected=projected,
        least=((squares - limit) / 2).astype(np.float32),
    )


def are_far(references: References, features: Floats) -> NDArray[np.bool_]:
    """Tell which pixels are farther than the threshold from all samples.

    Args:
        references: The samples.
        features: Finite features, float32, (n, d), in rows or in columns.

    Returns:
        bool, (n,): whether (feature - centre) · factor has from every sample a squared distance
        above the threshold, in float32, summed column by column.
    """
    found = np.zeros(len(features), dtype=np.bool_)
    _find_near(features, *references, found)
    return found


def _by_cover(samples: Floats, threshold: float) -> NDArray[np.intp]:
    """Order samples so that each is near as many as possible that none before it is near."""
    exact = samples.astype(np.float64)
    squares = (exact**2).sum(axis=1)
    is_near = squares[:, None] + squares - 2 * exact @ exact.T <= threshold
    np.fill_diagonal(is_near, True)
    is_open = np.ones(len(samples), dtype=np.bool_)
    counts = is_near.sum(axis=1)
    order: list[int] = []
    while is_open.any():
        best = int(counts.argmax())
        order.append(best)
        counts -= is_near[:, is_near[best] & is_open].sum(axis=1)
        is_open &= ~is_near[best]
    rest = np.setdiff1d(np.arange(len(samples)), order)
    near = is_near[rest].sum(axis=1)
    return np.concatenate([np.array(order, dtype=np.intp), rest[np.argsort(-near, kind="stable")]])


@compiled()
def _find_near(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    features, columns, centre, factor, samples, threshold, axes, projected, least, found
):
    """Put True where a pixel is near no sample."""
    n_samples = samples.shape[0]
    placed = np.zeros((samples.shape[1], _RUN), dtype=np.float32)
    block = np.empty((samples.shape[1], LANES), dtype=np.float32)
    on_axes = np.empty((PLACES, LANES), dtype=np.float32)
    half = np.empty(LANES, dtype=np.float32)
    total = np.empty(LANES, dtype=np.float32)
    # 0 while a pixel is looked at, infinite when it is not: then no sum is near.
    start = np.empty(LANES, dtype=np.float32)
    recent = np.arange(min(RECENT, n_samples))
    members = np.empty(_RUN, dtype=np.int64)
    for begin in range(0, features.shape[0], _RUN):
        count = min(_RUN, features.shape[0] - begin)
        _place(features[begin : begin + count], columns, centre, factor, placed)
        for i in range(count):
            members[i] = begin + i
        first, last = 0, 0
        while count > 0 and (last == 0 or first < n_samples):
            kept = 0
            for group in range(0, count, LANES):
                width = min(LANES, count - group)
                block[:, :] = placed[:, group : group + LANES]
                start[:width] = 0
                start[width:] = np.inf
                if last == 0:
                    left = _ask_recent(block, samples, recent, threshold, start, total, width)
                else:
                    _project(block, axes, start, on_axes, half)
                    left = _ask(
                        block, samples, first, last, threshold, on_axes, projected, least, recent,
                        start, half, total, width,
                    )  # fmt: skip
                if left == 0:
                    continue
                if kept != group or left < width:
                    _keep(block, start, members, group, placed, kept)
                kept += left
            count = kept
            first, last = last, min(n_samples, max(_FIRST, 4 * last))
        for i in range(count):
            found[members[i]] = True


@compiled()
def _place(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    features, columns, centre, factor, placed
):
    """Write the features of some pixels as the samples are, (c, n)."""
    for column in range(columns.size):
        source, middle, times = columns[column], centre[column], factor[column]
        for pixel in range(features.shape[0]):
            placed[column, pixel] = (features[pixel, source] - middle) * times


@compiled()
def _keep(block, start, members, group, placed, kept):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Move the pixels of a group that are near nothing yet behind those kept before."""
    lanes = np.flatnonzero(start == 0)
    for i in range(lanes.size):
        members[kept + i] = members[group + lanes[i]]
    for column in range(block.shape[0]):
        for i in range(lanes.size):
            placed[column, kept + i] = block[column, lanes[i]]


@compiled()
def _ask_recent(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    block, samples, recent, threshold, start, total, left
):
    """Compare pixels with the samples that were near last; give how many are near none."""
    for place in range(recent.size):
        hits = _compare(block, samples, recent[place], start, threshold, total)
        if hits > 0:
            _move_to_front(recent, place, recent[place])
            left -= hits
            if left == 0:
                break
    return left


@compiled()
def _ask(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    block, samples, first, last, threshold, on_axes, projected, least, recent, start, half, total,
    left,
):  # fmt: skip
    """Compare pixels with some samples; give how many are near none."""
    sample = _next_candidate(on_axes, projected, half, least, first, last)
    while sample < last:
        hits = _compare(block, samples, sample, start, threshold, total)
        if hits > 0:
            _move_to_front(recent, recent.size - 1, sample)
            left -= hits
            if left == 0:
                break
            for lane in range(LANES):
                half[lane] = half[lane] if start[lane] == 0 else -np.inf
        sample = _next_candidate(on_axes, projected, half, least, sample + 1, last)
    return left


@compiled()
def _compare(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    block, samples, sample, start, threshold, total
):
    """Count the pixels that are near a sample, and put them out of the game."""
    for lane in range(LANES):
        total[lane] = start[lane]
    for column in range(0, block.shape[0], _STEP):
        alive = np.int32(0)
        for lane in range(LANES):
            sum_ = total[lane]
            for c in range(_STEP):
                difference = block[column + c, lane] - samples[sample, column + c]
                sum_ += difference * difference
            total[lane] = sum_
            alive += np.int32(sum_ <= threshold)
        if alive == 0:
            return 0
    for lane in range(LANES):
        if total[lane] <= threshold:
            start[lane] = np.inf
    return int(alive)


@compiled(fuses=True)
def _next_candidate(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    on_axes, projected, half, least, sample, last
):
    """Give the next sample that may be near one of the pixels."""
    while sample < last:
        alive = np.int32(0)
        for lane in range(LANES):
            product = half[lane]
            for place in range(PLACES):
                product += on_axes[place, lane] * projected[sample, place]
            alive += np.int32(product >= least[sample])
        if alive > 0:
            break
        sample += 1
    return sample


@compiled(fuses=True)
def _project(  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    block, axes, start, on_axes, half
):
    """Put pixels on the axes, how far they lie off them, and minus half the squares of these."""
    on_axes[:, :] = 0
    for column in range(0, block.shape[0], _STEP):
        for axis in range(AXES):
            for lane in range(LANES):
                sum_ = on_axes[axis, lane]
                for c in range(_STEP):
                    sum_ += axes[axis, column + c] * block[column + c, lane]
                on_axes[axis, lane] = sum_
    for column in range(block.shape[0]):
        for lane in range(LANES):
            rest = block[column, lane]
            for axis in range(AXES):
                rest -= axes[axis, column] * on_axes[axis, lane]
            on_axes[AXES, lane] += rest * rest
    for lane in range(LANES):
        on_axes[AXES, lane] = np.sqrt(on_axes[AXES, lane])
        sum_ = np.float32(0)
        for place in range(PLACES):
            sum_ += on_axes[place, lane] * on_axes[place, lane]
        half[lane] = np.float32(-0.5) * sum_ - start[lane]


@compiled()
def _move_to_front(recent, place, sample):  # type: ignore[no-untyped-def]  # pragma: no cover
    for i in range(place, 0, -1):
        recent[i] = recent[i - 1]
    recent[0] = sample
