"""Inner loops of mask refinement: background, deviations and dark ground, compiled.

Kinds are bits of one byte: 1 cloud, 2 shadow, 4 water, 8 snow. They lie on a grid that may be
coarser than the values: ``ratio`` fine pixels lie along one side of a coarse one, and ``row`` and
``column`` say how far into the first coarse pixel the window begins. Backgrounds are counted in
half steps, so that the mean of two integers is an integer. A coarse column is followed by counting
the fine ones that are left of it: no loop divides for each pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

CLOUD, SHADOW, WATER, SNOW = 1, 2, 4, 8
NONE = np.iinfo(np.int32).min
"""Background where no observation was clear."""

Array = NDArray[Any]


@compiled()
def lower_quarter(  # pragma: no cover - compiled
    values: Array, kinds: Array, ratio: int, row: int, column: int, nodata: int, twice: Array
) -> None:
    """Write twice the 25 % quantile (midpoint) of what is clear at each pixel, `NONE` for nothing.

    Args:
        values: Stored integers, int16, (time, y, x).
        kinds: Bits 1 cloud, 2 shadow, uint8, (time, y, x) of the coarser grid.
        ratio: See above.
        row: See above.
        column: See above.
        nodata: Code of nodata.
        twice: Result, int32, (y, x); overwritten.
    """
    n_times, height, width = values.shape
    # The quantile of n values lies between the ⌊(n−1)/4⌋th and the ⌈(n−1)/4⌉th of them.
    most = (n_times + 2) // 4 + 1
    least = np.empty(most, np.int32)
    for y in range(height):
        coarse_y = (row + y) // ratio
        coarse_x, left = column // ratio - 1, -(column % ratio)
        for x in range(width):
            if left <= 0:
                coarse_x, left = coarse_x + 1, left + ratio
            left -= 1
            count, kept = 0, 0
            for t in range(n_times):
                value = np.int32(values[t, y, x])
                if value == nodata or kinds[t, coarse_y, coarse_x] & 3:
                    continue
                count += 1
                if kept == most and value >= least[most - 1]:
                    continue
                place = kept if kept < most else most - 1
                while place > 0 and least[place - 1] > value:
                    least[place] = least[place - 1]
                    place -= 1
                least[place] = value
                kept = min(kept + 1, most)
            if count == 0:
                twice[y, x] = NONE
            else:
                twice[y, x] = least[(count - 1) // 4] + least[(count + 2) // 4]


@compiled()
def count_deviations(  # pragma: no cover - compiled
    values: Array,
    kinds: Array,
    ratio: int,
    row: int,
    column: int,
    nodata: int,
    twice: Array,
    positive_only: bool,
    histogram: Array,
    sums: Array,
) -> None:
    """Count the deviations of one observation from the background, in half steps.

    Args:
        values: Stored integers of the observation, int16, (y, x).
        kinds: Its bits, uint8, (y, x) of the coarser grid.
        ratio: See above.
        row: See above.
        column: See above.
        nodata: Code of nodata.
        twice: Twice the background, int32, (y, x).
        positive_only: Leave out what is darker than the background.
        histogram: Counts by 2·|value − background|, int64; added to, the last one takes the rest.
        sums: Valid, cloud and shadow pixels, sum of values under cloud, cloud pixels with a
            background, sum of their 2·|deviation|, int64; added to.
    """
    height, width = values.shape
    last = histogram.size - 1
    n_valid, n_cloud, n_shadow, n_compared = 0, 0, 0, 0
    total, compared = np.int64(0), np.int64(0)
    for y in range(height):
        line = kinds[(row + y) // ratio]
        coarse, left = column // ratio - 1, -(column % ratio)
        for x in range(width):
            if left <= 0:
                coarse, left = coarse + 1, left + ratio
            left -= 1
            value = np.int64(values[y, x])
            if value == nodata:
                continue
            kind = line[coarse]
            n_valid += 1
            if kind & 1:
                n_cloud += 1
                total += value
            elif kind & 2:
                n_shadow += 1
            if twice[y, x] == NONE:
                continue
            deviation = 2 * value - twice[y, x]
            if kind & 1:
                n_compared += 1
                compared += abs(deviation)
            if deviation < 0:
                if positive_only:
                    continue
                deviation = -deviation
            histogram[min(deviation, last)] += 1
    sums[0] += n_valid
    sums[1] += n_cloud
    sums[2] += n_shadow
    sums[3] += total
    sums[4] += n_compared
    sums[5] += compared


@compiled()
def mark_clouds(  # pragma: no cover - compiled
    values: Array,
    kinds: Array,
    ratio: int,
    row: int,
    column: int,
    nodata: int,
    twice: Array,
    positive_only: bool,
    low: int,
    high: int,
    is_cloud: Array,
    sums: Array,
) -> None:
    """Mark what is cloud already and what deviates by ``low`` to ``high`` half steps.

    Args:
        values: Stored integers of the observation, int16, (y, x).
        kinds: Its bits, uint8, (y, x) of the coarser grid.
        ratio: See above.
        row: See above.
        column: See above.
        nodata: Code of nodata.
        twice: Twice the background, int32, (y, x).
        positive_only: Whether what is darker than the background is never cloud.
        low: Least 2·|value − background|.
        high: Largest.
        is_cloud: Result, bool, (y, x); overwritten.
        sums: Cloud pixels with a value and the sum of their values, int64; added to.
    """
    height, width = values.shape
    n_cloud, total = 0, np.int64(0)
    for y in range(height):
        line = kinds[(row + y) // ratio]
        coarse, left = column // ratio - 1, -(column % ratio)
        for x in range(width):
            if left <= 0:
                coarse, left = coarse + 1, left + ratio
            left -= 1
            value = np.int64(values[y, x])
            marked = (line[coarse] & 1) != 0
            if value != nodata:
                if not marked and twice[y, x] != NONE:
                    deviation = 2 * value - twice[y, x]
                    if deviation < 0 and not positive_only:
                        deviation = -deviation
                    marked = deviation >= 0 and low <= deviation <= high
                if marked:
                    n_cloud += 1
                    total += value
            is_cloud[y, x] = marked
    sums[0] += n_cloud
    sums[1] += total


@compiled()
def count_dark(  # pragma: no cover - compiled
    values: Array,
    is_cloud: Array,
    kinds: Array,
    ratio: int,
    row: int,
    column: int,
    skipped: int,
    nodata: int,
    infrared: Array,
    shortwave: Array,
    sums_of_two: Array,
    blue_histogram: Array,
    index_histogram: Array,
) -> None:
    """Add near and shortwave infrared, and count levels of blue and of the sum outside clouds.

    Args:
        values: Blue, stored integers, int16, (y, x).
        is_cloud: Clouds, bool, (y, x).
        kinds: Bits of the observation, uint8, (y, x) of the coarser grid.
        ratio: See above.
        row: See above.
        column: See above.
        skipped: Bits of ground that is not counted.
        nodata: Code of nodata.
        infrared: Near infrared, int16, (y, x).
        shortwave: Shortwave infrared, int16, (y, x).
        sums_of_two: Result: near + shortwave infrared, int32, (y, x), `NONE` where not counted;
            overwritten.
        blue_histogram: Counts by value + 32,768, int64, (65536,); added to.
        index_histogram: Counts by sum + 65,536, int64, (131072,); added to.
    """
    height, width = values.shape
    for y in range(height):
        line = kinds[(row + y) // ratio]
        coarse, left = column // ratio - 1, -(column % ratio)
        for x in range(width):
            if left <= 0:
                coarse, left = coarse + 1, left + ratio
            left -= 1
            blue = np.int64(values[y, x])
            near, short = np.int64(infrared[y, x]), np.int64(shortwave[y, x])
            skip = line[coarse] & skipped
            if is_cloud[y, x] or skip or blue == nodata or near == nodata or short == nodata:
                sums_of_two[y, x] = NONE
                continue
            sums_of_two[y, x] = near + short
            blue_histogram[blue + 32768] += 1
            index_histogram[near + short + 65536] += 1


@compiled()
def mark_dark(  # pragma: no cover - compiled
    values: Array, sums_of_two: Array, most_blue: float, most_sum: float, is_dark: Array
) -> None:
    """Mark counted ground that is dark in blue and in the sum of the infrared bands.

    Args:
        values: Blue, stored integers, int16, (y, x).
        sums_of_two: See `count_dark`.
        most_blue: Largest blue.
        most_sum: Largest sum.
        is_dark: Result, bool, (y, x); overwritten.
    """
    height, width = values.shape
    for y in range(height):
        for x in range(width):
            total = sums_of_two[y, x]
            is_dark[y, x] = total != NONE and total <= most_sum and values[y, x] <= most_blue


@compiled()
def majority_of_nine(is_marked: Array, found: Array) -> None:  # pragma: no cover - compiled
    """Mark pixels of which five of the nine in their 3 × 3 window are marked; outside is not.

    Args:
        is_marked: bool, (y, x).
        found: Result, bool, (y, x); overwritten.
    """
    height, width = is_marked.shape
    # Marked pixels of the three rows in each column; nothing lies outside.
    three = np.zeros(width + 2, np.uint8)
    for y in range(height):
        above, below = max(0, y - 1), min(height - 1, y + 1)
        has_above, has_below = np.uint8(y > 0), np.uint8(y < height - 1)
        for x in range(width):
            three[x + 1] = (
                np.uint8(is_marked[y, x])
                + has_above * np.uint8(is_marked[above, x])
                + has_below * np.uint8(is_marked[below, x])
            )
        for x in range(width):
            found[y, x] = three[x] + three[x + 1] + three[x + 2] >= 5


@compiled()
def join_bits(  # pragma: no cover - compiled
    known: Array, ratio: int, is_cloud: Array, is_shadow: Array, bits: Array
) -> None:
    """Put refined clouds (2) and shadows (4) beside bits of a coarser grid, not on nodata (1).

    Args:
        known: Bits that stay, uint8, (y, x) of the coarser grid, whose corner is the same.
        ratio: Fine pixels along one side of a coarse one.
        is_cloud: bool, (y, x).
        is_shadow: bool, (y, x).
        bits: Result, uint8, (y, x); overwritten.
    """
    height, width = bits.shape
    for y in range(height):
        row = known[y // ratio]
        for coarse in range(row.size):
            bit = row[coarse]
            seen = np.uint8(1) - (bit & np.uint8(1))
            for x in range(coarse * ratio, min(width, (coarse + 1) * ratio)):
                marks = np.uint8(is_cloud[y, x]) * np.uint8(2)
                marks += np.uint8(is_shadow[y, x]) * np.uint8(4)
                bits[y, x] = bit | (marks * seen)


@compiled()
def split_in_three(  # pragma: no cover - compiled
    levels: Array, weights: Array, first: Array, second: Array
) -> None:
    """Find the best split of sorted levels into three clusters, by dynamic programming.

    Best is the least sum of squared distances to the cluster means: what K-means looks for. The
    best first border never falls when the second one rises, so each round halves what is left to
    look at (n log n).

    Args:
        levels: Distinct values, rising, float64, (n,), at least three.
        weights: How often each occurs, float64, (n,).
        first: Result: of each second border, the best first one, int64, (n,); scratch.
        second: Result: the two borders, int64, (2,): clusters are [0, a), [a, b), [b, n).
    """
    n = levels.size
    total, moment, square = np.zeros(n + 1), np.zeros(n + 1), np.zeros(n + 1)
    # Distances are counted from the middle, so that large levels lose no digits.
    middle = levels[n // 2]
    for i in range(n):
        level = levels[i] - middle
        total[i + 1] = total[i] + weights[i]
        moment[i + 1] = moment[i] + weights[i] * level
        square[i + 1] = square[i] + weights[i] * level * level
    best = np.full(n, np.inf)
    # Ranges of second borders whose first border is still unknown, with its bounds.
    stack = np.empty((128, 4), np.int64)
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 2, n - 1, 1, n - 2
    waiting = 1
    while waiting > 0:
        waiting -= 1
        low, high = stack[waiting, 0], stack[waiting, 1]
        from_, to = stack[waiting, 2], stack[waiting, 3]
        if low > high:
            continue
        border = (low + high) // 2
        for a in range(from_, min(to, border - 1) + 1):
            left = square[a] - moment[a] ** 2 / total[a]
            inner = moment[border] - moment[a]
            centre = square[border] - square[a] - inner**2 / (total[border] - total[a])
            if left + centre < best[border]:
                best[border] = left + centre
                first[border] = a
        stack[waiting, 0], stack[waiting, 1] = low, border - 1
        stack[waiting, 2], stack[waiting, 3] = from_, first[border]
        stack[waiting + 1, 0], stack[waiting + 1, 1] = border + 1, high
        stack[waiting + 1, 2], stack[waiting + 1, 3] = first[border], to
        waiting += 2
    least = np.inf
    for border in range(2, n):
        outer = moment[n] - moment[border]
        right = square[n] - square[border] - outer**2 / (total[n] - total[border])
        if best[border] + right < least:
            least = best[border] + right
            second[0], second[1] = first[border], border
