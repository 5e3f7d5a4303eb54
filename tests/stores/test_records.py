"""One contract for every record store: the same body runs over each of them."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import sqlite3
import threading
from collections import Counter
from pathlib import Path

import pytest

from landcover.errors import InputError, LandcoverError, UnavailableError, family_of
from landcover.stores.overlay import OverlayRecords
from landcover.stores.records import MEMORY, SqliteRecords, stamped


def open_sqlite(folder):
    return SqliteRecords(folder / "records.sqlite")


def open_memory(folder):
    return SqliteRecords(MEMORY)


def open_overlay(folder):
    """Give an overlay over a store that holds nothing."""
    return OverlayRecords(open_sqlite(folder))


def open_documents(folder):
    """Open records on the server of the MongoDB protocol that the environment names."""
    from landcover.stores.mongo import MongoRecords

    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    server, _, _ = os.environ["LANDCOVER_RECORDS"].rpartition("/")
    return MongoRecords(f"{server}/test_{name}")


SERVED = "MongoDB protocol (FerretDB)"
STORES = {
    "sqlite": open_sqlite,
    "memory": open_memory,
    "overlay": open_overlay,
    SERVED: open_documents,
}


ATOMIC = [name for name in STORES if name != SERVED]
"""Stores whose find_one_and_update is one step. MongoDB's is; FerretDB 1 finds, then updates, so
claims are built on inserts alone (landcover/ledger/claims.py)."""


SERVER = pytest.param(SERVED, marks=pytest.mark.slow)


@pytest.fixture(params=[SERVER if name == SERVED else name for name in STORES])
def records(request, tmp_path):
    if request.param == SERVED:
        request.getfixturevalue("documents")
    return STORES[request.param](tmp_path)


@pytest.fixture(params=["sqlite", SERVER])
def store(request):
    """Name of a store that several processes open at once."""
    if request.param == SERVED:
        request.getfixturevalue("documents")
    return request.param


def ids(documents):
    return [document["_id"] for document in documents]


# Writing and reading back


def test_what_is_inserted_is_found(records):
    assert records.insert_one("units", {"_id": "a", "n": 1, "deep": {"list": [1, {"x": None}]}})
    found = records.get("units", "a")
    assert found["deep"] == {"list": [1, {"x": None}]}
    assert found["n"] == 1


def test_every_record_is_stamped(records):
    records.insert_one("units", {"_id": "a"})
    found = records.get("units", "a")
    assert found["schema"] == 1
    assert found["created"].endswith("+00:00")
    assert found["software"].startswith("landcover ")
    assert stamped({"_id": "a", "created": "then"})["created"] == "then"


def test_of_two_records_the_later_is_the_newest(records):
    """Both are made within a second."""
    records.insert_one("units", {"_id": "b"})
    records.insert_one("units", {"_id": "a"})
    assert [d["_id"] for d in records.find("units", sort=["-created"])] == ["a", "b"]


def test_nothing_is_found_where_nothing_is(records):
    assert records.get("units", "a") is None
    assert records.find("units") == []
    assert records.count_documents("units") == 0
    assert records.find_one_and_update("units", {"_id": "a"}, {"n": 1}) is None


def test_the_first_insert_wins(records):
    assert records.insert_one("units", {"_id": "a", "n": 1}) is True
    assert records.insert_one("units", {"_id": "a", "n": 2}) is False
    assert records.get("units", "a")["n"] == 1
    assert records.insert_one("runs", {"_id": "a", "n": 3}) is True  # ids belong to collections
    assert records.get("units", "a")["n"] == 1


def test_replacing_forgets_the_old_fields(records):
    records.replace_one("units", {"_id": "a", "n": 1, "old": True})
    records.replace_one("units", {"_id": "a", "n": 2})
    assert records.get("units", "a")["n"] == 2
    assert "old" not in records.get("units", "a")
    assert records.count_documents("units") == 1


@pytest.mark.parametrize("document", [{}, {"_id": None}, {"_id": 3}, {"_id": ""}])
def test_a_record_without_a_text_id_is_refused(records, document):
    with pytest.raises(InputError, match="needs a text _id"):
        records.insert_one("units", document)
    with pytest.raises(InputError, match="needs a text _id"):
        records.replace_one("units", document)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"corners": [[1, 2], [3, 4]]}, "corners"),
        ({"corners": ((1, 2),)}, "corners"),
        ({"stats": {"bands": [{"histogram": [[0]]}]}}, "stats.bands.histogram"),
    ],
    ids=["lists", "tuples", "deep"],
)
def test_a_list_of_lists_is_refused_by_every_store_alike(records, document, field):
    """FerretDB keeps no arrays in arrays; what one store refuses no store may take."""
    records.insert_one("units", {"_id": "a", "n": 1})
    writes = [
        lambda: records.insert_one("units", {"_id": "b", **document}),
        lambda: records.replace_one("units", {"_id": "a", **document}),
        lambda: records.find_one_and_update("units", {"_id": "a"}, document),
    ]
    for write in writes:
        with pytest.raises(LandcoverError, match=f"Record field '{field}' holds a list of") as told:
            write()
        assert family_of(told.value) == "defect"
    assert [(d["_id"], d["n"]) for d in records.find("units")] == [("a", 1)]
    records.insert_one("units", {"_id": "c", "corners": [{"at": [1, 2]}, {"at": []}]})


@pytest.mark.parametrize("text", ["größe", "a'b", 'a"b', "a%b_c", "a\nb", "🛰", "; DROP TABLE x"])
def test_any_text_survives(records, text):
    records.insert_one("units", {"_id": text, "name": text})
    assert records.get("units", text)["name"] == text
    assert ids(records.find("units", {"name": text})) == [text]
    assert ids(records.find("units", {"name": {"$in": [text]}})) == [text]


def test_a_record_with_nan_does_not_spoil_the_searches_of_others(records):
    records.insert_one("units", {"_id": "a", "share": float("nan"), "deep": [float("inf")], "n": 1})
    records.insert_one("units", {"_id": "b", "share": 0.5, "n": 1})
    assert ids(records.find("units", {"n": 1})) == ["a", "b"]
    assert ids(records.find("units", {"share": None})) == ["a"]
    assert records.get("units", "a")["deep"] == [None]


# Searching

DOCUMENTS = [
    {"_id": "a", "n": 1, "state": "done", "unit": {"tile": "31UDS", "span": "s"}, "ok": True},
    {"_id": "b", "n": 2, "state": "failed", "unit": {"tile": "31UES"}, "ok": False},
    {"_id": "c", "n": 2.5, "state": "done", "unit": {"tile": "31UDS"}},
    {"_id": "d", "n": None, "state": "planned", "unit": {}},
    {"_id": "e", "n": "2", "state": None},
    {"_id": "f", "n": -1},
]


@pytest.fixture
def filled(records):
    for document in reversed(DOCUMENTS):
        records.insert_one("units", document)
        records.insert_one("others", document)
    return records


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (None, "abcdef"),
        ({}, "abcdef"),
        ({"_id": "c"}, "c"),
        ({"_id": {"$in": ["f", "a", "x"]}}, "af"),
        ({"_id": {"$gt": "b", "$lte": "d"}}, "cd"),
        ({"state": "done"}, "ac"),
        ({"state": "done", "n": 1}, "a"),
        ({"state": "lost"}, ""),
        ({"n": 2}, "b"),
        ({"n": 2.0}, "b"),
        ({"n": "2"}, "e"),
        ({"n": None}, "d"),
        ({"state": None}, "ef"),  # null or absent
        ({"unit.tile": "31UDS"}, "ac"),
        ({"unit.tile": None}, "def"),
        ({"unit.span": "s"}, "a"),
        ({"state": {"$in": ["done", "failed"]}}, "abc"),
        ({"state": {"$in": ["done", None]}}, "acef"),
        ({"state": {"$in": []}}, ""),
        ({"n": {"$in": [1, 2.5]}}, "ac"),
        ({"n": {"$gt": 1}}, "bc"),  # numbers only: "2" is text
        ({"n": {"$gte": 1}}, "abc"),
        ({"n": {"$lt": 2}}, "af"),
        ({"n": {"$lte": 2}}, "abf"),
        ({"n": {"$gte": 1, "$lt": 2.5}}, "ab"),
        ({"state": {"$gte": "e"}}, "bd"),  # text only
        ({"unit.tile": {"$gte": "31UE"}}, "b"),
        ({"n": {"$gt": None}}, ""),
        ({"absent": {"$gt": 0}}, ""),
        ({"ok": True}, "a"),
        ({"ok": False}, "b"),
    ],
    ids=str,
)
def test_find(filled, where, expected):
    assert "".join(ids(filled.find("units", where))) == expected
    assert filled.count_documents("units", where) == len(expected)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ((), "abcdef"),
        (["_id"], "abcdef"),
        (["-_id"], "fedcba"),
        (["n"], "dfabce"),  # nothing first, then numbers, then text
        (["-n"], "ecbafd"),
        (["state", "-n"], "efcabd"),
        (["unit.tile", "-_id"], "fedcab"),
        ("n", "dfabce"),  # one name is not a list of letters
    ],
    ids=str,
)
def test_sort(filled, sort, expected):
    assert "".join(ids(filled.find("units", sort=sort))) == expected


@pytest.mark.parametrize(
    "where",
    [
        {"n": {"$ne": 1}},
        {"$or": []},
        {"n') OR 1=1 --": 1},
        {"a b": 1},
        {"a..b": 1},
        {"": 1},
        {"n": [1, 2]},
        {"n": {"$in": [{"a": 1}]}},
    ],
    ids=str,
)
def test_a_filter_that_stores_would_not_share_is_refused(filled, where):
    with pytest.raises(InputError, match="Record"):
        filled.find("units", where)
    with pytest.raises(InputError, match="Record"):
        filled.count_documents("units", where)


# Changing


def test_update_returns_the_document_as_it_is_afterwards(filled):
    changed = filled.find_one_and_update("units", {"_id": "b"}, {"state": "done", "new": [1]})
    assert (changed["state"], changed["new"], changed["n"]) == ("done", [1], 2)
    assert filled.get("units", "b") == changed
    assert filled.get("others", "b")["state"] == "failed"


def test_update_changes_the_first_match_only(filled):
    assert filled.find_one_and_update("units", {"state": "done"}, {"state": "x"})["_id"] == "a"
    assert ids(filled.find("units", {"state": "done"})) == ["c"]
    assert ids(filled.find("units", {"state": "x"})) == ["a"]


@pytest.mark.parametrize("changes", [{"_id": "z"}, {"unit.tile": "x"}])
def test_an_update_that_stores_would_not_share_is_refused(filled, changes):
    with pytest.raises(InputError, match="cannot be set"):
        filled.find_one_and_update("units", {"_id": "a"}, changes)
    assert ids(filled.find("units")) == list("abcdef")


def count_up(records, times):
    """Raise a counter by compare and set, as a claim does."""
    for _ in range(times):
        while True:
            n = records.get("counters", "c")["n"]
            if records.find_one_and_update("counters", {"_id": "c", "n": n}, {"n": n + 1}):
                break


@pytest.mark.parametrize("records", ATOMIC, indirect=True)
def test_threads_count_without_losing_one(records):
    records.insert_one("counters", {"_id": "c", "n": 0})
    threads = [threading.Thread(target=count_up, args=(records, 25)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert records.get("counters", "c")["n"] == 100


def test_threads_see_the_same_records(records):
    records.insert_one("units", {"_id": "a"})
    seen = []
    thread = threading.Thread(target=lambda: seen.append(records.get("units", "a")))
    thread.start()
    thread.join()
    assert seen[0]["_id"] == "a"


# Several processes


def _insert(store, folder, barrier, results, number):
    records = STORES[store](Path(folder))
    barrier.wait()  # all of them make the store at the same moment
    results.put([(n, records.insert_one("c", {"_id": f"i{n}", "by": number})) for n in range(50)])


def _count(store, folder, barrier, results, number):
    records = STORES[store](Path(folder))
    barrier.wait()
    records.insert_one("counters", {"_id": "c", "n": 0})
    count_up(records, 25)
    results.put(number)


def in_processes(target, store, folder, n=4):
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(n), spawn.Queue()
    started = [
        spawn.Process(target=target, args=(store, str(folder), barrier, results, k))
        for k in range(n)
    ]
    for process in started:
        process.start()
    found = [results.get(timeout=60) for _ in started]
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0] * n
    return found


def test_of_many_processes_exactly_one_inserts_an_id(store, tmp_path):
    found = in_processes(_insert, store, tmp_path)
    wins = Counter(n for outcomes in found for n, was_first in outcomes if was_first)
    assert wins == dict.fromkeys(range(50), 1)
    assert STORES[store](tmp_path).count_documents("c") == 50


@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_processes_count_without_losing_one(store, tmp_path):
    in_processes(_count, store, tmp_path)
    assert STORES[store](tmp_path).get("counters", "c")["n"] == 100


def test_a_fork_opens_its_own_connection(tmp_path):
    records = open_sqlite(tmp_path)
    records.insert_one("c", {"_id": "parent"})
    mine = records._connection()
    child = os.fork()
    if child == 0:  # no test machinery on this side
        try:
            fine = records._connection() is not mine and records.insert_one("c", {"_id": "child"})
        except BaseException:
            fine = False
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert records._connection() is mine
    assert ids(records.find("c")) == ["child", "parent"]


# A disk that does not do its part


def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    records = open_sqlite(tmp_path)
    records.insert_one("c", {"_id": "a"})
    pages = records._connection().execute("PRAGMA page_count").fetchone()[0]
    records._connection().execute(f"PRAGMA max_page_count = {pages}")
    for write in (records.insert_one, records.replace_one):
        with pytest.raises(UnavailableError, match=r"full.*Free disk space"):
            write("c", {"_id": "b", "text": "x" * 100_000})
    with pytest.raises(UnavailableError, match="full"):
        records.find_one_and_update("c", {"_id": "a"}, {"text": "x" * 100_000})
    assert ids(records.find("c")) == ["a"]
    assert "text" not in records.get("c", "a")
    records._connection().execute("PRAGMA max_page_count = 10000")
    assert records.insert_one("c", {"_id": "b", "text": "x" * 100_000})


def test_a_path_where_nothing_can_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UnavailableError, match="LANDCOVER_RECORDS"):
        SqliteRecords(tmp_path / "file" / "records.sqlite").insert_one("c", {"_id": "a"})
    with pytest.raises(UnavailableError, match="cannot be opened"):
        SqliteRecords(tmp_path).find("c")  # a folder


def test_a_read_only_store_is_told(tmp_path):
    open_sqlite(tmp_path).insert_one("c", {"_id": "a"})
    records = open_sqlite(tmp_path)
    records._connection().execute("PRAGMA query_only = 1")
    with pytest.raises(UnavailableError, match="could not be written"):
        records.insert_one("c", {"_id": "b"})
    assert ids(records.find("c")) == ["a"]


def test_a_file_that_is_no_store_is_told(tmp_path):
    (tmp_path / "records.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(UnavailableError, match="cannot be opened"):
        open_sqlite(tmp_path).find("c")


def test_a_store_that_is_damaged_later_is_told(tmp_path):
    records = open_sqlite(tmp_path)
    records.insert_one("c", {"_id": "a"})
    raw = sqlite3.connect(tmp_path / "records.sqlite")
    raw.execute("DROP TABLE documents")
    raw.close()
    with pytest.raises(UnavailableError, match="cannot be read"):
        records.find("c")
    with pytest.raises(UnavailableError, match="cannot be read"):
        records.count_documents("c")


def test_an_error_in_the_middle_leaves_the_store_open_for_others(tmp_path):
    records = open_sqlite(tmp_path)
    with pytest.raises(TypeError):
        records.insert_one("c", {"_id": "a", "x": object()})
    assert records.insert_one("c", {"_id": "a"})
    with pytest.raises(TypeError):
        records.find_one_and_update("c", {}, {"x": object()})
    assert open_sqlite(tmp_path).insert_one("c", {"_id": "b"})


def test_the_store_can_be_copied_to_another_place(tmp_path):
    open_sqlite(tmp_path).insert_one("c", {"_id": "a"})
    shutil.copytree(tmp_path, tmp_path / "copy", ignore=shutil.ignore_patterns("copy"))
    assert open_sqlite(tmp_path / "copy").get("c", "a")["_id"] == "a"


SEARCHED = {
    "claims": {"output": "a"},
    "outputs": {"wanted.stage": "mask", "wanted.unit": "31UDS"},
    "products": {"path": "a"},
    "runs": {"fingerprint": "a"},
    "units": {"run": "a", "stage": "mask"},
}


@pytest.mark.parametrize("collection", SEARCHED)
def test_an_embedded_store_searches_by_its_indexes(tmp_path, collection):
    records = open_sqlite(tmp_path)
    seen = []
    records._connection().set_trace_callback(seen.append)
    order = {"claims": ["-turn"], "runs": ["-started"]}.get(collection, [])
    records.find(collection, SEARCHED[collection], sort=order)
    (query,) = [text for text in seen if text.startswith("SELECT body")]
    records._connection().set_trace_callback(None)
    (plan,) = records._connection().execute(f"EXPLAIN QUERY PLAN {query}").fetchall()[:1]
    assert f"USING INDEX {collection}_" in plan[-1], plan


def test_a_store_of_before_gets_its_indexes_when_it_is_opened(tmp_path):
    path = tmp_path / "records.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE TABLE documents (collection TEXT NOT NULL, "
            "id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (collection, id))"
        )
        body = '{"_id": "r/mask/u", "run": "r", "stage": "mask"}'
        connection.execute("INSERT INTO documents VALUES ('units', 'r/mask/u', ?)", (body,))
    records = SqliteRecords(path)
    assert len(records.find("units", {"run": "r", "stage": "mask"})) == 1
    found = records._connection().execute("SELECT name FROM sqlite_master WHERE type = 'index'")
    assert {"units_run_stage", "runs_fingerprint"} <= {name for (name,) in found}
