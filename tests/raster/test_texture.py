"""Textures beside scikit-image, an oracle and numbers worked by hand; edges beside scipy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import sobel
from skimage.feature import graycomatrix, graycoprops

from landcover.errors import InputError
from landcover.nouns.feature_sections import TEXTURES
from landcover.raster.edges import sobel_inside
from landcover.raster.texture import (
    glcm_textures,
    grey_levels,
    textures_inside,
    textures_of_squares,
)

# scikit-image's own example image and its table, angle by angle (rows) and averaged.
IMAGE = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 2, 2, 2], [2, 2, 3, 3]], np.int16)
AT_0 = (0.583333, 0.416667, 0.808333, 0.381881, 0.719533, 0.145833)
MEAN = (0.951389, 0.659722, 0.699306, 0.370482, 0.525833, 0.137539)
ANGLES = (0, np.pi / 4, np.pi / 2, 3 * np.pi / 4)


def by_skimage(levels: np.ndarray, window: int, n_levels: int) -> np.ndarray:
    """Compute the textures of each window that lies inside."""
    shape = (levels.shape[0] - window + 1, levels.shape[1] - window + 1)
    found = np.empty((6, *shape))
    for row, column in np.ndindex(shape):
        square = levels[row : row + window, column : column + window].astype(np.uint8)
        matrix = graycomatrix(square, [1], ANGLES, n_levels, symmetric=True, normed=True)
        found[:, row, column] = [graycoprops(matrix, name).mean() for name in TEXTURES]
    return found


def test_worked_numbers() -> None:
    np.testing.assert_allclose(textures_of_squares(IMAGE, 4)[:, 0, 0], AT_0, atol=1e-6)
    # An even window has no middle, but the kernel needs none.
    np.testing.assert_allclose(textures_inside(IMAGE, 4, 4)[:, 0, 0], MEAN, atol=1e-6)
    flat = np.full((5, 6), 0.2)
    assert [plane[2, 2] for plane in glcm_textures(flat, window=3)] == [0, 0, 1, 1, 1, 1]
    assert textures_of_squares(np.full((7, 7), 9, np.int16), 7)[:, 0, 0].tolist() == [
        0, 0, 1, 1, 1, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("window", "n_levels"), [(3, 2), (3, 256), (5, 8), (5, 32), (7, 32), (11, 32)]
)
def test_dense_textures_are_those_of_scikit_image(window: int, n_levels: int) -> None:
    seed = window * n_levels
    levels = np.random.default_rng(seed).integers(0, n_levels, (12, 13)).astype(np.int16)
    levels[4:, 6:] = levels[4, 6]
    found = textures_inside(levels, window, n_levels)
    expected = by_skimage(levels, window, n_levels)
    # Contrast reaches 255² of 256 levels: float32 holds seven digits of it.
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_sparse_textures_are_those_of_scikit_image() -> None:
    levels = np.random.default_rng(2).integers(0, 256, (23, 30)).astype(np.int16)
    found = textures_of_squares(levels, 7)
    assert found.shape == (6, 3, 4)
    for row, column in np.ndindex(3, 4):
        square = levels[7 * row : 7 * row + 7, 7 * column : 7 * column + 7].astype(np.uint8)
        matrix = graycomatrix(square, [1], [0], 256, symmetric=True, normed=True)
        expected = [graycoprops(matrix, name).item() for name in TEXTURES]
        np.testing.assert_allclose(found[:, row, column], expected, rtol=1e-12, atol=1e-12)


def test_the_oracle(spec_dir: Path) -> None:
    with np.load(spec_dir / "oracles" / "glcm_a.npz") as oracle:
        window, n_levels = int(oracle["window"]), int(oracle["levels"])
        reflectance = oracle["reflectance_x10000"] / 10_000
        expected = oracle["textures_mean_of_4_angles"]
        assert np.array_equal(grey_levels(reflectance, n_levels), oracle["quantised"])
    found = glcm_textures(reflectance, window, n_levels, pad="nodata")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_unknown_pixels_leave_their_pairs_out() -> None:
    rng = np.random.default_rng(3)
    levels = rng.integers(0, 6, (7, 7)).astype(np.int16)
    levels[0, :3] = levels[5, 5] = -1
    # Level 6 stands for nodata, and its row and column are taken out of the matrix.
    marked = np.where(levels < 0, 6, levels).astype(np.uint8)
    matrix = graycomatrix(marked, [1], ANGLES, 7, symmetric=True)[:6, :6].astype(float)
    matrix /= matrix.sum(axis=(0, 1))
    expected = [graycoprops(matrix, name).mean() for name in TEXTURES]
    np.testing.assert_allclose(textures_inside(levels, 7, 6)[:, 0, 0], expected, rtol=1e-6)
    levels[:4] = -1
    assert np.isnan(textures_inside(levels, 7, 6)).all(), "fewer than half of the pairs"


def test_an_image_of_nothing_has_no_texture() -> None:
    assert np.isnan(np.stack(glcm_textures(np.full((4, 4), np.nan), window=3))).all()
    found = glcm_textures(np.full((6, 5), 0.1), window=3, pad="nodata")
    assert np.isnan(np.stack(found)).sum() == 6 * (30 - 12), "a frame of one pixel"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"window": 4}, "odd window of 3 px or more, found 4"),
        ({"levels": 1}, "2 to 256 grey levels, found 1"),
    ],
)
def test_what_no_window_can_have_is_told(arguments: dict[str, int], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        glcm_textures(np.zeros((9, 9)), **arguments)


def test_edges_are_those_of_scipy() -> None:
    values = np.random.default_rng(1).random((9, 12), np.float32)
    wide = values.astype(np.float64)
    expected = np.hypot(sobel(wide, 1), sobel(wide, 0))[1:-1, 1:-1]
    np.testing.assert_allclose(sobel_inside(values), expected, rtol=1e-6)
    step = np.tile(np.array([0.2, 0.2, 0.8], np.float32), (3, 1))
    assert sobel_inside(step)[0, 0] == pytest.approx(2.4)
    ramp = 0.03 * np.arange(3)[:, None] + 0.01 * np.arange(3)
    assert sobel_inside(ramp.astype(np.float32))[0, 0] == pytest.approx(0.252982, abs=1e-6)
    step[1, 1] = np.nan
    assert np.isnan(sobel_inside(step)).all()
