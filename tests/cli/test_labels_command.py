"""``landcover labels``: numbers for people and machines, exit codes, a page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from landcover.cli import cli


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["labels", *arguments])


@pytest.fixture
def labels(tmp_path: Path) -> str:
    path = tmp_path / "a.csv"
    path.write_text("lat,lon,kind\n36.6,-5,111\n36.7,-5,126\n36.6,-4.9,40\n50,8,40\n50,8,80\n")
    return str(path)


def test_the_table_for_people(labels: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shown = call(labels, "--set", "labels.field=kind", "--tiles", "30SUF", "--out", str(out))
    assert shown.exit_code == 0, shown.output
    for line in ("3 points in 3 groups", "30SUF", "conflicting labels", "labels.html"):
        assert line in shown.output
    assert (out / "labels.html").is_file()


def test_json_and_merged_classes(labels: str) -> None:
    merge = "labels.merge={open forest: forest, closed forest: forest}"
    shown = call(labels, "--set", "labels.field=kind", "--set", merge, "--json")
    assert shown.exit_code == 0, shown.output
    classes = {c["name"]: c["points"] for c in json.loads(shown.stdout)["classes"]}
    assert classes["forest"] == 2
    assert "openForest" not in classes


def test_a_legend_of_its_own(labels: str, tmp_path: Path) -> None:
    legend = tmp_path / "legend.yaml"
    legend.write_text(
        "- {code: 1, name: wood, colour: '#007800', title: Wood, aliases: [111, 126]}\n"
        "- {code: 2, name: cropland, colour: '#F096FF', title: Fields}\n"
    )
    shown = call(labels, "--legend", str(legend), "--set", "labels.field=kind", "--json",
                 "--set", "labels.unknown=drop")  # fmt: skip
    assert shown.exit_code == 0, shown.output
    counts = {c["name"]: c["points"] for c in json.loads(shown.stdout)["classes"]}
    assert counts == {"wood": 2, "cropland": 2}


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ((), 1, "no column"),
        (("--set", "labels.field=kind", "--tiles", "99XXX"), 1, "99XXX"),
        (("--set", "labels.polygon=grid"), 2, "did you mean 'polygons'?"),
        (("--set", "labels.merge={tundra: forest}"), 2, "'tundra' is not a class of the legend"),
        (("--set", "labels.mapping=[1]"), 2, "expected a table of 'label: class'"),
    ],
)
def test_errors_are_one_sentence(
    labels: str, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    shown = call(labels, *arguments)
    assert shown.exit_code == code
    assert sentence in shown.stderr
    assert shown.stderr.startswith("Error: ")
    assert shown.stderr.count("\n") == 1
