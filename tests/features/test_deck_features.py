"""The 167 features of the HRLC deck: names, order, where each comes from, what is redundant."""

from __future__ import annotations

import pytest

from landcover.errors import UsageError
from landcover.features.plan import plan_features, reads_of, source_of, wanted_features
from landcover.features.reads import Layer, LayerOfFewestGaps
from landcover.features.redundancy import redundancies
from landcover.nouns.feature_sections import DECK_INDICES
from landcover.nouns.model import feature_set
from landcover.recipe import Recipe, make_recipe

# The deck's own lists, written out (spec of its feature table).
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
MONTHS = tuple(f"m{month:02}" for month in range(1, 13))
TEXTURES = (
    "GLCMcontrast", "GLCMdissimilarity", "GLCMhomogeneity", "GLCMenergy", "GLCMcorrelation",
    "GLCMASM",
)  # fmt: skip
ADDITIONAL = (
    "NDVI", "GNDVI", "NDVI705", "GLI", "EVI2", "SAVI", "NDYI", "NDLI", "NDMI", "NDWI", "NDSI",
    "NDBI", "BSI", "Sobel",
)  # fmt: skip


def deck(**features: object) -> Recipe:
    return make_recipe({
        "name": "deck",
        "seasons": [
            {"name": name, "first_month": month, "last_month": month}
            for month, name in enumerate(MONTHS, 1)
        ],
        "composite": {"layers": list(BANDS)},
        "features": {
            "indices": [], "terrain": ["dem", "slope", "aspect"], "texture": {},
            "season_indices": {}, "edges": {}, "order": "deck", **features,
        },
    })  # fmt: skip


def test_the_decks_167_features_in_its_order() -> None:
    recipe = deck()
    names = [feature.name for feature in wanted_features(recipe)]
    monthly = [f"{month}_{band}" for month in MONTHS for band in BANDS]
    assert names == [*monthly, "dem", "slope", "aspect", *TEXTURES, *ADDITIONAL]
    assert (len(names), len(set(names)), len(monthly)) == (167, 167, 144)
    assert tuple(name.upper() for name in DECK_INDICES) == ADDITIONAL[:-1]


def test_textures_and_indices_are_of_the_one_month_that_is_asked_for() -> None:
    recipe = deck(texture={"season": "m03"}, edges={"season": "m07", "index": "ndmi"})
    read = {
        feature.name: {r for r in reads_of(source_of(feature, recipe)) if isinstance(r, Layer)}
        for feature in wanted_features(recipe)
    }
    assert read["GLCMASM"] == {Layer("m03", "B08")}
    assert read["Sobel"] == {Layer("m07", "B08"), Layer("m07", "B11")}
    assert read["NDVI"] == {Layer("m01", "B08"), Layer("m01", "B04")}, "the first is the default"


def test_textures_may_be_of_the_month_with_the_fewest_gaps() -> None:
    recipe = deck(texture={"season": "auto"})
    texture = next(f for f in wanted_features(recipe) if f.name == "GLCMASM")
    assert (texture.period, texture.periods) == (None, MONTHS)
    assert list(reads_of(source_of(texture, recipe))) == [LayerOfFewestGaps(MONTHS, "B08")]
    # One month with the band is enough; the bands of the others leave the set.
    july = {"m07": {"B08"}}
    features, missing = plan_features(recipe, july, has_terrain=False)
    assert [f.name for f in features.features] == ["m07_B08", *TEXTURES]
    assert "GLCMASM" not in missing
    assert "GLCMASM" in plan_features(deck(), july, has_terrain=True)[1], "January has none"
    assert '"seasons"' not in feature_set(wanted_features(deck())).to_json()


def test_what_no_product_has_leaves_the_set() -> None:
    available = {month: set(BANDS) - {"B01", "B09"} for month in MONTHS}
    features, missing = plan_features(deck(), available, has_terrain=True)
    assert len(features.features) == 143
    assert set(missing) == {f"{month}_{band}" for month in MONTHS for band in ("B01", "B09")}


def test_what_is_told_twice_is_named() -> None:
    recipe = deck(indices=["ndvi", "mndwi"])
    found = redundancies(wanted_features(recipe), recipe)
    assert {"NDWI = −GNDVI", "NDBI = −NDMI", "NDSI = m01_mndwi", "GLCMASM = GLCMenergy²"} <= set(
        found
    )
    assert "NDVI = m01_ndvi" in found
    assert len(found) == 5
    literature = deck(index_variant="literature")
    assert len(redundancies(wanted_features(literature), literature)) == 3


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        ({"texture": {"season": "m13"}}, "features.texture.season: 'm13' is unknown; did you mean"),
        ({"texture": {"band": "B10"}}, "features.texture.band: 'B10' is unknown"),
        ({"texture": {"window": 8}}, "the window must be odd, found 8"),
        ({"season_indices": {"indices": ["ndxi"]}}, "indices: 'ndxi' is unknown; did you mean"),
        ({"season_indices": {"indices": ["ri", "ri"]}}, "indices: a name appears twice"),
        ({"edges": {"season": "auto"}}, "features.edges.season: 'auto' is unknown"),
        ({"edges": {"index": "B04"}}, "features.edges.index: 'B04' is unknown"),
    ],
)
def test_what_a_section_cannot_name_is_told(features: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        deck(**features)
