"""A recipe is read strictly: what is misspelt or senseless is told, never passed over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import yaml

from landcover.errors import InputError, UsageError
from landcover.nouns.base import Noun
from landcover.nouns.legend import MEDITERRANEAN
from landcover.recipe import (
    INDICES,
    LAYERS,
    PAPER_INDICES,
    LongSeason,
    Recipe,
    Season,
    Selection,
    make_recipe,
    read_recipe,
)

SHIPPED = Path(__file__).parents[1] / "recipes" / "mediterranean-rf.yaml"
SEASONS = [{"name": "spring", "primary_month": 3, "fallback_month": 4}]
LEAST = {"name": "mine", "seasons": SEASONS}


def utc(year, month, day):
    return datetime(year, month, day, tzinfo=UTC)


def refusal(**changes):
    with pytest.raises(UsageError) as caught:
        make_recipe({**LEAST, **changes})
    message = str(caught.value)
    assert message.startswith("recipe: ")
    assert "\n" not in message
    return message.removeprefix("recipe: ")


# The shipped recipe


def test_the_shipped_recipe_shows_the_defaults():
    shipped = read_recipe(SHIPPED)
    assert shipped.name == "mediterranean-rf"
    defaults = make_recipe({"name": "x", "seasons": yaml.safe_load(SHIPPED.read_text())["seasons"]})
    own = {"name", "title"}
    assert shipped.model_dump(exclude=own) == defaults.model_dump(exclude=own)


def test_the_shipped_recipe_shows_every_key():
    document = yaml.safe_load(SHIPPED.read_text())
    assert set(document) == set(Recipe.model_fields)
    for name, part in document.items():
        if isinstance(part, dict):
            known = set(Recipe.model_fields[name].annotation.model_fields)
            assert known - set(part) <= {"legend"}, name


def test_the_paper_in_numbers():
    recipe = read_recipe(SHIPPED)
    assert [(s.name, s.primary_month, s.fallback_month) for s in recipe.seasons] == [
        ("spring", 3, 4), ("summer", 6, 7), ("autumn", 11, 10),
    ]  # fmt: skip
    selection = recipe.selection
    assert (selection.max_cloud_percent, selection.min_full_products) == (20, 2)
    assert (selection.max_products, selection.partial_nodata_percent) == (5, 10)
    assert recipe.composite.layers == LAYERS
    assert recipe.features.indices == PAPER_INDICES
    assert (recipe.mask.growth_m, recipe.mask.threshold) == (600, 0.075)
    assert recipe.model.trees == 100
    assert recipe.labels.legend == MEDITERRANEAN


def parts(annotation):
    yield annotation
    for inner in get_args(annotation):
        yield from parts(inner)


def sections(model=Recipe):
    yield model
    for field in model.model_fields.values():
        for inner in parts(field.annotation):
            if isinstance(inner, type) and issubclass(inner, Noun):
                yield from sections(inner)


@pytest.mark.parametrize("section", sorted(set(sections()), key=str), ids=lambda s: s.__name__)
def test_every_field_is_described(section):
    for name, field in section.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name


def test_a_recipe_survives_the_records():
    recipe = read_recipe(SHIPPED, ["labels.mapping={11: cropland, 12: null}"])
    assert Recipe.from_document(recipe.to_document()) == recipe
    assert Recipe.from_json(recipe.to_json()) == recipe


# What is wrong is told


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modle": {}}, "unknown key 'modle'; did you mean 'model'?"),
        ({"selection": {"max_cloud": 10}}, "unknown key 'selection.max_cloud'"),
        (
            {"selection": {"max_cloud_percnt": 10}},
            "unknown key 'selection.max_cloud_percnt'; did you mean 'max_cloud_percent'?",
        ),
        (
            {"labels": {"legend": {"clases": []}}},
            "unknown key 'labels.legend.clases'; did you mean 'classes'?",
        ),
        (
            {"labels": {"legend": {"classes": [{"code": 1, "name": "a", "color": "#000000"}]}}},
            "unknown key 'labels.legend.classes.0.color'; did you mean 'colour'?",
        ),
        (
            # The misspelt key, not the missing one that it causes.
            {"seasons": [{"name": "spring", "primry_month": 3, "fallback_month": 4}]},
            "unknown key 'seasons.0.primry_month'; did you mean 'primary_month'?",
        ),
        ({"xyzzy": 1}, "unknown key 'xyzzy'; known are name, title, seasons, selection, mask,"),
        ({"mask": {"variant": "papr"}}, "mask.variant: "),
        ({"composite": {"layers": ["B10"]}}, "composite.layers: 'B10' is unknown; did you mean"),
        ({"model": {"svm": {"gamma": 1e300}}}, "model.svm.gamma: expected 'scale' or a number"),
        (
            {"model": {"search": {"grid": {"svm": {"gamma": [1, 0]}}}}},
            "model.search.grid.svm.gamma.1: expected 'scale' or a number above 0",
        ),
        ({"features": {"indices": ["nvdi"]}}, "features.indices: 'nvdi' is unknown; did you mean"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unknown_name_is_told_with_the_nearest(changes, sentence):
    found = refusal(**changes)
    assert found.startswith(sentence)
    assert found.endswith(("?", "."))
    assert not found.endswith(("?.", ".."))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": None}, "name"),
        ({"name": "With Blanks"}, "name"),
        ({"seasons": []}, "seasons"),
        ({"seasons": "spring"}, "seasons: expected a list"),
        ({"seasons": [{"name": "Spring", "primary_month": 3, "fallback_month": 4}]}, "seasons.0"),
        ({"seasons": [{"name": "s", "primary_month": 13, "fallback_month": 4}]}, "seasons.0"),
        ({"seasons": [{"name": "s", "primary_month": 3, "fallback_month": 0}]}, "seasons.0"),
        ({"seasons": [{"name": "s", "primary_month": 3}]}, "the key 'seasons.0.fallback_month'"),
        ({"seasons": [{"name": "s", "primary_month": 3, "fallback_month": 3}]}, "seasons.0"),
        ({"seasons": SEASONS * 2}, "seasons: a name appears twice"),
        ({"model": None}, "model: expected a table of keys"),
        ({"model": [1]}, "model: expected a table of keys"),
        ({"model": {"trees": "many"}}, "model.trees"),
        ({"model": {"trees": 0}}, "model.trees"),
        ({"model": {"trees": 1.5}}, "model.trees"),
        ({"model": {"trees": True}}, "model.trees: expected no switch, found true"),
        ({"model": {"seed": -1}}, "model.seed"),
        ({"model": {"train_fraction": 1}}, "model.train_fraction"),
        ({"selection": {"max_cloud_percent": 101}}, "selection.max_cloud_percent"),
        ({"selection": {"max_cloud_percent": float("nan")}}, "selection.max_cloud_percent"),
        ({"selection": {"max_products": False}}, "selection.max_products: expected no switch"),
        ({"mask": {"growth_m": float("inf")}}, "mask.growth_m"),
        ({"mask": {"excluded": ["grow"]}}, "mask.excluded.0"),
        ({"composite": {"layers": []}}, "composite.layers"),
        ({"composite": {"layers": ["B02", "B02"]}}, "composite.layers: a name appears twice"),
        ({"features": {"indices": ["ndvi", "ndvi"]}}, "features.indices: a name appears twice"),
        ({"labels": {"mapping": ["a"]}}, "labels.mapping"),
        ({"labels": {"mapping": {"a": 3}}}, "labels.mapping"),
        ({"labels": {"neighbourhood": 2}}, "labels.neighbourhood"),
        ({"terrain": {"missing_is_sea": "perhaps"}}, "terrain.missing_is_sea"),
        ({"tolerance_percent": 101}, "tolerance_percent"),
    ],
    ids=str,
)
def test_a_wrong_value_is_told_with_its_key(changes, where):
    assert refusal(**changes).startswith(where)


def test_the_least_recipe():
    with pytest.raises(UsageError, match="the key 'name' is missing"):
        make_recipe({"seasons": SEASONS})
    assert make_recipe(LEAST).selection == Selection()
    assert set(PAPER_INDICES) < set(INDICES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "a recipe is a table of keys, found NoneType"),
        ("- a", "a recipe is a table of keys, found list"),
        ("a: [", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("name: a\nname: b", "the key 'name' appears twice"),
        ("model:\n  trees: 5\n  trees: 6", "the key 'trees' appears twice"),
        ("1: 2", "unknown key '1'"),
        ("a: !!python/object:os.system {}", "not valid YAML"),
    ],
)
def test_a_file_that_is_no_recipe(tmp_path, text, sentence):
    path = tmp_path / "recipe.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path / "none.yaml")
    with pytest.raises(UsageError, match="cannot be read"):
        read_recipe(tmp_path)
    path = tmp_path / "latin1.yaml"
    path.write_bytes("title: Übersicht".encode("latin-1"))
    with pytest.raises(UsageError, match="not UTF-8"):
        read_recipe(path)


# --set


@pytest.mark.parametrize(
    ("overrides", "key", "value"),
    [
        (["model.trees=50"], "model.trees", 50),
        (["model.trees=50", "model.trees=60"], "model.trees", 60),
        (["model.max_depth=12"], "model.max_depth", 12),
        (["model.max_depth=null"], "model.max_depth", None),
        (["composite.layers=[B04, B08]"], "composite.layers", ("B04", "B08")),
        (["title=a = b"], "title", "a = b"),
        (["labels.mapping={11: cropland, 12: null}"], "labels.mapping",
         {"11": "cropland", "12": None}),
        (["labels.mapping.11=cropland"], "labels.mapping", {"11": "cropland"}),
        (["labels.field="], "labels.field", None),
        (["terrain.missing_is_sea=no"], "terrain.missing_is_sea", False),
    ],
)  # fmt: skip
def test_an_override_wins(overrides, key, value):
    found = read_recipe(SHIPPED, overrides)
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value


def test_an_override_opens_a_section_that_the_file_lacks(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump({**LEAST, "model": None}))
    assert read_recipe(path, ["model.trees=7", "mask.growth_m=0"]).model.trees == 7


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("model.trees", "expected key=value"),
        ("=5", "expected key=value"),
        ("model trees=5", "expected key=value"),
        ("model.trees=[", "not valid YAML"),
        ("labels.mapping={a: b, a: c}", "not valid YAML"),
        ("seasons.0.name=x", "'seasons' is not a table of keys"),
        ("model.tres=5", "did you mean 'trees'"),
        ("model..trees=5", "unknown key"),
        ("model.trees=many", "model.trees"),
    ],
)
def test_a_wrong_override_is_told(override, sentence):
    with pytest.raises(UsageError) as caught:
        read_recipe(SHIPPED, [override])
    assert sentence in str(caught.value)


# Months


@pytest.mark.parametrize(
    ("primary", "fallback", "year", "expected", "descending"),
    [
        (3, 4, 2021, ((2021, 3, 1), (2021, 4, 1), (2021, 4, 1), (2021, 5, 1)), False),
        (6, 7, 2021, ((2021, 6, 1), (2021, 7, 1), (2021, 7, 1), (2021, 8, 1)), False),
        (11, 10, 2021, ((2021, 11, 1), (2021, 12, 1), (2021, 10, 1), (2021, 11, 1)), True),
        (2, 3, 2024, ((2024, 2, 1), (2024, 3, 1), (2024, 3, 1), (2024, 4, 1)), False),
        (3, 2, 2024, ((2024, 3, 1), (2024, 4, 1), (2024, 2, 1), (2024, 3, 1)), True),
        (12, 11, 2021, ((2021, 12, 1), (2022, 1, 1), (2021, 11, 1), (2021, 12, 1)), True),
        # December and January are neighbours across the turn of the year.
        (12, 1, 2021, ((2021, 12, 1), (2022, 1, 1), (2022, 1, 1), (2022, 2, 1)), False),
        (1, 12, 2021, ((2021, 1, 1), (2021, 2, 1), (2020, 12, 1), (2021, 1, 1)), True),
    ],
)
def test_the_months_of_a_season(primary, fallback, year, expected, descending):
    period = Season(name="s", primary_month=primary, fallback_month=fallback).period(year)
    found = (period.start, period.end, period.fallback_start, period.fallback_end)
    assert found == tuple(utc(*day) for day in expected)
    assert period.fallback_descending is descending
    assert (period.name, period.label) == (f"{year}-s", "s")


@pytest.mark.parametrize(
    ("first", "last", "year", "start", "end", "n_months"),
    [
        (1, 12, 2021, (2021, 1, 1), (2022, 1, 1), 12),
        (3, 10, 2021, (2021, 3, 1), (2021, 11, 1), 8),
        (2, 2, 2024, (2024, 2, 1), (2024, 3, 1), 1),
        # Over the turn of the year: of the year of its first month.
        (11, 2, 2023, (2023, 11, 1), (2024, 3, 1), 4),
        (10, 9, 2021, (2021, 10, 1), (2022, 10, 1), 12),
        (12, 1, 2021, (2021, 12, 1), (2022, 2, 1), 2),
    ],
)
def test_a_season_of_several_months(first, last, year, start, end, n_months):
    season = LongSeason(name="s", first_month=first, last_month=last)
    period = season.period(year)
    assert (period.start, period.end) == period.hull == (utc(*start), utc(*end))
    assert (period.name, period.label, period.is_long) == (f"{year}-s", "s", True)
    assert season.n_months == n_months == sum(map(season.has_month, range(1, 13)))
    assert season.has_month(first)
    assert season.has_month(last)
    assert len(period.months_without([])) == n_months


def test_seasons_of_both_kinds_stand_in_the_records_as_they_are_written():
    seasons = [*SEASONS, {"name": "year", "first_month": 1, "last_month": 12}]
    recipe = make_recipe({"name": "a", "seasons": seasons})
    assert recipe.to_document()["seasons"] == seasons
    assert Recipe.from_document(recipe.to_document()) == recipe
    assert [span.name for span in recipe.spans(2021)] == ["2021-spring", "2021-year"]
    # The documents of seasons and periods that were there before stay what they were.
    period = recipe.spans(2021)[0].periods[0]
    assert list(period.to_document()) == [
        "name", "label", "start", "end", "fallback_start", "fallback_end", "fallback_descending"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("season", "sentence"),
    [
        (
            {"primary_month": 3, "first_month": 1, "last_month": 12},
            "seasons.0: first_month does not go with primary_month: a season has primary_month and "
            "fallback_month, or first_month and last_month.",
        ),
        ({"fallback_month": 3, "last_month": 1}, "seasons.0: last_month does not go with fallb"),
        ({"first_month": 3}, "the key 'seasons.0.last_month' is missing."),
        ({"first_month": 0, "last_month": 3}, "seasons.0.first_month: Input should be greater"),
        ({"first_month": 3, "last_month": 13}, "seasons.0.last_month: Input should be less"),
        ({"first_month": True, "last_month": 3}, "seasons.0.first_month: expected no switch"),
        ({"first_mnth": 1, "last_month": 3}, "unknown key 'seasons.0.first_mnth'; did you mean"),
        ({}, "the key 'seasons.0.primary_month' is missing."),
    ],
    ids=str,
)
def test_a_season_that_is_neither_kind_is_told(season, sentence):
    assert refusal(seasons=[{"name": "s", **season}]).startswith(sentence)


def test_seasons_of_both_kinds_need_names_of_their_own():
    twice = [*SEASONS, {"name": "spring", "first_month": 3, "last_month": 5}]
    assert refusal(seasons=twice) == "seasons: a name appears twice."


def test_a_year_of_more_products_than_can_be_counted_is_told():
    year = [{"name": "year", "first_month": 1, "last_month": 12}]
    assert refusal(seasons=year, selection={"max_products": 22}) == (
        "year: 12 months of 22 products may be more than the 255 of a composite; lower "
        "selection.max_products."
    )
    make_recipe({"name": "a", "seasons": year, "selection": {"max_products": 21}})


@pytest.mark.parametrize(("year", "days"), [(2023, 28), (2024, 29), (2100, 28)])
def test_february(year, days):
    period = Season(name="s", primary_month=2, fallback_month=3).period(year)
    assert (period.end - period.start).days == days


def test_each_season_is_a_span():
    spans = read_recipe(SHIPPED).spans(2021)
    assert [span.name for span in spans] == ["2021-spring", "2021-summer", "2021-autumn"]
    assert [period.name for span in spans for period in span.periods] == [s.name for s in spans]


def test_a_season_is_frozen_and_strict():
    with pytest.raises(InputError, match="fallback month"):
        Season.from_document({"name": "s", "primary_month": 1, "fallback_month": 1})
