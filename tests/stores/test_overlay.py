"""An overlay answers as if its writes were in the store beneath, and never touches it."""

from __future__ import annotations

import pytest

from landcover.stores.overlay import OverlayRecords
from landcover.stores.records import SqliteRecords

BELOW = [
    {"_id": "a", "n": 3, "state": "planned"},
    {"_id": "c", "n": 1, "state": "planned"},
    {"_id": "e", "n": 2, "state": "done"},
]


@pytest.fixture
def base(tmp_path):
    records = SqliteRecords(tmp_path / "records.sqlite")
    for document in BELOW:
        records.insert_one("units", document)
    return records


@pytest.fixture
def overlay(base):
    before = base.find("units")
    yield OverlayRecords(base)
    assert base.find("units") == before


def ids(documents):
    return "".join(document["_id"] for document in documents)


def test_what_lies_below_is_seen(overlay):
    assert ids(overlay.find("units")) == "ace"
    assert overlay.get("units", "a")["n"] == 3
    assert overlay.count_documents("units", {"state": "planned"}) == 2


def test_an_id_below_is_taken(overlay):
    assert overlay.insert_one("units", {"_id": "a"}) is False
    assert overlay.insert_one("units", {"_id": "b", "n": 5}) is True
    assert overlay.insert_one("units", {"_id": "b"}) is False
    assert overlay.get("units", "a")["n"] == 3


def test_what_was_changed_above_hides_what_it_was_below(overlay):
    overlay.replace_one("units", {"_id": "a", "n": 3, "state": "done"})
    assert ids(overlay.find("units", {"state": "planned"})) == "c"
    assert ids(overlay.find("units", {"state": "done"})) == "ae"
    assert overlay.count_documents("units", {"state": "planned"}) == 1
    assert overlay.count_documents("units") == 3


def test_both_levels_are_sorted_together(overlay):
    overlay.insert_one("units", {"_id": "b", "n": 2.5})
    overlay.insert_one("units", {"_id": "d", "n": 0})
    assert ids(overlay.find("units")) == "abcde"
    assert ids(overlay.find("units", sort=["n"])) == "dceba"
    assert ids(overlay.find("units", sort=["-n"])) == "abecd"


def test_updates_walk_through_what_matches(overlay):
    first = overlay.find_one_and_update("units", {"state": "planned"}, {"state": "running"})
    second = overlay.find_one_and_update("units", {"state": "planned"}, {"state": "running"})
    third = overlay.find_one_and_update("units", {"state": "planned"}, {"state": "running"})
    assert (first["_id"], second["_id"], third) == ("a", "c", None)
    assert (first["n"], first["state"]) == (3, "running")


def test_an_overlay_on_an_overlay(overlay):
    overlay.insert_one("units", {"_id": "b", "n": 9})
    top = OverlayRecords(overlay)
    top.replace_one("units", {"_id": "b", "n": 8})
    assert (top.get("units", "b")["n"], overlay.get("units", "b")["n"]) == (8, 9)
    assert ids(top.find("units")) == "abce"
