"""The deployment profile: where it lies, what it says, and what is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from landcover.errors import UsageError
from landcover.nouns.calendar import PAPER
from landcover.settings import read_settings
from landcover_airflow import profile as profiles
from landcover_airflow.profile import at_parse, calendar_of_profile, read_profile

ROOT = Path(__file__).resolve().parents[2]
GOOD = "region: [30SUF, 30SVF]\nsources: [google, earth-search]\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    def write(text):
        path = tmp_path / "profile.yaml"
        path.write_text(text)
        monkeypatch.setenv(profiles.VARIABLE, str(path))
        return path

    return write


def test_a_profile_says_what_every_run_is_asked_with(written):
    written(GOOD + "dem: glo30\nlabels: a.csv\noverrides: [model.trees=5]\nminimum_seasons: 2\n")
    profile = read_profile()
    assert profile.arguments() == {
        "region": ("30SUF", "30SVF"),
        "products": "google,earth-search",
        "overrides": ["model.trees=5"],
        "dem": "glo30",
    }
    assert (profile.labels, profile.minimum_seasons, profile.latency_days) == ("a.csv", 2, 5)
    assert calendar_of_profile(profile) == PAPER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sources: google\n", "has no region; a scheduled run has no form"),
        ("region: 30SUF\n", "has no sources"),
        (GOOD + "regoin: x\n", "unknown key 'regoin'. Did you mean 'region'?"),
        (GOOD + "latency_days: soon\n", "latency_days: Input should be a valid integer"),
        (GOOD + "look_days: 0\n", "look_days: Input should be greater than or equal to 1"),
        (GOOD + "latency_days: 9\nlate_days: 3\n", "late_days ends before latency_days begins"),
        (GOOD + "minimum_seasons: 0\n", "minimum_seasons"),
        ("region: [30SUF\n", "not valid YAML"),
        ("- 30SUF\n", "a table of keys, such as region and sources"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_the_file(written, text, said):
    path = written(text)
    with pytest.raises(UsageError) as caught:
        read_profile()
    assert str(caught.value).startswith(f"{path}: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert at_parse()[0] is None


def test_without_an_address_it_lies_in_the_workspace(tmp_path, monkeypatch):
    monkeypatch.delenv(profiles.VARIABLE, raising=False)
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path))
    with pytest.raises(UsageError, match=r"profile\.yaml: the profile cannot be read \(No such"):
        read_profile()
    (tmp_path / "profile.yaml").write_text(GOOD)
    assert read_profile().sources == ("google", "earth-search")


def test_stores_of_the_profile_and_of_the_settings_are_the_same(written, monkeypatch):
    secret = "mongodb://user:secret@host/db"
    monkeypatch.setenv("LANDCOVER_RECORDS", secret)
    written(GOOD + "stores: {records: 'mongodb://host/db'}\n")
    read_profile().require_stores(read_settings())
    written(GOOD + "stores: {records: 'mongodb://other/db'}\n")
    with pytest.raises(
        UsageError, match=r"records is mongodb://other/db, but .* mongodb://host/db"
    ):
        read_profile().require_stores(read_settings())


def test_a_recipe_of_single_months_makes_one_season_of_the_year(written):
    written(GOOD + "recipe: recipes/hrlc-svm.yaml\n")
    _, calendar, trouble = at_parse()
    assert (calendar.seasons, trouble) == ((("", 1, 12),), "")
    written(GOOD + "recipe: recipes/no-such.yaml\n")
    assert "recipe cannot be read" in at_parse()[2]


@pytest.mark.parametrize("text", ["sources: google\n", "region: 30SUF\nsources: x\nwrong: 1\n"])
def test_a_wrong_profile_or_variable_makes_no_import_error(written, text):
    path = written(text)
    code = (
        "import sys; sys.path[:0] = ['plugins']\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "bag = DagBag(dag_folder='dags', bundle_path='dags', bundle_name='dags-folder')\n"
        "print(bag.import_errors, bag.dags['ingest_season'].doc_md)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "LANDCOVER_RETRY_SECONDS": "soon"},
        check=True,
    )
    assert "{} **The profile is wrong: " + str(path) in done.stdout
