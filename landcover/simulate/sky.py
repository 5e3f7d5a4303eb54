"""Sun, clouds, shadows and the edge of the swath at one acquisition."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.nouns.grid import Grid
from landcover.simulate import hard_sky
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.noise import Field, smoothstep
from landcover.simulate.random_fields import Chance, RandomSource
from landcover.simulate.relief import breadth_of
from landcover.simulate.site import Site

Mask = npt.NDArray[np.bool_]

PIXEL_M = 20
"""Pixel of the sky, m: that of the scene classification."""
PAD = 130
"""Sky around the hull, pixels: clouds out there throw shadows in here."""
SWATH_TILT = 0.21
"""Tangent of the angle between the edge of a descending swath and north (12°)."""
_SLIDE = 9
"""How far the wind draws cirrus out, pixels."""
_STRIDE = 8
"""Step at which the sky over a large region is looked at, pixels."""
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
    """What lies between the ground and the sensor, on 20 m pixels."""

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


@dataclass(frozen=True)
class CloudPlan:
    """What a piece of the sky has to know of the sky over the whole region."""

    cloud_limit: float
    """Value of the cloud field above which there is cloud."""
    swath_edge: float | None
    """Position across the swath before which nothing is seen; None where it ends elsewhere."""
    cirrus_limit: float
    """Value of the veil above which there is cirrus."""


def plan_clouds(seed: int, site: Site, acquisition: Acquisition) -> CloudPlan:
    """Look at every so-manieth pixel of the sky over a large region, before it is drawn in pieces.

    The thresholds are set on the tile with most cloud for a good product, and on the one with
    least for a refused product.
    """
    chance = RandomSource(seed, (0, 0), _STRIDE).of(f"sky {acquisition.name}")
    shape = (site.hull.height // (2 * _STRIDE), site.hull.width // (2 * _STRIDE))
    across = _across(acquisition, site.hull, site.hull, _STRIDE)[: shape[0], : shape[1]]
    edge = _swath_edge(across, site, acquisition, 2 * _STRIDE)
    clouds = _cloud_field(chance, shape, site, acquisition, 0)
    is_nodata = _before(across, edge)
    limit = _threshold(clouds, site, acquisition, is_nodata, 2 * _STRIDE)
    veil = _veil(chance, shape, acquisition, 0)
    return CloudPlan(limit, edge, _cirrus_limit(veil, site, acquisition, 2 * _STRIDE))


def draw_sky(
    source: RandomSource,
    site: Site,
    acquisition: Acquisition,
    sun: Sun,
    piece: Grid | None = None,
    clouds: CloudPlan | None = None,
) -> Sky:
    """Draw the clouds of one acquisition: fractal fields above a threshold.

    Args:
        source: Random numbers of this piece of ground.
        site: Windows of the tiles.
        acquisition: Date and conditions.
        sun: Mean angles over the region: shadows fall away from it.
        piece: 10 m grid of the piece, right but for a rim of four 20 m pixels; None: all.
        clouds: What `plan_clouds` tells of a region that is drawn in pieces.
    """
    chance = source.of(f"sky {acquisition.name}")
    ground = piece or site.hull
    shape = (ground.height // 2, ground.width // 2)
    across = _across(acquisition, ground, site.hull, 1)
    edge = clouds.swath_edge if clouds else _swath_edge(across, site, acquisition, 2)
    is_nodata = _before(across, edge)
    wide = _cloud_field(chance, shape, site, acquisition, PAD)
    inner = (slice(PAD, PAD + shape[0]), slice(PAD, PAD + shape[1]))
    limit = (
        clouds.cloud_limit if clouds else _threshold(wide[inner], site, acquisition, is_nodata, 2)
    )
    opacity = 0.97 * smoothstep(wide, limit - 0.15, limit + 0.75)
    height = chance.uniform(*CLOUD_TOP_M)
    shade = _cast(opacity, height, sun)[inner]
    if acquisition.is_hard:
        shade = _cast_by_layers(source, acquisition, opacity, sun)[inner]
    is_cloud = _without_rim(chance, wide[inner] > limit) & ~is_nodata
    cirrus = _draw_cirrus(chance, site, acquisition, shape, clouds)
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


def _cloud_field(
    chance: Chance, shape: tuple[int, int], site: Site, acquisition: Acquisition, pad: int
) -> Field:
    longest = (1_100.0 if acquisition.cloud < 0.2 else 2_200.0) * breadth_of(site.hull)
    wide = (shape[0] + 2 * pad, shape[1] + 2 * pad)
    return chance.fractal(wide, PIXEL_M, longest, shortest_m=34.0, slope=3.3, margin=pad)


def _threshold(
    field: Field, site: Site, acquisition: Acquisition, is_nodata: Mask, factor: int
) -> float:
    limits = [
        float(np.quantile(field[part][~is_nodata[part]], 1.0 - acquisition.cloud))
        for part in (site.slices(tile, factor) for tile in site.tiles)
    ]
    return min(limits) if acquisition.is_refused else max(limits)


def _across(acquisition: Acquisition, ground: Grid, hull: Grid, stride: int) -> Field:
    """Say how far into the swath pixels lie: its edge leans as a descending orbit does."""
    down, right = round((hull.uly - ground.uly) / PIXEL_M), round((ground.ulx - hull.ulx) / PIXEL_M)
    rows = np.arange(down, down + ground.height // 2, stride, dtype=np.float32)
    columns = np.arange(right, right + ground.width // 2, stride, dtype=np.float32)
    across = columns + SWATH_TILT * rows[:, np.newaxis]
    return -across if acquisition.wedge == "east" else across


def _swath_edge(across: Field, site: Site, acquisition: Acquisition, factor: int) -> float | None:
    if acquisition.wedge is None:
        return None
    parts = [across[site.slices(tile, factor)] for tile in site.tiles]
    outermost = min(parts, key=lambda part: float(part.mean()))
    return float(np.quantile(outermost, acquisition.wedge_share))


def _before(across: Field, edge: float | None) -> Mask:
    return np.asarray(across < (-inf if edge is None else edge))


def _cast(opacity: Field, height: float, sun: Sun) -> Field:
    reach = height * np.tan(np.radians(min(sun.zenith, 66.0))) / PIXEL_M
    azimuth = np.radians(sun.azimuth)
    down, right = round(reach * np.cos(azimuth)), round(-reach * np.sin(azimuth))
    cast = np.roll(opacity, (int(down), int(right)), axis=(0, 1))
    return ndimage.gaussian_filter(cast, 0.8)


def _cast_by_layers(
    source: RandomSource, acquisition: Acquisition, opacity: Field, sun: Sun
) -> Field:
    """Cast the shadows of clouds whose tops lie at several heights."""
    chance = source.of(f"tops {acquisition.name}")
    shades = [
        _cast(np.where(is_here, opacity, np.float32(0)), height, sun)
        for height, is_here in hard_sky.layers_of(chance, opacity.shape, PIXEL_M, PAD)
    ]
    return np.asarray(np.maximum.reduce(shades))


def _without_rim(chance: Chance, is_cloud: Mask) -> Mask:
    """Drop one pixel of the rim everywhere and a second one here and there."""
    once = ndimage.binary_erosion(is_cloud, border_value=1)
    twice = ndimage.binary_erosion(once, border_value=1)
    uneven = chance.texture(is_cloud.shape, PIXEL_M, 4.0)
    return np.asarray(np.where(uneven > 0.4, twice, once))


def _draw_cirrus(
    chance: Chance,
    site: Site,
    acquisition: Acquisition,
    shape: tuple[int, int],
    clouds: CloudPlan | None,
) -> Field:
    if acquisition.cirrus <= 0:
        return np.zeros(shape, dtype=np.float32)
    veil = _veil(chance, shape, acquisition, _SLIDE if clouds else 0)
    limit = clouds.cirrus_limit if clouds else _cirrus_limit(veil, site, acquisition, 2)
    return 0.13 * smoothstep(veil, limit - 0.6, limit + 0.5)


def _veil(chance: Chance, shape: tuple[int, int], acquisition: Acquisition, margin: int) -> Field:
    """Draw a veil that the wind has drawn out to the east."""
    if acquisition.cirrus <= 0:
        return np.zeros(shape, dtype=np.float32)
    wide = (shape[0] + 2 * margin, shape[1] + 2 * margin)
    veil = chance.fractal(wide, PIXEL_M, 3_000.0, shortest_m=250.0, slope=3.6, margin=margin)
    sliding = 0.6 * veil + 0.8 * np.roll(veil, _SLIDE, axis=1)
    return sliding[margin : margin + shape[0], margin : margin + shape[1]]


def _cirrus_limit(veil: Field, site: Site, acquisition: Acquisition, factor: int) -> float:
    tops = [
        float(np.quantile(veil[site.slices(tile, factor)], 1.0 - acquisition.cirrus))
        for tile in site.tiles
    ]
    return max(tops)
