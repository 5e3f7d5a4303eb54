"""The legend of HRLC, and how it meets the nine classes: no trees of it become closed forest."""

from __future__ import annotations

import pytest

from landcover.errors import UsageError
from landcover.nouns.hrlc import HRLC, UNVERIFIED
from landcover.nouns.legend import MEDITERRANEAN
from landcover.nouns.reference_legends import MERGE, REFERENCE_LEGENDS, codes_in, is_hrlc
from landcover.recipe import make_recipe

# Code and colour as the viewer's code has them.
SEEN = {
    10: "#006400", 20: "#003C00", 30: "#00A000", 40: "#285000", 50: "#966400", 60: "#AA7300",
    70: "#FFB432", 80: "#FFFF64", 90: "#1BCBAE", 100: "#00DC82", 110: "#FFDCD2", 120: "#FFF5D7",
    130: "#C31400", 140: "#0046C8", 150: "#FFFFFF",
}  # fmt: skip
LEAST = {"name": "x", "seasons": [{"name": "year", "primary_month": 6, "fallback_month": 7}]}


def test_codes_and_colours_are_those_that_were_seen():
    assert {entry.code: entry.colour for entry in HRLC.classes} == SEEN
    water = HRLC.second_of(140)
    assert water is not None
    assert {e.code: e.colour for e in water.classes} == {141: "#5B95FF", 142: "#0046C8"}
    assert {*SEEN, 141, 142} == UNVERIFIED


@pytest.mark.parametrize("name", sorted(REFERENCE_LEGENDS))
def test_no_public_map_without_crown_cover_gives_closed_forest(name):
    found = codes_in(name, MEDITERRANEAN)
    closed = {code for code, one in found.items() if one and MEDITERRANEAN.code_of(one) == 1}
    told = {"copernicus": {str(code) for code in range(111, 117)}, "mediterranean": {"1"}}
    expected = told.get(name, set())
    assert closed == expected


def test_trees_are_forest_where_the_legend_has_one():
    merged = MEDITERRANEAN.merged(MERGE)
    found = codes_in("hrlc", merged)
    assert {merged.name_of(merged.code_of(found[code])) for code in ("10", "20", "30", "40")} == {
        "forest"
    }
    assert found["141"] is None
    assert found["142"] == "permanentWater"


def test_copernicus_in_hrlc_keeps_leaves_and_drops_what_hrlc_splits():
    found = codes_in("copernicus", HRLC)
    assert found["111"] == found["121"] == "treeEvergreenNeedleleaf"
    assert found["114"] == "treeDeciduousBroadleaf"
    assert found["115"] is None  # mixed leaves
    assert found["20"] is None  # evergreen or deciduous shrubs
    assert found["200"] == "openWater"


def test_a_recipe_names_a_legend():
    recipe = make_recipe({**LEAST, "labels": {"legend": "hrlc"}})
    assert recipe.labels.legend == HRLC
    merged = make_recipe(
        {**LEAST, "labels": {"legend": "hrlc", "merge": {"shrubEvergreen": "shrubDeciduous"}}}
    )
    assert 50 not in merged.labels.legend.codes
    with pytest.raises(UsageError, match="no legend 'hrcl'; known are mediterranean, hrlc"):
        make_recipe({**LEAST, "labels": {"legend": "hrcl"}})


def test_a_map_is_of_hrlc_by_codes_and_names():
    assert is_hrlc({10: "treeEvergreenBroadleaf", 141: "openWaterSeasonal"})
    assert not is_hrlc({7: "cropland"})
    assert not is_hrlc({})
