"""The paper's rule for the products of a season (docs/methods/products.md#products-of-a-season)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.nouns.product import Product
from landcover.recipe import LongSeason, Season, Selection
from landcover.sources.selection import gaps, select_products

SPRING = Season(name="spring", primary_month=3, fallback_month=4).period(2021)
AUTUMN = Season(name="autumn", primary_month=11, fallback_month=10).period(2021)
GROWING = LongSeason(name="growing", first_month=3, last_month=5).period(2021)
RULE = Selection()


def product(name, date, cloud=0.0, nodata=0.0, **changes):
    """Make a product; ``date`` is month-day with an optional time."""
    moment = datetime.fromisoformat(f"2021-{date}").replace(tzinfo=UTC)
    fields = {
        "name": name, "path": f"/p/{name}", "tile": "30SUF", "spacecraft": "S2A",
        "datatake": moment, "relative_orbit": 94, "baseline": 300, "generated": moment,
        "discriminator": "", "cloud_percent": cloud, "nodata_percent": nodata, "sun_zenith": None,
        "sun_azimuth": None, "offset_decision": "metadata", "files": (), **changes,
    }  # fmt: skip
    return Product.model_validate(fields)


def names(selected):
    return "".join(selected.names)


def reasons(selected):
    return {candidate.name: candidate.reason for candidate in selected.candidates}


WORKED = [
    product("a", "03-04", 10, 0),
    product("b", "03-14", 25, 0),
    product("c", "03-19", 5, 62),
    product("d", "04-03", 2, 0),
    product("e", "04-28", 0, 0),
]


def test_the_worked_example():
    found = select_products(WORKED, SPRING, RULE)
    assert names(found) == "dac"
    assert found.status == "ok"
    assert [WORKED[n].useful_percent for n in (0, 2, 3)] == pytest.approx([90.0, 36.1, 98.0])
    assert reasons(found) == {
        "a": "primary month",
        "b": "cloud 25.0 % above 20 %",
        "c": "primary month",
        "d": "fallback month, to have enough full products",
        "e": "fallback month not needed",
    }
    assert [c.name for c in found.candidates if c.is_used] == ["a", "c", "d"]


def test_the_best_five_of_seven():
    seven = [product(str(n), f"03-{n + 1:02}", cloud) for n, cloud in enumerate(range(1, 8))]
    found = select_products(seven, SPRING, RULE)
    assert names(found) == "01234"
    assert reasons(found)["5"] == reasons(found)["6"] == "beyond the best 5"


@pytest.mark.parametrize(
    ("candidates", "expected", "status"),
    [
        ([], "", "empty"),
        ([product("a", "03-01", 20.1)], "", "empty"),
        ([product("a", "03-01", 20.0)], "a", "degraded"),  # the limit is inclusive
        ([product("a", "03-01"), product("b", "03-02", 0, 10.0)], "ab", "ok"),
        ([product("a", "03-01"), product("b", "03-02", 0, 10.1)], "ab", "degraded"),
        ([product("a", "03-01", 0, 50), product("b", "03-02", 0, 40)], "ba", "degraded"),
        ([product("a", "02-28T23:59:59"), product("b", "05-01")], "", "empty"),
        # A full product comes before a partial one that shows more.
        ([product("a", "03-01", 20, 10), product("b", "03-02", 0, 10.1)], "ab", "degraded"),
        # Equal shares: the earlier date, then the name.
        ([product("b", "03-02"), product("c", "03-01"), product("a", "03-02T01")], "cba", "ok"),
        ([product("b", "03-02", relative_orbit=1), product("a", "03-02")], "ab", "ok"),
    ],
)  # fmt: skip
def test_order_limits_and_status(candidates, expected, status):
    found = select_products(candidates, SPRING, RULE)
    assert (names(found), found.status) == (expected, status)


@pytest.mark.parametrize(
    ("date", "is_in"),
    [
        ("02-28T23:59:59.999", False),
        ("03-01T00:00:00", True),
        ("03-31T23:59:59", True),
        ("04-30T23:59:59", True),  # the last day counts whole
        ("05-01T00:00:00", False),
    ],
)
def test_the_edges_of_the_months(date, is_in):
    found = select_products([product("a", date)], SPRING, RULE)
    assert names(found) == ("a" if is_in else "")
    assert len(found.candidates) == is_in


@pytest.mark.parametrize(
    ("season", "expected"),
    [
        # April is opened from its first day, October from its last.
        (SPRING, ["04-02", "04-09"]),
        (AUTUMN, ["10-30", "10-23"]),
    ],
)
def test_the_fallback_month_is_opened_from_the_side_of_the_season(season, expected):
    month = expected[0][:2]
    days = [f"{month}-{day:02}" for day in (2, 9, 16, 23, 30)]
    found = select_products([product(day, day) for day in days], season, RULE)
    assert set(found.names) == set(expected)
    assert found.status == "ok"


def test_of_one_fallback_day_the_more_useful_product_comes_first():
    same_day = [product("a", "04-02T10", 5, relative_orbit=1), product("b", "04-02T11", 1)]
    assert names(select_products(same_day, SPRING, Selection(min_full_products=1))) == "b"


def test_a_partial_product_of_the_fallback_month_does_not_close_it():
    rows = [product("a", "04-01", 0, 50), product("b", "04-02"), product("c", "04-03"),
            product("d", "04-04")]  # fmt: skip
    assert names(select_products(rows, SPRING, RULE)) == "bca"


# Seasons of several months


def test_each_month_of_a_long_season_gives_its_best():
    rows = [
        product("a", "03-01", 3), product("b", "03-11", 1), product("c", "03-21", 2),
        product("d", "03-26", 0, 50),  # partial: after all full ones
        product("e", "05-31T23:59:59", 20), product("f", "05-02", 20.1),
        product("g", "02-28T23:59:59"), product("h", "06-01"),
    ]  # fmt: skip
    found = select_products(rows, GROWING, Selection(max_products=2))
    assert names(found) == "bce"
    assert found.status == "ok"
    assert reasons(found) == {
        "a": "beyond the best 2 of 2021-03",
        "b": "among the best 2 of 2021-03",
        "c": "among the best 2 of 2021-03",
        "d": "beyond the best 2 of 2021-03",
        "e": "among the best 2 of 2021-05",
        "f": "cloud 20.1 % above 20 %",
    }
    used = [row for row in rows if row.name in found.names]
    assert gaps(GROWING, used) == ("No product of 2021-04 is used.",)
    assert gaps(GROWING, [*used, product("i", "04-30T23:59:59")]) == ()
    assert gaps(SPRING, []) == ()


def test_a_long_season_is_worth_what_is_there():
    one, part = product("a", "03-01"), product("b", "04-01", 0, 50)
    assert select_products([], GROWING, RULE).status == "empty"
    assert select_products([product("c", "03-01", 30)], GROWING, RULE).status == "empty"
    assert select_products([one, part], GROWING, RULE).status == "degraded"
    assert select_products([one, part, product("c", "05-01")], GROWING, RULE).status == "ok"


def test_the_newest_copy_of_a_long_season_is_used():
    old = product("old", "04-04")
    found = select_products([old, copy(old, "new", baseline=500)], GROWING, RULE)
    assert found.names == ("new",)
    assert reasons(found)["old"] == "older copy of new"


def test_a_long_season_over_the_turn_of_the_year():
    winter = LongSeason(name="winter", first_month=11, last_month=2).period(2020)
    rows = [product(day, day) for day in ("01-01", "02-28T23:59:59", "03-01")]
    december = product("before", "01-01", datatake=datetime(2020, 12, 31, 11, tzinfo=UTC))
    found = select_products([*rows, december], winter, RULE)
    assert set(found.names) == {"before", "01-01", "02-28T23:59:59"}
    assert winter.name == "2020-winter"
    assert gaps(winter, [december]) == ("No product of 2020-11, 2021-01, 2021-02 is used.",)


# Copies of one acquisition


def copy(of, name, **changes):
    return of.model_copy(update={"name": name, "path": f"/p/{name}", **changes})


def test_the_newest_copy_is_used():
    old = product("old", "03-04", baseline=214)
    day = timedelta(days=1)
    copies = [
        old,
        copy(old, "n0500", baseline=500),
        copy(old, "n0510", baseline=510),
        copy(old, "later", baseline=510, generated=old.generated + day),
        copy(old, "last", baseline=510, generated=old.generated + day, discriminator="2"),
    ]
    found = select_products(copies, SPRING, RULE)
    assert found.names == ("last",)
    assert {r for n, r in reasons(found).items() if n != "last"} == {"older copy of last"}
    assert len(found.candidates) == 5


def test_the_newest_copy_is_used_even_if_it_is_too_cloudy():
    old = product("old", "03-04", cloud=5)
    found = select_products([old, copy(old, "new", baseline=500, cloud_percent=30)], SPRING, RULE)
    assert found.names == ()
    assert reasons(found) == {"old": "older copy of new", "new": "cloud 30.0 % above 20 %"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"spacecraft": "S2B"}, 2),
        ({"relative_orbit": 51}, 2),
        ({"datatake": datetime(2021, 3, 4, 0, 0, 1, tzinfo=UTC)}, 2),
        ({"datatake": datetime(2021, 3, 4, 0, 0, 0, 24_000, tzinfo=UTC)}, 1),
        ({"baseline": 301}, 1),
    ],
    ids=str,
)
def test_what_makes_a_copy(changes, expected):
    one = product("a", "03-04")
    assert len(select_products([one, copy(one, "b", **changes)], SPRING, RULE).names) == expected


@pytest.mark.parametrize(
    ("nodata", "changes", "expected"),
    [
        ((60, 45), {"discriminator": "2"}, ["a", "b"]),  # two granules share the tile
        ((60, 1.0), {"discriminator": "2"}, ["b"]),  # one of them shows all of it
        ((0.5, 45), {"discriminator": "2"}, ["b"]),
        ((60, 45), {"discriminator": "2", "baseline": 301}, ["b"]),
        ((60, 45), {}, ["b"]),
    ],
    ids=str,
)
def test_two_granules_of_one_datatake(nodata, changes, expected):
    one = product("a", "03-04", 0, nodata[0], discriminator="1")
    other = copy(one, "b", nodata_percent=nodata[1], **changes)
    assert sorted(select_products([one, other], SPRING, RULE).names) == expected


# Properties

CANDIDATES = st.builds(
    product,
    name=st.uuids().map(str),
    date=st.sampled_from(["02-27", "03-01", "03-31T23:59:59", "04-01", "04-30T23:59:59", "05-01"]),
    cloud=st.sampled_from([0.0, 5.0, 20.0, 20.1, 90.0]),
    nodata=st.sampled_from([0.0, 0.5, 10.0, 10.1, 80.0]),
    relative_orbit=st.integers(1, 2),
    baseline=st.sampled_from([214, 500]),
    discriminator=st.sampled_from(["1", "2"]),
)


@settings(deadline=None)
@given(data=st.data(), candidates=st.lists(CANDIDATES, max_size=9))
def test_the_order_of_the_input_never_matters(data, candidates):
    shuffled = data.draw(st.permutations(candidates))
    for season in (SPRING, GROWING):
        assert select_products(shuffled, season, RULE) == select_products(candidates, season, RULE)


@settings(deadline=None)
@given(candidates=st.lists(CANDIDATES, max_size=9))
def test_what_always_holds(candidates):
    found = select_products(candidates, SPRING, RULE)
    by_name = {p.name: p for p in candidates}
    used = [by_name[name] for name in found.names]
    assert len(set(found.names)) == len(used) <= RULE.max_products
    assert all(p.cloud_percent <= 20 for p in used)
    assert all(candidate.reason for candidate in found.candidates)
    in_months = {p.name for p in candidates if SPRING.start <= p.datatake < SPRING.fallback_end}
    assert {candidate.name for candidate in found.candidates} == in_months
    assert (found.status == "empty") is (not used)
    assert (found.status == "ok") is (sum(p.nodata_percent <= 10 for p in used) >= 2)
