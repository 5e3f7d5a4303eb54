"""The deck's table: 167 features in its order, found among ours by name."""

from __future__ import annotations

from landcover.nouns.deck_table import ADDITIONAL, COLUMNS, FEATURES, IDENTITY, SPECTRAL, found_in


def test_there_are_167_features_in_the_order_of_the_deck() -> None:
    assert len(SPECTRAL) == 144
    assert len(FEATURES) == len(set(FEATURES)) == 167
    assert FEATURES[0] == "m01_B01"
    assert FEATURES[12] == "m02_B01"
    assert FEATURES[143] == "m12_B12"
    assert FEATURES[144:147] == ("dem", "slope", "aspect")
    assert FEATURES[-1] == "Sobel"
    assert COLUMNS[:5] == IDENTITY
    assert len(ADDITIONAL) == 14


def test_features_of_one_month_are_found_by_their_layer() -> None:
    ours = ["m01_B02", "m02_ndvi", "m01_ndvi", "m01_GLCMASM", "sobel", "slope"]
    assert found_in(ours) == {
        "m01_B02": "m01_B02",
        "slope": "slope",
        "NDVI": "m02_ndvi",
        "GLCMASM": "m01_GLCMASM",
        "Sobel": "sobel",
    }
    assert found_in(["summer_B02"]) == {}
