"""A whole run on an S3 server and the MongoDB protocol: the same bytes as on one disk."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import pytest
from servers import DocumentServer, S3Server

from landcover import api
from landcover.simulate import simulate

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    folder = tmp_path_factory.mktemp("region")
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=20, seed=3)


def start(region, name):
    """Start a run until the page."""
    api.start_run(
        name,
        RECIPE,
        year=region.year,
        products=str(region.products),
        labels=str(region.labels),
        dem=str(region.dem),
        until="publish",
        overrides=["model.trees=10"],
    )


def run(region, name):
    """Run until the page, here."""
    start(region, name)
    report = api.run_inline(name)
    assert report["state"] == "done", report["troubles"]
    return report


def committed():
    """List what was made: id → stage, key, files with their checksums."""
    found = api.open_workspace().records.find("outputs")
    return {
        d["_id"]: (d["wanted"]["stage"], d["key"], [(f["name"], f["sha256"]) for f in d["files"]])
        for d in found
    }


@pytest.fixture
def on_disk(region, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        for name in ("OBJECTS", "RECORDS"):
            patch.delenv(f"LANDCOVER_{name}", raising=False)
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "disk"))
        run(region, "run")
        return committed()


@pytest.fixture
def on_servers(documents: DocumentServer, s3: S3Server, tmp_path, monkeypatch):
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "nothing"))
    monkeypatch.setenv("LANDCOVER_OBJECTS", "s3://landcover/whole/run")
    monkeypatch.setenv("LANDCOVER_RECORDS", documents.url("whole_run"))
    monkeypatch.setenv("LANDCOVER_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("LANDCOVER_PATIENCE_SECONDS", "30")
    yield s3, documents
    assert list((tmp_path / "scratch").iterdir()) == []
    assert not (tmp_path / "nothing").exists()


def test_a_run_on_servers_that_go_away_gives_the_same_bytes(region, on_disk, on_servers, caplog):
    s3, documents = on_servers
    ended = threading.Event()

    def disturb():
        # Each goes away in turn, again and again, while the run is at work.
        while not ended.wait(2):
            for server in (s3.server, documents.server):
                with server.away(0.7):
                    pass

    disturbing = threading.Thread(target=disturb)
    disturbing.start()
    try:
        run(region, "run")
    finally:
        ended.set()
        disturbing.join()
    assert "no answer" in caplog.text  # the run noticed
    assert committed() == on_disk
    made = {stage for stage, _, _ in on_disk.values()}
    assert made >= {"composite", "train", "classify", "publish"}
    again = run(region, "again")
    assert set(again["counts"]) <= {"reused", "skipped"}


def _work(stage, document, barrier, results):
    barrier.wait()
    results.put(api.run(stage, document)["state"])


@pytest.mark.usefixtures("on_servers")
def test_of_two_processes_that_get_the_same_unit_one_computes(region, monkeypatch, documents):
    monkeypatch.setenv("LANDCOVER_RECORDS", documents.url("same_unit"))
    monkeypatch.setenv("LANDCOVER_OBJECTS", "s3://landcover/same/unit")
    start(region, "run")
    unit = api.plan("run", "prepare")[0]["unit"]
    document = {"schema": 1, "run": "run", "unit": unit, "memory_gb": 1.0, "threads": 1}
    for stage in ("collect", "mask"):
        assert api.run(stage, document)["state"] == "done"
    spawn = multiprocessing.get_context("spawn")
    barrier, results = spawn.Barrier(2), spawn.Queue()
    workers = [
        spawn.Process(target=_work, args=("composite", document, barrier, results))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    assert sorted(results.get(timeout=120) for _ in workers) == ["done", "reused"]
    for worker in workers:
        worker.join()


def test_what_was_made_is_opened_lazily(region, on_servers):
    run(region, "run")
    composite = api.open_composite("30SUF", f"{region.year}-spring")
    assert composite["B02"][0, 100:110, 100:110].notnull().any()
    found = api.open_workspace().records.find("outputs", {"wanted.stage": "classify"})
    assert (api.open_map(found[0]["_id"])["classification"][:50, :50] > 0).any()
