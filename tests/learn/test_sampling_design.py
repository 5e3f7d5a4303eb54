"""Random pixels of each class: the same whatever the windows, each as likely as any other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from landcover.learn.sampling_design import StratifiedSample, pixel_keys


def drawn(codes: np.ndarray, wanted: dict[int, int], seed: int, side: int) -> dict:
    draw = StratifiedSample(wanted, seed)
    for row in range(0, codes.shape[0], side):
        for column in range(0, codes.shape[1], side):
            draw.add_window(codes[row : row + side, column : column + side], row, column)
    return draw.pixels()


@settings(max_examples=20)
@given(st.integers(0, 9), st.integers(3, 40))
def test_windows_change_nothing(seed, side):
    codes = np.random.default_rng(0).integers(0, 4, (33, 41), dtype=np.uint8)
    wanted = {1: 20, 2: 5, 3: 10_000}
    whole, parts = drawn(codes, wanted, seed, 50), drawn(codes, wanted, seed, side)
    assert whole.keys() == parts.keys()
    assert all((whole[code] == parts[code]).all() for code in whole)
    assert [len(whole[code]) for code in (1, 2)] == [20, 5]
    assert len(whole[3]) == int((codes == 3).sum())  # all there are, each once
    for code, pixels in whole.items():
        assert (codes[pixels[:, 0], pixels[:, 1]] == code).all()
        assert len(np.unique(pixels, axis=0)) == len(pixels)


def test_every_pixel_is_as_likely_as_any_other():
    codes = np.ones((6, 6), dtype=np.uint8)
    counts = np.zeros((6, 6))
    for seed in range(1000):
        (pixels,) = drawn(codes, {1: 6}, seed, 6).values()
        counts[pixels[:, 0], pixels[:, 1]] += 1
    # Drawn without replacement, so the counts spread a little less than the test allows.
    assert chisquare(counts.ravel()).pvalue > 0.01


def test_keys_are_distinct_and_depend_on_the_seed():
    rows, columns = (axis.ravel() for axis in np.mgrid[0:300, 0:300].astype(np.int64))
    keys = pixel_keys(rows, columns, 0)
    assert np.unique(keys).size == keys.size
    assert not (keys == pixel_keys(rows, columns, 1)).any()
    # SplitMix64 (Steele et al. 2014) of the state 0: its first output.
    assert pixel_keys(np.array([0]), np.array([0]), 0)[0] == 0xE220A8397B1DCDAF
