"""Fields, streets and lanes: the straight-edged pattern that people give to the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from landcover.simulate.noise import Field, power_noise, stream

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
    """Number of the field, 0 … n-1, int64, (y, x)."""
    plot: Ids
    """Number of the building plot, for random values only, int64, (y, x)."""
    to_lane_m: Field
    """Distance to the nearest border of a block, where lanes run, m, float32, (y, x)."""


def divide(seed: int, shape: tuple[int, int], pixel_m: float) -> Parcels:
    """Divide land into blocks (Voronoi cells), blocks into fields and fields into plots.

    Args:
        seed: Seed of the region.
        shape: (rows, columns) of the hull.
        pixel_m: Side of its pixel, m.
    """
    rng = stream(seed, "parcels")
    x, y = _bent_coordinates(rng, shape, pixel_m)
    seeds = _block_centres(rng, shape, pixel_m)
    found = cKDTree(seeds).query(np.stack([x.ravel(), y.ravel()], axis=1), k=2)
    near, block = np.asarray(found[0]), np.asarray(found[1])
    apart = np.hypot(*(seeds[block[:, 0]] - seeds[block[:, 1]]).T)
    to_lane = (near[:, 1] ** 2 - near[:, 0] ** 2) / (2.0 * apart)
    own = block[:, 0].reshape(shape)
    angle = rng.uniform(0.0, np.pi, len(seeds))[own].astype(np.float32)
    u = x * np.cos(angle) + y * np.sin(angle)
    v = y * np.cos(angle) - x * np.sin(angle)
    short = rng.uniform(*SHORT_M, len(seeds)).astype(np.float32)[own]
    long = rng.uniform(*LONG_M, len(seeds)).astype(np.float32)[own]
    bricks = _bricks(own, u, v, short, long)
    _, field = np.unique(bricks, return_inverse=True)
    plot = _bricks(own, u, v, np.float32(PLOT_M[0]), np.float32(PLOT_M[1]))
    return Parcels(field.reshape(shape), plot, np.asarray(to_lane.reshape(shape), dtype=np.float32))


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
    rng: np.random.Generator, shape: tuple[int, int], pixel_m: float
) -> tuple[Field, Field]:
    bend_x = power_noise(rng, shape, pixel_m, 900.0, shortest_m=250.0, slope=5.0)
    bend_y = power_noise(rng, shape, pixel_m, 900.0, shortest_m=250.0, slope=5.0)
    rows, columns = np.indices(shape, dtype=np.float32)
    return columns * pixel_m + 22.0 * bend_x, rows * pixel_m + 22.0 * bend_y


def _block_centres(
    rng: np.random.Generator, shape: tuple[int, int], pixel_m: float
) -> npt.NDArray[np.float64]:
    rows = np.arange(-1, shape[0] * pixel_m / BLOCK_M + 2)
    columns = np.arange(-1, shape[1] * pixel_m / BLOCK_M + 2)
    centres = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    return (centres + rng.uniform(0.1, 0.9, centres.shape)) * BLOCK_M


def _bricks(
    block: npt.NDArray[np.intp],
    u: Field,
    v: Field,
    width: Field | np.float32,
    length: Field | np.float32,
) -> Ids:
    strip = np.floor(u / width).astype(np.int64)
    shift = (strip * 0.381966) % 1.0
    piece = np.floor(v / length + shift).astype(np.int64)
    number = block.astype(np.int64) * 1_000_003 + strip * 7_919 + piece * 104_729
    mixed = (number * 0x9E3779B97F4A7C1) & 0x7FFFFFFFFFFF
    return np.asarray(mixed ^ (mixed >> 17), dtype=np.int64)
