"""Height of the simulated ground: hills, a valley with a river, and what lies beyond the region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.nouns.grid import Grid
from landcover.simulate.noise import Field, power_noise, refine, smoothstep, stream

Coordinates = npt.NDArray[np.floating]

PIXEL_M = 30
"""Pixel of the relief, m: as fine as the elevation models that are made from it."""
PAD_M = 4_800
"""Relief beyond the hull, m: 0.03 degree for the halo of an elevation model and 1.4 km to fade."""
FADE_M = 1_400
"""Width of the rim in which the relief fades into the plain background, m."""
VALLEY_M = 800.0
"""Distance from the river at which hills begin in a small region, m."""
HILLS_M = 165.0
"""Height of the hills above the valley in a small region, m."""


@dataclass(frozen=True)
class Relief:
    """Heights on a 30 m grid that reaches beyond the hull."""

    grid: Grid
    """Grid of the arrays; its corner lies ``PAD_M`` up and left of the hull's."""
    height: Field
    """Height above the background, m, 0 at the rim, float32, (y, x)."""
    river: Field
    """Signed field, 0 along the river, in wavelengths, float32, (y, x)."""
    from_river: Field
    """Distance to the river, good to a pixel, m, float32, (y, x)."""
    streams: Field
    """Signed field, 0 along small streams, float32, (y, x)."""

    def on_hull(self, field: Field, hull: Grid) -> Field:
        """Interpolate one of the fields onto the 10 m pixels of the hull, float32."""
        rows, columns = hull.height * 10 // PIXEL_M, hull.width * 10 // PIXEL_M
        margin, spare = PAD_M // PIXEL_M, 2
        cut = field[
            margin - spare : margin + rows + spare, margin - spare : margin + columns + spare
        ]
        fine = refine(cut, PIXEL_M // 10, order=3)
        first = spare * PIXEL_M // 10
        return fine[first : first + hull.height, first : first + hull.width]

    def height_at(self, x: Coordinates, y: Coordinates) -> Field:
        """Interpolate the height above the background at eastings and northings, m, float32."""
        row = (self.grid.uly - y) / PIXEL_M - 0.5
        column = (x - self.grid.ulx) / PIXEL_M - 0.5
        at = ndimage.map_coordinates(self.height, [row, column], order=1, mode="constant", cval=0)
        return np.asarray(at, dtype=np.float32)


def background(x: Coordinates, y: Coordinates) -> Field:
    """Give the gentle height of the country around the region, m, float32.

    Two long waves: smooth everywhere, so that a cell of a degree costs nothing beyond the region.
    """
    waves = 160.0 + 45.0 * np.sin(x / 23_000.0) + 35.0 * np.cos(y / 31_000.0)
    return np.asarray(waves, dtype=np.float32)


def breadth_of(hull: Grid) -> float:
    """Say how much broader than in a region of 4 km the forms of the land are, 1 … 2.5.

    A map of 20 km shows broader hills and woods than one of 4 km, or both look like gravel; the
    square root keeps enough of them in the smallest region.
    """
    return float(np.clip(np.sqrt(max(hull.shape) * hull.pixel / 4_000.0), 1.0, 2.5))


def raise_relief(seed: int, hull: Grid) -> Relief:
    """Draw the hills, the valley and its waters.

    Valleys are where a noise field changes its sign, which makes them branch and wind as real
    ones do; the river is the zero line of a field that falls from north to south, so it crosses
    the whole region.
    """
    rows = (hull.height * 10 + 2 * PAD_M) // PIXEL_M
    columns = (hull.width * 10 + 2 * PAD_M) // PIXEL_M
    grid = Grid(
        crs=hull.crs,
        ulx=hull.ulx - PAD_M,
        uly=hull.uly + PAD_M,
        pixel=PIXEL_M,
        width=columns,
        height=rows,
    )
    breadth = breadth_of(hull)
    river = _river(seed, grid.shape, breadth)
    from_river = _distance_to_river(river)
    distance = ndimage.gaussian_filter(from_river, 2.0)
    valley = 1.0 - np.exp(-((distance / (VALLEY_M * breadth)) ** 2))
    hills, streams = _hills(seed, grid.shape, breadth)
    height = valley * (15.0 + HILLS_M * breadth * hills) + 0.012 * np.minimum(distance, 4_000.0)
    height *= _fade(grid.shape)
    return Relief(grid, np.asarray(height, dtype=np.float32), river, from_river, streams)


def distance_to_zero(field: Field, pixel_m: float) -> Field:
    """Estimate the distance to the zero line of a field by |f| / |∇f|, m, float32.

    Exact to first order near the line, where banks need it; far away it is only a measure.
    """
    down, right = np.gradient(field, pixel_m)
    fall = ndimage.gaussian_filter(np.hypot(down, right), 60.0 / pixel_m, mode="nearest")
    return np.asarray(np.abs(field) / np.maximum(fall, 1e-6), dtype=np.float32)


def _river(seed: int, shape: tuple[int, int], breadth: float) -> Field:
    bends = power_noise(
        stream(seed, "river"), shape, PIXEL_M, 2_600.0 * breadth, shortest_m=260.0, slope=4.5
    )
    from_middle = (np.arange(shape[0]) - shape[0] * 0.5) * PIXEL_M
    tilted = 0.9 * bends + from_middle[:, np.newaxis] / (750.0 * breadth)
    return np.asarray(tilted, dtype=np.float32)


def _distance_to_river(river: Field) -> Field:
    """Measure the distance to the line between north and south bank, islands and rings left out."""
    pieces, _ = ndimage.label(river > 0)
    south = np.isin(pieces, np.setdiff1d(pieces[-1], 0))
    pieces, _ = ndimage.label(~south)
    south = ~np.isin(pieces, np.setdiff1d(pieces[0], 0))
    both = [ndimage.distance_transform_edt(side, sampling=PIXEL_M) for side in (south, ~south)]
    return np.asarray(np.maximum(*both) - PIXEL_M / 2, dtype=np.float32)


def _hills(seed: int, shape: tuple[int, int], breadth: float) -> tuple[Field, Field]:
    rng = stream(seed, "hills")
    broad = power_noise(rng, shape, PIXEL_M, 4_000.0 * breadth, shortest_m=420.0, slope=4.4)
    middle = power_noise(rng, shape, PIXEL_M, 1_500.0 * breadth, shortest_m=190.0, slope=4.4)
    small = power_noise(rng, shape, PIXEL_M, 700.0, shortest_m=90.0, slope=4.4)
    uplift = smoothstep(broad, -1.5, 2.0)
    creased = 0.9 * uplift + np.abs(middle) * (0.12 + 0.3 * uplift)
    creased = creased + 0.07 * np.abs(small) * (0.3 + uplift)
    return np.asarray(creased, dtype=np.float32), middle


def _fade(shape: tuple[int, int]) -> Field:
    def ramp(size: int) -> Field:
        from_edge = np.minimum(np.arange(size), np.arange(size)[::-1]).astype(np.float32)
        return smoothstep(from_edge * PIXEL_M, 0.0, FADE_M)

    return np.asarray(ramp(shape[0])[:, np.newaxis] * ramp(shape[1]), dtype=np.float32)
