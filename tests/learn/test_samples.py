"""3x3 expansion of points (docs/methods/labels.md#sample-pixels)."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.learn.samples import expand_points

SHAPE = (100, 100)


def owners(samples, ids):
    names = ids[samples["point_index"]]
    return set(zip(names, samples["row"], samples["column"], strict=True))


def expand(points, shape=SHAPE, **options):
    """Expand points given as (row, column, code, id)."""
    rows, columns, codes, ids = zip(*points, strict=True)
    return expand_points(rows, columns, codes, ids, shape, **options)


def pixels(samples):
    return set(zip(samples["row"], samples["column"], strict=True))


@pytest.mark.parametrize(
    ("points", "n_rows", "n_shared", "n_conflict_rows", "n_conflict_pixels"),
    [
        ([(10, 10, 1, "a")], 9, 0, 0, 0),
        ([(10, 10, 1, "a"), (10, 12, 1, "b")], 15, 3, 0, 0),
        ([(10, 10, 1, "a"), (10, 12, 2, "b")], 12, 0, 6, 3),
        ([(10, 10, 1, "a"), (10, 13, 2, "b")], 18, 0, 0, 0),
        ([(10, 10, 1, "a"), (10, 10, 2, "b")], 0, 0, 18, 9),
        ([(10, 10, 1, "a"), (10, 10, 1, "b")], 9, 9, 0, 0),
        # Three claims to column 11, one of them of another class: nobody gets it.
        ([(10, 10, 1, "a"), (10, 12, 1, "b"), (10, 11, 2, "c")], 6, 0, 21, 9),
    ],
)
def test_worked_numbers(points, n_rows, n_shared, n_conflict_rows, n_conflict_pixels):
    samples = expand(points)
    assert len(samples) == n_rows
    assert samples.attrs == {
        "n_outside": 0,
        "n_shared": n_shared,
        "n_conflict_rows": n_conflict_rows,
        "n_conflict_pixels": n_conflict_pixels,
    }


def test_offsets_are_column_and_row():
    samples = expand([(10, 20, 1, "a")])
    assert (samples["row"] == 10 + samples["dy"]).all()
    assert (samples["column"] == 20 + samples["dx"]).all()
    assert list(zip(samples["dy"], samples["dx"], strict=True)) == [
        (dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)
    ]


def test_a_shared_pixel_goes_to_the_nearest_point():
    # (11, 11) is diagonal to a, and above the centre of b.
    samples = expand([(10, 10, 1, "a"), (12, 11, 1, "b")])
    owner = samples.set_index(["row", "column"])["point_index"]
    assert owner[(11, 11)] == 1
    assert len(pixels(samples)) == len(samples) == 16


@pytest.mark.parametrize("ids", [("b", "a"), (10, 9), np.array(["z", "y"], dtype=object)])
def test_a_tie_goes_to_the_smaller_id(ids):
    samples = expand_points([10, 10], [10, 12], [1, 1], ids, SHAPE)
    owner = samples.set_index(["row", "column"])["point_index"]
    assert set(owner.xs(11, level="column")) == {1}


@pytest.mark.parametrize(
    ("row", "column", "n_rows"),
    [(0, 0, 4), (1, 1, 9), (0, 50, 6), (99, 99, 4), (-1, 5, 3), (-2, 5, 0)],
)
def test_pixels_outside_are_skipped(row, column, n_rows):
    samples = expand([(row, column, 1, "a")])
    assert len(samples) == n_rows
    assert samples.attrs["n_outside"] == 9 - n_rows


@pytest.mark.parametrize(("side", "n_rows"), [(1, 1), (3, 9), (5, 25)])
def test_neighbourhood(side, n_rows):
    assert len(expand([(10, 10, 1, "a")], neighbourhood=side)) == n_rows


def test_order_plays_no_part_and_each_pixel_is_used_once():
    random = np.random.default_rng(5)
    n, shape = 12_000, (300, 300)
    rows, columns = random.integers(0, 300, (2, n))
    codes, ids = random.integers(1, 4, n), np.array([f"p{i}" for i in range(n)])
    samples = expand_points(rows, columns, codes, ids, shape)
    assert len(pixels(samples)) == len(samples)
    order = random.permutation(n)
    again = expand_points(rows[order], columns[order], codes[order], ids[order], shape)
    assert owners(samples, ids) == owners(again, ids[order])
    n_lost = sum(samples.attrs[k] for k in ("n_outside", "n_shared", "n_conflict_rows"))
    assert len(samples) + n_lost == 9 * n


def test_no_points_no_rows():
    samples = expand_points([], [], [], [], SHAPE)
    assert list(samples.columns) == ["point_index", "row", "column", "dx", "dy"]
    assert samples.empty


@pytest.mark.parametrize(
    ("arguments", "options", "complaint"),
    [
        (([1, 2], [1], [1], ["a"]), {}, "one length"),
        (([1.5], [1], [1], ["a"]), {}, "whole numbers"),
        (([[1]], [[1]], [[1]], [["a"]]), {}, "whole numbers of shape"),
        (([1], [1], [1], ["a"]), {"neighbourhood": 2}, "odd"),
        (([1], [1], [1], ["a"]), {"neighbourhood": -1}, "odd"),
    ],
)
def test_bad_arguments(arguments, options, complaint):
    with pytest.raises(InputError, match=complaint):
        expand_points(*arguments, SHAPE, **options)


def test_each_point_may_have_its_own_neighbourhood():
    found = expand_points([5, 10], [5, 10], [1, 1], [1, 2], (20, 20), neighbourhood=[1, 3])
    assert found.groupby("point_index").size().to_dict() == {0: 1, 1: 9}
    assert found.attrs["n_outside"] == 0
    edge = expand_points([0, 0], [0, 10], [1, 1], [1, 2], (20, 20), neighbourhood=[1, 3])
    assert edge.attrs["n_outside"] == 3
    with pytest.raises(InputError, match="odd"):
        expand_points([5, 10], [5, 10], [1, 1], [1, 2], (20, 20), neighbourhood=[1, 2])
