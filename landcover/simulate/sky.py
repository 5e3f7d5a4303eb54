"""Sun, clouds, shadows and the edge of the swath at one acquisition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.noise import Field, power_noise, smoothstep, stream, texture
from landcover.simulate.relief import breadth_of
from landcover.simulate.site import Site

Mask = npt.NDArray[np.bool_]

PIXEL_M = 20
"""Pixel of the sky, m: that of the scene classification."""
PAD = 130
"""Sky around the hull, pixels: clouds out there throw shadows in here."""
SWATH_TILT = 0.21
"""Tangent of the angle between the edge of a descending swath and north (12°)."""
CLOUD_TOP_M = (450.0, 1_000.0)
"""Range of the height of clouds above ground, m: low cumulus, so that shadows stay near."""


@dataclass(frozen=True)
class Sun:
    """Where the sun stands."""

    zenith: float
    """Angle from the vertical, degrees."""
    azimuth: float
    """Degrees clockwise from north."""


@dataclass(frozen=True)
class Sky:
    """What lies between the ground and the sensor, on the 20 m pixels of the hull."""

    is_nodata: Mask
    """True outside the swath."""
    opacity: Field
    """Share of the light that comes from cloud, 0-1."""
    shade: Field
    """Share of the sunlight that a cloud takes away, 0-1."""
    cirrus: Field
    """The same as opacity for thin cirrus, 0-0.15."""
    is_cloud: Mask
    """True where the classification sees cloud: without one or two pixels of the rim."""
    is_shadow: Mask
    """True where it sees cloud shadow."""
    is_cirrus: Mask
    """True where it sees cirrus."""


def sun_at(moment: datetime, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Field, Field]:
    """Compute the sun's zenith and azimuth, degrees, float32 arrays.

    Low-precision formulas of the Astronomical Almanac, good to 0.01 degree from 1950 to 2050.

    Args:
        moment: UTC.
        lon: Longitude, degrees.
        lat: Latitude, degrees.
    """
    days = (moment - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = np.radians(
        280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly)
    )
    tilt = np.radians(23.439)
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    sidereal = np.radians((280.46062 + 360.98564737 * days) % 360)
    hour_angle = sidereal + np.radians(np.asarray(lon)) - ascension
    phi = np.radians(np.asarray(lat))
    up = np.sin(phi) * np.sin(declination)
    up = up + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination)
    north = north - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    zenith = np.degrees(np.arccos(np.clip(up, -1, 1)))
    azimuth = np.degrees(np.arctan2(east, north)) % 360
    return np.asarray(zenith, dtype=np.float32), np.asarray(azimuth, dtype=np.float32)


def draw_sky(seed: int, site: Site, acquisition: Acquisition, sun: Sun) -> Sky:
    """Draw the clouds of one acquisition over all tiles at once.

    Clouds are where a fractal field exceeds a threshold. The threshold is set on the tile with most
    cloud for a good product, and on the one with least for a refused product.
    """
    rng = stream(seed, f"sky {acquisition.name}")
    rows, columns = site.hull.height // 2, site.hull.width // 2
    is_nodata = _outside_swath(site, acquisition)
    longest = (1_100.0 if acquisition.cloud < 0.2 else 2_200.0) * breadth_of(site.hull)
    wide = power_noise(
        rng, (rows + 2 * PAD, columns + 2 * PAD), PIXEL_M, longest, shortest_m=34.0, slope=3.3
    )
    inner = (slice(PAD, PAD + rows), slice(PAD, PAD + columns))
    limit = _threshold(wide[inner], site, acquisition, is_nodata)
    opacity = 0.97 * smoothstep(wide, limit - 0.15, limit + 0.75)
    height = float(rng.uniform(*CLOUD_TOP_M))
    shade = _cast(opacity, height, sun)[inner]
    is_cloud = _without_rim(rng, wide[inner] > limit) & ~is_nodata
    cirrus = _draw_cirrus(rng, site, acquisition, is_nodata)
    is_shadow = ndimage.binary_erosion(shade > 0.4, border_value=1) & ~is_cloud & ~is_nodata
    return Sky(
        is_nodata=is_nodata,
        opacity=np.ascontiguousarray(opacity[inner]),
        shade=np.ascontiguousarray(shade),
        cirrus=cirrus,
        is_cloud=is_cloud,
        is_shadow=is_shadow,
        is_cirrus=(cirrus > 0.05) & ~is_cloud & ~is_shadow & ~is_nodata,
    )


def _threshold(field: Field, site: Site, acquisition: Acquisition, is_nodata: Mask) -> float:
    limits = [
        float(np.quantile(field[part][~is_nodata[part]], 1.0 - acquisition.cloud))
        for part in (site.slices(tile, 2) for tile in site.tiles)
    ]
    return min(limits) if acquisition.is_refused else max(limits)


def _outside_swath(site: Site, acquisition: Acquisition) -> Mask:
    """Find the 20 m pixels beyond the edge of the swath, which leans as a descending orbit does."""
    rows, columns = np.indices((site.hull.height // 2, site.hull.width // 2), dtype=np.float32)
    if acquisition.wedge is None:
        return np.zeros(rows.shape, dtype=np.bool_)
    across = columns + SWATH_TILT * rows
    if acquisition.wedge == "east":
        across = -across
    parts = [across[site.slices(tile, 2)] for tile in site.tiles]
    outermost = min(parts, key=lambda part: float(part.mean()))
    return np.asarray(across < np.quantile(outermost, acquisition.wedge_share))


def _cast(opacity: Field, height: float, sun: Sun) -> Field:
    reach = height * np.tan(np.radians(min(sun.zenith, 66.0))) / PIXEL_M
    azimuth = np.radians(sun.azimuth)
    down, right = round(reach * np.cos(azimuth)), round(-reach * np.sin(azimuth))
    cast = np.roll(opacity, (int(down), int(right)), axis=(0, 1))
    return ndimage.gaussian_filter(cast, 0.8)


def _without_rim(rng: np.random.Generator, is_cloud: Mask) -> Mask:
    """Drop one pixel of the rim everywhere and a second one here and there."""
    once = ndimage.binary_erosion(is_cloud, border_value=1)
    twice = ndimage.binary_erosion(once, border_value=1)
    return np.asarray(np.where(texture(rng, is_cloud.shape, 4.0) > 0.4, twice, once))


def _draw_cirrus(
    rng: np.random.Generator, site: Site, acquisition: Acquisition, is_nodata: Mask
) -> Field:
    if acquisition.cirrus <= 0:
        return np.zeros(is_nodata.shape, dtype=np.float32)
    veil = power_noise(rng, is_nodata.shape, PIXEL_M, 3_000.0, shortest_m=250.0, slope=3.6)
    sliding = 0.6 * veil + 0.8 * np.roll(veil, 9, axis=1)
    tops = [
        float(np.quantile(sliding[site.slices(tile, 2)], 1.0 - acquisition.cirrus))
        for tile in site.tiles
    ]
    return 0.13 * smoothstep(sliding, max(tops) - 0.6, max(tops) + 0.5)
