"""Weights of rows, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from landcover.learn.weights import row_weights

CODES = np.array([1, 1, 1, 1, 2, 2])
GROUPS = np.array(["a", "a", "a", "b", "c", "c"])


def test_equal_rows_need_no_weights():
    assert row_weights(CODES, GROUPS) is None


def test_balanced_classes_are_scikit_learns():
    found = row_weights(CODES, GROUPS, class_weight="balanced")
    assert found == pytest.approx(compute_sample_weight("balanced", CODES))
    assert found == pytest.approx([0.75] * 4 + [1.5] * 2)


def test_groups_weigh_the_same():
    found = row_weights(CODES, GROUPS, group_weight="group")
    assert found is not None
    total = [found[group == GROUPS].sum() for group in "abc"]
    assert total == pytest.approx([total[0]] * 3)


def test_both_leave_classes_even_and_groups_even_within_them():
    found = row_weights(CODES, GROUPS, class_weight="balanced", group_weight="group")
    assert found is not None
    assert found[CODES == 1].sum() == pytest.approx(found[CODES == 2].sum())
    assert found[GROUPS == "a"].sum() == pytest.approx(found[GROUPS == "b"].sum())
    assert found == pytest.approx([0.5, 0.5, 0.5, 1.5, 1.5, 1.5])


def test_classes_are_balanced_by_what_their_groups_weigh():
    """Class 2 has two groups in two rows, class 1 two in four: rows alone do not tell the sums."""
    groups = np.array(["a", "a", "a", "b", "c", "d"])
    found = row_weights(CODES, groups, class_weight="balanced", group_weight="group")
    # Each group weighs 6 / 4 in all, so both classes weigh 3 before they are balanced: no change.
    assert found == pytest.approx([0.5, 0.5, 0.5, 1.5, 1.5, 1.5])
    uneven = np.array(["a", "a", "b", "b", "c", "c"])
    found = row_weights(CODES, uneven, class_weight="balanced", group_weight="group")
    # Class 1 has twice the groups of class 2, so each of its groups weighs half as much.
    assert found == pytest.approx([0.75, 0.75, 0.75, 0.75, 1.5, 1.5])
