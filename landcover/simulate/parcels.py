"""Fields, streets and lanes: the straight-edged pattern that people give to the ground."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from landcover.simulate.noise import Field
from landcover.simulate.random_fields import Chance, RandomSource

Ids = npt.NDArray[np.int64]

BLOCK_M = 430.0
"""Mean distance between the centres of blocks (land with one orientation), m."""
SHORT_M, LONG_M = (55.0, 120.0), (110.0, 300.0)
"""Range of the sides of a field, m, as in small-structured Mediterranean farmland."""
PLOT_M = (26.0, 38.0)
"""Sides of a building plot, m."""


@dataclass(frozen=True)
class Parcels:
    """What each 10 m pixel belongs to."""

    field: Ids
    """Number of the field, 0 … n-1 in this array, int64, (y, x)."""
    field_key: Ids
    """Number of the field, for random values only: the same in every piece of ground."""
    plot: Ids
    """Number of the building plot, for random values only, int64, (y, x)."""
    to_lane_m: Field
    """Distance to the nearest border of a block, where lanes run, m, float32, (y, x)."""


def divide(source: RandomSource, shape: tuple[int, int], pixel_m: float) -> Parcels:
    """Divide land into blocks (Voronoi cells), blocks into fields and fields into plots.

    Args:
        source: Random numbers of this piece of ground.
        shape: Its (rows, columns).
        pixel_m: Side of its pixel, m.
    """
    chance = source.of("parcels")
    x, y = _bent_coordinates(source, chance, shape, pixel_m)
    lattice = _lattice(source, shape, pixel_m)
    seeds = _block_centres(chance, *lattice)
    found = cKDTree(seeds).query(np.stack([x.ravel(), y.ravel()], axis=1), k=2)
    near, block = np.asarray(found[0]), np.asarray(found[1])
    apart = np.hypot(*(seeds[block[:, 0]] - seeds[block[:, 1]]).T)
    to_lane = (near[:, 1] ** 2 - near[:, 0] ** 2) / (2.0 * apart)
    own = block[:, 0].reshape(shape)
    angle, short, long = (
        (low + (high - low) * chance.nodes(*lattice, 1)[:, 0]).astype(np.float32)[own]
        for low, high in ((0.0, np.pi), SHORT_M, LONG_M)
    )
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    numbers = _numbers(source, *lattice)[own]
    bricks = _bricks(numbers, u, v, short, long)
    _, field = np.unique(bricks, return_inverse=True)
    field = field.reshape(shape)
    plot = _bricks(numbers, u, v, np.float32(PLOT_M[0]), np.float32(PLOT_M[1]))
    return Parcels(
        field=field,
        field_key=field if source.is_whole else bricks,
        plot=plot,
        to_lane_m=np.asarray(to_lane.reshape(shape), dtype=np.float32),
    )


def per_parcel(ids: Ids, values: npt.NDArray[np.float32]) -> Field:
    """Give each pixel a random value of its parcel, drawn from a table, float32."""
    return np.asarray(values[ids & (len(values) - 1)], dtype=np.float32)


def mean_per_parcel(ids: Ids, field: Field) -> Field:
    """Give each pixel the mean of a field over its parcel, float32."""
    flat = ids.ravel()
    total = np.bincount(flat, weights=field.ravel())
    mean = np.asarray(total / np.maximum(np.bincount(flat), 1), dtype=np.float32)
    return np.asarray(mean[ids], dtype=np.float32)


def _bent_coordinates(
    source: RandomSource, chance: Chance, shape: tuple[int, int], pixel_m: float
) -> tuple[Field, Field]:
    bend_x = chance.fractal(shape, pixel_m, 900.0, shortest_m=250.0, slope=5.0)
    bend_y = chance.fractal(shape, pixel_m, 900.0, shortest_m=250.0, slope=5.0)
    down, right = (np.float32(metres) for metres in source.corner_m or (0, 0))
    rows, columns = np.indices(shape, dtype=np.float32)
    return right + columns * pixel_m + 22.0 * bend_x, down + rows * pixel_m + 22.0 * bend_y


def _lattice(source: RandomSource, shape: tuple[int, int], pixel_m: float) -> tuple[range, range]:
    """List the rows and columns of block centres that matter to a piece of ground."""
    spare = 1 if source.is_whole else 3
    rows, columns = (
        range(
            floor(start / BLOCK_M) - spare,
            ceil((start + size * pixel_m) / BLOCK_M + 1) + spare,
        )
        for start, size in zip(source.corner_m or (0, 0), shape, strict=True)
    )
    return rows, columns


def _block_centres(chance: Chance, rows: range, columns: range) -> npt.NDArray[np.float64]:
    centres = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return (centres + (0.1 + 0.8 * chance.nodes(rows, columns, 2))) * BLOCK_M


def _numbers(source: RandomSource, rows: range, columns: range) -> Ids:
    """Number the blocks: in order, or by their place where the region is drawn in pieces."""
    if source.is_whole:
        return np.arange(len(rows) * len(columns), dtype=np.int64)
    numbers = np.asarray(rows)[:, np.newaxis] * 65_537 + np.asarray(columns)
    return np.asarray(numbers.ravel(), dtype=np.int64)


def _bricks(
    block: Ids,
    u: Field,
    v: Field,
    width: Field | np.float32,
    length: Field | np.float32,
) -> Ids:
    strip = np.floor(u / width).astype(np.int64)
    shift = (strip * 0.381966) % 1.0
    piece = np.floor(v / length + shift).astype(np.int64)
    number = block * 1_000_003 + strip * 7_919 + piece * 104_729
    mixed = (number * 0x9E3779B97F4A7C1) & 0x7FFFFFFFFFFF
    return np.asarray(mixed ^ (mixed >> 17), dtype=np.int64)
