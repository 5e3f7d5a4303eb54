"""Probabilities smoothed by those around: worked by hand, and against the formula in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.halos import smoothing_halo
from landcover.raster.smoothing import logits_of_bytes, smooth_probabilities


def draw(shape: tuple[int, int, int], seed: int = 0, nodata: float = 0.1) -> np.ndarray:
    """Patches of classes with noise, and holes."""
    rng = np.random.default_rng(seed)
    n_classes, height, width = shape
    patches = rng.integers(0, n_classes, (height // 8 + 1, width // 8 + 1))
    likely = np.kron(patches, np.ones((8, 8), int))[:height, :width]
    shares = rng.dirichlet(np.full(n_classes, 0.4), (height, width))
    shares += 0.8 * np.eye(n_classes)[likely]
    shares /= shares.sum(axis=-1, keepdims=True)
    found = np.floor(254 * shares + 0.5).astype(np.uint8).transpose(2, 0, 1)
    found[:, rng.random((height, width)) < nodata] = 255
    return found


def slow(probabilities: np.ndarray, smoothness: float, window: int) -> np.ndarray:
    """The formula, pixel by pixel; shares that sum to 1, NaN where nodata."""
    is_known = probabilities[0] != 255
    values = (probabilities + 0.5) / 255
    logits = np.log(values / (1 - values), where=probabilities != 255, out=np.zeros(values.shape))
    found = np.full(probabilities.shape, np.nan)
    reach = window // 2
    for y, x in np.argwhere(is_known):
        near = slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
        for k, own in enumerate(logits):
            seen = np.sort(own[near][is_known[near]])[::-1]
            best = seen[: int(np.ceil(len(seen) / 2))]
            variance = best.var(ddof=1) if len(best) > 1 else 0.0
            weight = variance / (variance + smoothness)
            posterior = weight * own[y, x] + (1 - weight) * best.mean()
            found[k, y, x] = 1 / (1 + np.exp(-posterior))
    return found / found.sum(axis=0)


def test_logits() -> None:
    logits = logits_of_bytes() / 65536
    assert logits.shape == (255,)
    assert logits[127] == 0
    assert logits[254] == -logits[0] == pytest.approx(np.log(509), abs=1e-5)
    assert logits[190] == pytest.approx(1.08299, abs=2e-5)


def test_by_hand() -> None:
    # Logits of the first class 0, 1.08299, 2.24162; of the second 0, -1.08299, -2.24162.
    # Middle pixel, σ² = 1, two of three values count:
    # m = 1.66230, s² = 0.67121: (0.67121 · 1.08299 + 1.66230) / 1.67121 = 1.42963, p = 0.80685;
    # m = -0.54150, s² = 0.58643: (0.58643 · -1.08299 - 0.54150) / 1.58643 = -0.74166, p = 0.32265;
    # divided by their sum 1.12950: 0.71433 and 0.28567.
    given = np.array([[[127, 190, 230]], [[127, 64, 24]]], np.uint8)
    found = smooth_probabilities(given, 1.0, 3)
    assert found[:, 0, 1].tolist() == [181, 73]
    # The left pixel sees two: the higher one of each class, without a variance: its logit is
    # 1.08299 and 0, p = 0.74706 and 0.5, divided by 1.24706: 0.59906 and 0.40094.
    assert found[:, 0, 0].tolist() == [152, 102]


@pytest.mark.parametrize(
    ("shape", "smoothness", "window"), [((4, 21, 26), 20.0, 5), ((2, 17, 12), 1.5, 9)]
)
def test_it_is_the_formula(shape: tuple[int, int, int], smoothness: float, window: int) -> None:
    given = draw(shape)
    found = smooth_probabilities(given, smoothness, window)
    expected = slow(given, smoothness, window)
    is_known = given[0] != 255
    assert (found[:, ~is_known] == 255).all()
    # Logits are rounded to 65,536ths, so a share just at one half may fall on either side.
    np.testing.assert_allclose(found[:, is_known], 254 * expected[:, is_known], atol=0.51)
    bytes_ = np.floor(254 * expected[:, is_known] + 0.5)
    assert (found[:, is_known] == bytes_).mean() > 0.999


@pytest.mark.parametrize("window", [3, 9, 21])
def test_a_part_with_its_halo_is_as_the_whole(window: int) -> None:
    given, halo = draw((3, 70, 80), seed=window), smoothing_halo(window)
    whole = smooth_probabilities(given, 20, window)
    for top, left, height, width in ((20, 30, 25, 31), (0, 41, 30, 39), (33, 0, 37, 20)):
        y, x = max(0, top - halo), max(0, left - halo)
        part = smooth_probabilities(
            given[:, y : top + height + halo, x : left + width + halo], 20, window
        )
        inner = part[:, top - y : top - y + height, left - x : left - x + width]
        np.testing.assert_array_equal(inner, whole[:, top : top + height, left : left + width])


def test_turning_the_image_turns_the_result() -> None:
    given = draw((3, 30, 30))
    turned = smooth_probabilities(np.rot90(given, axes=(1, 2)), 10, 5)
    np.testing.assert_array_equal(turned, np.rot90(smooth_probabilities(given, 10, 5), axes=(1, 2)))


def test_speckle_goes_and_edges_stay() -> None:
    sure = np.where(np.arange(20) < 10, 200, 54).astype(np.uint8)
    first = np.tile(sure, (20, 1))
    first[5, 4] = 100  # an unsure stranger
    given = np.stack([first, 254 - first])
    found = smooth_probabilities(given, 20, 5)
    classes = found.argmax(axis=0)
    expected = np.tile(np.arange(20) >= 10, (20, 1))
    np.testing.assert_array_equal(classes, expected)


def test_nothing_is_made_of_nodata() -> None:
    given = np.full((2, 6, 7), 255, np.uint8)
    assert (smooth_probabilities(given, 20, 5) == 255).all()
    given[:, 3, 3] = (200, 54)
    found = smooth_probabilities(given, 20, 5)
    assert np.argwhere(found[0] != 255).tolist() == [[3, 3]]
    # Alone it keeps its shares: (200.5, 54.5) / 255.
    assert found[:, 3, 3].tolist() == [200, 54]


@pytest.mark.parametrize(("smoothness", "window"), [(0, 5), (-1, 5), (np.nan, 5), (2, 4), (2, 23)])
def test_a_wrong_parameter_is_told(smoothness: float, window: int) -> None:
    with pytest.raises(InputError, match="Smoothing needs a smoothness above 0 and an odd window"):
        smooth_probabilities(draw((2, 5, 5)), smoothness, window)
