"""Places to label: pure blocks, ranked by doubt, share and distance; intervals with n + Δ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.learn.area import area_weighted_accuracy
from landcover.learn.label_priority import Candidates, area_half_widths, rank_places

# Olofsson et al. 2014, the worked example: pixels of 30 m.
MATRIX = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
HECTARES = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 0.09


def test_intervals_are_those_of_the_published_example() -> None:
    found = area_half_widths(MATRIX, HECTARES)
    assert found == pytest.approx([6158, 3756, 15510, 16282], abs=1)
    report = area_weighted_accuracy(MATRIX, HECTARES)
    assert found == pytest.approx([entry.area.half_width for entry in report.classes])


def test_further_samples_shrink_by_hand() -> None:
    # Two classes, A = 1000, W = (.4, .6); 8 of 10 and 15 of 20 right; 10 more in the first.
    counts, area = [[8, 2], [5, 15]], [400.0, 600.0]
    now = 1.96 * np.sqrt(400**2 * 0.8 * 0.2 / 9 + 600**2 * 0.25 * 0.75 / 19)
    then = 1.96 * np.sqrt(400**2 * 0.8 * 0.2 / 19 + 600**2 * 0.25 * 0.75 / 19)
    assert area_half_widths(counts, area) == pytest.approx([now, now])
    assert area_half_widths(counts, area, [10, 0]) == pytest.approx([then, then])


def test_a_stratum_of_one_sample_has_no_spread_even_with_more() -> None:
    found = area_half_widths([[1, 0], [2, 3]], [1.0, 1.0], [100, 0])
    assert np.isnan(found).all()
    # A stratum without area does not count.
    assert np.isfinite(area_half_widths([[1, 0], [2, 3]], [0.0, 1.0])).all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(st.integers(2, 50), min_size=3, max_size=3), min_size=3, max_size=3),
    st.lists(st.integers(0, 200), min_size=3, max_size=3),
)
def test_more_samples_never_widen_an_interval(counts: list[list[int]], added: list[int]) -> None:
    area = [10.0, 200.0, 3.0]
    assert (area_half_widths(counts, area, added) <= area_half_widths(counts, area) + 1e-9).all()


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="square matrix"):
        area_half_widths([[1, 2]], [1.0])
    with pytest.raises(InputError, match="not negative"):
        area_half_widths([[1.0]], [1.0], [-1])
    with pytest.raises(InputError, match="at least one place"):
        rank_places(np.zeros((2, 3)), [0.5, 0.5], [1, 1], 0)


def test_ranked_by_doubt_times_share_times_distance() -> None:
    # On a line, metres; one sample at 0. Scores: .5·1·10 = 5, .1·1·100 = 10, .9·.1·50 = 4.5.
    places = np.array([[10.0, 0], [100.0, 0], [50.0, 0]])
    found = rank_places(places, [0.5, 0.9, 0.1], [1, 1, 0.1], 3, np.zeros((1, 2)))
    # After 100 is chosen: 10 is still 10 from the sample (5); 50 is 50 from both (4.5).
    assert found.chosen.tolist() == [1, 0, 2]
    assert found.score == pytest.approx([10, 5, 0.9 * 0.1 * 40])
    assert found.distance_m == pytest.approx([100, 10, 40])


def test_chosen_places_spread() -> None:
    places = np.array([[0.0, 0], [1.0, 0], [1000.0, 0]])
    found = rank_places(places, [0.1, 0.11, 0.6], [1, 1, 1], 2)
    assert found.chosen.tolist() == [0, 2]
    assert np.isinf(found.distance_m[0])


def test_certain_places_and_those_of_samples_are_not_asked_for() -> None:
    places = np.array([[0.0, 0], [5.0, 0]])
    found = rank_places(places, [0.2, 1.0], [1, 1], 2, np.zeros((1, 2)))
    assert found.chosen.size == 0


def test_only_pure_blocks_are_candidates_one_per_class_and_cell() -> None:
    codes = np.ones((12, 12), np.uint8)
    codes[:, 6:] = 2
    codes[2, 2] = 0
    confidence = np.full((12, 12), 200, np.uint8)
    confidence[1, 1] = 0  # beside nodata: no pure block
    confidence[8, 3] = 10
    confidence[8, 6] = 5  # at the border of two classes
    confidence[4, 9] = 255  # nodata
    confidence[9, 9] = 50
    found = Candidates(12)
    found.add_window(codes, confidence, 120, 240)
    table = found.table()
    assert table["code"].tolist() == [1, 2]
    assert table[["row", "column"]].to_numpy().tolist() == [[128, 243], [129, 249]]
    assert table["confidence"].to_numpy() == pytest.approx([10 / 254, 50 / 254])


def test_nothing_to_choose_from() -> None:
    found = Candidates(4)
    found.add_window(np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8), 0, 0)
    found.add_window(np.ones((2, 2), np.uint8), np.zeros((2, 2), np.uint8), 0, 0)
    assert found.table().empty
