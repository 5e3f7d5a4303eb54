"""Log-shape spectra: worked by hand, and unmoved by a factor on all bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from landcover.errors import InputError
from landcover.raster.log_shape import log_shape

BANDS = ("B02", "B04", "B08")


def spectra(*rows: list[float]) -> dict[str, np.ndarray]:
    return {b: np.array(r, np.float32) for b, r in zip(BANDS, rows, strict=True)}


def test_worked_by_hand() -> None:
    # ln of 0.1, 0.2 and 0.4: the middle one is their mean, the others lie ln 2 beside it.
    found = log_shape(spectra([0.1], [0.2], [0.4]))
    assert list(found) == list(BANDS)
    assert [found[b][0] for b in BANDS] == pytest.approx([-np.log(2), 0, np.log(2)], abs=1e-7)


def test_no_band_of_a_pixel_has_a_shape_where_one_has_no_logarithm() -> None:
    found = log_shape(spectra([0.1, 0.0, -0.01, 0.3], [0.2] * 4, [0.4, 0.4, 0.4, np.nan]))
    for values in found.values():
        assert np.isfinite(values).tolist() == [True, False, False, False]


@given(
    arrays(np.float32, (3, 4, 5), elements=st.floats(0.0009765625, 1, width=32)),
    st.floats(0.3, 3),
)
@settings(deadline=None)  # the kernel may be compiled inside
def test_light_drops_out_and_shapes_add_up_to_nothing(values, light) -> None:  # type: ignore[no-untyped-def]
    found = np.stack(list(log_shape(dict(zip(BANDS, values, strict=True))).values()))
    logs = np.log(values.astype(np.float64))
    np.testing.assert_allclose(found, logs - logs.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=0), 0, atol=1e-5)
    brighter = dict(zip(BANDS, values * np.float32(light), strict=True))
    np.testing.assert_allclose(np.stack(list(log_shape(brighter).values())), found, atol=1e-5)


def test_single_pixels_equal_a_window_in_every_bit() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(0.01, 0.6, (3, 9, 14)).astype(np.float32)
    wide = {b: v[:, 2:] for b, v in zip(BANDS, values, strict=True)}
    one = {b: v[4:5, 7].copy() for b, v in zip(BANDS, values, strict=True)}
    for band in BANDS:
        assert log_shape(wide)[band][4, 5] == log_shape(one)[band][0]


def test_wrong_input_is_refused() -> None:
    with pytest.raises(InputError, match="at least two bands"):
        log_shape({"B02": np.ones(3, np.float32)})
    with pytest.raises(InputError, match="on one grid"):
        log_shape({"B02": np.ones(3, np.float32), "B04": np.ones(4, np.float32)})
