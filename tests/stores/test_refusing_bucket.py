"""A bucket that refuses writing in the middle of a run: told at once, nothing half-written."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import BUCKET, S3Server

from landcover import api
from landcover.errors import InputError
from landcover.ledger import units
from landcover.simulate import SimulatedRegion, simulate
from landcover.stores.s3 import S3ObjectStore

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    folder = tmp_path_factory.mktemp("region")
    return simulate(folder, tiles=("30SUF",), pixels=240, points_per_class=20, seed=3)


@pytest.fixture
def recipe() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(
        (ROOT / "recipes" / "mediterranean-rf.yaml").read_text()
    )
    document["seasons"] = [s for s in document["seasons"] if s["name"] == "summer"]
    document["composite"]["layers"] = ["B02", "B08"]
    document["features"]["indices"] = ["ndvi"]
    return document


@pytest.fixture
def bucket(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in the bucket; records are on the disk."""
    address = f"s3://{BUCKET}/refusing/{tmp_path.name}"
    monkeypatch.setenv("LANDCOVER_OBJECTS", address)
    monkeypatch.delenv("LANDCOVER_RECORDS", raising=False)
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("LANDCOVER_SCRATCH", str(tmp_path / "scratch"))
    return address


def run(name: str, recipe: dict[str, Any], region: SimulatedRegion, until: str) -> Counter[str]:
    products = str(region.products)
    api.start_run(name, recipe, year=region.year, products=products, until=until)  # type: ignore[arg-type]
    api.run_inline(name)
    return Counter(s.state for s in units.states(api.open_workspace().records, name))


def files_in_store() -> set[str]:
    objects = api.open_workspace().objects
    assert isinstance(objects, S3ObjectStore)
    return set(objects._bucket.sizes(objects._prefix))


def files_in_records() -> set[str]:
    objects = api.open_workspace().objects
    assert isinstance(objects, S3ObjectStore)
    return {
        f"{objects._prefix}/{document['key']}/{file['name']}"
        for document in api.open_workspace().records.find("outputs")
        for file in document["files"]
    }


def test_a_run(
    bucket: str,
    s3: S3Server,
    recipe: dict[str, Any],
    region: SimulatedRegion,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert run("begun", recipe, region, "mask") == {"done": 2}
    with s3.server.started_with("--readonly"):
        caplog.clear()
        assert run("refused", recipe, region, "composite") == {"reused": 2, "failed": 1}
        (failed,) = (
            state
            for state in units.states(api.open_workspace().records, "refused")
            if state.state == "failed"
        )
        assert failed.error_family == "input", "it is not tried again as if the store were away"
        assert failed.message == (
            f"s3://{BUCKET}: the server denies access (AccessDenied). Check the credentials and "
            "give them the right to list, read, write and delete there."
        )
        assert "trying again" not in caplog.text
        assert files_in_store() == files_in_records()
        assert list((tmp_path / "scratch").iterdir()) == []
    assert run("allowed", recipe, region, "composite") == {"reused": 2, "done": 1}
    assert files_in_store() == files_in_records()


def test_ground_truth(
    bucket: str, s3: S3Server, recipe: dict[str, Any], region: SimulatedRegion
) -> None:
    arguments = {"year": region.year, "products": str(region.products)}
    labels = str(region.labels)
    with (
        s3.server.started_with("--readonly"),
        pytest.raises(InputError, match="the server denies access"),
    ):
        api.start_run("run", recipe, labels=labels, **arguments)  # type: ignore[arg-type]
    records = api.open_workspace().records
    assert records.find("labels") == records.find("runs") == []
    assert files_in_store() == set()
