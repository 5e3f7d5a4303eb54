"""Balancing keeps every point and spends neighbours evenly."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.learn.balancing import balance, group_weights


def blocks(**points_per_class):
    """Make nine pixels around each point; classes are ``c1=100``."""
    rows = [
        {"code": int(name[1:]), "point_id": f"{name}-{n}", "dx": dx, "dy": dy}
        for name, count in points_per_class.items()
        for n in range(count)
        for dx, dy in itertools.product((-1, 0, 1), repeat=2)
    ]
    return pd.DataFrame(rows)


def test_worked_numbers():
    table = blocks(c1=100)
    kept = table[balance(table, 500)]
    assert len(kept) == 500
    assert (kept.groupby("point_id").size() == 5).all()
    centres = kept[(kept["dx"] == 0) & (kept["dy"] == 0)]
    assert centres["point_id"].nunique() == 100
    assert balance(table, 50).sum() == 100


def test_median_is_the_default_and_rare_classes_stay():
    table = blocks(c1=2, c2=10, c3=30)
    kept = table[balance(table)].groupby("code").size()
    assert kept.to_dict() == {1: 18, 2: 90, 3: 90}


def test_targets_by_class():
    table = blocks(c1=5, c2=5)
    assert table[balance(table, {2: 20})].groupby("code").size().to_dict() == {1: 45, 2: 20}


def test_same_seed_same_choice_in_any_order_and_another_seed_another():
    table = blocks(c1=20)
    first = balance(table, 77, seed=1)
    order = np.random.default_rng(0).permutation(len(table))
    assert np.array_equal(balance(table.iloc[order], 77, seed=1), first[order])
    assert not np.array_equal(balance(table, 77, seed=2), first)


@settings(max_examples=40, deadline=None)
@given(n1=st.integers(1, 12), n2=st.integers(1, 12), target=st.integers(1, 60))
def test_no_point_is_lost_and_no_point_gives_two_more_than_another(n1, n2, target):
    table = blocks(c1=n1, c2=n2)
    kept = table[balance(table, target)]
    assert set(kept["point_id"]) == set(table["point_id"])
    for code, points in ((1, n1), (2, n2)):
        mine = kept[kept["code"] == code].groupby("point_id").size()
        assert mine.sum() == max(min(9 * points, target), points)
        assert mine.max() - mine.min() <= 1


def test_a_point_without_its_centre_keeps_the_nearest_pixel():
    table = blocks(c1=4)
    table = table[~((table["point_id"] == "c1-2") & (table["dx"] == 0) & (table["dy"] == 0))]
    kept = table[balance(table, 1)]
    assert len(kept) == 4
    stays = kept[kept["point_id"] == "c1-2"].iloc[0]
    assert stays["dx"] ** 2 + stays["dy"] ** 2 == 1


def test_weights():
    weights = group_weights(np.array(["a", "a", "a", "b"]))
    assert weights.tolist() == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])
    assert weights.mean() == pytest.approx(1)


def test_refused():
    with pytest.raises(InputError, match="lacks point_id"):
        balance(blocks(c1=1).drop(columns="point_id"))
    with pytest.raises(InputError, match="at least 1"):
        balance(blocks(c1=1), 0)
    assert balance(blocks(c1=1).iloc[:0]).size == 0
