"""Cloud shadows of one image: how likely, and which cloud throws them (variant ``ours``).

Method: docs/methods/masks.md#ours. A probability of shadow from brightness and distance to cloud
(a logistic model, fitted on simulated scenes only), clouds projected away from the sun at many
heights, each object matched to the place that looks most like shadow, and the boundary grown.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin, tan

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from landcover.raster import shadow_kernel as kernel
from landcover.raster.refinement import Bools, Halves, Shorts, median_of_nine
from landcover.raster.refinement_kernel import NONE
from landcover.raster.reflectance import NODATA

Reals = NDArray[np.float32]

FAR_M = 5_000.0
"""Distance to cloud beyond which it tells nothing more, m."""
TOPS_M = (200.0, 10_000.0)
"""Heights of cloud tops above ground that shadows are looked for at, m."""
UNKNOWN_ZENITH = 45.0
"""Sun zenith where no angles are known, degrees: only sets how far is looked."""
SWEEP_DEGREES = 10
"""Step of the azimuth where it is not known."""
OBJECT_PX = 64
"""Side of the largest cloud object: clouds of several heights that touch are matched apart."""
MOST_SAMPLES = 256
LEAST_OPEN = 0.3
LEAST_MATCH = 0.3
"""Mean probability of shadow from which a match is believed."""
LEAST_INSIDE, LEAST_BESIDE, LEAST_ALONE = 0.25, 0.4, 0.5
"""Probabilities from which a pixel is shadow: in a matched shadow, grown onto from one, and far
from any."""
GROWTH_PX = 3
"""Rounds of growth."""


@dataclass(frozen=True)
class ShadowModel:
    """A logistic model of shadow."""

    constant: float
    """Intercept."""
    index: float
    """Weight of ln(CSI / its median over clear ground)."""
    blue: float
    """Weight of ln(B02 / its background)."""
    distance: float
    """Weight of the distance to the nearest cloud, km, up to 5."""


WITH_SERIES = ShadowModel(-2.60, -2.54, -8.75, -3.48)
"""Where the background of a quarter is known. Fitted on simulated scenes only and frozen:
``landcover simulate s{N} --tiles 30SUF --pixels 600 --products-per-season 6 --hard-masks --points 1
--seed {N}`` with N = 1, 2, 3, then ``landcover masks fit s1 s2 s3``."""
ALONE = ShadowModel(-2.30, -4.35, 0.85, -3.41)
"""Of one image: its median blue of clear ground stands for the background."""


@dataclass(frozen=True)
class ShadowGround:
    """What shadows are told from, on one grid."""

    index: Halves
    """Twice CSI, near + shortwave infrared, reflectance × 10,000, int32, (y, x), `NONE` where
    not seen."""
    blue: Shorts
    """B02, reflectance × 10,000, int16, −32768 where nodata."""
    background: Halves | None
    """Twice the blue of the quarter, int32, `NONE` where never clear; None without a series."""
    is_cloud: Bools
    """True on cloud."""
    is_water: Bools
    """True on water: never shadow."""
    pixel_m: float
    """Side of a pixel, m."""

    @property
    def is_open(self) -> Bools:
        """Ground that may be shadow: seen, neither cloud nor water, bool, (y, x)."""
        is_seen = (self.index != NONE) & (self.blue != NODATA)
        return np.asarray(is_seen & ~self.is_cloud & ~self.is_water)


def cloud_distance(is_cloud: Bools, pixel_m: float) -> NDArray[np.int32]:
    """Give the distance to the nearest cloud in thirds of a pixel, int32, at most 5 km."""
    distance = np.empty(is_cloud.shape, np.int32)
    kernel.chamfer(is_cloud, int(3 * FAR_M / pixel_m), distance)
    return distance


def shadow_probability(
    ground: ShadowGround, model: ShadowModel | None = None, *, at_cloud: bool = False
) -> Reals:
    """Give the probability of cloud shadow, 0-1, float32, (y, x), 0 where ground is not open.

    Args:
        ground: What shadows are told from.
        model: Weights; None: `WITH_SERIES` where there is a background, else `ALONE`.
        at_cloud: As if a cloud were beside every pixel: where a cloud is known to throw its
            shadow, the distance to it tells nothing more.
    """
    used = model or (ALONE if ground.background is None else WITH_SERIES)
    is_open = ground.is_open
    found = np.zeros(is_open.shape, np.float32)
    if not is_open.any():
        return found
    background = ground.background
    if background is None:
        background = np.full(is_open.shape, NONE, np.int32)
    kernel.score_shadow(
        ground.index,
        ground.blue,
        background,
        cloud_distance(ground.is_cloud, ground.pixel_m),
        is_open,
        NONE,
        float(np.median(ground.index[is_open])),
        2.0 * float(np.median(ground.blue[is_open])),
        ground.pixel_m / 3_000,
        np.array([used.constant, used.index, used.blue, 0.0 if at_cloud else used.distance]),
        found,
    )
    return found


def find_shadows(
    ground: ShadowGround,
    sun_zenith: float | None,
    sun_azimuth: float | None,
    model: ShadowModel | None = None,
) -> tuple[Bools, float]:
    """Find the shadows of an image's clouds.

    Args:
        ground: What shadows are told from.
        sun_zenith: Degrees from the vertical; None: not known.
        sun_azimuth: Degrees clockwise from north; None: the one under which clouds match best.
        model: Weights of the probability, see `shadow_probability`.

    Returns:
        True on shadow, bool, (y, x); and the azimuth that was used, NaN without any cloud.
    """
    probability, is_open = shadow_probability(ground, model), ground.is_open
    at_cloud = shadow_probability(ground, model, at_cloud=True)
    objects = _objects(ground.is_cloud)
    zone = np.zeros(is_open.shape, np.bool_)
    azimuth = float("nan")
    if objects is not None:
        azimuth, shifts, chosen = _match(
            objects, at_cloud, is_open, ground.pixel_m, sun_zenith, sun_azimuth
        )
        kernel.project_objects(*objects, shifts, chosen, zone)
    return _grown(zone, at_cloud, probability, is_open), azimuth


def _grown(zone: Bools, at_cloud: Reals, probability: Reals, is_open: Bools) -> Bools:
    near = _widened(zone, is_open)
    found = near & (at_cloud > LEAST_INSIDE)
    found |= probability > LEAST_ALONE
    # The rim of what is left after lone pixels are gone.
    found = median_of_nine(found)
    likely = at_cloud > LEAST_BESIDE
    for _ in range(GROWTH_PX):
        wider = np.empty_like(found)
        kernel.grow_into(found, likely, wider)
        found = wider
    return np.asarray(found & is_open)


def _widened(zone: Bools, is_open: Bools) -> Bools:
    """Widen projected clouds by two pixels: their shape is that of what was seen from above."""
    for _ in range(2):
        wider = np.empty_like(zone)
        kernel.grow_into(zone, is_open, wider)
        zone = wider
    return zone


Objects = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int64]]


def _objects(is_cloud: Bools) -> Objects | None:
    """List the pixels of each cloud object: what is connected, cut into squares."""
    labels, count = ndimage.label(is_cloud, structure=np.ones((3, 3)))
    if count == 0:
        return None
    rows, columns = (part.astype(np.int32) for part in np.nonzero(is_cloud))
    across = -(-is_cloud.shape[1] // OBJECT_PX)
    squares = rows // OBJECT_PX * across + columns // OBJECT_PX
    keys = labels[rows, columns].astype(np.int64) * (int(squares.max()) + 1) + squares
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1], [True]]))
    return rows[order], columns[order], starts.astype(np.int64)


def _match(
    objects: Objects,
    probability: Reals,
    is_open: Bools,
    pixel_m: float,
    sun_zenith: float | None,
    sun_azimuth: float | None,
) -> tuple[float, NDArray[np.int32], NDArray[np.int32]]:
    """Match every object; without an azimuth, under the one that fits all of them best."""
    zenith = UNKNOWN_ZENITH if sun_zenith is None else min(sun_zenith, 80.0)
    sizes = np.minimum(np.diff(objects[2]), MOST_SAMPLES)
    tried = [sun_azimuth] if sun_azimuth is not None else range(0, 360, SWEEP_DEGREES)
    best: tuple[float, float, NDArray[np.int32], NDArray[np.int32]] | None = None
    for azimuth in tried:
        shifts = shadow_shifts(zenith, float(azimuth), pixel_m)
        chosen = np.empty(sizes.size, np.int32)
        scores = np.empty(sizes.size, np.float64)
        kernel.match_objects(
            *objects, shifts, probability, is_open, MOST_SAMPLES, LEAST_OPEN, chosen, scores
        )
        total = float((np.maximum(scores, 0) * sizes).sum())
        chosen[scores < LEAST_MATCH] = -1
        if best is None or total > best[0]:
            best = total, float(azimuth), shifts, chosen
    assert best is not None
    return best[1:]


def shadow_shifts(zenith: float, azimuth: float, pixel_m: float) -> NDArray[np.int32]:
    """Say how far shadows may lie from their clouds, one step a pixel.

    A cloud whose top is h above ground throws its shadow h · tan(zenith) away from the sun.

    Args:
        zenith: Of the sun, degrees.
        azimuth: Of the sun, degrees clockwise from north.
        pixel_m: Side of a pixel, m.

    Returns:
        Rows down and columns to the right, int32, (k, 2), the nearest first.
    """
    nearest, farthest = (height * tan(radians(zenith)) / pixel_m for height in TOPS_M)
    reach = np.arange(max(1.0, nearest), max(2.0, farthest) + 1)
    # Far away a step of a pixel tells nothing new: steps grow with the distance.
    reach = np.unique(np.rint(np.geomspace(reach[0], reach[-1], min(reach.size, 96))))
    down = np.rint(reach * cos(radians(azimuth)))
    right = np.rint(-reach * sin(radians(azimuth)))
    return np.stack([down, right], axis=1).astype(np.int32)
