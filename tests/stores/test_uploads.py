"""Uploads that a dead owner left on the server are removed, those of living ones are not."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from servers import BUCKET, S3Server

from landcover.ledger import claims
from landcover.ledger.claims import ClaimTiming, claimed
from landcover.pipeline.interrupted import owning
from landcover.stores.objects import DirectoryStore
from landcover.stores.records import SqliteRecords
from landcover.stores.s3 import S3ObjectStore
from landcover.stores.s3_connection import S3Connection
from landcover.stores.workspace import Workspace

QUICK = ClaimTiming(beat_seconds=0.05, stale_seconds=0.6, look_seconds=0.05)
DEAD, ALIVE, GIVEN_BACK, ELSEWHERE, NOBODY = (f"{n:x}" * 16 for n in range(10, 15))
OWNER = """
import sys, time
from pathlib import Path
from landcover.ledger.claims import ClaimTiming, claimed
from landcover.stores.records import SqliteRecords
with claimed(SqliteRecords(Path(sys.argv[1])), sys.argv[2], ClaimTiming(beat_seconds=0.05)):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def workspace(s3: S3Server, tmp_path: Path, request: pytest.FixtureRequest) -> Workspace:
    connection = S3Connection(f"http://127.0.0.1:{s3.server.port}")
    store = S3ObjectStore(f"s3://{BUCKET}/{request.node.name}", connection, tmp_path / "scratch")
    return Workspace(store, SqliteRecords(tmp_path / "r.sqlite"))


def begin(workspace: Workspace, output_id: str) -> None:
    """Send the first part of a file and no more, as a process that is killed does."""
    store = workspace.objects
    assert isinstance(store, S3ObjectStore)
    target = {"Bucket": BUCKET, "Key": store._place(f"maps/30SUF/{output_id}/confidence.tif")}
    client = store._bucket.connection.client
    begun = client.create_multipart_upload(**target)
    client.upload_part(**target, UploadId=begun["UploadId"], PartNumber=1, Body=b"x" * 1000)


def left(workspace: Workspace) -> set[str]:
    return {upload.key.split("/")[2] for upload in workspace.objects.uploads()}


def test_uploads_of_the_dead_end_and_those_of_the_living_stay(
    workspace: Workspace, tmp_path: Path
) -> None:
    for output_id in (DEAD, ALIVE, GIVEN_BACK, ELSEWHERE, NOBODY):
        begin(workspace, output_id)
    assert left(workspace) == {DEAD, ALIVE, GIVEN_BACK, ELSEWHERE, NOBODY}
    command = [sys.executable, "-c", OWNER, str(tmp_path / "r.sqlite"), DEAD]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"ready\n"
        owner.kill()
    with claimed(workspace.records, GIVEN_BACK, QUICK):
        pass
    still = {"_id": ELSEWHERE, "output": ELSEWHERE, "turn": 0, "owner": "far/1/1/a", "beat": 7}
    workspace.records.insert_one(claims.COLLECTION, still)
    with claimed(workspace.records, ALIVE, QUICK), owning(workspace, "ours", QUICK):
        # Of the others only the counter tells, and it has to be looked at twice.
        assert left(workspace) == {ALIVE, ELSEWHERE, NOBODY}
        time.sleep(3 * QUICK.stale_seconds)
        assert left(workspace) == {ALIVE}


def test_uploads_of_another_project_are_not_seen(
    workspace: Workspace, s3: S3Server, request: pytest.FixtureRequest
) -> None:
    begin(workspace, DEAD)
    connection = S3Connection(f"http://127.0.0.1:{s3.server.port}")
    other = S3ObjectStore(f"s3://{BUCKET}/{request.node.name[:-3]}", connection)
    assert other.uploads() == []
    assert left(workspace) == {DEAD}
    (upload,) = workspace.objects.uploads()
    workspace.objects.abort(upload)
    workspace.objects.abort(upload)  # one that has ended is none to end
    assert workspace.objects.uploads() == []


def test_a_look_is_bounded(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from landcover.stores import bucket

    monkeypatch.setattr(bucket, "MOST_UPLOADS", 2)
    for number in range(3):
        begin(workspace, f"{number}" * 16)
    assert len(workspace.objects.uploads()) == 2


def test_a_folder_has_no_uploads(tmp_path: Path) -> None:
    assert DirectoryStore(tmp_path).uploads() == []
