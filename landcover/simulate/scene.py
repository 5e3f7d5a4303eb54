"""What the sensor sees at one acquisition: lit ground, haze and cloud, and how they are classed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.simulate import hard_sky
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.ground import Bands
from landcover.simulate.landscape import Classes
from landcover.simulate.noise import Field, coarsen, refine, smoothstep
from landcover.simulate.random_fields import Chance, RandomSource
from landcover.simulate.sky import Mask, Sky, Sun
from landcover.simulate.spectra import RESOLUTION

CLOUD = {
    "B01": 0.66, "B02": 0.64, "B03": 0.63, "B04": 0.65, "B05": 0.67, "B06": 0.68, "B07": 0.69,
    "B08": 0.69, "B8A": 0.70, "B09": 0.55, "B11": 0.46, "B12": 0.33,
}  # fmt: skip
"""Reflectance of thick cloud: bright and even, darker where ice and water absorb."""
SNOW = {
    "B01": 0.75, "B02": 0.76, "B03": 0.75, "B04": 0.74, "B05": 0.73, "B06": 0.71, "B07": 0.69,
    "B08": 0.67, "B8A": 0.64, "B09": 0.55, "B11": 0.11, "B12": 0.09,
}  # fmt: skip
"""Reflectance of snow, half old."""
SHADE_LEFT = {
    "B01": 0.55, "B02": 0.50, "B03": 0.46, "B04": 0.42, "B05": 0.42, "B06": 0.40, "B07": 0.40,
    "B08": 0.39, "B8A": 0.38, "B09": 0.40, "B11": 0.33, "B12": 0.31,
}  # fmt: skip
"""Share of the light that remains in full cloud shadow: blue sky light reaches in, infrared not."""
HAZE = {"B01": 0.05, "B02": 0.042, "B03": 0.03, "B04": 0.02, "B05": 0.017, "B06": 0.013}
"""Reflectance that atmospheric correction leaves behind per unit of AOT above 0.1."""
DIFFUSE = 0.35
"""Share of diffuse light in the illumination of slopes: the C of the C-correction, about real."""
SENSOR_NOISE = 0.0012
"""Standard deviation of the noise of one pixel, reflectance (SNR about 100 on vegetation)."""
GAIN_NOISE = 0.012
"""Standard deviation of what differs between dates: view angle and atmospheric correction."""
VEGETATED_NDVI = 0.34
"""NDVI from which the classification calls ground vegetated."""


@dataclass(frozen=True)
class Scene:
    """Reflectance and layers of one acquisition over a piece of ground."""

    bands: Bands
    """Band → reflectance 0-1, float32, at its own resolution."""
    scl: npt.NDArray[np.uint8]
    """Scene classification 0-11, uint8, 20 m."""
    aot: Field
    """Aerosol optical thickness, 10 m."""
    wvp: Field
    """Water vapour, cm, 10 m."""
    sky: Sky
    """What was in between."""
    truth: npt.NDArray[np.uint8] | None = None
    """Cloud and shadow as a person would draw them, codes of `hard_sky`, uint8, 20 m; None where
    clouds are easy to tell."""

    def is_nodata(self, resolution: int) -> Mask:
        """Tell which pixels lie outside the swath at 10, 20 or 60 m, in part or whole."""
        outside = self.sky.is_nodata
        if resolution == 10:
            return outside.repeat(2, axis=0).repeat(2, axis=1)
        factor = resolution // 20
        return coarsen(outside.astype(np.float32), factor) > 0 if factor > 1 else outside


@dataclass(frozen=True)
class Surface:
    """What a scene has to know of the ground besides its reflectance, on 10 m pixels."""

    classes: Classes
    """Map code 1-9, uint8, (y, x)."""
    elevation: Field
    """Height, m, float32, (y, x)."""
    snow_line: float
    """Height of the lowest snow in winter, m."""


def draw_scene(
    source: RandomSource,
    surface: Surface,
    ground: Bands,
    acquisition: Acquisition,
    sky: Sky,
    sun: Sun,
) -> Scene:
    """Light the ground, lay haze, snow, shadow and cloud over it, and classify the result.

    Args:
        source: Random numbers of this piece of ground.
        surface: The ground's shape and cover, its sides multiples of 60 m.
        ground: Its reflectance lit from above, as `draw_ground` gives it.
        acquisition: Date and conditions.
        sky: Clouds over it.
        sun: Mean angles over the region.
    """
    chance = source.of(f"scene {acquisition.name}")
    aot, wvp = _air(chance, surface.elevation.shape, acquisition)
    light = illumination(surface.elevation, sun)
    snow = _snow(chance, surface, acquisition)
    soil = None
    if acquisition.is_hard:
        lasting, now = (
            source.of(f"slopes {acquisition.season}"),
            source.of(f"soil {acquisition.name}"),
        )
        light = light * hard_sky.shade_slopes(source.of("shaded slopes"), light.shape)
        soil = hard_sky.brighten_soil(now, surface.classes, lasting)
    layers = {10: _Layers.at(10, sky, light, snow, aot)}
    layers[20], layers[60] = (_Layers.at(size, sky, light, snow, aot) for size in (20, 60))
    gain = 1.0 + GAIN_NOISE * chance.normal()
    clear, bands = {}, {}
    for band, resolution in RESOLUTION.items():
        over = layers[resolution]
        own = gain + 0.4 * GAIN_NOISE * chance.normal()
        bare = ground[band]
        if soil is not None:
            bare = bare + coarsen(soil, resolution // 10) * (hard_sky.SOIL[band] - bare)
        lit = bare * (own * over.light)
        lit += over.snow * (SNOW[band] - lit)
        clear[band] = lit
        lit = lit * (1.0 - (1.0 - SHADE_LEFT[band]) * over.shade)
        lit += HAZE.get(band, 0.01) * (over.aot - 0.1)
        lit += over.cirrus * (0.9 * CLOUD[band] - lit)
        lit += over.opacity * (CLOUD[band] * over.brightness - lit)
        lit += SENSOR_NOISE * chance.white(lit.shape, resolution)
        bands[band] = lit
    scl = _classify(chance, surface, clear, layers[20], sky)
    if not acquisition.is_hard:
        return Scene(bands, scl, aot, wvp, sky)
    truth = hard_sky.truth_of(sky.opacity, sky.cirrus, sky.shade, sky.is_nodata)
    if acquisition.has_good_classes:
        return Scene(bands, scl, aot, wvp, sky, truth)
    none = np.zeros_like(sky.opacity)
    nothing = replace(
        sky, opacity=none, shade=none, cirrus=none, is_cloud=none > 0, is_shadow=none > 0,
        is_cirrus=none > 0,
    )  # fmt: skip
    apart = source.of(f"classes {acquisition.name}")
    ground_only = _classify(apart, surface, clear, layers[20], nothing)
    errors = source.of(f"errors {acquisition.name}")
    poor = hard_sky.degrade(errors, ground_only, truth, sky.opacity, sky.shade, clear)
    poor[sky.is_nodata] = 0
    return Scene(bands, poor, aot, wvp, sky, truth)


def illumination(elevation: Field, sun: Sun) -> Field:
    """Compute how much brighter than flat ground a slope is lit, float32, 0.3 … 1.7.

    (cos i + C) / (cos θ + C): the C-correction (Teillet 1982) the other way round.

    Args:
        elevation: Height on 10 m pixels, north up, m.
        sun: Where the sun stands.
    """
    down, right = np.gradient(elevation, np.float32(10.0))
    zenith, azimuth = np.radians(sun.zenith), np.radians(sun.azimuth)
    toward = np.sin(azimuth) * right - np.cos(azimuth) * down
    cosine = (np.cos(zenith) - np.sin(zenith) * toward) / np.sqrt(1.0 + down**2 + right**2)
    light = (np.clip(cosine, 0.0, 1.0) + DIFFUSE) / (np.cos(zenith) + DIFFUSE)
    return np.asarray(np.clip(light, 0.3, 1.7), dtype=np.float32)


@dataclass(frozen=True)
class _Layers:
    """All that lies over the ground, at one resolution."""

    light: Field
    snow: Field
    shade: Field
    opacity: Field
    brightness: Field
    cirrus: Field
    aot: Field

    @classmethod
    def at(cls, resolution: int, sky: Sky, light: Field, snow: Field, aot: Field) -> _Layers:
        def of_sky(field: Field) -> Field:
            return refine(field, 2) if resolution == 10 else coarsen(field, resolution // 20)

        def of_ground(field: Field) -> Field:
            return coarsen(field, resolution // 10)

        opacity = of_sky(sky.opacity)
        return cls(
            light=of_ground(light),
            snow=of_ground(snow),
            shade=of_sky(sky.shade),
            opacity=opacity,
            brightness=0.72 + 0.4 * opacity,
            cirrus=of_sky(sky.cirrus),
            aot=of_ground(aot),
        )


def _air(chance: Chance, shape: tuple[int, ...], acquisition: Acquisition) -> tuple[Field, Field]:
    summer = 1.0 if acquisition.season == "summer" else acquisition.to_summer
    coarse = (shape[0] // 6, shape[1] // 6)
    fields = [chance.fractal(coarse, 60.0, 6_000.0, shortest_m=500.0, slope=3.5) for _ in "aw"]
    aot = chance.uniform(0.07, 0.16) + 0.03 * summer + 0.012 * refine(fields[0], 6)
    wvp = chance.uniform(1.0, 1.8) + 0.9 * summer + 0.08 * refine(fields[1], 6)
    return aot.clip(0.02), wvp.clip(0.2)


def _snow(chance: Chance, surface: Surface, acquisition: Acquisition) -> Field:
    if not acquisition.has_snow:
        return np.zeros(surface.elevation.shape, dtype=np.float32)
    line = surface.snow_line
    uneven = chance.fractal(surface.elevation.shape, 10.0, 400.0, shortest_m=20.0)
    cover = smoothstep(surface.elevation + 9.0 * uneven, line, line + 12.0)
    cover[np.isin(surface.classes, (1, 2, 9))] *= 0.3
    return 0.9 * cover


def _classify(
    chance: Chance, surface: Surface, clear: Bands, over: _Layers, sky: Sky
) -> npt.NDArray[np.uint8]:
    """Class each 20 m pixel as the L2A processor would, its ordinary faults included."""
    red, infrared = coarsen(clear["B04"], 2), coarsen(clear["B08"], 2)
    ndvi = (infrared - red) / np.maximum(infrared + red, 1e-4)
    ndvi += 0.02 * chance.white(ndvi.shape, 20.0)
    scl = np.where(ndvi > VEGETATED_NDVI, 4, 5).astype(np.uint8)
    dim = chance.fractal(ndvi.shape, 20.0, 600.0)
    scl[(np.abs(ndvi - VEGETATED_NDVI) < 0.03) & (dim > 1.2)] = 7
    wet = coarsen((surface.classes == 9).astype(np.float32), 2)
    scl[(wet > 0.5) & (infrared < 0.09)] = 6
    scl[(over.light < 0.5) & (infrared < 0.12)] = 2
    scl[ndimage.binary_opening(over.snow > 0.2)] = 11
    partly = (sky.shade > 0.25) & (scl != 6) & (dim > 1.0)
    scl[partly] = 2
    scl[sky.is_shadow] = 3
    scl[sky.is_cirrus] = 10
    scl[sky.is_cloud] = np.where(sky.opacity[sky.is_cloud] > 0.6, 9, 8)
    scl[sky.is_nodata] = 0
    return scl
