"""Accuracy against worked numbers and scikit-learn (transposed matrix).

Method: docs/methods/accuracy.md#matrices.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from landcover.errors import InputError, MissingDataError
from landcover.learn.accuracy import accuracy, confusion_matrix, kappa, range_over_groups
from landcover.nouns.accuracy import AccuracyReport

WORKED = np.array([[50, 3, 2], [5, 40, 5], [2, 2, 41]])


def samples_of(matrix, codes=(1, 2, 3)):
    """Give map and reference codes that have a confusion matrix."""
    rows, columns = np.indices(np.shape(matrix))
    repeat = np.ravel(matrix)
    return np.repeat(np.take(codes, rows), repeat), np.repeat(np.take(codes, columns), repeat)


def random_samples(seed, n=400, k=5):
    rng = np.random.default_rng(seed)
    reference = rng.integers(1, k + 1, n)
    return np.where(rng.random(n) < 0.6, reference, rng.integers(1, k + 1, n)), reference


def test_worked_numbers():
    report = accuracy(*samples_of(WORKED))
    assert report.matrix == tuple(map(tuple, WORKED.tolist()))
    assert report.overall == pytest.approx(0.873333, abs=5e-7)
    users = [entry.users for entry in report.classes]
    producers = [entry.producers for entry in report.classes]
    f1 = [entry.f1 for entry in report.classes]
    assert users == pytest.approx([0.909091, 0.8, 0.911111], abs=5e-7)
    assert producers == pytest.approx([0.877193, 0.888889, 0.854167], abs=5e-7)
    assert f1 == pytest.approx([0.892857, 0.842105, 0.881720], abs=5e-7)
    assert report.macro_f1 == pytest.approx(0.872228, abs=5e-7)
    assert report.majority_baseline == pytest.approx(57 / 150)
    assert kappa(WORKED) == pytest.approx(0.809428, abs=5e-7)
    # Row totals 55, 50, 45 and column totals 57, 45, 48: half of 2 + 5 + 3, of 150.
    assert report.quantity_disagreement == pytest.approx(5 / 150)
    assert report.allocation_disagreement == pytest.approx(1 - 131 / 150 - 5 / 150)
    assert (report.n, report.unclassified, report.notes) == (150, 0, ())


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_scikit_learn(seed):
    mapped, reference = random_samples(seed)
    report = accuracy(mapped, reference)
    assert np.array_equal(report.matrix, metrics.confusion_matrix(reference, mapped).T)
    users, producers, f1, _ = metrics.precision_recall_fscore_support(reference, mapped)
    assert [entry.users for entry in report.classes] == pytest.approx(users)
    assert [entry.producers for entry in report.classes] == pytest.approx(producers)
    assert [entry.f1 for entry in report.classes] == pytest.approx(f1)
    assert report.macro_f1 == pytest.approx(metrics.f1_score(reference, mapped, average="macro"))
    assert kappa(report.matrix) == pytest.approx(metrics.cohen_kappa_score(mapped, reference))


def test_rows_are_the_map_in_the_order_of_the_codes():
    matrix = confusion_matrix([7, 7, 2], [2, 7, 2], [7, 2])
    assert matrix.tolist() == [[1, 1], [0, 1]]
    assert matrix.dtype == np.int64


@pytest.mark.parametrize(
    ("mapped", "reference", "codes", "sentence"),
    [
        ([1, 2], [1], [1, 2], r"reference codes of the map codes' shape \(2,\), found \(1,\)"),
        ([1.0, 2.0], [1, 2], [1, 2], "integer map codes, found float64"),
        ([1, 3], [1, 2], [1, 2], r"map code 3 is not among \[1, 2\]"),
        ([1, 2], [1, 9], [1, 2], r"reference code 9 is not among \[1, 2\]"),
        ([1, 2], [1, 2], [1, 2, 1], "each code once"),
    ],
)
def test_confusion_matrix_refuses(mapped, reference, codes, sentence):
    with pytest.raises(InputError, match=sentence):
        confusion_matrix(mapped, reference, codes)


def test_empty_row_and_column_are_none_and_listed():
    # Class 3 is never mapped, class 4 is not in the reference.
    report = accuracy([1, 1, 2, 2, 4], [1, 1, 2, 3, 1])
    one, _, three, four = report.classes
    assert (three.users, three.producers, three.f1) == (None, 0, 0)
    assert (four.users, four.producers, four.f1) == (0, None, None)
    # The missed class counts as 0 in the mean, the class without reference not at all.
    assert report.macro_f1 == pytest.approx((one.f1 + 2 / 3 + 0) / 3)
    assert "Never mapped, so no user's accuracy: class 3." in report.notes
    assert "Not in the reference, so no producer's accuracy: class 4." in report.notes


def test_nodata_is_left_out_on_both_sides():
    report = accuracy(np.array([[1, 0], [2, 1]]), np.array([[1, 1], [0, 2]]))
    assert (report.n, report.unclassified, report.codes) == (2, 1, (1, 2))
    assert report.overall == 0.5
    assert any("1 reference samples lie where the map is nodata" in note for note in report.notes)


def test_nothing_to_compare_is_missing_data():
    with pytest.raises(MissingDataError, match="found 2 references without a map code"):
        accuracy([0, 0, 1], [1, 2, 0])


def test_below_the_majority_baseline_is_said():
    report = accuracy([2, 2, 1, 1], [1, 1, 1, 2])
    assert report.overall == 0.25
    assert report.majority_baseline == 0.75
    assert report.notes[0].startswith("Overall accuracy 0.250 is below the majority baseline 0.750")


def test_legend_names_the_classes():
    class Legend:
        def name_of(self, code):
            return {1: "closedForest", 9: "permanentWater"}[code]

    report = accuracy([1, 9], [1, 9], legend=Legend())
    assert [entry.name for entry in report.classes] == ["closedForest", "permanentWater"]


def test_groups_of_like_samples_widen_the_range():
    rng = np.random.default_rng(0)
    is_right_group = rng.random(40) < 0.7
    mapped = np.repeat(np.where(is_right_group, 1, 2), 9)
    reference = np.ones_like(mapped)
    by_point = accuracy(mapped, reference, groups=np.repeat(np.arange(40), 9))
    by_row = accuracy(mapped, reference, groups=np.arange(mapped.size))
    widths = [np.ptp(report.interval) for report in (by_point, by_row)]
    # Nine equal pixels are one observation: √9 = 3 times wider.
    assert 2.3 < widths[0] / widths[1] < 3.8
    assert by_point.interval[0] < by_point.overall < by_point.interval[1]
    assert by_point.n_groups == 40
    assert any("no design-based confidence interval" in note for note in by_point.notes)


def test_range_depends_on_the_seed_and_not_on_the_order():
    rng = np.random.default_rng(1)
    is_right, groups = rng.random(200) < 0.6, rng.integers(0, 25, 200).astype(str)
    order = rng.permutation(200)
    assert range_over_groups(is_right, groups) == range_over_groups(is_right[order], groups[order])
    assert range_over_groups(is_right, groups) != range_over_groups(is_right, groups, seed=1)


def test_few_groups_give_no_range():
    mapped, reference = random_samples(0, n=90)
    report = accuracy(mapped, reference, groups=np.arange(90) % 9)
    assert (report.interval, report.n_groups) == (None, 9)
    assert report.notes[-1] == "9 groups are too few for a range (at least 10)."
    # The tenth group lies where the map is nodata, so it is not counted.
    report = accuracy([*mapped, 0], [*reference, 1], groups=[*(np.arange(90) % 9), 9])
    assert report.n_groups == 9


def test_kappa_without_chance_is_none_and_refuses_no_square():
    assert kappa([[5, 0], [0, 0]]) is None
    with pytest.raises(InputError, match=r"square matrix of counts, found shape \(1, 2\)"):
        kappa([[1, 2]])


def test_report_survives_json_and_refuses_another_matrix():
    report = accuracy([1, 1, 2, 2, 4], [1, 1, 2, 3, 1], groups=range(5), simulated=True)
    assert AccuracyReport.from_json(report.to_json()) == report
    document = report.to_document() | {"matrix": [[1]]}
    with pytest.raises(InputError, match="the matrix must be 4 x 4"):
        AccuracyReport.from_document(document)
