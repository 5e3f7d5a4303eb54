"""Inner loops of cloud and shadow objects: distances, growth and matching, compiled."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled

Array = NDArray[Any]


@compiled()
def chamfer(is_source: Array, most: int, distance: Array) -> None:  # pragma: no cover - compiled
    """Write the distance to the nearest source pixel, thirds of a pixel, by the 3-4 chamfer.

    Two passes over the image; within 6 % of the straight distance (Borgefors 1986).

    Args:
        is_source: bool, (y, x).
        most: Largest distance that is told apart, thirds of a pixel.
        distance: Result, int32, (y, x); overwritten.
    """
    height, width = is_source.shape
    for y in range(height):
        for x in range(width):
            best = np.int32(0) if is_source[y, x] else np.int32(most)
            if best:
                if x > 0:
                    best = min(best, distance[y, x - 1] + 3)
                if y > 0:
                    best = min(best, distance[y - 1, x] + 3)
                    if x > 0:
                        best = min(best, distance[y - 1, x - 1] + 4)
                    if x + 1 < width:
                        best = min(best, distance[y - 1, x + 1] + 4)
            distance[y, x] = best
    for y in range(height - 1, -1, -1):
        for x in range(width - 1, -1, -1):
            best = distance[y, x]
            if x + 1 < width:
                best = min(best, distance[y, x + 1] + 3)
            if y + 1 < height:
                best = min(best, distance[y + 1, x] + 3)
                if x > 0:
                    best = min(best, distance[y + 1, x - 1] + 4)
                if x + 1 < width:
                    best = min(best, distance[y + 1, x + 1] + 4)
            distance[y, x] = best


@compiled()
def grow_into(is_marked: Array, may_grow: Array, found: Array) -> None:  # pragma: no cover
    """Add to a mask the pixels beside it (of eight neighbours) that may belong to it.

    Args:
        is_marked: bool, (y, x).
        may_grow: bool, (y, x).
        found: Result, bool, (y, x); overwritten.
    """
    height, width = is_marked.shape
    for y in range(height):
        for x in range(width):
            marked = is_marked[y, x]
            if not marked and may_grow[y, x]:
                for near_y in range(max(0, y - 1), min(height, y + 2)):
                    for near_x in range(max(0, x - 1), min(width, x + 2)):
                        if is_marked[near_y, near_x]:
                            marked = True
            found[y, x] = marked


@compiled()
def match_objects(  # pragma: no cover - compiled
    rows: Array,
    columns: Array,
    starts: Array,
    shifts: Array,
    probability: Array,
    is_open: Array,
    most_samples: int,
    least_open: float,
    chosen: Array,
    scores: Array,
) -> None:
    """Find for each cloud object the shift under which the ground is most like shadow.

    Args:
        rows: Rows of the pixels of all objects, one object after the other, int32, (n,).
        columns: Their columns.
        starts: Where each object begins, and n, int64, (objects + 1,).
        shifts: Rows and columns that a shadow lies away, int32, (k, 2), the nearest first.
        probability: Of shadow, 0-1, float32, (y, x).
        is_open: Ground that may be shadow: seen, neither cloud nor water, bool, (y, x).
        most_samples: Pixels of an object that are looked at.
        least_open: Share of them that must be open ground.
        chosen: Result: number of the best shift, −1 where none has enough open ground, int32.
        scores: Result: mean probability of open ground there, float64.
    """
    height, width = probability.shape
    for number in range(starts.size - 1):
        first, after = starts[number], starts[number + 1]
        step = max(1, (after - first) // most_samples)
        best, best_score = -1, -1.0
        for k in range(shifts.shape[0]):
            total, n_open, n_looked = 0.0, 0, 0
            for i in range(first, after, step):
                n_looked += 1
                y, x = rows[i] + shifts[k, 0], columns[i] + shifts[k, 1]
                if 0 <= y < height and 0 <= x < width and is_open[y, x]:
                    n_open += 1
                    total += probability[y, x]
            if n_open < least_open * n_looked:
                continue
            score = total / n_open
            if score > best_score:
                best, best_score = k, score
        chosen[number], scores[number] = best, best_score


@compiled()
def project_objects(  # pragma: no cover - compiled
    rows: Array, columns: Array, starts: Array, shifts: Array, chosen: Array, found: Array
) -> None:
    """Mark where the shadows of objects fall.

    Args:
        rows: See `match_objects`.
        columns: See `match_objects`.
        starts: See `match_objects`.
        shifts: See `match_objects`.
        chosen: Number of each object's shift, −1 for none.
        found: Result, bool, (y, x); added to.
    """
    height, width = found.shape
    for number in range(starts.size - 1):
        k = chosen[number]
        if k < 0:
            continue
        for i in range(starts[number], starts[number + 1]):
            y, x = rows[i] + shifts[k, 0], columns[i] + shifts[k, 1]
            if 0 <= y < height and 0 <= x < width:
                found[y, x] = True


@compiled()
def average(  # pragma: no cover - compiled
    values: Array, ratio: int, nodata: int, found: Array
) -> None:
    """Average ratio × ratio pixels, without those of no value; rounded half up.

    Args:
        values: Stored integers, int16, (y, x); the last row and column may be incomplete.
        ratio: Pixels along one side.
        nodata: Code of nodata.
        found: Result, int16, ⌈size / ratio⌉ pixels a side; overwritten.
    """
    height, width = values.shape
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            total, count = 0, 0
            for fine_y in range(y * ratio, min(height, (y + 1) * ratio)):
                for fine_x in range(x * ratio, min(width, (x + 1) * ratio)):
                    if values[fine_y, fine_x] != nodata:
                        total += values[fine_y, fine_x]
                        count += 1
            found[y, x] = nodata if count == 0 else (2 * total + count) // (2 * count)


@compiled()
def score_shadow(  # pragma: no cover - compiled
    index: Array,
    blue: Array,
    background: Array,
    distance: Array,
    is_open: Array,
    none: int,
    plain_index: float,
    plain_blue: float,
    km_per_step: float,
    weights: Array,
    found: Array,
) -> None:
    """Write the probability of shadow of open ground, 0 elsewhere.

    Args:
        index: Twice the cloud shadow index, int32, (y, x).
        blue: Stored integers, int16, (y, x).
        background: Twice the background of blue, int32, (y, x).
        distance: Distance to cloud, steps, int32, (y, x).
        is_open: Ground that may be shadow, bool, (y, x).
        none: Background where there is none: ``plain_blue`` stands for it.
        plain_index: Median of ``index`` over open ground.
        plain_blue: Twice the median of blue over open ground.
        km_per_step: Length of a step of ``distance``, km.
        weights: Constant, of ln index, of ln blue, of distance, float64, (4,).
        found: Result, float32, (y, x); overwritten.
    """
    height, width = blue.shape
    for y in range(height):
        for x in range(width):
            if not is_open[y, x]:
                found[y, x] = 0.0
                continue
            usual = plain_blue if background[y, x] == none else float(background[y, x])
            score = weights[0]
            score += weights[1] * log(max(2.0, float(index[y, x])) / max(2.0, plain_index))
            score += weights[2] * log(max(2.0, 2.0 * blue[y, x]) / max(2.0, usual))
            score += weights[3] * km_per_step * distance[y, x]
            found[y, x] = 1.0 / (1.0 + exp(-min(max(score, -30.0), 30.0)))


@compiled()
def mark_bright(  # pragma: no cover - compiled
    blue: Array,
    background: Array,
    shortwave: Array,
    nodata: int,
    none: int,
    least: float,
    least_ratio: float,
    found: Array,
) -> None:
    """Mark what is brighter than its background and white: blue beside shortwave infrared.

    Args:
        blue: Stored integers, int16, (y, x).
        background: Twice the background, int32, (y, x).
        shortwave: Stored integers, int16, (y, x).
        nodata: Code of nodata.
        none: Background where there is none; such a pixel is not marked.
        least: Deviation above which a pixel is bright.
        least_ratio: Blue over shortwave infrared above which it is white.
        found: Result, bool, (y, x); overwritten.
    """
    height, width = blue.shape
    for y in range(height):
        for x in range(width):
            value, short = blue[y, x], shortwave[y, x]
            if value == nodata or short == nodata or background[y, x] == none:
                found[y, x] = False
                continue
            deviation = value - 0.5 * background[y, x]
            found[y, x] = deviation > least and value > least_ratio * max(short, 1)
