"""Radiometry: worked numbers, both vintages of products, and storage."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.raster.reflectance import (
    NODATA,
    harmonise,
    stored_units,
    to_physical,
    to_reflectance,
)


def dn(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.uint16)


@pytest.mark.parametrize(
    ("number", "offset", "expected"),
    [
        (1234, 0, 1234),  # baseline 02.14
        (2234, -1000, 1234),  # baseline 05.09
        (950, -1000, -50),
        (1, -1000, -999),  # lowest legal value
        (1, 0, 1),
        (0, 0, NODATA),
        (0, -1000, NODATA),
        (65535, 0, NODATA),
        (65535, -1000, NODATA),
        (32767, 0, 32767),
        (40000, 0, 32767),  # clipped
        (65534, -1000, 32767),
    ],
)
def test_harmonise_worked_numbers(number: int, offset: int, expected: int) -> None:
    harmonised = harmonise(dn(number), offset=offset, scale=10_000)
    assert harmonised.dtype == np.int16
    assert harmonised.tolist() == [expected]


def test_both_vintages_of_an_acquisition_agree() -> None:
    numbers = np.arange(1, 31768, dtype=np.uint16)
    old = harmonise(numbers, offset=0, scale=10_000)
    new = harmonise(numbers + np.uint16(1000), offset=-1000, scale=10_000)
    np.testing.assert_array_equal(new, old)
    np.testing.assert_array_equal(old, numbers.astype(np.int16))


@pytest.mark.parametrize(
    ("number", "scale", "expected"),
    [(1, 20_000, 0), (3, 20_000, 2), (5, 20_000, 2), (7, 20_000, 4), (3, 5_000, 6)],
)
def test_other_scales_round_half_to_even(number: int, scale: float, expected: int) -> None:
    assert harmonise(dn(number), offset=0, scale=scale).tolist() == [expected]


def test_negative_halves_round_to_even() -> None:
    assert harmonise(dn(999, 997), offset=-1000, scale=20_000).tolist() == [0, -2]


@pytest.mark.parametrize(
    ("layer", "units"), [("B02", 10_000), ("B8A", 10_000), ("AOT", 1_000), ("WVP", 1_000)]
)
def test_stored_units(layer: str, units: int) -> None:
    assert stored_units(layer) == units


def test_atmosphere_keeps_its_numbers() -> None:
    stored = harmonise(
        dn(0, 84, 1500, 65535), offset=0, scale=1000, stored_per_unit=stored_units("AOT")
    )
    assert stored.tolist() == [NODATA, 84, 1500, NODATA]
    np.testing.assert_array_equal(
        to_physical(stored, 1e-3), np.array([np.nan, 0.084, 1.5, np.nan], dtype=np.float32)
    )


def test_to_reflectance_divides_in_single_precision() -> None:
    stored = np.array([[1234, -50], [NODATA, 32767]], dtype=np.int16)
    reflectance = to_reflectance(stored)
    assert reflectance.dtype == np.float32
    expected = [[1234 / 10_000, -50 / 10_000], [np.nan, 32767 / 10_000]]
    np.testing.assert_array_equal(reflectance, np.array(expected, dtype=np.float32))


def test_every_stored_number_survives_reflectance() -> None:
    stored = np.arange(-32767, 32768, dtype=np.int16)
    back = np.rint(to_reflectance(stored).astype(np.float64) * 10_000)
    np.testing.assert_array_equal(back, stored)


def test_shape_and_strides_do_not_matter() -> None:
    numbers = np.arange(300_000, dtype=np.uint32).astype(np.uint16).reshape(2, 300, 500)
    whole = harmonise(numbers, offset=-1000, scale=10_000)
    view = harmonise(numbers[:, ::3, ::-7], offset=-1000, scale=10_000)
    np.testing.assert_array_equal(view, whole[:, ::3, ::-7])


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(InputError, match="quantification value must be above 0"):
        harmonise(dn(1), offset=0, scale=scale)
    with pytest.raises(InputError, match="scale must be above 0"):
        to_physical(np.array([1], dtype=np.int16), scale)


def test_already_harmonised_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="must be uint16, found int16"):
        harmonise(np.array([1], dtype=np.int16), offset=0, scale=10_000)
    with pytest.raises(InputError, match="must be int16 with nodata"):
        to_reflectance(dn(1))
