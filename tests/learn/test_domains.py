"""Areas in a part of a map: by hand, as a whole, in sum, and how often intervals hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.learn.area import area_weighted_accuracy
from landcover.learn.domains import LEAST_POINTS, Sample, domain_areas


def worked(*, is_of_map: bool = True) -> tuple[Sample, np.ndarray]:
    """Give strata of 600 and 400 ha; 40 of 60 and 20 of 40 points are inside.

    Inside, 4 points of the first are of class 2, and 5 points of the second are of class 1.
    """
    stratum = np.repeat([1, 2], [60, 40])
    reference = stratum.copy()
    reference[:4], reference[60:65] = 2, 1
    # Outside, others are wrong; they must not count.
    reference[50:53] = 2
    inside = np.concatenate([np.arange(60) < 40, np.arange(40) < 20])
    return Sample(stratum, reference, {1: 600.0, 2: 400.0}, is_of_map), inside


def test_the_map_is_corrected_by_the_errors_inside() -> None:
    """390 - 600 · 4/60 + 400 · 5/40 = 400 ha of class 1.

    s²/n is (4 - 16/60) / 59 / 60 and (5 - 25/40) / 39 / 40, so the variance is 379.66 + 448.72 and
    1.96 of its root are 56.41 ha.
    """
    sample, inside = worked()
    found = domain_areas(sample, inside, {0: 30.0, 1: 390.0, 2: 210.0}, [1, 2])
    assert found[1].value == pytest.approx(400)
    assert found[2].value == pytest.approx(200)
    assert found[1].half_width == pytest.approx(56.412, abs=1e-3)
    assert found[2].half_width == pytest.approx(56.412, abs=1e-3)


def test_other_strata_estimate_the_area_itself() -> None:
    """600 · 36/60 + 400 · 5/40 = 410 ha; 1.96 · √(1464.41 + 448.72) = 85.73 ha."""
    sample, inside = worked(is_of_map=False)
    found = domain_areas(sample, inside, {1: 390.0, 2: 210.0}, [1])
    assert found[1].value == pytest.approx(410)
    assert found[1].half_width == pytest.approx(85.729, abs=1e-3)


def test_the_whole_map_is_what_accuracy_says_and_parts_add_up_to_it() -> None:
    rng = np.random.default_rng(3)
    area = {1: 500.0, 2: 300.0, 5: 200.0}
    stratum = np.repeat([1, 2, 5], 50)
    reference = np.where(rng.random(150) < 0.8, stratum, rng.choice([1, 2, 5], 150))
    matrix = np.array([[((stratum == m) & (reference == r)).sum() for r in area] for m in area])
    report = area_weighted_accuracy(matrix, list(area.values()), codes=list(area))
    for is_of_map in (True, False):
        sample = Sample(stratum, reference, area, is_of_map)
        whole = domain_areas(sample, np.ones(150, np.bool_), area, list(area))
        for entry in report.classes:
            assert whole[entry.code].value == pytest.approx(entry.area.value)
            assert whole[entry.code].half_width == pytest.approx(entry.area.half_width)
        half = rng.random(150) < 0.5
        mapped = {1: 240.0, 2: 160.0, 5: 110.0}
        other = {code: area[code] - mapped[code] for code in area}
        parts = [domain_areas(sample, half, mapped, list(area)),
                 domain_areas(sample, ~half, other, list(area))]  # fmt: skip
        for code in area:
            total = sum(part[code].value for part in parts)
            assert total == pytest.approx(whole[code].value)


def test_without_an_error_inside_there_is_no_interval() -> None:
    stratum = np.repeat([1, 2], 40)
    inside = np.arange(80) % 2 == 0
    sample = Sample(stratum, stratum, {1: 600.0, 2: 400.0}, True)
    found = domain_areas(sample, inside, {1: 300.0, 2: 190.0}, [1, 2, 3])
    assert [(found[c].value, found[c].half_width) for c in (1, 2, 3)] == [
        (300, None), (190, None), (0, None)
    ]  # fmt: skip


def test_an_estimate_stays_within_the_part() -> None:
    sample, inside = worked()
    # 25 ha are mapped as class 1, and 40 - 50 of error are taken off; class 2 gains as much.
    found = domain_areas(sample, inside, {1: 0.0, 2: 5.0}, [1, 2])
    assert (found[1].value, found[2].value) == (5, 0)


def test_too_few_points_are_refused() -> None:
    sample, inside = worked()
    inside[LEAST_POINTS - 1 :] = False
    with pytest.raises(InputError, match=f"^{LEAST_POINTS - 1} points inside, at least 30 are"):
        domain_areas(sample, inside, {1: 1.0}, [1])
    thin = Sample(
        np.append(sample.stratum, 3), np.append(sample.reference, 3),
        {**sample.stratum_area, 3: 5.0}, True,
    )  # fmt: skip
    with pytest.raises(InputError, match="stratum 3 has 1 labelled points in all"):
        domain_areas(thin, np.ones(101, np.bool_), {1: 1.0}, [1])
    with pytest.raises(InputError, match=r"found \(100,\), \(100,\) and \(3,\)"):
        domain_areas(sample, [True] * 3, {1: 1.0}, [1])


@pytest.mark.parametrize(
    ("is_of_map", "parts", "low", "high"),
    [(True, 4, 0.93, 0.97), (True, 8, 0.93, 0.99), (False, 4, 0.93, 0.97), (False, 8, 0.9, 0.97)],
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(
    *, is_of_map: bool, parts: int, low: float, high: float
) -> None:
    """400 points of a made map that is right for 85 %, drawn 200 times; a part is judged.

    A quarter of the map has about 100 points, an eighth about 50.
    """
    rng = np.random.default_rng(8)
    shares, n = [0.55, 0.3, 0.15], 40_000
    truth = rng.choice([1, 2, 3], n, p=shares)
    mapped = np.where(rng.random(n) < 0.85, truth, rng.choice([1, 2, 3], n, p=shares))
    part = np.arange(n) < n // parts
    area = {code: float((mapped == code).sum()) for code in (1, 2, 3)}
    in_part = {code: float((mapped[part] == code).sum()) for code in (1, 2, 3)}
    right = {code: float((truth[part] == code).sum()) for code in (1, 2, 3)}
    pixels = {code: np.flatnonzero(mapped == code) for code in area}
    hits, errors = [], []
    for _ in range(200):
        drawn = np.concatenate(
            [rng.choice(pixels[code], k) for code, k in zip(pixels, (200, 120, 80), strict=True)]
        )
        inside = part[drawn]
        if inside.sum() < LEAST_POINTS:
            continue
        found = domain_areas(
            Sample(mapped[drawn], truth[drawn], area, is_of_map), inside, in_part, [1, 2, 3]
        )
        for code, one in found.items():
            errors.append((one.value - right[code]) / right[code])
            if one.half_width is not None:
                hits.append(abs(one.value - right[code]) <= one.half_width)
    assert len(hits) > 0.6 * 200 * 3
    assert low < np.mean(hits) < high
    assert abs(np.mean(errors)) < 0.05
