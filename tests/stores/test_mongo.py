"""What only a server of records can get wrong: it goes away, it refuses, it has other names."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from pymongo import errors
from pymongo.collection import Collection
from servers import DocumentServer

from landcover.errors import InputError, UnavailableError, UsageError
from landcover.ledger.claims import ClaimTiming, claimed
from landcover.stores import mongo
from landcover.stores.documents import SCHEMA
from landcover.stores.mongo import MongoRecords
from landcover.stores.retry import STORE_POLICY

SECONDS_AWAY = 1.5
QUICK = replace(STORE_POLICY, limit_s=20, first_s=0.05, longest_s=0.3)


@pytest.fixture
def url(documents: DocumentServer, request):
    return documents.url(f"t{abs(hash(request.node.name)) % 10**8}")


@pytest.fixture
def records(url):
    return MongoRecords(url, policy=QUICK)


@pytest.mark.parametrize(
    "document",
    [
        {"a.b": {"$set": 1, "100%": [{"x.y": "$z"}]}},
        {"large": 2**53 + 1, "small": -(2**40), "share": 0.1, "none": None, "yes": True},
        {"tuple": (1, 2), "empty": {}, "nothing": []},
    ],
    ids=["names", "numbers", "shapes"],
)
def test_any_json_survives(records, document):
    records.insert_one("c", {"_id": "a", **document})
    found = records.get("c", "a")
    wanted = {k: list(v) if isinstance(v, tuple) else v for k, v in document.items()}
    assert {key: found[key] for key in wanted} == wanted
    assert type(found.get("large", 1)) is int


def test_what_is_searched_for_has_an_index(records):
    records.insert_one("units", {"_id": "a"})
    indexes = records._database()["units"].index_information().values()
    assert [("run", 1), ("stage", 1)] in [list(index["key"]) for index in indexes]


def test_a_served_store_of_before_gets_its_indexes(records, url):
    records.insert_one("runs", {"_id": "a", "fingerprint": "f"})
    database = records._database()
    database["runs"].drop_indexes()
    database["about"].replace_one({"_id": "schema"}, {"_id": "schema", "version": SCHEMA})
    mongo.close_clients()
    again = MongoRecords(url, policy=QUICK)
    assert again.find("runs", {"fingerprint": "f"})
    keys = [index["key"] for index in again._database()["runs"].list_indexes()]
    assert {"fingerprint": 1} in [dict(key) for key in keys]
    told = again._database().command(
        "explain", {"find": "runs", "filter": {"fingerprint": "f"}}, verbosity="queryPlanner"
    )
    assert "runs" in str(told["queryPlanner"])


def test_a_number_that_is_too_large_is_told(records):
    with pytest.raises(InputError, match="cannot be stored"):
        records.insert_one("c", {"_id": "a", "n": 2**70})


def test_records_of_a_later_version_are_left_alone(records, url):
    records.replace_one("about", {"_id": "schema", "version": SCHEMA + 1})
    # Another address of the same database: nothing is remembered of it.
    with pytest.raises(InputError, match=f"have schema {SCHEMA + 1}"):
        MongoRecords(f"{url}?retryWrites=false", policy=QUICK).get("c", "a")


# A server that goes away


@pytest.mark.parametrize("what", ["insert", "replace", "update", "find", "count"])
def test_a_server_that_comes_back_is_waited_for(documents, records, what):
    records.insert_one("c", {"_id": "a", "n": 1})
    with documents.server.away(SECONDS_AWAY):
        if what == "insert":
            assert records.insert_one("c", {"_id": "b", "n": 2}) is True
        elif what == "replace":
            records.replace_one("c", {"_id": "b", "n": 2})
        elif what == "update":
            assert records.find_one_and_update("c", {"n": 1}, {"n": 2})["n"] == 2
        elif what == "find":
            assert records.find("c", {"n": 1})[0]["_id"] == "a"
        else:
            assert records.count_documents("c") == 1
    expected = {"insert": [1, 2], "replace": [1, 2], "update": [2]}.get(what, [1])
    assert [document["n"] for document in records.find("c")] == expected


def test_an_insert_whose_reply_was_lost_is_ours(records, monkeypatch):
    records.insert_one("c", {"_id": "a", "n": 1})
    insert, tries = Collection.insert_one, []

    def lossy(self, document, *arguments, **options):
        done = insert(self, document, *arguments, **options) if not tries else None
        tries.append(1)
        if done is not None:
            raise errors.AutoReconnect("the line broke")
        return insert(self, document, *arguments, **options)

    monkeypatch.setattr(Collection, "insert_one", lossy)
    assert records.insert_one("c", {"_id": "b", "n": 1}) is True
    assert len(tries) == 2
    assert records.insert_one("c", {"_id": "b", "n": 2}) is False


def test_patience_ends():
    records = MongoRecords(
        "mongodb://127.0.0.1:9/x?serverSelectionTimeoutMS=200", policy=replace(QUICK, limit_s=0.1)
    )
    with pytest.raises(UnavailableError, match=r"mongodb://127.0.0.1:9/x: no answer for 0.1 s"):
        records.get("c", "a")


# A server that refuses


@pytest.mark.parametrize("how", ["url", "file"])
def test_wrong_credentials_are_told_without_them(documents, caplog, tmp_path, how):
    password = "notthesecretyouexpect"
    (tmp_path / "password").write_text(password + "\n")
    user = f"somebody:{password}" if how == "url" else "somebody"
    records = MongoRecords(
        documents.url().replace("://", f"://{user}@"),
        password_file=tmp_path / "password" if how == "file" else None,
        policy=QUICK,
    )
    began = time.monotonic()
    with pytest.raises(InputError, match="does not accept the user or its password") as caught:
        records.get("c", "a")
    assert time.monotonic() - began < 5
    assert password not in str(caught.value) + caplog.text + repr(records)


def test_a_wrong_address_is_told_without_its_password():
    with pytest.raises(UsageError, match="LANDCOVER_RECORDS") as caught:
        MongoRecords("mongodb://user:secret:word@host:port/x").get("c", "a")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_password_file_that_is_not_there_is_told(url, tmp_path):
    records = MongoRecords(url, password_file=tmp_path / "none", policy=QUICK)
    with pytest.raises(UsageError, match="LANDCOVER_RECORDS_PASSWORD_FILE"):
        records.get("c", "a")


# Several processes


def _claim(url, barrier, results, n):
    records = MongoRecords(url, policy=QUICK)
    pace = ClaimTiming(beat_seconds=0.05, stale_seconds=5, look_seconds=0.02)
    barrier.wait()
    for turn in range(5):
        with claimed(records, f"output{turn}", pace):
            if records.get("outputs", f"output{turn}") is None:
                time.sleep(0.05)
                records.insert_one("outputs", {"_id": f"output{turn}", "by": n})
                results.put((turn, n))
    results.put(None)


def test_of_processes_that_want_the_same_output_one_makes_it(url):
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(3), spawn.Queue()
    workers = [spawn.Process(target=_claim, args=(url, barrier, results, n)) for n in range(3)]
    for worker in workers:
        worker.start()
    made, ended = [], 0
    while ended < len(workers):
        found = results.get(timeout=60)
        ended += found is None
        made += [] if found is None else [found[0]]
    for worker in workers:
        worker.join()
    assert sorted(made) == [0, 1, 2, 3, 4]


def test_a_fork_opens_its_own_client(records):
    records.insert_one("c", {"_id": "parent"})
    child = os.fork()
    if child == 0:  # no test machinery on this side
        try:
            fine = records.insert_one("c", {"_id": "child"})
        except BaseException:
            fine = False
        os._exit(0 if fine else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert records.count_documents("c") == 2


def test_closing_does_not_wait_for_a_server_that_has_gone(documents):
    records = MongoRecords(documents.url("gone"), policy=QUICK)
    records.insert_one("c", {"_id": "a"})
    with documents.server.away(3 * mongo.CLOSE_SECONDS):
        begun = time.monotonic()
        mongo.close_clients()
        assert time.monotonic() - begun < 2 * mongo.CLOSE_SECONDS


HOLDER = """
import sys
from landcover.stores.mongo import MongoRecords
records = MongoRecords(sys.argv[1])
records.insert_one("c", {"_id": "held"})
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_process_whose_record_store_died_ends_soon(documents):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, documents.url("died")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "ready\n"
        with documents.server.away(13):
            time.sleep(2)  # until its client knows: then closing it waits for a server
            process.stdin.close()
            assert process.wait(timeout=10) == 0
