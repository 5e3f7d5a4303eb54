"""Maps against reference points: which numbers a sample allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.learn.area import stratified_accuracy
from landcover.parts.class_names import Names
from landcover.parts.validation.point_accuracy import Strata, judge

NAMES = Names({1: "deforestation", 2: "gain", 3: "forest", 4: "other"})
# The example of Olofsson et al. (2014): counts of 30 m pixels, areas in pixels.
COUNTS = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
AREA = {1: 200_000.0, 2: 150_000.0, 3: 3_200_000.0, 4: 6_450_000.0}


def published() -> tuple[np.ndarray, pd.DataFrame]:
    mapped, reference = np.nonzero(COUNTS)
    times = np.array(COUNTS)[mapped, reference]
    codes = np.repeat(reference + 1, times)
    points = pd.DataFrame({"code": codes, "group": np.arange(codes.size).astype(str)})
    return np.repeat(mapped + 1, times).astype(np.uint8), points


def test_a_stratified_sample_gives_the_published_numbers():
    mapped, points = published()
    found = judge(mapped, points, AREA, NAMES, design="stratified", title="t")
    assert found.refused == ""
    assert found.area is not None
    assert found.area.overall.value == pytest.approx(0.9465, abs=1e-4)
    assert found.area.overall.half_width == pytest.approx(0.0185, abs=1e-4)
    area = found.area.classes[0].area
    assert (area.value, area.half_width) == pytest.approx((235_086, 68_418), abs=1)
    # The plain agreement is another number: rare classes are over-represented in the sample.
    assert found.agreement.overall == pytest.approx((66 + 55 + 153 + 313) / 640)
    assert "a probability sample" in found.agreement.design


def test_an_interval_is_refused_where_the_design_is_unknown():
    mapped, points = published()
    found = judge(mapped, points, AREA, NAMES, design="unknown", title="t")
    assert found.area is None
    assert "an interval needs a probability sample" in found.refused
    assert "landcover design" in found.refused
    assert found.agreement.interval is None
    assert "no probability sample" in found.agreement.design


def test_a_class_without_points_is_refused_with_its_share_of_the_area():
    mapped, points = published()
    kept = mapped != 4
    found = judge(
        mapped[kept], points[kept].reset_index(drop=True), AREA, NAMES, design="stratified",
        title="t",
    )  # fmt: skip
    assert found.area is None
    assert "1 strata with 64.5% of the area have no sample" in found.refused


def test_a_stratum_of_the_sheet_without_any_label_is_not_forgotten():
    mapped, points = published()
    kept = mapped != 4
    strata = Strata(mapped[kept].astype(np.int64), AREA)
    mapped_area = {code: AREA[code] for code in (1, 2, 3)}
    found = judge(
        mapped[kept], points[kept].reset_index(drop=True), mapped_area, NAMES,
        design="stratified", title="t", strata=strata,
    )  # fmt: skip
    assert found.area is None
    assert "no sample" in found.refused


def test_strata_of_an_older_map_use_stehmans_estimator():
    mapped, points = published()
    older = np.where(mapped <= 2, 1, 2)  # drawn when the map had two classes
    size = {1: AREA[1] + AREA[2], 2: AREA[3] + AREA[4]}
    found = judge(
        mapped, points, AREA, NAMES, design="stratified", title="t", strata=Strata(older, size)
    )
    plain = stratified_accuracy(older, mapped, points["code"], size, AREA)
    assert found.area is not None
    assert found.area.overall == plain.overall
    assert found.area.design == "probability sample of 2 strata that are not the map's classes"
    # By hand: 129 of 150 right in 3.5 %, 466 of 490 in 96.5 %... of the strata's own counts.
    right = [(66 + 55) / 150, (153 + 313) / 490]
    weight = [0.035, 0.965]
    assert found.area.overall.value == pytest.approx(np.dot(weight, right))


def test_a_simple_random_sample_is_poststratified_where_classes_have_points_enough():
    mapped, points = published()
    many = judge(mapped, points, AREA, NAMES, design="simple-random", title="t")
    assert many.area is not None
    assert "post-stratified by the classes of the map" in many.area.design
    # One point of class 1 is no stratum: then the plain share and its binomial error.
    kept = (mapped != 1) | (np.arange(mapped.size) == 0)
    few = judge(
        mapped[kept], points[kept].reset_index(drop=True), AREA, NAMES, design="simple-random",
        title="t",
    )  # fmt: skip
    assert few.area is not None
    assert few.area.design == "simple random sample"
    n, right = int(kept.sum()), int((mapped[kept] == points["code"][kept]).sum())
    p = right / n
    assert few.area.overall.value == pytest.approx(p)
    assert few.area.overall.half_width == pytest.approx(1.96 * np.sqrt(p * (1 - p) / (n - 1)))


def test_points_where_the_map_is_nodata_are_counted_apart():
    mapped, points = published()
    mapped[:10] = 0
    found = judge(mapped, points, AREA, NAMES, design="stratified", title="t")
    assert found.agreement.unclassified == 10
    assert found.agreement.n == found.agreement.n_groups == 630


def test_a_class_that_no_legend_knows_has_its_code_as_name():
    assert NAMES.name_of(9) == "class 9"
