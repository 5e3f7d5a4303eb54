"""The class doctor's page: what it says, and how it looks in a browser."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium

from landcover.errors import InputError
from landcover.nouns.area import Estimate
from landcover.nouns.explanation import (
    ClusterWeight,
    ConfusedPair,
    Difference,
    ExplainedClass,
    Explanation,
    FeatureWeight,
    IndependentValidation,
    MisclassifiedPoint,
    PointFeature,
    ValidatedExplanation,
    ValidatedPair,
)
from landcover.publish.doctor import (
    DRAWING,
    PAGE,
    PICTURE,
    importance_csv,
    render_doctor,
    view_of,
    write_explanation,
)


def a_class(code: int, title: str, colour: str, **more: Any) -> ExplainedClass:
    known = {
        "train_rows": 90, "train_groups": 10, "held_rows": 18, "held_groups": 2, "users": 0.5,
        "producers": 0.75, "is_thin": False,
    }  # fmt: skip
    return ExplainedClass(code=code, title=title, colour=colour, **{**known, **more})


def a_point(number: int) -> MisclassifiedPoint:
    return MisclassifiedPoint(
        point=f"p{number // 2}", tile="30SUF", row=4, column=5 + number, lon=-3.25, lat=37.5,
        reference=1, predicted=2, p_reference=0.2, p_predicted=0.6,
        features=(
            PointFeature(feature="B11 of summer", value=0.31, predicted=0.2, reference=-0.1),
            PointFeature(feature="slope", value=12, predicted=-0.02, reference=0.05),
        ),
        sentence=f"Point p{number // 2}: Shrubland <is> taken for Open forest.",
    )  # fmt: skip


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    advice = "Shrubland and Open forest: JM 1.21, 31 % mutual confusion: merge them."
    return Explanation(
        model="0123456789abcdef", kind="random-forest", title="A <map>", simulated=True,
        basis="held-out", n_rows=30, n_held=36, overall=0.625,
        classes=(
            a_class(1, "Shrubland", "#ffbb22"),
            a_class(2, "Open forest", "#648c00", is_thin=True, producers=None),
        ),
        matrix=((12, 6), (5, 13)),
        features=(
            FeatureWeight(
                name="summer_B11", period="summer", layer="B11", kind="band", shap=(0.2, 0.1)
            ),
            FeatureWeight(name="slope", period=None, layer="slope", kind="terrain", shap=(0.1, 0)),
        ),
        clusters=(
            ClusterWeight(features=("summer_B11",), drop=0.3, spread=0.01),
            ClusterWeight(features=("slope",), drop=-0.02, spread=0.02),
        ),
        pairs=(
            ConfusedPair(
                codes=(1, 2), confused=11, rows=36, distance=1.21, measured=("summer_B11",),
                differences=(Difference(feature="summer_B11", amount=0.2),), tiles=("30SUF",),
                advice=advice,
            ),
        ),
        points=tuple(a_point(number) for number in range(40)), n_missed=61,
        advice=(advice,), notes=("A note.",),
    )  # fmt: skip


def test_the_page_says_what_to_do_first(explanation: Explanation) -> None:
    page = render_doctor(explanation)
    assert page.index("merge them") < page.index("Confused pairs") < page.index("Missed points")
    assert "30.6 %" in page, "11 of 36"
    assert "1.21" in page
    assert page.count("too few") == 1
    assert "A &lt;map&gt;" in page
    assert "<is>" not in page
    assert "<script" not in page


def test_points_are_bounded_and_one_pixel_stands_for_a_point(explanation: Explanation) -> None:
    page = render_doctor(explanation)
    assert page.count("taken for Open forest</summary>") == 12
    assert page.count("p0 in 30SUF") == 1
    assert "61 held-out sample pixels are wrong; 40 of them" in page


@pytest.fixture(scope="module")
def joined(explanation: Explanation) -> ValidatedExplanation:
    known = {name: value for name, value in explanation if name != "pairs"}
    first = explanation.pairs[0].model_copy(update={"confused": 0, "rows": 0, "codes": (2, 1)})
    return ValidatedExplanation(
        **known,
        pairs=(explanation.pairs[0], first),
        judgement=IndependentValidation(
            run="the <run>", design="simple random sample: a probability sample", n=48,
            overall=0.75, weighted=Estimate(value=0.7, half_width=0.12), n_missed=12,
            pairs=(
                ValidatedPair(codes=(1, 2), confused=8, points=40, is_used=True),
                ValidatedPair(codes=(2, 1), confused=0, points=0, is_used=False),
            ),
            points=(a_point(90), a_point(92)),
        ),
    )  # fmt: skip


def test_held_out_rows_and_points_stand_beside_each_other(joined: ValidatedExplanation) -> None:
    page = render_doctor(joined)
    row = page[page.index('<tr><th scope="row">') :].split("</tr>")[0]
    cells = re.findall(r'<td class="n">(.*?)</td>', row)
    assert cells == ["30.6 %", "11 of 36", "<strong>20.0 %</strong>", "8 of 40", "1.21"]
    assert ">–</td>" in page, "nothing was held out of the other pair, and no point lies there"
    assert "75.0 % of 48 independent points agree with the map of run" in page
    assert "weighted by area 70.0 % ± 12.0 (95 % interval)" in page
    assert "the &lt;run&gt;" in page
    assert "12 of 48 independent points disagree with the map; here 2 of them" in page
    assert '<a href="#point-1">p45</a> <a href="#point-2">p46</a>' in page
    assert page.count('<details id="point-') == 2
    assert "Independent points: simple random sample: a probability sample." in page


def test_an_explanation_before_the_map_says_nothing_of_points(explanation: Explanation) -> None:
    page = render_doctor(explanation)
    assert "independent" not in page.lower()
    assert 'id="point-' not in page


def test_nothing_confused_is_said(explanation: Explanation) -> None:
    nothing = {"pairs": (), "points": (), "advice": (), "n_missed": 0}
    good = explanation.model_copy(update=nothing)
    assert "No class is confused with another" in render_doctor(good)
    untested = good.model_copy(update={"basis": "training", "n_held": 0, "overall": None})
    page = render_doctor(untested)
    assert "which classes are confused is unknown" in page
    assert "Confusion of held-out samples" not in page


def test_the_table(explanation: Explanation) -> None:
    rows = list(csv.DictReader(importance_csv(explanation).splitlines()))
    assert rows[0] == {
        "feature": "summer_B11", "season": "summer", "layer": "B11", "shap": "0.300000",
        "shap Shrubland": "0.200000", "shap Open forest": "0.100000", "group": "1",
        "permutation_drop": "0.300000", "permutation_spread": "0.010000",
    }  # fmt: skip
    assert rows[1]["season"] == ""
    assert rows[1]["permutation_drop"] == "-0.020000"


def test_equal_explanations_give_equal_bytes(explanation: Explanation, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_explanation(tmp_path / name, explanation)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
    view = view_of(explanation)
    assert (tmp_path / "one" / view.picture).exists()
    assert "The most important: summer_B11, slope." in view.what


def test_an_unknown_class_is_refused(explanation: Explanation) -> None:
    with pytest.raises(InputError, match="no class 9"):
        explanation.class_of(9)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_the_page_opens_in_a_browser(
    explanation: Explanation, tmp_path: Path, width: int, scheme: Any
) -> None:
    write_explanation(tmp_path, explanation)
    errors: list[str] = []
    with chromium("the page is not looked at in a browser") as browser:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("console", lambda message: errors.append(message.text))
        page.on("requestfailed", lambda request: errors.append(request.url))
        page.goto((tmp_path / PAGE).as_uri())
        assert page.eval_on_selector("img", "image => image.naturalWidth") > 500
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_text("B11 of summer = 0.31").first.is_visible()
    assert errors == []
    assert {PICTURE, DRAWING} <= {path.name for path in tmp_path.iterdir()}
