"""Two levels of a class map joined so that they never contradict each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.raster.resample import Places

Codes = npt.NDArray[np.uint8]
Margins = npt.NDArray[np.float32]


class SecondPart(NamedTuple):
    """What one tile answers on the second level in a window of the target."""

    order: int
    """Place of the tile in the order of the tiles' ids."""
    codes: Codes
    """Codes of the second level, (y, x), 0 where there is none."""
    margin: Margins
    """Distance of each pixel from the nearest edge of the tile, (y, x); negative outside."""


def parents_of(second: Mapping[int, Sequence[int]]) -> Codes:
    """Give the class of the first level that each code of the second belongs to.

    Args:
        second: Code of the first level → codes of the second level within it; a code stands once.

    Returns:
        uint8, (256,), by code of the second level; 0 where there is no such code.
    """
    parents = np.zeros(256, dtype=np.uint8)
    for first, codes in second.items():
        parents[list(codes)] = first
    return parents


def join_second(parts: Iterable[SecondPart], classes: Codes, parents: Codes) -> Codes:
    """Give each joined pixel the second level of a tile that agrees with its class.

    Of the tiles whose code belongs to the joined class, the one in which the pixel lies deepest
    is taken, of equal ones the first by id.

    Args:
        parts: The tiles that touch the window, in any order.
        classes: Joined classes of the first level, uint8, (y, x), 0 nodata.
        parents: See :func:`parents_of`.

    Returns:
        Codes of the second level, uint8, (y, x); 0 where no tile's code belongs to the class.
    """
    joined = np.zeros_like(classes)
    depth = np.zeros(classes.shape, dtype=np.float32)
    owner = np.full(classes.shape, np.iinfo(np.int32).max, dtype=np.int32)
    for part in parts:
        is_deeper = part.margin > depth
        is_deeper |= (part.margin == depth) & (part.order < owner)
        is_deeper &= (part.codes != 0) & (parents[part.codes] == classes) & (part.margin > 0)
        np.copyto(depth, part.margin, where=is_deeper)
        np.copyto(owner, np.int32(part.order), where=is_deeper)
        np.copyto(joined, part.codes, where=is_deeper)
    return joined


def take_second(part: Codes, places: Places, classes: Codes, parents: Codes) -> Codes:
    """Take the second level of a tile on another lattice.

    Args:
        part: Codes of the second level of ``places.source``, uint8, (y, x), 0 where none.
        places: See :func:`~landcover.raster.resample.find_places`.
        classes: The tile's classes on the target, uint8, (y, x), as they were resampled.
        parents: See :func:`parents_of`.

    Returns:
        uint8, (y, x) of the target: the code of the pixel in which the centre lies, where it
        belongs to the class; otherwise, of the four nearest pixels, the code of the class that
        weighs most in bilinear interpolation, of equal ones the lowest; 0 where there is none.
    """
    taken = np.zeros_like(classes)
    _take(np.ascontiguousarray(part), places.rows, places.columns, classes, parents, taken)
    return taken


def refill_second(classes: Codes, second: Codes, parents: Codes, reach: int) -> Codes:
    """Make a second level fit classes that were changed after it was answered.

    A code that belongs to its pixel's class stays. Other pixels take the commonest code of their
    class in the square around them, as it was before; at the edge of the image the square is cut
    off. A part of an image needs a halo of ``reach`` pixels for the same result as the whole.

    Args:
        classes: Classes of the first level as they are now, uint8, (y, x), 0 nodata.
        second: Codes of the second level as they were answered, uint8, (y, x), 0 where none.
        parents: See :func:`parents_of`.
        reach: Pixels on each side of the window that is looked at.

    Returns:
        Codes of the second level, uint8, (y, x), of equally common ones the lowest; 0 where the
        class has none in the window.
    """
    filled = np.zeros_like(classes)
    _refill(classes, second, parents, reach, filled)
    return filled


@compiled()
def _take(part: Any, rows: Any, columns: Any, classes: Any, parents: Any, taken: Any) -> None:
    height, width = part.shape
    for y in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            row, column, own = rows[y, x], columns[y, x], classes[y, x]
            if np.isnan(row) or own == 0:
                continue
            nearest = part[int(row), int(column)]
            if nearest != 0 and parents[nearest] == own:
                taken[y, x] = nearest
                continue
            top, left = int(np.floor(row - 0.5)), int(np.floor(column - 0.5))
            down, across = row - 0.5 - top, column - 0.5 - left
            weights = (
                (1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across
            )  # fmt: skip
            best, most = 0, 0.0
            for corner in range(4):
                r, c = top + corner // 2, left + corner % 2
                if not (0 <= r < height and 0 <= c < width):
                    continue
                code = part[r, c]
                if code == 0 or parents[code] != own:
                    continue
                weight = 0.0
                for other in range(4):
                    r, c = top + other // 2, left + other % 2
                    if 0 <= r < height and 0 <= c < width and part[r, c] == code:
                        weight += weights[other]
                if weight > most or (weight == most and code < best):
                    best, most = int(code), weight
            taken[y, x] = best


@compiled()
def _refill(classes: Any, second: Any, parents: Any, reach: int, filled: Any) -> None:
    height, width = classes.shape
    has_second = np.zeros(256, dtype=np.bool_)
    for code in range(1, 256):
        has_second[parents[code]] = True
    votes = np.zeros(256, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            own, was = classes[y, x], second[y, x]
            if own == 0 or not has_second[own]:
                continue
            if was != 0 and parents[was] == own:
                filled[y, x] = was
                continue
            votes[:] = 0
            for r in range(max(0, y - reach), min(height, y + reach + 1)):
                for c in range(max(0, x - reach), min(width, x + reach + 1)):
                    code = second[r, c]
                    if code != 0 and parents[code] == own:
                        votes[code] += 1
            best = 0
            for code in range(1, 256):
                if votes[code] > votes[best]:
                    best = code
            filled[y, x] = best
