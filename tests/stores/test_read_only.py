"""Records in a folder that cannot be written to are read, however their writer left them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unwritable import run_unwritable

from landcover.errors import ReadOnlyError
from landcover.stores import read_only
from landcover.stores.records import SqliteRecords

READER = """
import json, sys
from pathlib import Path
from landcover.errors import UnavailableError
from landcover.stores.records import SqliteRecords
records = SqliteRecords(Path(sys.argv[1]))
found = {}
try:
    found["ids"] = [d["_id"] for d in records.find("c", sort=["_id"])]
    found["count"] = records.count_documents("c", {"_id": "b"})
except UnavailableError as error:
    found["unread"] = str(error)
for write in (
    lambda: records.insert_one("c", {"_id": "z"}),
    lambda: records.replace_one("c", {"_id": "a"}),
    lambda: records.find_one_and_update("c", {"_id": "a"}, {"x": 1}),
):
    try:
        write()
    except UnavailableError as error:
        found[str(error)] = type(error).__name__
print(json.dumps(found))
"""
WRITER = """
import os, sys
from pathlib import Path
from landcover.stores.records import SqliteRecords
records = SqliteRecords(Path(sys.argv[1]))
records.insert_one("c", {"_id": "b"})
print("written", flush=True)
sys.stdin.readline()
os._exit(0)  # as a killed process: the log stays
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Records of one document in a folder whose name has signs that mean something in a URI."""
    path = tmp_path / "a %20?b#c" / "records.sqlite"
    path.parent.mkdir()
    writer = SqliteRecords(path)
    writer.insert_one("c", {"_id": "a"})
    writer._connection().close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path


def read_unwritable(path: Path) -> dict[str, Any]:
    done = run_unwritable(path.parent, READER, str(path))
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_nobody_is_writing_is_read_and_stays_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    found = read_unwritable(path)
    assert (found.pop("ids"), found.pop("count")) == (["a"], 0)
    [(sentence, name)] = found.items()
    assert name == "ReadOnlyError"
    assert sentence == (
        f"{path}: the workspace is read-only here, so nothing can be recorded in it. "
        "Mount it for writing or name another workspace, then run again."
    )
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_what_somebody_else_is_writing_and_what_a_killed_process_left_is_read(path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    alive = read_unwritable(path)
    writer.communicate("\n")
    left = read_unwritable(path)
    for found in (alive, left):
        assert (found["ids"], found["count"]) == (["a", "b"], 1)
        assert "ReadOnlyError" in found.values()
    # Without its index the log is of no use to who may not write, and leaving it out were wrong.
    path.with_name("records.sqlite-shm").unlink()
    lost = read_unwritable(path)
    assert "ids" not in lost
    assert "records.sqlite-wal holds some that are not in the file yet" in lost["unread"]
    assert "Copy the workspace" in lost["unread"]


@pytest.fixture
def no_rights(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process may not write: as on a share that others write to."""
    monkeypatch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)


@pytest.mark.usefixtures("no_rights")
def test_a_reader_follows_those_who_may_write(path: Path) -> None:
    reader = SqliteRecords(path)
    assert [d["_id"] for d in reader.find("c")] == ["a"]
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("""INSERT INTO documents VALUES ('c', 'b', '{"_id": "b"}')""")
    assert [d["_id"] for d in reader.find("c")] == ["a", "b"]  # from the log
    raw.execute("""INSERT INTO documents VALUES ('c', 'd', '{"_id": "d"}')""")
    assert reader.count_documents("c") == 3
    raw.execute("DELETE FROM documents WHERE id = 'a'")
    raw.close()
    assert [d["_id"] for d in reader.find("c")] == ["b", "d"]
    with pytest.raises(ReadOnlyError):
        reader.insert_one("c", {"_id": "e"})


@pytest.mark.usefixtures("no_rights")
def test_a_query_that_somebody_wrote_into_is_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, asked, real = SqliteRecords(path), [], read_only.state_of

    def state_of(place: Path) -> read_only.State:
        asked.append(place)
        if len(asked) == 2:  # after the query, before the answer is given
            raw = sqlite3.connect(path, isolation_level=None)
            raw.execute("""UPDATE documents SET body = '{"_id": "a", "x": 2}'""")
            raw.close()
        return real(place)

    monkeypatch.setattr(read_only, "state_of", state_of)
    assert reader.find("c") == [{"_id": "a", "x": 2}]


def test_a_folder_that_can_be_written_to_again_is_written_to(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = SqliteRecords(path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda place, mode: not mode & os.W_OK)
        assert records.count_documents("c") == 1
        with pytest.raises(ReadOnlyError):
            records.replace_one("c", {"_id": "b"})
    records.replace_one("c", {"_id": "b"})
    assert records.count_documents("c") == 2
