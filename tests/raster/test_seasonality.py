"""A season's curve: worked by hand, beside plain Python on what is left of every pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landcover.errors import InputError
from landcover.raster.seasonality import METRICS, season_metrics, share_of_days

NAN = float("nan")


def curve(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(-1, 1, 1)


def days(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def metrics(values: np.ndarray, when: np.ndarray, **options: int) -> dict[str, float]:
    found = season_metrics(values, when, **options)
    assert found.dtype == np.float32
    return dict(zip(METRICS, found[:, 0, 0].tolist(), strict=True))


def test_a_season_worked_by_hand() -> None:
    found = metrics(curve(0.3, 0.1, 0.5, 0.8, 0.4), days(-5, 0, 10, 20, 40))
    # Over 0.2: 0.1, 0, 0.3, 0.6, 0.2. Trapezoids: 5 · 0.05, 10 · 0.15, 10 · 0.45, 20 · 0.4.
    expected = {"max": 0.8, "maxday": 20, "amplitude": 0.7, "rise": 0.7 / 20, "integral": 14.25}
    assert found == pytest.approx(expected, rel=1e-6)


def test_the_rise_sets_out_from_the_last_lowest_day_before_the_top() -> None:
    # Lowest of all is day 40, after the top; before it 0.2 appears twice.
    found = metrics(curve(0.2, 0.2, 0.6, 0.0), days(0, 10, 30, 40))
    assert found["rise"] == pytest.approx(0.4 / 20, rel=1e-6)
    assert found["amplitude"] == pytest.approx(0.6, rel=1e-6)


def test_of_equal_tops_the_first_counts_and_without_a_before_there_is_no_rise() -> None:
    found = metrics(curve(0.6, 0.3, 0.6), days(3, 9, 20))
    assert found["maxday"] == 3
    assert found["rise"] == 0


def test_one_day_counts_once_however_often_it_was_seen() -> None:
    # Day 0 is 0.4 on the mean; day 9 has one usable value.
    values, when = curve(0.2, 0.6, 0.5, NAN, 0.9), days(0, 0, 9, 9, 20)
    found = metrics(values, when)
    assert found == pytest.approx(metrics(curve(0.4, 0.5, 0.9), days(0, 9, 20)), rel=1e-6)
    assert np.isnan(season_metrics(values, when, min_clear=4)).all()
    share = share_of_days(values, when, 0.45, "below")
    assert share[0, 0] == np.float32(1 / 3)


def test_too_few_days_have_nothing() -> None:
    values, when = curve(0.2, NAN, 0.5), days(0, 4, 9)
    assert np.isnan(season_metrics(values, when)).all()
    assert np.isnan(share_of_days(values, when, 0.3, "above")).all()
    assert share_of_days(values, when, 0.3, "above", min_clear=2)[0, 0] == 0.5


def test_a_value_at_the_threshold_is_past_neither_side() -> None:
    # As reflectance 0.2 is stored: 2000 / 10000 in float32.
    at = np.float32(2000) / np.float32(10000)
    values, when = curve(float(at), 0.1, 0.7), days(0, 1, 2)
    assert share_of_days(values, when, 0.2, "above")[0, 0] == np.float32(1 / 3)
    assert share_of_days(values, when, 0.2, "below")[0, 0] == np.float32(1 / 3)


@given(
    arrays(np.float32, (6, 2, 3), elements=st.floats(-1, 1, width=16)),
    arrays(np.bool_, (6, 2, 3)),
    st.lists(st.integers(-30, 60), min_size=6, max_size=6),
    st.integers(1, 4),
)
@settings(deadline=None)  # the kernel may be compiled inside
def test_it_equals_plain_python(values, hidden, when, min_clear) -> None:  # type: ignore[no-untyped-def]
    when = np.sort(np.array(when, np.int64))
    left = np.where(hidden, np.float32(np.nan), values)
    found = season_metrics(left, when, min_clear=min_clear)
    share = share_of_days(left, when, 0.25, "above", min_clear=min_clear)
    for place in np.ndindex(2, 3):
        by_day = {
            day: [float(v) for v in left[(when == day, *place)] if np.isfinite(v)]
            for day in np.unique(when)
        }
        seen = [(float(d), sum(v) / len(v)) for d, v in by_day.items() if v]
        mine = found[(slice(None), *place)]
        if len(seen) < min_clear:
            assert np.isnan(mine).all()
            assert np.isnan(share[place])
            continue
        x, y = np.array(seen).T
        top = int(np.argmax(y))
        before = y[:top]
        rise = 0.0
        if top:
            foot = top - 1 - int(np.argmin(before[::-1]))
            rise = (y[top] - y[foot]) / (x[top] - x[foot])
        integral = np.trapezoid(np.clip(y - 0.2, 0, None), x)
        expected = [y[top], x[top], np.ptp(y), rise, integral]
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-6)
        assert share[place] == np.float32((y.astype(np.float32) > 0.25).mean())


def test_wrong_input_is_refused() -> None:
    values = curve(0.1, 0.2, 0.3)
    with pytest.raises(InputError, match="ascending days"):
        season_metrics(values, days(3, 2, 1))
    with pytest.raises(InputError, match="a day of each time"):
        share_of_days(values, days(1, 2), 0.2, "below")
    with pytest.raises(InputError, match="float32 values"):
        season_metrics(values.astype(np.float64), days(1, 2, 3))  # type: ignore[arg-type]
