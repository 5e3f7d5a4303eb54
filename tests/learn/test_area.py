"""Area-weighted accuracy against the published example, simulation and special cases."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.learn.accuracy import accuracy
from landcover.learn.area import (
    allocate,
    area_weighted_accuracy,
    sample_size,
    stratified_accuracy,
)

# Olofsson et al. 2014, table 8: rows = map, columns = reference, areas in pixels of 0.09 ha.
MATRIX = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
AREA = np.array([200_000, 150_000, 3_200_000, 6_450_000]) * 0.09
NAMES = ("deforestation", "forest gain", "stable forest", "stable non-forest")


def unrolled(matrix):
    """List one map and one reference code per sample."""
    rows, columns = np.nonzero(matrix)
    counts = matrix[rows, columns]
    return np.repeat(rows + 1, counts), np.repeat(columns + 1, counts)


def test_the_published_example():
    report = area_weighted_accuracy(MATRIX, AREA, names=NAMES)
    assert report.overall.value == pytest.approx(0.9465, abs=5e-5)
    assert report.overall.half_width == pytest.approx(0.0185, abs=5e-5)
    users = [(0.8800, 0.0740), (0.7333, 0.1008), (0.9273, 0.0397), (0.9631, 0.0205)]
    producers = [(0.7487, 0.2133), (0.8472, 0.2544), (0.9345, 0.0343), (0.9616, 0.0184)]
    areas = [(21_158, 6_158), (11_686, 3_756), (285_770, 15_510), (581_386, 16_282)]
    for entry, ua, pa, area in zip(report.classes, users, producers, areas, strict=True):
        assert (entry.users.value, entry.users.half_width) == pytest.approx(ua, abs=5e-5)
        assert (entry.producers.value, entry.producers.half_width) == pytest.approx(pa, abs=5e-5)
        assert (entry.area.value, entry.area.half_width) == pytest.approx(area, abs=0.6)
    assert report.classes[0].mapped_area == pytest.approx(18_000)
    assert report.n == 640
    assert "stratified" in report.design


def test_the_oracle_with_all_its_digits(spec_dir):
    oracle = json.loads((spec_dir / "oracles" / "olofsson_a.json").read_text())
    report = area_weighted_accuracy(oracle["counts"], oracle["mapped_area"], unit="pixels")
    assert report.overall.value == pytest.approx(oracle["OA"], rel=1e-12)
    assert report.overall.half_width == pytest.approx(oracle["OA_ci95"], rel=1e-12)
    for name, get in (
        ("UA", lambda c: c.users.value),
        ("UA_ci95", lambda c: c.users.half_width),
        ("PA", lambda c: c.producers.value),
        ("PA_ci95", lambda c: c.producers.half_width),
        ("area", lambda c: c.area.value),
        ("area_ci95", lambda c: c.area.half_width),
    ):
        assert [get(c) for c in report.classes] == pytest.approx(oracle[name], rel=1e-9)


def test_strata_that_are_the_classes_give_the_same():
    mapped, reference = unrolled(MATRIX)
    sizes = dict(enumerate(AREA.tolist(), start=1))
    general = stratified_accuracy(mapped, mapped, reference, sizes, sizes)
    plain = area_weighted_accuracy(MATRIX, AREA)
    assert general.overall == plain.overall
    assert [c.producers for c in general.classes] == [c.producers for c in plain.classes]


def test_proportional_samples_reduce_to_the_plain_matrix():
    plain = accuracy(*unrolled(MATRIX))
    report = area_weighted_accuracy(MATRIX, MATRIX.sum(axis=1))
    assert report.overall.value == pytest.approx(plain.overall)
    for weighted, counted in zip(report.classes, plain.classes, strict=True):
        assert weighted.users.value == pytest.approx(counted.users)
        assert weighted.producers.value == pytest.approx(counted.producers)


def test_a_simple_random_sample_has_binomial_errors():
    mapped, reference = unrolled(MATRIX)
    one = np.zeros(mapped.size, dtype=int)
    areas = {1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0}
    report = stratified_accuracy(one, mapped, reference, {0: 4.0}, areas, design="simple-random")
    p = np.trace(MATRIX) / MATRIX.sum()
    assert report.overall.value == pytest.approx(p)
    assert report.overall.half_width == pytest.approx(1.96 * np.sqrt(p * (1 - p) / 639))
    # A ratio whose denominator is random too: user's accuracy keeps the classes' own errors.
    users = report.classes[1].users
    u, n = 55 / 75, 75
    assert users.value == pytest.approx(u)
    assert users.half_width == pytest.approx(1.96 * np.sqrt(u * (1 - u) / n), rel=0.02)


def test_intervals_hold_in_a_simulation_with_strata_of_an_older_map():
    rng = np.random.default_rng(3)
    n_pixels = 60_000
    truth = rng.choice([1, 2, 3], n_pixels, p=[0.1, 0.3, 0.6])
    older = np.where(rng.random(n_pixels) < 0.75, truth, rng.integers(1, 4, n_pixels))
    newer = np.where(rng.random(n_pixels) < 0.85, truth, rng.integers(1, 4, n_pixels))
    sizes = {h: float((older == h).sum()) for h in (1, 2, 3)}
    mapped = {c: float((newer == c).sum()) for c in (1, 2, 3)}
    expected = {
        "overall": (newer == truth).mean(),
        "producers": (newer == truth)[truth == 1].mean(),
        "area": float((truth == 1).sum()),
    }
    members = {h: np.flatnonzero(older == h) for h in (1, 2, 3)}
    hits = dict.fromkeys(expected, 0)
    found = []
    for _ in range(400):
        drawn = np.concatenate([rng.choice(members[h], 100, replace=False) for h in (1, 2, 3)])
        report = stratified_accuracy(older[drawn], newer[drawn], truth[drawn], sizes, mapped)
        rare = report.classes[0]
        for name, estimate in (
            ("overall", report.overall), ("producers", rare.producers), ("area", rare.area)
        ):  # fmt: skip
            hits[name] += estimate.low <= expected[name] <= estimate.high
        found.append(report.overall)
    assert np.mean([e.value for e in found]) == pytest.approx(expected["overall"], abs=0.005)
    errors = np.std([e.value for e in found])
    assert np.mean([e.half_width for e in found]) / 1.96 == pytest.approx(errors, rel=0.12)
    # 95 % of 400 intervals, ± four binomial standard errors.
    for name, count in hits.items():
        assert 0.905 <= count / 400 <= 0.995, name


def test_what_is_not_there_is_none_and_is_said():
    report = area_weighted_accuracy([[5, 0, 0], [1, 4, 0], [0, 0, 0]], [10, 10, 0], names="abc")
    assert report.classes[2].users is None
    assert report.classes[2].producers is None
    assert any("no user's accuracy: c" in note for note in report.notes)


def test_one_sample_in_a_stratum_gives_no_interval():
    report = area_weighted_accuracy([[5, 1], [0, 1]], [10, 10])
    assert report.overall.half_width is None
    assert report.classes[0].users.half_width is not None
    assert report.classes[1].users.half_width is None
    assert any("single sample" in note for note in report.notes)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"design": "unknown"}, "needs a probability sample"),
        ({"mapped_area": [1, 2]}, "expected 4 stratum areas"),
        ({"mapped_area": [-1, 2, 3, 4]}, "not negative"),
        ({"matrix": np.ones((3, 4))}, "square matrix"),
        ({"matrix": np.diag([3, 3, 3, 0])}, "have no sample"),
    ],
)
def test_refused(change, sentence):
    arguments = {"matrix": MATRIX, "mapped_area": AREA, **change}
    with pytest.raises(InputError, match=sentence):
        area_weighted_accuracy(**arguments)


def test_a_stratum_without_area_is_refused():
    with pytest.raises(InputError, match="stratum 2 has samples but no area"):
        stratified_accuracy([1, 2], [1, 1], [1, 1], {1: 3.0}, {1: 3.0})


def test_sample_size_of_the_published_example():
    weights, users = (0.02, 0.015, 0.32, 0.645), (0.7, 0.6, 0.9, 0.95)
    assert sample_size(weights, users, standard_error=0.01) == 641
    assert sample_size(np.multiply(weights, 7), users, standard_error=0.01) == 641
    with pytest.raises(InputError, match="one area share"):
        sample_size(weights, users[:2])


def test_allocation_raises_rare_classes():
    found = allocate(641, (0.02, 0.015, 0.32, 0.645), least=75)
    assert found.tolist() == [75, 75, 163, 328]
    assert allocate(100, (0.5, 0.5, 0), least=10).tolist() == [50, 50, 0]
    with pytest.raises(InputError, match="at least two"):
        allocate(5, (1, 1, 1))


@settings(max_examples=200)
@given(
    weights=st.lists(st.floats(0, 1), min_size=1, max_size=9).filter(lambda w: max(w) > 1e-6),
    extra=st.integers(0, 500),
    least=st.integers(0, 80),
)
def test_an_allocation_spends_all_samples(weights, extra, least):
    weights = [w if w > 1e-6 else 0.0 for w in weights]
    k = sum(w > 0 for w in weights)
    n = 2 * k + extra
    found = allocate(n, weights, least=least)
    assert found.sum() == n
    assert all(
        (count == 0) == (w == 0) or count == 0 for count, w in zip(found, weights, strict=True)
    )
    assert min(c for c, w in zip(found, weights, strict=True) if w > 0) >= min(least, n // k) - 1


@pytest.mark.parametrize("strata", [[1], [1, 1, 1], [[1, 1]]])
def test_strata_of_another_length_are_refused(strata):
    with pytest.raises(InputError, match="of one length"):
        stratified_accuracy(strata, [1, 1], [1, 1], {1: 3.0}, {1: 3.0})
