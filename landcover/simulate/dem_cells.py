"""ASTER-like elevation: cells of one degree, one arc-second, a surface model with its noise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import ceil, floor
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from landcover.nouns.grid import Grid
from landcover.simulate.files import write_tiff
from landcover.simulate.noise import Field, stream, texture
from landcover.simulate.relief import PAD_M, Coordinates, background
from landcover.simulate.site import Site

SIDE = 3601
"""Pixels along a side: their centres lie on whole degrees, so neighbours share a line."""
STEP = 1.0 / 3600.0
"""One arc-second, degrees."""
HALO_DEGREES = 0.03
"""What a reader may want beyond the windows, degrees."""
NODATA = -9999
NOISE_M = 3.0
"""Standard deviation of the noise, m: ASTER GDEM 3 differs from references by 3-8 m on land."""
NOISE_PIXELS = 1.2
"""Blur of the noise, arc-seconds: its errors are patches, not single pixels."""
_SQUARE = 900
"""Side of the squares in which heights are asked for, arc-seconds."""
_NODE = 100
"""Arc-seconds between the nodes at which coordinates are projected; between them a plane is good
to 0.3 m."""


def cells_under(site: Site) -> list[tuple[int, int]]:
    """List the (latitude, longitude) of the south-west corner of each cell that is needed."""
    left, bottom, right, top = _box(site)
    return list(product(range(floor(bottom), ceil(top)), range(floor(left), ceil(right))))


def name_of(latitude: int, longitude: int) -> str:
    """Name the file of the cell whose south-west corner is given, whole degrees."""
    northing = f"{'N' if latitude >= 0 else 'S'}{abs(latitude):02d}"
    easting = f"{'E' if longitude >= 0 else 'W'}{abs(longitude):03d}"
    return f"ASTGTMV003_{northing}{easting}_dem.tif"


class Heights(Protocol):
    """What knows the height of the ground above the background."""

    def height_at(self, x: Coordinates, y: Coordinates) -> Field:
        """Give the height at eastings and northings, m, float32."""
        ...


@dataclass(frozen=True)
class Upland:
    """A site and its heights."""

    site: Site
    """Windows of the tiles."""
    relief: Heights
    """Height around them, 0 farther away than `PAD_M`."""


def write_cells(seed: int, uplands: Sequence[Upland], folder: Path) -> list[Path]:
    """Write all cells under the windows and their halo.

    Heights above the background are added up: they are 0 away from their own windows. The
    background is that of the first site that needs the cell (sites of two zones count it from
    other corners; it rises two metres in a kilometre).
    """
    wanted: dict[tuple[int, int], list[Upland]] = {}
    for upland in uplands:
        for cell in cells_under(upland.site):
            wanted.setdefault(cell, []).append(upland)
    return [_write_cell(seed, above, *cell, folder) for cell, above in wanted.items()]


def _write_cell(
    seed: int, uplands: Sequence[Upland], latitude: int, longitude: int, folder: Path
) -> Path:
    path = folder / name_of(latitude, longitude)
    corner = (longitude - STEP / 2, latitude + 1 + STEP / 2)
    write_tiff(
        path,
        _draw_cell(seed, uplands, latitude, longitude),
        "EPSG:4326",
        (STEP, 0.0, corner[0], 0.0, -STEP, corner[1]),
        nodata=NODATA,
        tags={"AREA_OR_POINT": "Point", "DESCRIPTION": "simulated"},
    )
    return path


def _box(site: Site) -> tuple[float, float, float, float]:
    left, bottom, right, top = site.hull.bounds
    box = site.to_degrees.transform_bounds(left, bottom, right, top, densify_pts=21)
    halo = np.array([-1, -1, 1, 1]) * HALO_DEGREES
    west, south, east, north = (np.asarray(box) + halo).tolist()
    return west, south, east, north


def _draw_cell(
    seed: int, uplands: Sequence[Upland], latitude: int, longitude: int
) -> npt.NDArray[np.int16]:
    everywhere = (slice(0, SIDE), slice(0, SIDE))
    x, y = _node_coordinates(uplands[0].site.hull.crs, latitude, longitude)
    height = _between_nodes(background(x, y), *everywhere).astype(np.float32)
    for number, upland in enumerate(uplands):
        x, y = _node_coordinates(upland.site.hull.crs, latitude, longitude)
        near = _near(upland.site.hull, x, y)
        if near is None:
            continue
        height[near] += _noise(seed, latitude, longitude, number, near)
        for part in _squares(*near):
            east, north = _between_nodes(x, *part), _between_nodes(y, *part)
            height[part] += upland.relief.height_at(east, north)
    return np.rint(height).astype(np.int16)


def _squares(rows: slice, columns: slice) -> Iterator[tuple[slice, slice]]:
    for row in range(rows.start, rows.stop, _SQUARE):
        for column in range(columns.start, columns.stop, _SQUARE):
            yield (
                slice(row, min(row + _SQUARE, rows.stop)),
                slice(column, min(column + _SQUARE, columns.stop)),
            )


def _node_coordinates(
    crs: str, latitude: int, longitude: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    steps = np.arange(0, SIDE, _NODE) * STEP
    lon, lat = np.meshgrid(longitude + steps, latitude + 1 - steps)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def _near(
    hull: Grid, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> tuple[slice, slice] | None:
    """Find the part of a cell over which there is relief; None where there is none."""
    left, bottom, right, top = hull.bounds
    reach = PAD_M + _NODE * 31.0
    inside = (x > left - reach) & (x < right + reach) & (y > bottom - reach) & (y < top + reach)
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    return (
        slice(int(rows[0]) * _NODE, int(rows[-1]) * _NODE + 1),
        slice(int(columns[0]) * _NODE, int(columns[-1]) * _NODE + 1),
    )


def _between_nodes(
    nodes: npt.NDArray[np.floating], rows: slice, columns: slice
) -> npt.NDArray[np.float64]:
    def weights(part: slice, size: int) -> npt.NDArray[np.float64]:
        at = np.arange(part.start, part.stop) / _NODE
        return np.clip(1.0 - np.abs(at[:, np.newaxis] - np.arange(size)), 0.0, 1.0)

    return (
        weights(rows, nodes.shape[0])
        @ nodes.astype(np.float64)
        @ weights(columns, nodes.shape[1]).T
    )


def _noise(
    seed: int, latitude: int, longitude: int, number: int, near: tuple[slice, slice]
) -> Field:
    """Draw the noise of a cell; the line it shares with a neighbour is left without."""
    rng = stream(seed + number, f"elevation {latitude} {longitude}")
    shape = (near[0].stop - near[0].start, near[1].stop - near[1].start)
    noise = NOISE_M * texture(rng, shape, NOISE_PIXELS)
    for axis, part in enumerate(near):
        edge = np.moveaxis(noise, axis, 0)
        if part.start == 0:
            edge[0] = 0.0
        if part.stop == SIDE:
            edge[-1] = 0.0
    return noise
