"""Keys of seasons and their windows, against what a recipe prepares."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from landcover.errors import InputError
from landcover.nouns.calendar import PAPER, Calendar, calendar_of
from landcover.recipe import make_recipe, override

RECIPES = Path(__file__).resolve().parents[2] / "recipes"


def document(name: str) -> dict[str, object]:
    return dict(yaml.safe_load((RECIPES / f"{name}.yaml").read_text()))


@pytest.mark.parametrize("name", ["mediterranean-rf", "hrlc-svm", "season-metrics"])
@pytest.mark.parametrize("pairs", [[], ["mask.variant=ours"]])
def test_windows_are_what_the_recipe_prepares(name, pairs):
    changed = override(document(name), pairs)
    recipe, calendar = make_recipe(changed), calendar_of(changed)
    spans = recipe.spans(2020)
    windows = calendar.of_year(2020)
    assert [w.key for w in windows] == [span.name for span in spans]
    for window, span in zip(windows, spans, strict=True):
        hulls = [period.hull for period in span.periods]
        assert (window.start, window.end) == (min(h[0] for h in hulls), max(h[1] for h in hulls))
        if window.season is not None:
            assert recipe.spans(2020, window.season) == (span,)


def test_the_last_day_is_in():
    spring, summer, autumn = PAPER.of_year(2021)
    assert (spring.start, spring.end) == (
        datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 5, 1, tzinfo=UTC),
    )  # fmt: skip
    assert (summer.start.month, summer.end.month) == (6, 8)
    assert (autumn.start.month, autumn.end.month) == (10, 12)
    assert calendar_of(document("mediterranean-rf")) == PAPER


@pytest.mark.parametrize(
    ("primary", "helper", "start", "end"),
    [
        (12, 1, (2021, 12), (2022, 2)),
        (1, 12, (2020, 12), (2021, 2)),
        (12, 11, (2021, 11), (2022, 1)),
    ],
)
def test_a_winter_reaches_into_the_next_year(primary, helper, start, end):
    season = {"name": "winter", "primary_month": primary, "fallback_month": helper}
    recipe = override(document("mediterranean-rf"), [f"seasons={[season]}"])
    window = calendar_of(recipe).window("2021-winter")
    assert (window.start.year, window.start.month) == start
    assert (window.end.year, window.end.month) == end
    period = make_recipe(recipe).spans(2021)[0].periods[0]
    assert (window.start, window.end) == period.hull


def test_each_season_has_a_date_of_its_own():
    calendar = Calendar((("growing", 3, 7), ("spring", 3, 2), ("march", 3, 1)))
    dates = [w.date for w in calendar.windows(2019, 2021)]
    assert len(set(dates)) == 9
    assert dates == sorted(dates)


@pytest.mark.parametrize("key", ["2021-sprng", "spring", "2021", "21-spring", "2001-spring", ""])
def test_a_wrong_key_is_said_with_a_right_one(key):
    with pytest.raises(InputError, match=r"spring, summer, autumn from 2015 on, such as 2021-spr"):
        PAPER.window(key)


def test_a_recipe_without_seasons_is_said():
    with pytest.raises(InputError, match="names no seasons"):
        calendar_of({"name": "x", "seasons": 3})
