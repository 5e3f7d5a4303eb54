"""Majority filter and sieve: by hand, against GDAL and a plain count, and in any window."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.features import sieve as gdal_sieve

from landcover.errors import InputError
from landcover.raster.disagreement import Disagreement
from landcover.raster.halos import sieve_halo
from landcover.raster.majority import majority
from landcover.raster.sieve import sieve


def codes(*rows: str) -> np.ndarray:
    return np.array([[int(c) for c in row] for row in rows], np.uint8)


def noisy(seed: int, shape: tuple[int, int] = (90, 110)) -> np.ndarray:
    """Parcels of ten pixels, a quarter of the pixels wrong, a few without a class."""
    generator = np.random.default_rng(seed)
    parcels = generator.integers(1, 5, (shape[0] // 10, shape[1] // 10))
    image = np.kron(parcels, np.ones((10, 10), int)).astype(np.uint8)
    is_wrong = generator.random(shape) < 0.25
    image[is_wrong] = generator.integers(1, 5, is_wrong.sum())
    image[generator.random(shape) < 0.03] = 0
    return image


def by_windows(function, image: np.ndarray, halo: int, step: tuple[int, int]) -> np.ndarray:
    result = np.zeros_like(image)
    for row in range(0, image.shape[0], step[0]):
        for column in range(0, image.shape[1], step[1]):
            top, left = max(0, row - halo), max(0, column - halo)
            part = image[top : row + step[0] + halo, left : column + step[1] + halo]
            inner = function(part)[row - top :, column - left :][: step[0], : step[1]]
            result[row : row + step[0], column : column + step[1]] = inner
    return result


def test_a_small_patch_goes_to_the_longest_border() -> None:
    before = codes("1111", "1221", "1331", "3333")
    # Two pixels of class 2: four sides to 1, two to 3.
    assert sieve(before, 3).tolist() == codes("1111", "1111", "1331", "3333").tolist()
    assert sieve(before, 2).tolist() == before.tolist()
    assert sieve(before, 1).tolist() == before.tolist()


def test_equal_borders_take_the_lower_code() -> None:
    # Class 3 has two sides to 2 and two to 1.
    before = codes("1112222", "1113222", "1111222", "1111222")
    assert sieve(before, 2)[1].tolist() == [1, 1, 1, 1, 2, 2, 2]


def test_nodata_neither_takes_nor_is_taken() -> None:
    before = codes("000", "020", "000")
    assert sieve(before, 5).tolist() == before.tolist()
    before = codes("11111", "11011", "11111")
    assert sieve(before, 9).tolist() == before.tolist()


def test_corners_do_not_join() -> None:
    before = codes("1111", "1211", "1121", "1111")
    assert sieve(before, 2).tolist() == codes("1111", "1111", "1111", "1111").tolist()


def test_small_among_small_waits_for_the_next_pass() -> None:
    before = codes("111111", "123111", "111111")
    once = sieve(before, 2)
    assert (once == 1).all()
    # 2 touches 1; 3 touches only 2 and nodata, so it waits.
    before = codes("11110", "11230", "11110")
    before[0, 3] = before[2, 3] = 0
    once = sieve(before, 2)
    assert once.tolist() == codes("11100", "11130", "11100").tolist()
    assert sieve(once, 2).tolist() == codes("11100", "11110", "11100").tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_single_specks_are_those_of_gdal(seed: int) -> None:
    generator = np.random.default_rng(seed)
    image = np.full((60, 60), 3, np.uint8)
    image[:, 30:] = 5
    for row, column in zip(range(2, 58, 4), generator.permutation(14) * 4 + 2, strict=True):
        if column not in (29, 30):
            image[row, column : column + 1 + row % 2] = 7
    np.testing.assert_array_equal(sieve(image, 3), gdal_sieve(image, 3))


@pytest.mark.parametrize(("least", "step"), [(4, (13, 17)), (9, (30, 41)), (25, (45, 110))])
def test_no_window_changes_the_sieve(least: int, step: tuple[int, int]) -> None:
    image = noisy(least)
    whole = sieve(image, least)
    assert (whole != image).mean() > 0.1
    windowed = by_windows(lambda part: sieve(part, least), image, sieve_halo(least), step)
    np.testing.assert_array_equal(windowed, whole)


def test_majority_by_hand() -> None:
    image = codes("12", "22")
    assert majority(image, 3).tolist() == [[2, 2], [2, 2]]
    # Two of each: the pixel's own class stays; of others the lowest.
    assert majority(codes("1122"), 3).tolist() == codes("1122").tolist()
    assert majority(codes("31220"), 5)[0].tolist() == [3, 2, 2, 2, 0]
    assert majority(image, 1).tolist() == image.tolist()


@pytest.mark.parametrize("window", [3, 5, 9])
def test_majority_is_a_plain_count_in_any_window(window: int) -> None:
    image = noisy(window, (30, 40))
    reach = window // 2
    expected = np.zeros_like(image)
    for row, column in np.argwhere(image):
        part = image[max(0, row - reach) : row + reach + 1, max(0, column - reach) :][
            :, : column + reach + 1 - max(0, column - reach)
        ]
        votes = np.bincount(part.ravel(), minlength=5)[1:]
        own = image[row, column]
        expected[row, column] = own if votes[own - 1] == votes.max() else votes.argmax() + 1
    np.testing.assert_array_equal(majority(image, window), expected)
    windowed = by_windows(lambda part: majority(part, window), image, reach, (7, 11))
    np.testing.assert_array_equal(windowed, expected)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="found 0"):
        sieve(codes("1"), 0)
    with pytest.raises(InputError, match="odd window of 1 px or more, found 4"):
        majority(codes("1"), 4)


def test_disagreement_by_hand() -> None:
    found = Disagreement()
    found.count(codes("1122", "0700"), codes("1722", "1400"), codes("1722", "1700"))
    found.count(codes("1"), codes("7"), codes("2"))
    assert found.to_document("A", "B") == {
        "first": "A", "second": "B", "pixels": 6, "differing": 3, "percent": 50.0,
        "classes": {"1-7": 2, "7-4": 1},
        "joined_not_first_percent": 33.3333, "joined_not_second_percent": 33.3333,
    }  # fmt: skip
    assert Disagreement().to_document("A", "B")["percent"] == 0
