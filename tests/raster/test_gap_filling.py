"""Gap filling beside numbers worked by hand and pandas' own interpolation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.raster.gap_filling import fill_gaps

NAN = float("nan")
MONTHS = np.array([NAN, 1000, NAN, 1400, NAN, NAN, 2000, NAN])


def filled(**options: object) -> tuple[list[float], list[int]]:
    values, flags = fill_gaps(MONTHS.reshape(-1, 1, 1), **options)  # type: ignore[arg-type]
    return values.ravel().round(3).tolist(), flags.ravel().tolist()


def test_worked_by_hand() -> None:
    deck = [1000, 1000, 1200, 1400, 1400, 2000, 2000, 2000]
    assert filled(max_reach=1) == (deck, [2, 0, 1, 0, 2, 2, 0, 2])
    ours = [1000, 1000, 1200, 1400, 1600, 1800, 2000, 2000]
    assert filled() == (ours, [2, 0, 1, 0, 1, 1, 0, 2])
    # December's 2000 and February's 1000 lie three months apart.
    assert filled(cyclic=True)[0][::7] == pytest.approx([1333.333, 1666.667], abs=0.001)


def test_a_month_beyond_the_reach_stays_missing() -> None:
    values = np.array([5, NAN, NAN, NAN, NAN, 7]).reshape(-1, 1)
    found, flags = fill_gaps(values, max_reach=1)
    assert flags.ravel().tolist() == [0, 2, 255, 255, 2, 0]
    assert np.isnan(found[2:4]).all()
    with pytest.raises(InputError, match="at least one month, found 0"):
        fill_gaps(values, max_reach=0)


def test_beside_pandas() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1, (12, 200))
    values[rng.random(values.shape) < 0.6] = NAN
    values[:, 0] = NAN
    found, flags = fill_gaps(values.reshape(12, 20, 10))
    expected = pd.DataFrame(values).interpolate(limit_direction="both").to_numpy()
    np.testing.assert_allclose(found.reshape(12, 200), expected, rtol=1e-6)
    assert np.array_equal(flags.reshape(12, 200) == 0, ~np.isnan(values))
    # A filled value lies between its neighbours, and deck's is the mean of the adjacent ones.
    frame = pd.DataFrame(values)
    sides = np.stack([frame.shift(1), frame.shift(-1)])
    mean = np.nanmean(np.where(np.isnan(sides).all(axis=0), 0, sides), axis=0)
    mean[np.isnan(sides).all(axis=0)] = NAN
    deck, _ = fill_gaps(values, max_reach=1)
    np.testing.assert_allclose(deck, np.where(np.isnan(values), mean, values), rtol=1e-6)
