"""Relief for the terrain bench: noisy elevation cells, and real relief with a known error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from landcover import api
from landcover.nouns.grid import Grid
from landcover.stores.rasters import RasterStyle, joined, read_array, read_warped, write_raster

if TYPE_CHECKING:
    from collections.abc import Sequence

Field = NDArray[np.float64]

SIDE = 3600
"""Pixels of a degree; a cell has one more, shared with its neighbour."""
CELLS = [(lat, lon) for lat in (36, 37) for lon in (-6, -5, -4)]
"""South-west corners of the cells under tile 30SUF and its halo.

Method: docs/methods/products.md#elevation-cells.
"""
NOISE_M = 3.0
"""Standard deviation of the noise, m."""
PATCH = 1.0
"""Blur of the noise, pixels. A real ASTER scene (30 m; its smoothest windows of 16 pixels, second
degree surfaces taken out) has a standard deviation of 3.3 m and correlations of 0.78, 0.42 and 0.12
at 1, 2 and 3 pixels; a blur of one pixel gives 0.78, 0.37 and 0.11."""
_RIM = 24
"""Pixels at the edge of a relief that are not judged."""


def write_cells(folder: Path, seed: int) -> list[Path]:
    """Write six cells of fractal relief with noise, whole metres, named as ASTER's.

    The relief repeats every degree, so that cells fit together.
    """
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    heights = 900 + 250 * _spectral(rng, SIDE, lambda f: np.maximum(f, 1 / 400) ** -1.9)
    heights += NOISE_M * _spectral(rng, SIDE, lambda f: np.exp(-2 * (np.pi * f * PATCH) ** 2))
    cell = np.rint(np.pad(heights, ((0, 1), (0, 1)), mode="wrap")).astype(np.int16)
    style = RasterStyle(dtype="int16", nodata=-9999)
    paths = []
    for lat, lon in CELLS:
        half = 0.5 / SIDE
        grid = Grid(
            crs="EPSG:4326", ulx=lon - half, uly=lat + 1 + half, pixel=1 / SIDE,
            width=SIDE + 1, height=SIDE + 1,
        )  # fmt: skip
        paths.append(folder / f"ASTGTMV003_N{lat:02d}W{-lon:03d}_dem.tif")
        write_raster(paths[-1], cell, grid, style)
    return paths


def write_metric(cells: Sequence[Path], grid: Grid, path: Path) -> None:
    """Warp cells onto a metric grid."""
    heights = read_warped(joined(cells), grid, resampling="bilinear")
    write_raster(path, heights, grid, RasterStyle(dtype="float32", nodata=float("nan")))


def slope_errors(path: Path) -> list[str]:
    """Measure what denoising does to real relief to which noise was added.

    The relief is shrunk until a pixel measures 30 m, heights with it, so that slopes stay and its
    own noise becomes small; then its heights are lowered for gentler country. Noise: none, white,
    and in patches as ASTER's, 3 m each; heights are rounded to metres as ASTER's.

    Args:
        path: An elevation of three arc-seconds.

    Returns:
        One sentence for each relief and noise.
    """
    heights = read_array(path)[0][0].astype(np.float64) / 3
    rng = np.random.default_rng(0)
    white = rng.normal(0, NOISE_M, heights.shape)
    patchy = ndimage.gaussian_filter(rng.standard_normal(heights.shape), PATCH, mode="wrap")
    patchy *= NOISE_M / patchy.std()
    found = []
    for lowered in (1, 3, 5, 10, 30):
        truth = heights / lowered
        true_slope = api.slope_aspect(truth, 30.0)[0]
        for name, noise in (("no", 0 * white), ("white", white), ("patchy", patchy)):
            noisy = np.rint(truth + noise)
            slopes = {
                "noisy": noisy,
                "0.85/60": api.denoise_dem(noisy, 30.0),
                "0.90/5": api.denoise_dem(noisy, 30.0, 0.90, 5),
            }
            errors = ", ".join(
                f"{what} {_error(z, truth):.2f} m {_slope_error(z, true_slope):.2f} deg"
                for what, z in slopes.items()
            )
            mean = float(np.nanmean(true_slope))
            found.append(f"Mean slope {mean:.1f} deg, {name} noise: {errors}.")
    return found


def _error(heights: NDArray[Any], truth: Field) -> float:
    apart = (heights - truth)[_RIM:-_RIM, _RIM:-_RIM]
    return float(np.sqrt((apart**2).mean()))


def _slope_error(heights: NDArray[Any], true_slope: NDArray[np.float32]) -> float:
    apart = (api.slope_aspect(heights, 30.0)[0] - true_slope)[_RIM:-_RIM, _RIM:-_RIM]
    return float(np.sqrt((apart.astype(np.float64) ** 2).mean()))


def _spectral(rng: np.random.Generator, side: int, amplitude: Any) -> Field:
    """Draw a periodic random field with a given spectrum, mean 0 and standard deviation 1."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, np.newaxis], np.fft.rfftfreq(side))
    weights = amplitude(np.maximum(frequency, 1 / side))
    weights[0, 0] = 0
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * weights
    field = np.fft.irfft2(spectrum, s=(side, side))
    return np.asarray(field / field.std())
