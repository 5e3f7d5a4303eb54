"""Patches that are too small to be mapped, given to the class that surrounds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.raster.lookup import without_gaps

Codes = npt.NDArray[np.uint8]


def sieve(classes: Codes, min_pixels: int) -> Codes:
    """Give patches of fewer pixels to the class of the larger patches that they touch most.

    A patch is pixels of one class joined by their sides. A small one takes the class with the
    longest common border among its neighbours that are large enough, of equal ones the lowest
    code; where it has none (it touches small patches or nodata only) it stays, so that another
    pass may take it. Nodata is no patch. With :func:`~landcover.raster.halos.sieve_halo` pixels
    around it, a part of an image gets what the whole gets.

    Args:
        classes: Class codes, uint8, (y, x), 0 nodata.
        min_pixels: Fewest pixels of a patch that stays, at least 1.

    Returns:
        Class codes, uint8, (y, x).

    Raises:
        InputError: ``min_pixels`` is below 1.
    """
    if min_pixels < 1:
        raise InputError(f"A sieve needs patches of 1 pixel or more, found {min_pixels}.")
    if min_pixels == 1 or not classes.size:
        return classes.copy()
    # Numbers without gaps: work and memory follow the classes there are, not the largest code.
    codes, numbers = without_gaps(classes)
    return codes[_sieve(numbers, codes.size, min_pixels)]


def _sieve(classes: Codes, n_codes: int, min_pixels: int) -> Codes:
    labels = np.empty(classes.shape, dtype=np.int32)
    sizes = _label(classes, labels)
    small = np.flatnonzero(sizes < min_pixels)
    number = np.full(sizes.size, -1, dtype=np.int32)
    number[small] = np.arange(small.size, dtype=np.int32)
    # Rows of small patches only: their borders by class.
    borders = np.zeros((small.size, n_codes), dtype=np.uint16)
    _count_borders(classes, labels, number, borders)
    taker = borders.argmax(axis=1).astype(np.uint8)
    taker[borders.max(axis=1, initial=0) == 0] = 0
    sieved = classes.copy()
    _hand_over(labels, number, taker, sieved)
    return sieved


@compiled()
def _label(classes: Any, labels: Any) -> Any:
    """Number the patches, 0 is nodata's; return the pixels of each (nodata counts as endless)."""
    height, width = classes.shape
    parent = np.zeros(height * width // 2 + height + width + 2, dtype=np.int32)
    count = 1
    for y in range(height):
        for x in range(width):
            code = classes[y, x]
            if code == 0:
                labels[y, x] = 0
                continue
            above = y > 0 and classes[y - 1, x] == code
            before = x > 0 and classes[y, x - 1] == code
            if above and before:
                one, other = _root(parent, labels[y - 1, x]), _root(parent, labels[y, x - 1])
                least = min(one, other)
                parent[one] = parent[other] = least
                labels[y, x] = least
            elif above:
                labels[y, x] = labels[y - 1, x]
            elif before:
                labels[y, x] = labels[y, x - 1]
            else:
                if count == parent.size:
                    longer = np.zeros(2 * count, dtype=np.int32)
                    longer[:count] = parent
                    parent = longer
                parent[count] = count
                labels[y, x] = count
                count += 1
    # Roots come before what hangs on them, so one pass numbers them without gaps.
    name = np.zeros(count, dtype=np.int32)
    n_patches = 1
    for label in range(1, count):
        root = _root(parent, label)
        if root == label:
            name[label] = n_patches
            n_patches += 1
        else:
            name[label] = name[root]
    sizes = np.zeros(n_patches, dtype=np.int64)
    sizes[0] = np.iinfo(np.int64).max // 2
    for y in range(height):
        for x in range(width):
            if labels[y, x] != 0:
                labels[y, x] = name[labels[y, x]]
                sizes[labels[y, x]] += 1
    return sizes


@compiled()
def _root(parent: Any, label: int) -> int:
    while parent[label] != label:
        parent[label] = parent[parent[label]]
        label = parent[label]
    return label


@compiled()
def _count_borders(classes: Any, labels: Any, number: Any, borders: Any) -> None:
    height, width = classes.shape
    for y in range(height):
        for x in range(width):
            small = number[labels[y, x]]
            if small < 0:
                continue
            for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                r, c = y + dy, x + dx
                if 0 <= r < height and 0 <= c < width and number[labels[r, c]] < 0:
                    code = classes[r, c]
                    if code != 0:
                        borders[small, code] += 1


@compiled()
def _hand_over(labels: Any, number: Any, taker: Any, sieved: Any) -> None:
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            small = number[labels[y, x]]
            if small >= 0 and taker[small] != 0:
                sieved[y, x] = taker[small]
