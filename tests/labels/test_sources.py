"""Several files in one legend: mappings, contradictions, second levels, names of sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.labels.files import split_paths
from landcover.labels.mapping import read_mapping
from landcover.labels.reading import read_labels
from landcover.nouns.label_formats import FORMATS, format_of, suffixes
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.recipe import LabelSource

FOREST = {
    "code": 1, "name": "forest", "colour": "#007800", "title": "Forest",
    "second": [
        {"code": 11, "name": "needle", "colour": "#112233", "title": "N", "aliases": ["conifer"]},
        {"code": 12, "name": "broad", "colour": "#332211", "title": "B"},
    ],
}  # fmt: skip
TWO_LEVELS = Legend.from_document(
    {"classes": [FOREST, {"code": 9, "name": "water", "colour": "#0032C8", "title": "Water"}]}
)


def write(folder, name, *rows, header="lat,lon,label"):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *rows]))
    return path


def test_every_ending_has_one_reader():
    assert len(set(suffixes())) == len(suffixes()) >= 14
    for row in FORMATS:
        assert callable(row.read), row.name
        assert all(format_of(Path(f"labels{ending.upper()}")) is row for ending in row.suffixes)


# One legend


def test_any_legend_knows_copernicus_where_it_has_the_class(tmp_path):
    own = Legend.from_document(
        {
            "classes": [
                {"code": 5, "name": "crops", "colour": "#000000", "title": "C",
                 "aliases": ["cropland"]},
                {"code": 6, "name": "permanentWater", "colour": "#000000", "title": "W"},
            ]
        }
    )  # fmt: skip
    path = write(tmp_path, "a.csv", "1,1,40", "2,1,oceans, seas".replace(", ", " "), "3,1,80")
    assert read_labels(path, legend=own).counts == {"crops": 1, "permanentWater": 2}
    with pytest.raises(InputError, match="'urban'"):
        read_labels(write(tmp_path, "a.csv", "1,1,urban", "2,1,40"), legend=own)


def test_each_source_has_its_own_words(tmp_path):
    first = write(tmp_path, "lpis.csv", "1,1,11", "2,1,60")
    second = write(tmp_path, "survey.csv", "3,1,11,x", "4,1,60,x", header="lat,lon,kind,label")
    sources = [
        LabelSource(file="lpis*", mapping={"11": "cropland", "60": "builtUp"}),
        LabelSource(file="survey.csv", field="KIND", mapping={"11": "shrubland"}),
    ]
    table = read_labels([first, second], sources=sources)
    assert table.points[["label", "source"]].to_numpy().tolist() == [
        ["cropland", "lpis.csv"], ["builtUp", "lpis.csv"],
        ["shrubland", "survey.csv"], ["bareSparseVegetation", "survey.csv"],
    ]  # fmt: skip
    assert table.files == ("lpis.csv", "survey.csv")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.csv", "label,class\n11,cropland\n99,\n"),
        ("m.csv", "\ufefflabel;class\r\n11;cropland\r\n\r\n99;\r\n"),
        ("m.yaml", "11: cropland\n99: null\n"),
        ("m.json", '{"11": "cropland", "99": null}'),
    ],
)
def test_a_mapping_may_be_a_file(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert read_mapping(tmp_path / name) == {"11": "cropland", "99": None}
    table = read_labels(write(tmp_path, "a.csv", "1,1,11", "2,1,99"), mapping=tmp_path / name)
    assert table.counts == {"cropland": 1}
    assert table.dropped == {"mapped to nothing: 99": 1}


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("m.csv", "label,class\n1,a\n1,b\n", "row 3: '1' leads to 'a' and to 'b'"),
        ("m.csv", "label,class\n1,a,c\n", "row 2 has 3 fields"),
        ("m.csv", "label,class\n", "no rows below the header"),
        ("m.yaml", "- a\n", "expected a table of 'label: class', found list"),
        ("m.yaml", "a: [b]\n", "key 'a': expected the name of a class"),
        ("m.yaml", "a: [\n", "not valid YAML"),
        ("m.xls", "a", r"a mapping is a \.csv or a \.yaml file, found \.xls"),
    ],
)
def test_a_wrong_mapping_file_is_one_sentence(tmp_path, name, text, complaint):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        read_mapping(tmp_path / name)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such mapping file"):
        read_mapping(tmp_path / "gone.csv")


def test_three_hundred_labels_are_one_sentence(tmp_path):
    path = write(tmp_path, "a.csv", *(f"1,{n / 10},kind {n}" for n in range(300)), "1,50,water")
    with pytest.raises(InputError, match=r"301 different labels; a map holds 255") as caught:
        read_labels(path)
    assert len(str(caught.value)) < 1200


# Contradictions


A = ("1,1,water", "2,1,water", "3,1,water", "3,1,grass", "4,1,water")
B = ("1,1,grass", "2,1,sea", "3,1,water", "5,1,grass")


def test_contradictions_between_files_drop_both(tmp_path):
    table = read_labels([write(tmp_path, "a.csv", *A), write(tmp_path, "b.csv", *B)])
    assert table.points["lat"].tolist() == [2, 4, 5]
    assert table.dropped == {"duplicate": 1, "conflicting labels": 5}
    assert table.warnings == (
        "2 positions with different labels dropped: a.csv (rows 2, 4, 5); b.csv (rows 2, 4).",
    )
    listed = table.conflicts[["lat", "source", "number", "is_kept"]].to_numpy().tolist()
    assert listed == [
        [1, "a.csv", 2, False], [1, "b.csv", 2, False],
        [3, "a.csv", 4, False], [3, "a.csv", 5, False], [3, "b.csv", 4, False],
    ]  # fmt: skip


def test_the_first_file_may_win_unless_it_contradicts_itself(tmp_path):
    files = [write(tmp_path, "a.csv", *A), write(tmp_path, "b.csv", *B)]
    table = read_labels(files, conflicts="first")
    assert table.points[["lat", "label"]].to_numpy().tolist() == [
        [1, "permanentWater"], [2, "permanentWater"], [4, "permanentWater"],
        [5, "herbaceousVegetation"],
    ]  # fmt: skip
    assert table.dropped == {
        "duplicate": 1, "conflicting labels": 3, "overruled by an earlier file": 1
    }  # fmt: skip
    assert table.conflicts["is_kept"].tolist() == [True, False, False, False, False]
    other = read_labels(files[::-1], conflicts="first").points
    assert other.set_index("lat").loc[[1, 3], "label"].tolist() == [
        "herbaceousVegetation", "permanentWater"
    ]  # fmt: skip


# Files and folders


def test_a_folder_holds_several_files(tmp_path):
    write(tmp_path, "b.csv", "1,1,water")
    write(tmp_path, "a.csv", "2,1,grass")
    (tmp_path / "notes.txt").write_text("not labels")
    (tmp_path / "metadata.json").write_text("{}")
    assert read_labels(tmp_path).files == ("a.csv", "b.csv")
    assert split_paths(str(tmp_path)) == [str(tmp_path)]
    assert split_paths("a.csv, b.csv") == ["a.csv", "b.csv"]


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path):
    files = [write(tmp_path / "x", "a.csv", "1,1,water"), write(tmp_path / "y", "a.csv", "2,1,sea")]
    assert read_labels(files).files == ("x/a.csv", "y/a.csv")
    assert read_labels([files[0], files[0]]).files == ("a.csv",)


# Second level


def read_two(folder, *rows, **options):
    path = write(folder, "a.csv", *rows, header="lat,lon,label,species")
    return read_labels(path, legend=TWO_LEVELS, second="Species", **options)


def test_second_labels_are_codes_within_their_class(tmp_path):
    table = read_two(
        tmp_path, "1,1,forest,conifer", "2,1,forest,BROAD", "3,1,forest,", "4,1,water,salty"
    )
    assert table.points[["code", "code2"]].to_numpy().tolist() == [[1, 11], [1, 12], [1, 0], [9, 0]]
    assert table.dropped == {}


def test_unknown_second_labels_are_told_or_passed_over(tmp_path):
    rows = ("1,1,forest,palm", "2,1,forest,broad")
    with pytest.raises(
        InputError, match=r"not in the second level of their class: 'palm' \(forest"
    ):
        read_two(tmp_path, *rows)
    table = read_two(tmp_path, *rows, unknown="drop")
    assert table.points["code2"].tolist() == [0, 12]
    assert "second labels passed over as unknown: 'palm' (forest) 1x" in table.warnings[0]
    with pytest.raises(InputError, match="no label column 'kind'"):
        read_labels(tmp_path / "a.csv", legend=TWO_LEVELS, second="kind")


def test_copies_share_the_second_label_they_agree_on(tmp_path):
    table = read_two(
        tmp_path, "1,1,forest,", "1,1,forest,broad", "2,1,forest,broad", "2,1,forest,conifer"
    )
    assert table.points["code2"].tolist() == [12, 0]
    assert table.dropped == {"duplicate": 2, "conflicting second labels": 1}


def test_merged_classes_take_their_words_along(tmp_path):
    merged = MEDITERRANEAN.merged({"open forest": "forest", "closed forest": "forest"})
    path = write(tmp_path, "a.csv", "1,1,111", "2,1,open forest", "3,1,126", "4,1,40")
    assert read_labels(path, legend=merged).counts == {"forest": 3, "cropland": 1}
