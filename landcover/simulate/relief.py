"""Height of the simulated ground: hills, a valley with a river, and what lies beyond the region."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.nouns.grid import Grid
from landcover.simulate.noise import Field, refine, smoothstep
from landcover.simulate.random_fields import RandomSource

Coordinates = npt.NDArray[np.floating]

PIXEL_M = 30
"""Pixel of the relief, m: as fine as the elevation models that are made from it."""
PAD_M = 4_800
"""Relief beyond the hull, m: 0.03 degree for the halo of an elevation model and 1.4 km to fade."""
FADE_M = 1_400
"""Width of the rim in which the relief fades into the plain background, m."""
PIECE_PAD_M = 300
"""The same around a piece of a large region: for interpolation and slopes."""
RIVERS_APART_M = 36_000.0
"""Distance between the rivers of a large region, m."""
VALLEY_M = 800.0
"""Distance from the river at which hills begin in a small region, m."""
HILLS_M = 165.0
"""Height of the hills above the valley in a small region, m."""


@dataclass(frozen=True)
class Relief:
    """Heights on a 30 m grid."""

    grid: Grid
    """Grid of the arrays; it reaches beyond the ground it was drawn for."""
    height: Field
    """Height above the background, m, 0 at the rim, float32, (y, x)."""
    river: Field
    """Signed field, 0 along the river, in wavelengths, float32, (y, x)."""
    from_river: Field
    """Distance to the river, good to a pixel, m, float32, (y, x)."""
    streams: Field
    """Signed field, 0 along small streams, float32, (y, x)."""

    def on(self, field: Field, piece: Grid) -> Field:
        """Interpolate one of the fields onto the 10 m pixels of a piece of ground, float32."""
        rows, columns = piece.height * 10 // PIXEL_M, piece.width * 10 // PIXEL_M
        down = round((self.grid.uly - piece.uly) / PIXEL_M)
        right = round((piece.ulx - self.grid.ulx) / PIXEL_M)
        spare = 2
        cut = field[down - spare : down + rows + spare, right - spare : right + columns + spare]
        fine = refine(cut, PIXEL_M // 10, order=3)
        first = spare * PIXEL_M // 10
        return fine[first : first + piece.height, first : first + piece.width]

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


def raise_relief(source: RandomSource, hull: Grid, piece: Grid | None = None) -> Relief:
    """Draw the hills, the valley and its waters.

    Valleys are where a noise field changes its sign, which makes them branch and wind as real
    ones do; the river is the zero line of a field that falls from north to south, so it crosses
    the whole region. A region drawn in pieces has a river every `RIVERS_APART_M`.

    Args:
        source: Random numbers of this piece of ground.
        hull: 10 m grid of the region.
        piece: 10 m grid of the piece, its corner whole relief pixels from the hull's; None: all of
            it, and as far beyond as elevation models want it.
    """
    pad = PAD_M if piece is None else PIECE_PAD_M
    ground = piece or hull
    grid = Grid(
        crs=hull.crs,
        ulx=ground.ulx - pad,
        uly=ground.uly + pad,
        pixel=PIXEL_M,
        width=(ground.width * 10 + 2 * pad) // PIXEL_M,
        height=(ground.height * 10 + 2 * pad) // PIXEL_M,
    )
    breadth = breadth_of(hull)
    margin = pad // PIXEL_M
    if source.is_whole:
        river = _river(source, grid.shape, breadth)
        from_river = _distance_to_river(river)
        distance = ndimage.gaussian_filter(from_river, 2.0)
    else:
        river = _rivers(source, grid, hull, breadth, margin)
        from_river = distance_to_zero(river, PIXEL_M)
        distance = np.abs(river)
    valley = 1.0 - np.exp(-((distance / (VALLEY_M * breadth)) ** 2))
    hills, streams = _hills(source, grid.shape, breadth, margin)
    height = valley * (15.0 + HILLS_M * breadth * hills) + 0.012 * np.minimum(distance, 4_000.0)
    height *= _fade(grid, hull)
    return Relief(grid, np.asarray(height, dtype=np.float32), river, from_river, streams)


@dataclass(frozen=True)
class WideRelief:
    """The relief of a large region, drawn where it is asked for."""

    seed: int
    """Seed of the region."""
    hull: Grid
    """10 m grid of the region."""

    def height_at(self, x: Coordinates, y: Coordinates) -> Field:
        """Interpolate the height above the background at eastings and northings, m, float32."""
        # Corners lie on the same lattice as those of all other pieces.
        step = 60
        down = floor((self.hull.uly - float(y.max())) / step) * step
        right = floor((float(x.min()) - self.hull.ulx) / step) * step
        ulx, uly = self.hull.ulx + right, self.hull.uly - down
        piece = Grid(
            crs=self.hull.crs,
            ulx=ulx,
            uly=uly,
            pixel=10,
            width=6 * ceil((float(x.max()) - ulx) / step),
            height=6 * ceil((uly - float(y.min())) / step),
        )
        source = RandomSource(self.seed, (down, right))
        return raise_relief(source, self.hull, piece).height_at(x, y)


def distance_to_zero(field: Field, pixel_m: float) -> Field:
    """Estimate the distance to the zero line of a field by |f| / |∇f|, m, float32.

    Exact to first order near the line, where banks need it; far away it is only a measure.
    """
    down, right = np.gradient(field, pixel_m)
    fall = ndimage.gaussian_filter(np.hypot(down, right), 60.0 / pixel_m, mode="nearest")
    return np.asarray(np.abs(field) / np.maximum(fall, 1e-6), dtype=np.float32)


def _river(source: RandomSource, shape: tuple[int, int], breadth: float) -> Field:
    bends = source.of("river").fractal(
        shape, PIXEL_M, 2_600.0 * breadth, shortest_m=260.0, slope=4.5
    )
    from_middle = (np.arange(shape[0]) - shape[0] * 0.5) * PIXEL_M
    tilted = 0.9 * bends + from_middle[:, np.newaxis] / (750.0 * breadth)
    return np.asarray(tilted, dtype=np.float32)


def _rivers(source: RandomSource, grid: Grid, hull: Grid, breadth: float, margin: int) -> Field:
    """Draw a field that is 0 along each river, rises by 1 per metre there, and has no jumps."""
    bends = source.of("river").fractal(
        grid.shape, PIXEL_M, 2_600.0 * breadth, shortest_m=260.0, slope=4.5, margin=margin
    )
    _, bottom, _, top = hull.bounds
    down = (top + bottom) / 2 - grid.uly + PIXEL_M * (np.arange(grid.height) + 0.5)
    waves = np.pi / RIVERS_APART_M * (down[:, np.newaxis] + 260.0 * breadth * bends)
    return np.asarray(RIVERS_APART_M / np.pi * np.sin(waves), dtype=np.float32)


def _distance_to_river(river: Field) -> Field:
    """Measure the distance to the line between north and south bank, islands and rings left out."""
    pieces, _ = ndimage.label(river > 0)
    south = np.isin(pieces, np.setdiff1d(pieces[-1], 0))
    pieces, _ = ndimage.label(~south)
    south = ~np.isin(pieces, np.setdiff1d(pieces[0], 0))
    both = [ndimage.distance_transform_edt(side, sampling=PIXEL_M) for side in (south, ~south)]
    return np.asarray(np.maximum(*both) - PIXEL_M / 2, dtype=np.float32)


def _hills(
    source: RandomSource, shape: tuple[int, int], breadth: float, margin: int
) -> tuple[Field, Field]:
    chance = source.of("hills")

    def waves(longest_m: float, shortest_m: float) -> Field:
        return chance.fractal(
            shape, PIXEL_M, longest_m, shortest_m=shortest_m, slope=4.4, margin=margin
        )

    broad, middle = waves(4_000.0 * breadth, 420.0), waves(1_500.0 * breadth, 190.0)
    small = waves(700.0, 90.0)
    uplift = smoothstep(broad, -1.5, 2.0)
    creased = 0.9 * uplift + np.abs(middle) * (0.12 + 0.3 * uplift)
    creased = creased + 0.07 * np.abs(small) * (0.3 + uplift)
    return np.asarray(creased, dtype=np.float32), middle


def _fade(grid: Grid, hull: Grid) -> Field:
    """Fall to 0 within `FADE_M` of the rim, which lies ``PAD_M`` beyond the hull."""

    def ramp(first: float, size: int, whole: int) -> Field:
        at = round(first / PIXEL_M) + np.arange(size)
        last = (whole * 10 + 2 * PAD_M) // PIXEL_M - 1
        from_edge = np.minimum(at, last - at).astype(np.float32)
        return smoothstep(from_edge * PIXEL_M, 0.0, FADE_M)

    down = ramp(hull.uly + PAD_M - grid.uly, grid.height, hull.height)
    right = ramp(grid.ulx - hull.ulx + PAD_M, grid.width, hull.width)
    return np.asarray(down[:, np.newaxis] * right, dtype=np.float32)
