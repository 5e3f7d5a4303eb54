"""The true land cover of the simulated region: nine classes where they would be found."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.nouns.grid import Grid
from landcover.simulate.noise import Field, smoothstep, standardise
from landcover.simulate.parcels import Parcels, divide, mean_per_parcel, per_parcel
from landcover.simulate.random_fields import RandomSource
from landcover.simulate.relief import (
    Relief,
    background,
    breadth_of,
    distance_to_zero,
    raise_relief,
)

Classes = npt.NDArray[np.uint8]

CLASS_NAMES = {
    1: "closedForest",
    2: "openForest",
    3: "shrubland",
    4: "herbaceousVegetation",
    5: "herbaceousWetland",
    6: "bareSparseVegetation",
    7: "cropland",
    8: "builtUp",
    9: "permanentWater",
}
"""Map code and label of each class (docs/methods/labels.md#classes)."""

SHARES = {9: 0.045, 5: 0.04, 8: 0.07, 7: 0.27, 1: 0.19, 2: 0.11, 6: 0.045, 4: 0.11}
"""Share of the region that each class gets; what is left is shrubland (about 0.12)."""


REACH_PIXELS = 78
"""How far around a pixel the ground decides its class: fields and their neighbours, the distance
to water. A piece of ground is right where its rim is farther than this."""
_FAR_M = 600.0
"""Distance to water beyond which it makes no difference, m."""
_SNOW_LINE = 0.985
"""Share of the ground that lies below the lowest snow."""


@dataclass(frozen=True)
class Landscape:
    """The ground that all scenes of a region show, on 10 m pixels."""

    hull: Grid
    """Grid of the arrays: of the region or a piece of it."""
    classes: Classes
    """Map code 1-9 of each pixel, uint8, (y, x)."""
    elevation: Field
    """Height, m, float32, (y, x)."""
    relief: Relief
    """The same heights beyond the hull."""
    parcels: Parcels
    """Fields, plots and lanes."""
    snow_line: float
    """Height of the lowest snow in winter, m."""


@dataclass(frozen=True)
class Survey:
    """What a piece of ground has to know of the whole region."""

    limits: tuple[float, ...]
    """Score from which each claim of `_assign` gets a pixel, in order."""
    mean_height: float
    """Mean height above the background, m."""
    spread_of_height: float
    """Standard deviation of the same, m."""
    snow_line: float
    """Height of the lowest snow, m."""


def draw_landscape(seed: int, hull: Grid) -> Landscape:
    """Draw relief, fields and the class of each pixel of a small region, whole.

    Args:
        seed: Same seed, same ground.
        hull: 10 m grid of the region.
    """
    terrain = _terrain(RandomSource(seed), hull, hull, raise_relief(RandomSource(seed), hull))
    elevation = _elevation(terrain.height, hull)
    classes, _ = _settle([terrain], standardise(terrain.height))
    snow_line = float(np.quantile(elevation, _SNOW_LINE))
    return Landscape(hull, classes[0], elevation, terrain.relief, terrain.parcels, snow_line)


def survey(seed: int, hull: Grid, pieces: Sequence[Grid]) -> Survey:
    """Look at sample pieces of a large region: how high is it, who gets which pixels.

    Args:
        seed: Seed of the region.
        hull: 10 m grid of the region.
        pieces: Grids of one size that lie all over it, `REACH_PIXELS` included on each side.
    """
    inner = slice(REACH_PIXELS, -REACH_PIXELS)
    terrains = [_piece(seed, hull, piece) for piece in pieces]
    heights = np.stack([terrain.height[inner, inner] for terrain in terrains])
    mean, spread = float(heights.mean()), float(heights.std())
    ridges = [_ridge(terrain.height, mean, spread) for terrain in terrains]
    _, limits = _settle(terrains, *ridges, inner=inner)
    above_sea = [
        _elevation(terrain.height, piece)[inner, inner]
        for terrain, piece in zip(terrains, pieces, strict=True)
    ]
    return Survey(limits, mean, spread, float(np.quantile(np.stack(above_sea), _SNOW_LINE)))


def draw_piece(seed: int, hull: Grid, piece: Grid, known: Survey) -> Landscape:
    """Draw a piece of a large region; it is right but for a rim of `REACH_PIXELS`."""
    terrain = _piece(seed, hull, piece)
    claims = _assign(terrain, _ridge(terrain.height, known.mean_height, known.spread_of_height))
    classes = _answer(claims, known.limits)
    elevation = _elevation(terrain.height, piece)
    return Landscape(piece, classes, elevation, terrain.relief, terrain.parcels, known.snow_line)


def corner_m(hull: Grid, piece: Grid) -> tuple[int, int]:
    """Give the place of a piece's corner: metres below and right of the region's."""
    return round(hull.uly - piece.uly), round(piece.ulx - hull.ulx)


def _piece(seed: int, hull: Grid, piece: Grid) -> _Terrain:
    source = RandomSource(seed, corner_m(hull, piece))
    return _terrain(source, hull, piece, raise_relief(source, hull, piece))


def _ridge(height: Field, mean: float, spread: float) -> Field:
    return np.asarray((height - np.float32(mean)) / np.float32(spread), dtype=np.float32)


def _elevation(height: Field, grid: Grid) -> Field:
    left, _, _, top = grid.bounds
    x = left + 5.0 + 10.0 * np.arange(grid.width)[np.newaxis, :]
    y = top - 5.0 - 10.0 * np.arange(grid.height)[:, np.newaxis]
    return np.asarray(height + background(x, y), dtype=np.float32)


def _terrain(source: RandomSource, hull: Grid, piece: Grid, relief: Relief) -> _Terrain:
    # The field knows the banks to a metre, the distance knows which of its zero lines is the river.
    near_bank = distance_to_zero(relief.on(relief.river, piece), piece.pixel)
    return _Terrain(
        height=relief.on(relief.height, piece),
        to_river=np.maximum(near_bank, relief.on(relief.from_river, piece) - 60.0),
        to_stream=distance_to_zero(relief.on(relief.streams, piece), piece.pixel),
        parcels=divide(source, piece.shape, piece.pixel),
        relief=relief,
        source=source,
        breadth=breadth_of(hull),
    )


@dataclass(frozen=True)
class _Terrain:
    height: Field
    to_river: Field
    to_stream: Field
    parcels: Parcels
    relief: Relief
    source: RandomSource
    breadth: float

    def noise(self, name: str, longest_m: float, slope: float = 3.0) -> Field:
        return self.source.of(name).fractal(
            self.height.shape, 10.0, longest_m * self.breadth, shortest_m=18.0, slope=slope
        )

    def steepness(self) -> Field:
        down, right = np.gradient(ndimage.gaussian_filter(self.height, 3.0), 10.0)
        return np.asarray(np.degrees(np.arctan(np.hypot(down, right))), dtype=np.float32)

    def north_facing(self) -> Field:
        down = np.gradient(ndimage.gaussian_filter(self.height, 4.0), 10.0, axis=0)
        return np.asarray(np.clip(down / 0.25, -1.0, 1.0), dtype=np.float32)


def _assign(terrain: _Terrain, ridge: Field) -> Generator[_Claim, float, Classes]:
    """Give each class its share where its score is highest, the choosiest class first.

    It asks for the limit of each score, since that may hang on more ground than this.
    """
    fields, steep, slope_north = terrain.parcels.field, terrain.steepness(), terrain.north_facing()
    broad, fine = terrain.noise("cover", 1_100.0), terrain.noise("patches", 320.0, 2.6)
    luck = terrain.source.of("luck").normals(1 << 16)
    parcel_luck = per_parcel(terrain.parcels.field_key, luck)
    flat = np.asarray(-steep / 6.0, dtype=np.float32)
    classes = np.zeros(steep.shape, dtype=np.uint8)
    yield from _take(classes, 9, _water_score(terrain), SHARES[9])
    to_water = _distance_to_water(classes)
    shore = -to_water / 90.0 + 1.1 * broad + 0.5 * fine + 0.5 * flat
    yield from _take(classes, 5, shore, SHARES[5])
    yield from _take(classes, 8, _town_score(terrain, flat, parcel_luck), SHARES[8])
    gully = np.exp(-((terrain.to_stream / 30.0) ** 2)) * (fine > -0.2)
    wood = mean_per_parcel(fields, broad) + 0.7 * parcel_luck > 2.15
    classes[(classes == 0) & (wood | ((gully > 0.45) & (steep < 9)))] = 2
    farmed = mean_per_parcel(fields, flat + 0.35 * broad) + 0.25 * parcel_luck
    yield from _take(classes, 7, farmed, SHARES[7])
    yield from _take(
        classes, 4, mean_per_parcel(fields, flat - 0.6 * broad) + 0.5 * parcel_luck, SHARES[4] * 0.6
    )
    shade = terrain.noise("forest", 800.0) + 0.45 * fine + 0.8 * slope_north + 0.6 * gully
    bare = 1.1 * smoothstep(ridge, 0.0, 2.0) + 0.04 * steep - slope_north
    bare = bare + terrain.noise("rock", 300.0, 2.4)
    bare += 1.2 * np.exp(-((to_water / 40.0) ** 2))
    yield from _take(classes, 6, bare - 0.8 * shade, SHARES[6])
    yield from _take(classes, 1, shade + 0.25 * flat, SHARES[1])
    yield from _take(classes, 2, shade + 0.7 * terrain.noise("open", 180.0, 2.2), SHARES[2])
    yield from _take(classes, 4, broad - 0.5 * fine - 0.3 * slope_north, SHARES[4])
    classes[classes == 0] = 3
    return _without_specks(classes)


@dataclass(frozen=True)
class _Claim:
    """A class that asks for the free pixels of highest score until it has its share of all."""

    classes: Classes
    code: int
    score: Field
    share: float


def _take(
    classes: Classes, code: int, score: Field, share: float
) -> Generator[_Claim, float, None]:
    limit = yield _Claim(classes, code, score, share)
    classes[(classes == 0) & (score >= limit)] = code


def _settle(
    terrains: Sequence[_Terrain], *ridges: Field, inner: slice = slice(None)
) -> tuple[list[Classes], tuple[float, ...]]:
    """Let the claims of several pieces of ground compete, and tell the limits that they met."""
    assignments = [_assign(*both) for both in zip(terrains, ridges, strict=True)]
    claims = [next(assignment) for assignment in assignments]
    limits: list[float] = []
    while True:
        limits.append(_limit(claims, inner))
        settled, claims = [], []
        for assignment in assignments:
            try:
                claims.append(assignment.send(limits[-1]))
            except StopIteration as end:
                settled.append(end.value)
        if settled:
            return settled, tuple(limits)


def _answer(assignment: Generator[_Claim, float, Classes], limits: Sequence[float]) -> Classes:
    next(assignment)
    try:
        for limit in limits:
            assignment.send(limit)
    except StopIteration as end:
        return np.asarray(end.value, dtype=np.uint8)
    raise AssertionError("more claims than limits")


def _limit(claims: Sequence[_Claim], inner: slice) -> float:
    classes = np.stack([claim.classes[inner, inner] for claim in claims])
    wanted = round(claims[0].share * classes.size) - int((classes == claims[0].code).sum())
    if wanted <= 0:
        return inf
    free = classes == 0
    values = np.stack([claim.score[inner, inner] for claim in claims])[free]
    return float(np.partition(values, len(values) - wanted)[len(values) - wanted])


def _distance_to_water(classes: Classes) -> Field:
    """Measure the distance to the nearest water, m; `_FAR_M` where there is none near."""
    if not (classes == 9).any():
        return np.full(classes.shape, _FAR_M, dtype=np.float32)
    distance = ndimage.distance_transform_edt(classes != 9, sampling=10.0)
    return np.asarray(np.minimum(distance, _FAR_M), dtype=np.float32)


def _water_score(terrain: _Terrain) -> Field:
    """Rank pixels: the river first, then lakes that fill hollows along a contour."""
    width = 20.0 + 7.0 * terrain.noise("banks", 700.0, 4.0)
    bank = np.asarray(width.clip(12.0), dtype=np.float32)
    river = smoothstep(bank - terrain.to_river, -1.0, 0.0)
    basin = terrain.source.of("lakes").fractal(
        terrain.height.shape, 10.0, 2_500.0 * terrain.breadth, shortest_m=90.0, slope=4.5
    )
    hollow = 2.5 * basin - terrain.height / (25.0 * terrain.breadth)
    return np.asarray(100.0 * river + hollow, dtype=np.float32)


def _town_score(terrain: _Terrain, flat: Field, luck: Field) -> Field:
    """Rank fields: towns on gentle ground, compact, and some farmsteads apart."""
    town = 1.5 * terrain.noise("towns", 900.0, 4.0) + 0.9 * flat
    town -= 0.8 * smoothstep(-terrain.to_river, -140.0, -40.0)
    return mean_per_parcel(terrain.parcels.field, town) + 0.3 * luck


def _without_specks(classes: Classes) -> Classes:
    """Give each pixel the commonest class of its 3 × 3 pixels; water keeps its shape."""
    votes = np.stack(
        [
            ndimage.uniform_filter((classes == code).astype(np.float32), 3, mode="nearest")
            for code in CLASS_NAMES
        ]
    )
    votes += 0.01 * np.stack([classes == code for code in CLASS_NAMES])
    smooth = np.asarray(votes.argmax(axis=0) + 1, dtype=np.uint8)
    is_water = classes == 9
    smooth[is_water] = 9
    smooth[(smooth == 9) & ~is_water] = classes[(smooth == 9) & ~is_water]
    return smooth
