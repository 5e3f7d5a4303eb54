"""The drawn ground is as alike from pixel to pixel as real scenes are."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.bench import ground
from landcover.bench.synthetic import grid_of


def draw(pixel=10, pixels=540, seed=0, layer="spring B03"):
    strips = ground.layer_strips(seed, layer, grid_of(pixels, pixel), 2200.0, 400.0)
    return np.concatenate([values for _, values in strips])


@pytest.mark.parametrize(("apart", "expected"), [(1, 0.90), (3, 0.66), (10, 0.32)])
def test_neighbours_are_as_alike_as_in_real_patches(apart, expected):
    values = np.concatenate([draw(layer=f"{season} B03") for season in "abcd"])
    half_difference = np.square(values[:, apart:] - values[:, :-apart]).mean() / 2
    assert 1 - half_difference / values.var() == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("pixel", "side"), [(10, 540), (20, 270), (60, 90)])
def test_every_grid_shows_the_same_parcels(pixel, side):
    values = draw(pixel)
    assert values.shape == (side, side)
    # Inside a class the deviation is 1.6 times that of the means, whatever the pixel.
    assert values.std() == pytest.approx(400 * np.sqrt(1 + 1.6**2), rel=0.25)


def test_samples_are_drawn_from_the_ground_of_the_tile():
    classes = np.repeat(np.arange(ground.CLASSES), 4_000)
    drawn = ground.sample_values(3, "spring B03", classes, 2200.0, 400.0)
    means = ground.class_means(3, "spring B03", 2200.0, 400.0)
    found = drawn.reshape(ground.CLASSES, -1)
    assert found.mean(axis=1) == pytest.approx(means, abs=45)  # four standard errors
    assert found.std(axis=1) == pytest.approx(np.full(ground.CLASSES, 640.0), rel=0.06)


def test_a_layer_hangs_on_its_seed_and_name_alone():
    assert np.array_equal(draw(pixels=60), draw(pixels=60))
    assert not np.array_equal(draw(pixels=60), draw(pixels=60, seed=1))
    assert not np.array_equal(draw(pixels=60), draw(pixels=60, layer="summer B03"))
