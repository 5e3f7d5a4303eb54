"""Random fields that can be drawn piece by piece.

A small region is drawn whole: each named thing has one stream of random numbers (`StreamFields`). A
large one is drawn in blocks, and a field must not depend on the block it is drawn in
(`PlacedFields`): it is the sum of two periodic fields whose periods have a long common multiple,
each read at a place that the name sets. Reading costs the same everywhere, has no seams and repeats
only after thousands of kilometres.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from typing import Protocol

import numpy as np
import numpy.typing as npt

from landcover.simulate.noise import Field, power_noise, stream, texture

PERIODS = (1_536, 1_250)
"""Periods of a placed field, pixels: common multiple 960,000."""
LONG_PERIODS = (3_072, 2_500)
"""The same where the longest wavelength has more than `LONG_WAVE` pixels."""
LONG_WAVE = 400
"""Pixels of the longest wavelength that the short periods hold three times."""
_NODES = 512
"""Side of the table from which lattice nodes get their numbers."""


Nodes = npt.NDArray[np.float64]


class Chance(Protocol):
    """The random numbers that belong to one named thing."""

    def fractal(
        self,
        shape: tuple[int, int],
        pixel_m: float,
        longest_m: float,
        *,
        shortest_m: float = 0.0,
        slope: float = 3.0,
        margin: int = 0,
    ) -> Field:
        """Draw a field as `power_noise` does; ``margin`` of its pixels lie before the corner."""
        ...

    def texture(
        self, shape: tuple[int, int], pixel_m: float, sigma: float, *, margin: int = 0
    ) -> Field:
        """Draw blurred white noise as `noise.texture` does."""
        ...

    def white(self, shape: tuple[int, int], pixel_m: float) -> Field:
        """Draw independent standard normal numbers, float32."""
        ...

    def nodes(self, rows: Sequence[int], columns: Sequence[int], count: int) -> Nodes:
        """Draw ``count`` numbers 0-1 for each node of a lattice, float64, (node, count)."""
        ...

    def normals(self, count: int) -> Field:
        """Draw a table of standard normal numbers, float32."""
        ...

    def normal(self) -> float:
        """Draw one standard normal number."""
        ...

    def uniform(self, low: float, high: float) -> float:
        """Draw one number between two."""
        ...


@dataclass(frozen=True)
class RandomSource:
    """Where the random numbers of one piece of ground come from."""

    seed: int
    """Seed of the region."""
    corner_m: tuple[int, int] | None = None
    """Metres of the piece's corner below and right of the region's; None: drawn whole."""
    stride: int = 1
    """Only every so-manieth pixel is drawn, to look at a large region quickly."""

    def of(self, name: str) -> Chance:
        """Give the random numbers of one named thing."""
        if self.corner_m is None:
            return StreamFields(stream(self.seed, name))
        return PlacedFields(self.seed, name, self.corner_m, self.stride)

    @property
    def is_whole(self) -> bool:
        """True where the region is drawn in one piece."""
        return self.corner_m is None


class StreamFields:
    """Numbers drawn one after the other from one stream."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def fractal(
        self,
        shape: tuple[int, int],
        pixel_m: float,
        longest_m: float,
        *,
        shortest_m: float = 0.0,
        slope: float = 3.0,
        margin: int = 0,
    ) -> Field:
        """Draw a field of exactly this shape."""
        del margin
        return power_noise(self._rng, shape, pixel_m, longest_m, shortest_m=shortest_m, slope=slope)

    def texture(
        self, shape: tuple[int, int], pixel_m: float, sigma: float, *, margin: int = 0
    ) -> Field:
        """Draw a field of exactly this shape."""
        del pixel_m, margin
        return texture(self._rng, shape, sigma)

    def white(self, shape: tuple[int, int], pixel_m: float) -> Field:
        """Draw new numbers for every pixel."""
        del pixel_m
        return self._rng.standard_normal(shape, dtype=np.float32)

    def nodes(self, rows: Sequence[int], columns: Sequence[int], count: int) -> Nodes:
        """Draw new numbers for every node."""
        return self._rng.random((len(rows) * len(columns), count))

    def normals(self, count: int) -> Field:
        """Draw new numbers."""
        return self._rng.standard_normal(count, dtype=np.float32)

    def normal(self) -> float:
        """Draw a new number."""
        return float(self._rng.standard_normal())

    def uniform(self, low: float, high: float) -> float:
        """Draw a new number."""
        return float(self._rng.uniform(low, high))


class PlacedFields(StreamFields):
    """Fields read from periodic ones, the same wherever a block begins."""

    def __init__(self, seed: int, name: str, corner_m: tuple[int, int], stride: int) -> None:
        super().__init__(stream(seed, name))
        self._seed, self._name, self._corner, self._stride = seed, name, corner_m, stride
        self._asked: Counter[tuple[object, ...]] = Counter()

    def fractal(
        self,
        shape: tuple[int, int],
        pixel_m: float,
        longest_m: float,
        *,
        shortest_m: float = 0.0,
        slope: float = 3.0,
        margin: int = 0,
    ) -> Field:
        """Read two periodic fields of half the variance."""
        periods = PERIODS if longest_m <= LONG_WAVE * pixel_m else LONG_PERIODS
        figures = (float(pixel_m), float(longest_m), float(shortest_m), float(slope))
        start = self._start(pixel_m, margin)
        places = self._places("fractal", *figures)
        total = np.zeros(shape, dtype=np.float32)
        for period, place in zip(periods, places, strict=True):
            tile = _fractal_tile(self._seed, period, *figures)
            total += self._read(tile, shape, (start[0] + place[0], start[1] + place[1]))
        total *= np.float32(1.0 / sqrt(2.0))
        return total

    def texture(
        self, shape: tuple[int, int], pixel_m: float, sigma: float, *, margin: int = 0
    ) -> Field:
        """Read one periodic field: blurred noise shows no repetition to the eye."""
        start = self._start(pixel_m, margin)
        place, _ = self._places("texture", pixel_m, sigma)
        tile = _texture_tile(self._seed, sigma)
        return self._read(tile, shape, (start[0] + place[0], start[1] + place[1]))

    def white(self, shape: tuple[int, int], pixel_m: float) -> Field:
        """Read one periodic field, at a place that no two layers share."""
        return self.texture(shape, pixel_m, 0.0)

    def nodes(self, rows: Sequence[int], columns: Sequence[int], count: int) -> Nodes:
        """Look the numbers up in a table that repeats every 512 nodes."""
        table = self._rng.random((_NODES, _NODES, count))
        at = np.ix_(np.asarray(rows) % _NODES, np.asarray(columns) % _NODES)
        return np.asarray(table[at].reshape(-1, count), dtype=np.float64)

    def _start(self, pixel_m: float, margin: int) -> tuple[int, int]:
        down, right = self._corner
        return round(down / pixel_m) - margin, round(right / pixel_m) - margin

    def _places(self, *what: object) -> npt.NDArray[np.int64]:
        number = self._asked[what]
        self._asked[what] += 1
        return stream(self._seed, f"{self._name} {what} {number}").integers(0, 1 << 20, (2, 2))

    def _read(self, tile: Field, shape: tuple[int, int], start: tuple[int, int]) -> Field:
        rows, columns = (
            (first + self._stride * np.arange(size)) % len(tile)
            for first, size in zip(start, shape, strict=True)
        )
        return tile.take(rows, axis=0).take(columns, axis=1)


@lru_cache(maxsize=24)
def _fractal_tile(
    seed: int, period: int, pixel_m: float, longest_m: float, shortest_m: float, slope: float
) -> Field:
    rng = stream(seed, f"fractal {period} {pixel_m} {longest_m} {shortest_m} {slope}")
    shape = (period, period)
    return power_noise(rng, shape, pixel_m, longest_m, shortest_m=shortest_m, slope=slope)


@lru_cache(maxsize=4)
def _texture_tile(seed: int, sigma: float) -> Field:
    rng, shape = stream(seed, f"texture {sigma}"), (PERIODS[0], PERIODS[0])
    return texture(rng, shape, sigma) if sigma else rng.standard_normal(shape, dtype=np.float32)
