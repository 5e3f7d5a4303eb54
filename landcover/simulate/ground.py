"""Reflectance of the cloudless ground in one season, lit from above."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from landcover.simulate.landscape import Classes, Landscape
from landcover.simulate.noise import Field, coarsen
from landcover.simulate.parcels import per_parcel
from landcover.simulate.random_fields import RandomSource
from landcover.simulate.spectra import (
    DEVIATION,
    LIBRARY_BANDS,
    RESOLUTION,
    Season,
    medians,
    other_bands,
)

PATCH = {1: 0.28, 2: 0.28, 3: 0.3, 4: 0.38, 5: 0.32, 6: 0.34, 7: 0.52, 8: 0.34, 9: 0.25}
"""How much fields, plots or stretches of one class differ, in units of DEVIATION."""
GRAIN = {1: 0.26, 2: 0.3, 3: 0.26, 4: 0.18, 5: 0.25, 6: 0.26, 7: 0.14, 8: 0.4, 9: 0.1}
"""How much neighbouring pixels of one patch differ: 0.3 of the covariance for most classes."""
MEMORY = {7: 0.3, 4: 0.6}
"""Correlation of a patch's deviation from one season to the next; 0.75 where not said (measured
between seasons on the same samples: cropland 0.2, grass 0.4, built-up 0.8)."""
STREAKS_M = 350.0
"""Longest wavelength of the deviation inside natural cover, m."""
GRAIN_PIXELS = 1.1
"""Blur of the grain, 10 m pixels: neighbouring pixels resemble each other."""
PSF_PIXELS = 0.6
"""Blur of the sensor at 10 m, pixels: modulation 0.17-0.3 at Nyquist, as ESA states."""
LANE_M = 7.0
"""Half width of a lane, m; it shows as a share of a pixel, truth takes no notice."""

Bands = dict[str, Field]


def draw_ground(source: RandomSource, land: Landscape, season: Season) -> Bands:
    """Draw the reflectance of all twelve bands at their own resolution.

    Args:
        source: Random numbers of this piece of ground.
        land: The ground.
        season: Which table of medians, and which state of the fields.

    Returns:
        Band → reflectance 0-1, float32, (y, x) of the ground at 10, 20 or 60 m.
    """
    factors = [_factor(source, land, season, number) for number in range(DEVIATION.shape[1])]
    centre = medians(season)
    lane = np.exp(-((land.parcels.to_lane_m / LANE_M) ** 2)) * 0.5
    lane[np.isin(land.classes, (1, 5, 9))] = 0.0
    fine: Bands = {}
    for column, band in enumerate(LIBRARY_BANDS):
        exponent = sum(DEVIATION[column, k] * factors[k] for k in range(len(factors)))
        ground = centre[:, column][land.classes] * np.exp(exponent)
        ground += lane * (centre[8, column] - ground)
        fine[band] = ndimage.gaussian_filter(
            ground.astype(np.float32, copy=False), PSF_PIXELS, mode="nearest", truncate=3.0
        )
    fine |= other_bands(fine["B02"], fine["B07"], fine["B08"], fine["B11"])
    return {band: coarsen(fine[band], RESOLUTION[band] // 10) for band in RESOLUTION}


def _factor(source: RandomSource, land: Landscape, season: Season, number: int) -> Field:
    """Draw one factor of deviation: of patches, remembered over the year, and of pixels."""
    always = _patches(source, land, f"always {number}")
    now = _patches(source, land, f"{season} {number}")
    memory = _per_class(land.classes, MEMORY, 0.75)
    patch = memory * always + np.sqrt(1.0 - memory**2) * now
    lasting, passing = (
        source.of(f"grain {which}").texture(land.hull.shape, 10.0, GRAIN_PIXELS)
        for which in (number, f"{season} {number}")
    )
    grain = 0.8 * lasting + 0.6 * passing
    both = _per_class(land.classes, PATCH) * patch + _per_class(land.classes, GRAIN) * grain
    return np.asarray(both, dtype=np.float32)


def _patches(source: RandomSource, land: Landscape, name: str) -> Field:
    """Draw deviations that are constant in a field or plot, and drift in natural cover."""
    chance = source.of(f"patches {name}")
    table = chance.normals(1 << 16)
    drift = chance.fractal(land.hull.shape, 10.0, STREAKS_M, shortest_m=20.0, slope=2.6)
    of_field = per_parcel(land.parcels.field_key, table)
    of_plot = per_parcel(land.parcels.plot, table)
    is_field = np.isin(land.classes, (4, 7))
    return np.where(
        is_field, 0.85 * of_field + 0.5 * drift, np.where(land.classes == 8, of_plot, drift)
    )


def _per_class(classes: Classes, figures: dict[int, float], otherwise: float = 0.0) -> Field:
    table = np.full(10, otherwise, dtype=np.float32)
    for code, figure in figures.items():
        table[code] = figure
    return table[classes]
