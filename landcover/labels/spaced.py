"""Pixels that keep a distance from each other, taken in a given order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, hypot

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from landcover.nouns.grid import Grid

DEGREE_M = 111_195.08
"""A degree on the sphere of mean radius 6,371,008.8 m (IUGG 1980), metres."""


@dataclass(frozen=True)
class Metres:
    """Sides of the pixels of a grid, metres."""

    row: float
    """Height of a pixel."""
    top: float | None
    """Latitude of the upper edge of a grid of degrees; None for one in metres."""
    pixel: float
    """Side of a pixel in units of the grid."""

    @classmethod
    def of(cls, grid: Grid) -> Metres:
        """Measure the pixels of a grid."""
        if CRS.from_user_input(grid.crs).is_geographic:
            return cls(grid.pixel * DEGREE_M, grid.uly, grid.pixel)
        return cls(grid.pixel, None, grid.pixel)

    def column(self, row: ArrayLike) -> NDArray[np.float64]:
        """Give the width of pixels, by their row, metres."""
        rows = np.asarray(row, dtype=np.float64)
        if self.top is None:
            return np.full(rows.shape, self.row)
        latitude = np.radians(self.top - (rows + 0.5) * self.pixel)
        return np.asarray(self.row * np.maximum(np.cos(latitude), 1e-6))


def spaced(
    candidates: Mapping[int, NDArray[np.int64]],
    wanted: Mapping[int, int],
    width: int,
    metres: Metres,
    spacing_m: float,
) -> dict[int, NDArray[np.int64]]:
    """Take pixels class by class, each at least a distance from all that were taken before.

    Classes with the fewest candidates choose first, so that a large class does not take the
    places of a small one.

    Args:
        candidates: Class → flat index of its pixels, in the order in which they are tried.
        wanted: Class → most pixels to take.
        width: Columns of the grid.
        metres: Sides of its pixels.
        spacing_m: Least distance between the centres of two pixels, metres.

    Returns:
        Class → pixels taken, ascending; classes ascending.
    """
    narrowest = metres.row
    if metres.top is not None:
        rows = np.concatenate([np.zeros(0), *(pixels // width for pixels in candidates.values())])
        narrowest = float(metres.column(rows).min()) if len(rows) else metres.row
    side = max(1, ceil(spacing_m / narrowest))
    taken: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    found = {}
    for code in sorted(candidates, key=lambda code: (len(candidates[code]), code)):
        mine: list[int] = []
        for pixel in candidates[code].tolist():
            if len(mine) >= wanted[code]:
                break
            row, column = divmod(pixel, width)
            cell = row // side, column // side
            near = (
                place
                for down in (-1, 0, 1)
                for right in (-1, 0, 1)
                for place in taken.get((cell[0] + down, cell[1] + right), ())
            )
            across = float(metres.column(row))
            if all(
                hypot((row - r) * metres.row, (column - c) * across) >= spacing_m for r, c in near
            ):
                taken[cell].append((row, column))
                mine.append(pixel)
        found[code] = np.array(sorted(mine), dtype=np.int64)
    return {code: found[code] for code in sorted(found)}
