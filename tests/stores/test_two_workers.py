"""Two workers that share no folder make the bytes that one machine makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from landcover import api, execution
from landcover.nouns.stages import GROUPS
from landcover.nouns.unit_document import unit_document
from landcover.simulate import SimulatedRegion, simulate

if TYPE_CHECKING:
    from servers import DocumentServer, S3Server

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
SEASON = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
WORKERS = ("first", "second")
pytestmark = pytest.mark.slow


@pytest.fixture
def region(tmp_path: Path) -> SimulatedRegion:
    return simulate(
        tmp_path / "region", tiles=("30SUF",), pixels=240, points_per_class=12, seasons=["spring"],
        only_usable=True, seed=3,
    )  # fmt: skip


@pytest.fixture
def products(region: SimulatedRegion, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of the region's products in a bucket; the folder is gone."""
    bucket = boto3.session.Session().resource("s3", endpoint_url=s3.endpoint).Bucket("archive")
    bucket.create()
    for file in sorted(path for path in region.products.rglob("*") if path.is_file()):
        bucket.upload_file(str(file), f"products/{file.relative_to(region.products)}")
    shutil.rmtree(region.products)
    monkeypatch.setenv("LANDCOVER_SOURCE_S3_KEY", s3.access_key)
    monkeypatch.setenv("LANDCOVER_SOURCE_S3_SECRET", s3.secret_key)
    return f"s3://archive/products?endpoint={s3.endpoint}"


def start(name: str, region: SimulatedRegion, products: str, folder: Path) -> None:
    """Start a run whose files and pasted region are gone afterwards, with the workspace."""
    folder.mkdir()
    labels = Path(shutil.copy(region.labels, folder / "labels.geojson"))
    recipe = Path(shutil.copy(RECIPE, folder / "own.yaml"))
    api.start_run(
        name,
        str(recipe),
        year=region.year,
        products=products,
        labels=str(labels),
        region=around(region.labels),
        overrides=["model.trees=5", SEASON],
    )
    shutil.rmtree(folder)


def around(labels: Path) -> str:
    """Give the rectangle around the middle half of the labels, as a person pastes it."""
    points = [f["geometry"]["coordinates"] for f in json.loads(labels.read_text())["features"]]
    step = len(points) // 4
    (west, _, east), (south, _, north) = (
        sorted(axis)[step : 3 * step + 1 : step] for axis in zip(*points, strict=True)
    )
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return f"POLYGON (({', '.join(f'{lon} {lat}' for lon, lat in corners)}))"


def committed() -> dict[str, Any]:
    """List what was made: id → stage, key, files with their checksums."""
    return {
        d["_id"]: (d["wanted"]["stage"], d["key"], [(f["name"], f["sha256"]) for f in d["files"]])
        for d in api.open_workspace().records.find("outputs")
    }


@contextmanager
def worker(name: str, address: str, folder: Path) -> Iterator[None]:
    """Run a Dask worker whose folders are its own."""
    for own in ("home", "scratch", "tmp", "workspace"):
        (folder / own).mkdir(parents=True)
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--name", name]
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    environment = {
        **os.environ,
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "LANDCOVER_WORKSPACE": str(folder / "workspace"),
        "LANDCOVER_SCRATCH": str(folder / "scratch"),
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *options, "--local-directory", str(folder / "dask")],
            env=environment, cwd=folder, stdout=log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def forget(folder: Path) -> None:
    """Remove what a worker kept: the next stage has the servers alone."""
    assert list((folder / "scratch").iterdir()) == []
    for own in ("scratch", "tmp", "workspace"):
        shutil.rmtree(folder / own)
        (folder / own).mkdir()


def run_by_turns(name: str, address: str, folder: Path) -> set[str]:
    """Run each stage on the worker that did not run the one before; names those that worked."""
    from distributed import Client

    turns, worked = cycle(WORKERS), set()
    with Client(address) as client:
        client.wait_for_workers(len(WORKERS), timeout=60)
        for group, stages in GROUPS.items():
            for unit in api.plan(name, group):
                for stage in stages:
                    turn = next(turns)
                    job = client.submit(
                        execution.run_unit, stage, unit_document(name, stage, unit["unit"]),
                        workers=[turn], pure=False,
                    )  # fmt: skip
                    outcome = job.result(timeout=300)
                    assert outcome["state"] in ("done", "reused", "skipped"), outcome
                    worked.add(f"{stage} {turn}")
                    forget(folder / turn)
    return worked


def test_two_workers_without_a_common_folder_make_the_bytes_of_one_machine(
    region: SimulatedRegion,
    products: str,
    documents: DocumentServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from distributed import LocalCluster

    with monkeypatch.context() as patch:
        for variable in ("OBJECTS", "RECORDS"):
            patch.delenv(f"LANDCOVER_{variable}")
        patch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "alone"))
        start("run", region, products, tmp_path / "given")
        report = api.run_inline("run")
        assert report["state"] == "done", report["troubles"]
        alone = committed()
    monkeypatch.setenv("LANDCOVER_OBJECTS", "s3://landcover/two/workers")
    monkeypatch.setenv("LANDCOVER_RECORDS", documents.url("two_workers"))
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "starter"))
    start("run", region, products, tmp_path / "given")
    shutil.rmtree(tmp_path / "starter")
    with ExitStack() as stack:
        cluster = stack.enter_context(
            LocalCluster(n_workers=0, processes=False, protocol="tcp", host="127.0.0.1",
                         dashboard_address="127.0.0.1:0")
        )  # fmt: skip
        for name in WORKERS:
            stack.enter_context(worker(name, cluster.scheduler_address, tmp_path / name))
        worked = run_by_turns("run", cluster.scheduler_address, tmp_path)
    assert api.report("run")["state"] == "done"
    assert {"collect first", "mask second", "composite first"} <= worked
    assert {turn.partition(" ")[2] for turn in worked} == set(WORKERS)
    assert committed() == alone
    assert {stage for stage, *_ in alone.values()} >= {"classify", "mosaic", "publish"}
