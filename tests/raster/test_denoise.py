"""Mesh denoising against SAGA's results, an independent port, and its own laws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster import denoise
from landcover.raster.denoise import denoise_dem
from landcover.raster.halos import DENOISING_CELLS as HALO
from landcover.raster.terrain import slope_aspect

VOID_BITS = 0b110


@pytest.fixture(scope="module")
def oracle(spec_dir: Path) -> dict[str, np.ndarray]:
    """SAGA 8.5.0 on a synthetic relief of 96 × 112 cells of 30 m (dem.md, TEST ORACLES)."""
    with np.load(spec_dir / "oracles" / "dem_a.npz") as arrays:
        return {name: arrays[name] for name in arrays}


def relief(seed: int, size: int, height: float, *, roughness: float = 3.0) -> np.ndarray:
    """Fractal relief by spectral synthesis, m."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size)))
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(generator.normal(size=(size, size))) / frequency**roughness
    surface = np.fft.ifft2(spectrum).real
    return (surface - surface.min()) / np.ptp(surface) * height + 300


def split_as_saga(height: np.ndarray) -> np.ndarray:
    """Cut cells as SAGA 8.5.0 does: heights are looked up by vertex number, not by cell."""
    cells = TRUE_SPLIT(height)
    is_vertex = np.isfinite(height)
    number = np.cumsum(is_vertex).reshape(height.shape) - 1
    z = np.where(is_vertex, height, -99999).astype(float).ravel()[number]
    z0, z1, z2, z3 = z[:-1, :-1], z[:-1, 1:], z[1:, :-1], z[1:, 1:]
    falls = (np.abs(z2 - z0) > np.abs(z3 - z1)) & (np.abs(z1 - z0) > np.abs(z3 - z2))
    inner = cells[1:-1, 1:-1]
    inner[:] = np.where(inner & VOID_BITS == VOID_BITS, VOID_BITS | ~falls, inner)
    return cells


TRUE_SPLIT = denoise.split_cells


@pytest.mark.parametrize(
    ("dem", "expected"),
    [
        ("dem_full", "saga_full_s85_i60"),
        ("dem_void", "port_void_truecorner_s85_i60"),
    ],
)
def test_against_saga(oracle: dict[str, np.ndarray], dem: str, expected: str) -> None:
    denoised = denoise_dem(oracle[dem], 30)
    assert denoised.dtype == np.float32
    np.testing.assert_allclose(denoised, oracle[expected], rtol=0, atol=1e-3)
    assert np.nanmax(np.abs(denoised - oracle[dem])) > 10


def test_true_corners_stay_near_saga(oracle: dict[str, np.ndarray]) -> None:
    difference = denoise_dem(oracle["dem_void"], 30) - oracle["saga_void_s85_i60"]
    np.testing.assert_array_equal(np.isnan(difference), np.isnan(oracle["dem_void"]))
    assert np.nanmean(np.abs(difference)) < 0.5


@pytest.mark.parametrize(
    ("expected", "arguments"),
    [
        ("saga_void_s85_i60", {}),
        ("saga_void_s90_i5", {"threshold": 0.9, "normal_iterations": 5}),
        ("saga_void_s85_i60_nbcv1", {"neighbourhood": "vertex"}),
        ("saga_void_s85_i60_zonly", {"z_only": True}),
    ],
)
def test_every_option_against_saga_with_its_error(
    oracle: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    expected: str,
    arguments: dict[str, object],
) -> None:
    monkeypatch.setattr(denoise, "split_cells", split_as_saga)
    denoised = denoise_dem(oracle["dem_void"], 30, **arguments)
    np.testing.assert_allclose(denoised, oracle[expected], rtol=0, atol=1e-3)
    if not arguments:
        rounded = np.rint(denoised)
        np.testing.assert_array_equal(rounded, oracle["saga_void_int16_s85_i60"])


def test_degrees_denoise_nothing(oracle: dict[str, np.ndarray]) -> None:
    denoised = denoise_dem(oracle["dem_void"], 1 / 3600)
    np.testing.assert_array_equal(denoised, oracle["saga_geographic_s85_i60"])


@pytest.mark.parametrize("neighbourhood", ["edge", "vertex"])
def test_a_plane_stays(neighbourhood: str) -> None:
    row, column = np.mgrid[0:40, 0:300]
    plane = 500 + 3.5 * row - 7.25 * column
    plane[10:13, 20] = np.nan
    denoised = denoise_dem(plane, 30, neighbourhood=neighbourhood)
    np.testing.assert_allclose(denoised, plane, rtol=0, atol=5e-4)


def test_offset_and_common_scale_do_not_matter() -> None:
    # Multiples of 1/8 m below 4096 m are exact in float32, with and without the offset.
    dem = np.rint(relief(1, 70, 200) * 8) / 8
    denoised = denoise_dem(dem, 30).astype(np.float64)
    np.testing.assert_allclose(denoise_dem(dem + 2048, 30) - 2048.0, denoised, atol=5e-4)
    np.testing.assert_allclose(denoise_dem(dem * 4, 120) / 4.0, denoised, atol=1e-4)
    assert np.abs(denoise_dem(dem, 60) - denoised).max() > 0.1


@pytest.mark.parametrize("neighbourhood", ["edge", "vertex"])
def test_voids_stay_void_and_nothing_else_becomes_one(neighbourhood: str) -> None:
    generator = np.random.default_rng(5)
    dem = relief(5, 60, 100)
    dem[generator.random(dem.shape) < 0.2] = np.nan
    dem[0, 0] = np.inf
    dem[30:33, 30:33] = np.nan
    dem[31, 31] = 400  # a vertex without faces
    denoised = denoise_dem(dem, 30, neighbourhood=neighbourhood)
    np.testing.assert_array_equal(np.isfinite(denoised), np.isfinite(dem))
    assert not np.isinf(denoised).any()
    assert denoised[31, 31] == 400
    assert np.nanmax(np.abs(denoised - np.where(np.isinf(dem), np.nan, dem))) > 1


def test_parts_with_a_halo_are_seamless() -> None:
    generator = np.random.default_rng(2)
    dem = np.rint(relief(2, 300, 400) + generator.normal(0, 3, (300, 300)))
    dem[100, 150] = np.nan
    whole = denoise_dem(dem, 30)
    for top, left in ((80, 70), (140, 150), (150, 90)):
        inner = np.s_[top : top + 60, left : left + 60]
        wide = tuple(slice(s.start - HALO, s.stop + HALO) for s in inner)
        part = denoise_dem(dem[wide], 30)[HALO:-HALO, HALO:-HALO]
        np.testing.assert_allclose(part, whole[inner], rtol=0, atol=1e-5)


@pytest.mark.parametrize("height", [600, 150, 60])
def test_noise_goes_and_slopes_become_true(height: float) -> None:
    generator = np.random.default_rng(height)
    truth = relief(height, 200, height)
    noisy = np.rint(truth + generator.normal(0, 3, truth.shape))
    denoised = denoise_dem(noisy, 30)
    inner = (slice(60, 140), slice(60, 140))
    slopes = [slope_aspect(dem, 30)[0] for dem in (truth, noisy, denoised)]

    def rms(difference: np.ndarray) -> float:
        return float(np.sqrt(np.mean(difference[inner] ** 2)))

    assert rms(denoised - truth) < 0.4 * rms(noisy - truth)
    assert rms(slopes[2] - slopes[0]) < 0.35 * rms(slopes[1] - slopes[0])
    less = denoise_dem(noisy, 30, 0.9, 5)
    assert rms(denoised - truth) < rms(less - truth) < rms(noisy - truth)


def test_extremes_of_the_parameters() -> None:
    dem = np.rint(relief(3, 40, 100)).astype(np.int16)
    for unchanged in (
        denoise_dem(dem, 30, threshold=1),
        denoise_dem(dem, 30, vertex_iterations=0),
        denoise_dem(dem, 30, normal_iterations=0),  # vertices lie on their own faces already
    ):
        np.testing.assert_allclose(unchanged, dem, rtol=0, atol=1e-3)
    assert np.abs(denoise_dem(dem, 30, threshold=0) - dem).max() > 1
    for tiny in (dem[:1], dem[:, :1], dem[:1, :1]):
        np.testing.assert_array_equal(denoise_dem(tiny, 30), tiny)


def test_orientation_of_rows_is_from_the_south() -> None:
    # Vertices are moved in place from the south-west, so a mirrored DEM gives another result.
    dem = np.rint(relief(4, 50, 150))
    mirrored = denoise_dem(dem[::-1], 30)[::-1]
    assert np.abs(denoise_dem(dem, 30) - mirrored).max() > 0.1


def test_bad_arguments() -> None:
    dem = np.zeros((4, 4))
    with pytest.raises(InputError, match="numeric image"):
        denoise_dem(dem[0], 30)
    with pytest.raises(InputError, match="numeric image"):
        denoise_dem(dem[:0], 30)
    for size in (0, -30, float("nan"), float("inf")):
        with pytest.raises(InputError, match="cell size must be a number above 0 m"):
            denoise_dem(dem, size)
    for threshold in (-0.1, 1.1, float("nan")):
        with pytest.raises(InputError, match="cosine from 0 to 1"):
            denoise_dem(dem, 30, threshold)
    with pytest.raises(InputError, match="Iterations must be 0 or more, found -1"):
        denoise_dem(dem, 30, vertex_iterations=-1)
    with pytest.raises(InputError, match="Unknown neighbourhood 'corner'"):
        denoise_dem(dem, 30, neighbourhood="corner")
