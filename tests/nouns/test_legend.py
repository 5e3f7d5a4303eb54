"""Legend: codes, names and colours, and the words that mean a class."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from landcover.errors import InputError
from landcover.nouns.legend import (
    DROPPED_CODES,
    MEDITERRANEAN,
    Legend,
    LegendClass,
    dropped_as,
    normalise_label,
)

# Copernicus GLC 100 m v3.0.1 code → class of the map (docs/methods/labels.md#classes).
COPERNICUS = {
    20: 3, 30: 4, 40: 7, 50: 8, 60: 6, 80: 9, 90: 5, 200: 9,
    110: 1, 111: 1, 112: 1, 113: 1, 114: 1, 115: 1, 116: 1,
    120: 2, 121: 2, 122: 2, 123: 2, 124: 2, 125: 2, 126: 2,
}  # fmt: skip

WORDS = {
    "shrubs": "shrubland",
    "herbaceous vegetation": "herbaceousVegetation",
    "urban / built-up": "builtUp",
    "built-up": "builtUp",
    "BUILT_UP": "builtUp",
    "bare/sparse vegetation": "bareSparseVegetation",
    "bare / sparse vegetation": "bareSparseVegetation",
    "permanent water bodies": "permanentWater",
    "Oceans, seas": "permanentWater",
    "herbaceous wetland": "herbaceousWetland",
    "forest": "closedForest",
    "Closed forest, evergreen needle leaf": "closedForest",
    "open forest, mixed": "openForest",
    " cropland ": "cropland",
}


def make_legend(*classes: tuple[int, str, tuple[str, ...]]) -> Legend:
    return Legend(
        classes=tuple(
            LegendClass(code=code, name=name, colour="#123456", title=name, aliases=aliases)
            for code, name, aliases in classes
        )
    )


def test_the_nine_classes():
    assert MEDITERRANEAN.codes == tuple(range(1, 10))
    assert MEDITERRANEAN.name_of(7) == "cropland"
    assert MEDITERRANEAN.colour_of(7) == "#F096FF"
    assert MEDITERRANEAN.colour_of(2) == "#648C00"
    assert len({entry.colour for entry in MEDITERRANEAN.classes}) == 9


@pytest.mark.parametrize(("copernicus", "code"), COPERNICUS.items())
def test_copernicus_codes_are_aliases(copernicus, code):
    for spelling in (copernicus, str(copernicus), f"{copernicus}.0", float(copernicus)):
        assert MEDITERRANEAN.code_of(spelling) == code


@pytest.mark.parametrize(("word", "name"), WORDS.items())
def test_words_are_aliases(word, name):
    code = MEDITERRANEAN.code_of(word)
    assert code is not None
    assert MEDITERRANEAN.name_of(code) == name


@pytest.mark.parametrize("label", ["", "tundra", 10, "4", "40.5", "-40", "1-1-0", "no_forest"])
def test_other_words_are_unknown(label):
    assert MEDITERRANEAN.code_of(label) is None


@pytest.mark.parametrize(
    ("label", "reason"),
    [(0, "unknown"), ("0.0", "unknown"), ("no data", "unknown"), (70, "snow and ice"),
     ("Snow and Ice", "snow and ice"), (100.0, "moss and lichen"), ("moss", "moss and lichen"),
     ("cropland", None), (40, None)],
)  # fmt: skip
def test_what_is_left_out(label, reason):
    assert dropped_as(label) == reason
    if reason:
        assert MEDITERRANEAN.code_of(label) is None


def test_dropped_codes_are_those_outside_the_nine():
    assert set(DROPPED_CODES) == {0, 70, 100}


@pytest.mark.parametrize(
    ("label", "text"),
    [(40, "40"), (40.0, "40"), ("40.0", "40"), ("040", "40"), (2.5, "2.5"), (" a ", "a"),
     (None, ""), (float("nan"), ""), (True, "True"), ("-7.", "-7"), (float("inf"), "inf")],
)  # fmt: skip
def test_normalise_label(label, text):
    assert normalise_label(label) == text


@pytest.mark.parametrize(
    ("classes", "complaint"),
    [
        ([], "at least 1"),
        ([(0, "a", ())], "greater than or equal to 1"),
        ([(256, "a", ())], "less than or equal to 255"),
        ([(1, "dry land", ())], "pattern"),
        ([(1, "a\n", ())], "pattern"),
        ([(1, "a", ()), (1, "b", ())], "code 1 belongs to both 'a' and 'b'"),
        ([(1, "a", ()), (2, "A", ())], "'A' appears twice"),
        ([(1, "a", ()), (1, "a", ())], "appears twice"),
        ([(1, "a", ("x",)), (2, "b", ("X",))], "'x' means both 'a' and 'b'"),
        ([(1, "a", ("b",)), (2, "b", ())], "'b' means both 'a' and 'b'"),
        ([(1, "a", ("40",)), (2, "b", ("40.0",))], "'40' means both"),
        ([(1, "a", (" ",))], "alias of 'a' is empty"),
    ],
)
def test_bad_legends_are_refused(classes, complaint):
    with pytest.raises(ValidationError, match=complaint):
        make_legend(*classes)


def test_a_bad_document_is_one_sentence():
    document = MEDITERRANEAN.to_document()
    document["classes"][3]["code"] = 0
    with pytest.raises(InputError, match=r"classes\.3\.code"):
        Legend.from_document(document)


def test_json_both_ways():
    assert Legend.from_json(MEDITERRANEAN.to_json()) == MEDITERRANEAN


def test_an_unknown_code_has_no_name():
    with pytest.raises(InputError, match="no class has code 0"):
        MEDITERRANEAN.name_of(0)


def test_a_class_of_snow_may_be_ones_own():
    assert make_legend((1, "snow", ("70",))).code_of(70) == 1


# Merging and second levels


def test_merging_into_a_class_keeps_it():
    merged = MEDITERRANEAN.merged({"open forest": "closedForest", "20": "grass"})
    assert merged.names[:3] == ("closedForest", "herbaceousVegetation", "herbaceousWetland")
    assert merged.code_of(126) == 1
    assert merged.code_of("shrubs") == 4
    assert merged.colour_of(4) == "#FFFF4C"


def test_merging_into_a_new_class_takes_the_lowest_code():
    merge = {"shrubland": "green land", "openForest": "green land"}
    merged = MEDITERRANEAN.merged(merge)
    entry = merged.class_of(2)
    assert (entry.name, entry.title, entry.colour) == ("greenLand", "Green land", "#648C00")
    assert merged.code_of("Shrubs") == 2
    assert len(merged.classes) == 8
    assert merged.merged(merge) == merged


@pytest.mark.parametrize(
    ("merge", "complaint"),
    [
        ({"tundra": "cropland"}, "'tundra' is not a class of the legend"),
        ({"openForest": "shrubland", "shrubland": "cropland"}, "itself merged into 'cropland'"),
        ({"openForest": "a", "open forest": "b"}, "goes to 'a' and 'b'"),
        ({"openForest": "x!", "shrubland": "x!"}, "'x!' is not a class name"),
    ],
)
def test_senseless_merges_are_refused(merge, complaint):
    with pytest.raises(ValueError, match=complaint):
        MEDITERRANEAN.merged(merge)


def entry(code, name):
    return {"code": code, "name": name, "colour": "#123456", "title": name}


def test_a_second_level_is_a_legend_of_its_own():
    legend = Legend.from_document(
        {"classes": [{**entry(1, "wood"), "second": [entry(1, "pine"), entry(2, "oak")]},
                     entry(2, "sea")]}
    )  # fmt: skip
    second = legend.second_of(1)
    assert second is not None
    assert second.names == ("pine", "oak")
    assert second.code_of("Oak") == 2
    assert legend.second_of(2) is None
    assert Legend.from_json(legend.to_json()) == legend


def test_second_codes_are_unique_over_the_legend():
    doubled = [{**entry(1, "wood"), "second": [entry(5, "pine")]},
               {**entry(2, "sea"), "second": [entry(5, "bay")]}]  # fmt: skip
    with pytest.raises(InputError, match="second code 5 belongs to both 'pine' and 'bay'"):
        Legend.from_document({"classes": doubled})


def test_more_classes_than_a_byte_holds_are_refused():
    with pytest.raises(InputError, match="at most 255 classes, found 300"):
        Legend.from_document({"classes": [entry(n, f"c{n}") for n in range(300)]})
