"""Settings: option, then environment, then landcover.toml, then default."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError, UsageError
from landcover.settings import as_environment, read_settings
from landcover.stores.workspace import open_workspace


def toml(folder, text):
    (folder / "landcover.toml").write_text(text)
    return {"LANDCOVER_WORKSPACE": str(folder)}


@pytest.mark.parametrize(
    ("option", "variable", "file", "expected"),
    [
        (None, None, None, 1.0),
        (None, None, "2.5", 2.5),
        (None, "3.5", "2.5", 3.5),
        (None, "", "2.5", 2.5),  # an empty variable says nothing
        (4.5, "3.5", "2.5", 4.5),
        (4.5, None, None, 4.5),
    ],
)
def test_precedence(tmp_path, option, variable, file, expected):
    environment = toml(tmp_path, "" if file is None else f"memory_gb = {file}")
    if variable is not None:
        environment["LANDCOVER_MEMORY_GB"] = variable
    assert read_settings(environment, memory_gb=option).memory_gb == expected


def test_the_stores_lie_in_the_workspace_unless_said_otherwise(tmp_path):
    settings = read_settings({}, workspace=str(tmp_path))
    assert settings.workspace == tmp_path
    assert settings.objects == f"file://{tmp_path}/objects"
    assert settings.records == f"sqlite://{tmp_path}/records.sqlite"
    assert settings.dask is None
    assert settings.data is None
    assert settings.threads >= 1
    elsewhere = read_settings({"LANDCOVER_OBJECTS": "file:///o"}, workspace=str(tmp_path))
    assert (elsewhere.objects, elsewhere.records) == ("file:///o", settings.records)


def test_the_option_names_the_workspace_whose_file_is_read(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    toml(other, "threads = 7")
    environment = toml(tmp_path, "threads = 5")
    assert read_settings(environment).threads == 5
    assert read_settings(environment, workspace=str(other)).threads == 7


def test_a_relative_or_home_folder_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert read_settings({}).workspace == tmp_path / "landcover-workspace"
    environment = {"LANDCOVER_WORKSPACE": "~/maps", "LANDCOVER_DATA": "samples"}
    settings = read_settings(environment)
    assert settings.workspace == tmp_path / "home" / "maps"
    assert settings.data == tmp_path / "samples"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("thread = 2", "unknown setting 'thread'. Did you mean 'threads'?"),
        ("memory = 2", "unknown setting 'memory'. Did you mean 'memory_gb'?"),
        ("xyzzy = 2", "unknown setting 'xyzzy'. Known: dask, data, deadline_hours, "),
        ("[threads]\nn = 2", "expected a number"),
        ("threads =", "not valid TOML"),
        ('workspace = "/elsewhere"', "the folder that this file lies in"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, text, sentence):
    with pytest.raises(UsageError) as caught:
        read_settings(toml(tmp_path, text))
    assert sentence in str(caught.value)


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "landcover.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not valid TOML"):
        read_settings({}, workspace=str(tmp_path))


@pytest.mark.parametrize("value", ["much", "0", "-1", "nan", "inf", "1e999", "true"])
@pytest.mark.parametrize("name", ["memory_gb", "threads"])
def test_a_wrong_number_is_told(tmp_path, name, value):
    with pytest.raises(UsageError, match=f"Setting {name}: expected a number"):
        read_settings({f"LANDCOVER_{name.upper()}": value}, workspace=str(tmp_path))


@pytest.mark.parametrize("value", ["0.5", "1.7"])
def test_threads_are_whole(tmp_path, value):
    with pytest.raises(UsageError, match="threads: expected a whole number"):
        read_settings({"LANDCOVER_THREADS": value}, workspace=str(tmp_path))
    assert read_settings({"LANDCOVER_THREADS": "2.0"}, workspace=str(tmp_path)).threads == 2


def test_an_unknown_option_is_told():
    with pytest.raises(UsageError, match="Did you mean 'threads'"):
        read_settings({}, thread=2)


@pytest.mark.parametrize("name", ["plain", "with blank", "a#b?c=d%20e", "größe"])
def test_a_child_process_gets_the_same_settings_and_stores(tmp_path, name):
    settings = read_settings(
        {}, workspace=str(tmp_path / name), dask="tcp://127.0.0.1:8786", memory_gb=2.5, threads=3,
        data=str(tmp_path),
    )  # fmt: skip
    environment = as_environment(settings)
    assert all(key.startswith("LANDCOVER_") for key in environment)
    assert read_settings(environment) == settings
    workspace = open_workspace(settings.objects, settings.records)
    assert workspace.objects.root == tmp_path / name / "objects"
    assert workspace.records.insert_one("c", {"_id": "a"})
    assert (tmp_path / name / "records.sqlite").is_file()


def test_what_is_not_set_does_not_enter_the_environment(tmp_path):
    environment = as_environment(read_settings({}, workspace=str(tmp_path)))
    assert not {"LANDCOVER_DASK", "LANDCOVER_DATA"} & set(environment)


@pytest.mark.parametrize(
    ("objects", "records", "named"),
    [
        ("gs://bucket", "sqlite:///r", "LANDCOVER_OBJECTS=gs://bucket"),
        ("/plain/path", "sqlite:///r", "LANDCOVER_OBJECTS=/plain/path"),
        ("file://relative/path", "sqlite:///r", "file:///absolute/path"),
        ("s3://", "sqlite:///r", "LANDCOVER_OBJECTS=s3://"),
        ("file:///o", "mysql://host/db", "LANDCOVER_RECORDS=mysql://host/db"),
        ("file:///o", "", "LANDCOVER_RECORDS="),
    ],
)
def test_an_address_of_another_kind_is_refused(objects, records, named):
    with pytest.raises(InputError) as caught:
        open_workspace(objects, records)
    assert named in str(caught.value)


def test_settings_are_frozen(tmp_path):
    settings = read_settings({}, workspace=str(tmp_path))
    with pytest.raises(AttributeError):
        settings.workspace = Path("/elsewhere")  # type: ignore[misc]
