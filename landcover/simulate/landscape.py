"""The true land cover of the simulated region: nine classes where they would be found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.nouns.grid import Grid
from landcover.simulate.noise import Field, power_noise, smoothstep, standardise, stream
from landcover.simulate.parcels import Parcels, divide, mean_per_parcel, per_parcel
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
"""Map code and label of each class (spec: ground_truth §3)."""

SHARES = {9: 0.045, 5: 0.04, 8: 0.07, 7: 0.27, 1: 0.19, 2: 0.11, 6: 0.045, 4: 0.11}
"""Share of the region that each class gets; what is left is shrubland (about 0.12)."""


@dataclass(frozen=True)
class Landscape:
    """The ground that all scenes of a region show, on the 10 m pixels of the hull."""

    hull: Grid
    """Grid of the arrays."""
    classes: Classes
    """Map code 1-9 of each pixel, uint8, (y, x)."""
    elevation: Field
    """Height, m, float32, (y, x)."""
    relief: Relief
    """The same heights beyond the hull."""
    parcels: Parcels
    """Fields, plots and lanes."""


def draw_landscape(seed: int, hull: Grid) -> Landscape:
    """Draw relief, fields and the class of each pixel.

    Args:
        seed: Same seed, same ground.
        hull: 10 m grid of the region.
    """
    relief = raise_relief(seed, hull)
    left, _, _, top = hull.bounds
    x = left + 5.0 + 10.0 * np.arange(hull.width)[np.newaxis, :]
    y = top - 5.0 - 10.0 * np.arange(hull.height)[:, np.newaxis]
    height = relief.on_hull(relief.height, hull)
    parcels = divide(seed, hull.shape, hull.pixel)
    # The field knows the banks to a metre, the distance knows which of its zero lines is the river.
    near_bank = distance_to_zero(relief.on_hull(relief.river, hull), hull.pixel)
    terrain = _Terrain(
        height=height,
        to_river=np.maximum(near_bank, relief.on_hull(relief.from_river, hull) - 60.0),
        to_stream=distance_to_zero(relief.on_hull(relief.streams, hull), hull.pixel),
        parcels=parcels,
        seed=seed,
        breadth=breadth_of(hull),
    )
    classes = _assign(terrain)
    elevation = np.asarray(height + background(x, y), dtype=np.float32)
    return Landscape(hull, classes, elevation, relief, parcels)


@dataclass(frozen=True)
class _Terrain:
    height: Field
    to_river: Field
    to_stream: Field
    parcels: Parcels
    seed: int
    breadth: float

    def noise(self, name: str, longest_m: float, slope: float = 3.0) -> Field:
        rng = stream(self.seed, name)
        return power_noise(
            rng,
            self.height.shape,
            10.0,
            longest_m * self.breadth,
            shortest_m=18.0,
            slope=slope,
        )

    def steepness(self) -> Field:
        down, right = np.gradient(ndimage.gaussian_filter(self.height, 3.0), 10.0)
        return np.asarray(np.degrees(np.arctan(np.hypot(down, right))), dtype=np.float32)

    def north_facing(self) -> Field:
        down = np.gradient(ndimage.gaussian_filter(self.height, 4.0), 10.0, axis=0)
        return np.asarray(np.clip(down / 0.25, -1.0, 1.0), dtype=np.float32)


def _assign(terrain: _Terrain) -> Classes:
    """Give each class its share where its score is highest, the choosiest class first."""
    fields, steep, slope_north = terrain.parcels.field, terrain.steepness(), terrain.north_facing()
    broad, fine = terrain.noise("cover", 1_100.0), terrain.noise("patches", 320.0, 2.6)
    parcel_luck = per_parcel(
        fields, stream(terrain.seed, "luck").standard_normal(1 << 16, dtype=np.float32)
    )
    flat = np.asarray(-steep / 6.0, dtype=np.float32)
    classes = np.zeros(steep.shape, dtype=np.uint8)
    _take(classes, 9, _water_score(terrain), SHARES[9])
    to_water = np.asarray(
        ndimage.distance_transform_edt(classes != 9, sampling=10.0), dtype=np.float32
    )
    _take(classes, 5, -to_water / 90.0 + 1.1 * broad + 0.5 * fine + 0.5 * flat, SHARES[5])
    _take(classes, 8, _town_score(terrain, flat, parcel_luck), SHARES[8])
    gully = np.exp(-((terrain.to_stream / 30.0) ** 2)) * (fine > -0.2)
    wood = mean_per_parcel(fields, broad) + 0.7 * parcel_luck > 2.15
    classes[(classes == 0) & (wood | ((gully > 0.45) & (steep < 9)))] = 2
    farmed = mean_per_parcel(fields, flat + 0.35 * broad) + 0.25 * parcel_luck
    _take(classes, 7, farmed, SHARES[7])
    _take(
        classes, 4, mean_per_parcel(fields, flat - 0.6 * broad) + 0.5 * parcel_luck, SHARES[4] * 0.6
    )
    shade = terrain.noise("forest", 800.0) + 0.45 * fine + 0.8 * slope_north + 0.6 * gully
    ridge = smoothstep(standardise(terrain.height), 0.0, 2.0)
    bare = 1.1 * ridge + 0.04 * steep - slope_north + terrain.noise("rock", 300.0, 2.4)
    bare += 1.2 * np.exp(-((to_water / 40.0) ** 2))
    _take(classes, 6, bare - 0.8 * shade, SHARES[6])
    _take(classes, 1, shade + 0.25 * flat, SHARES[1])
    _take(classes, 2, shade + 0.7 * terrain.noise("open", 180.0, 2.2), SHARES[2])
    _take(classes, 4, broad - 0.5 * fine - 0.3 * slope_north, SHARES[4])
    classes[classes == 0] = 3
    return _without_specks(classes)


def _take(classes: Classes, code: int, score: Field, share: float) -> None:
    """Give ``code`` the free pixels of highest score until it holds its share of all."""
    free = classes == 0
    wanted = round(share * classes.size) - int((classes == code).sum())
    if wanted <= 0:
        return
    values = score[free]
    limit = np.partition(values, len(values) - wanted)[len(values) - wanted]
    classes[free & (score >= limit)] = code


def _water_score(terrain: _Terrain) -> Field:
    """Rank pixels: the river first, then lakes that fill hollows along a contour."""
    width = 20.0 + 7.0 * terrain.noise("banks", 700.0, 4.0)
    bank = np.asarray(width.clip(12.0), dtype=np.float32)
    river = smoothstep(bank - terrain.to_river, -1.0, 0.0)
    basin = power_noise(
        stream(terrain.seed, "lakes"),
        terrain.height.shape,
        10.0,
        2_500.0 * terrain.breadth,
        shortest_m=90.0,
        slope=4.5,
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
