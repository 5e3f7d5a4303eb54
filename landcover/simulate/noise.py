"""Seeded random fields: what makes a simulated landscape, sky or texture look natural.

Only noise lives here; what a field means is said where it is used.
"""

from __future__ import annotations

from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt
from scipy import fft, ndimage

Field = npt.NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """Give the random numbers that belong to one named thing.

    Each thing has its own stream, so adding one never changes another.
    """
    return np.random.default_rng([seed, crc32(name.encode())])


def power_noise(
    rng: np.random.Generator,
    shape: tuple[int, int],
    pixel_m: float,
    longest_m: float,
    *,
    shortest_m: float = 0.0,
    slope: float = 3.0,
) -> Field:
    """Draw a Gaussian field whose power falls with wavenumber, as relief and clouds do.

    The spectrum is (k² + k₀²)^(-slope/2) with k₀ = 1/longest, damped below the shortest wavelength:
    a von Kármán spectrum (von Kármán 1948), the usual model of fractal surfaces.

    Args:
        rng: Source of random numbers.
        shape: (rows, columns).
        pixel_m: Side of a pixel, m.
        longest_m: Wavelength beyond which the field has no more structure, m.
        shortest_m: Wavelength below which it is smooth, m; 0 keeps all.
        slope: Fall of the power with wavenumber; 2 is rough, 4 is smooth.

    Returns:
        Field, float32, mean 0, standard deviation 1.
    """
    rows, columns = fft.next_fast_len(shape[0], real=True), fft.next_fast_len(shape[1], real=True)
    white = rng.standard_normal((rows, columns), dtype=np.float32)
    along_y = fft.fftfreq(rows, pixel_m)[:, np.newaxis]
    along_x = fft.rfftfreq(columns, pixel_m)[np.newaxis, :]
    k2 = along_y**2 + along_x**2
    amplitude = (k2 + 1.0 / longest_m**2) ** (-slope / 4) * np.exp(-k2 * shortest_m**2)
    amplitude[0, 0] = 0.0
    spectrum = fft.rfft2(white) * amplitude.astype(np.float32)
    field = fft.irfft2(spectrum, s=(rows, columns))[: shape[0], : shape[1]]
    return standardise(field)


def standardise(field: npt.NDArray[np.floating]) -> Field:
    """Shift and scale a field to mean 0 and standard deviation 1."""
    spread = float(field.std()) or 1.0
    return np.ascontiguousarray((field - field.mean()) / spread, dtype=np.float32)


def texture(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Field:
    """Draw white noise blurred by a Gaussian of ``sigma`` pixels, standard deviation 1."""
    white = rng.standard_normal(shape, dtype=np.float32)
    return standardise(ndimage.gaussian_filter(white, sigma, mode="wrap", truncate=2.5))


def refine(field: Field, factor: int, *, order: Literal[1, 3] = 1) -> Field:
    """Interpolate a field onto a grid ``factor`` times finer with the same outer corner.

    Args:
        field: Values at pixel centres, float32.
        factor: Fine pixels along one side of a coarse one.
        order: Spline order: 1 bilinear, 3 cubic.

    Returns:
        Field of ``factor`` times the rows and columns, float32.
    """
    size = (field.shape[0] * factor, field.shape[1] * factor)
    if order == 1:
        return _along(_along(field, size[0], factor, 0), size[1], factor, 1)
    zoomed = ndimage.zoom(field, float(factor), order=order, mode="nearest", grid_mode=True)
    return np.asarray(zoomed, dtype=np.float32)


def _along(field: Field, size: int, factor: int, axis: int) -> Field:
    at = np.clip((np.arange(size) + 0.5) / factor - 0.5, 0, field.shape[axis] - 1)
    low = np.minimum(at.astype(np.intp), max(field.shape[axis] - 2, 0))
    weight = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    high = np.minimum(low + 1, field.shape[axis] - 1)
    below, above = field.take(low, axis), field.take(high, axis)
    return np.asarray(below + weight * (above - below), dtype=np.float32)


def coarsen(field: Field, factor: int) -> Field:
    """Average blocks of ``factor`` × ``factor`` pixels, float32."""
    if factor == 1:
        return field
    rows, columns = field.shape[0] // factor, field.shape[1] // factor
    blocks = field[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def smoothstep(value: Field, low: float, high: float) -> Field:
    """Rise smoothly from 0 at ``low`` to 1 at ``high`` (3t² − 2t³)."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), dtype=np.float32)
