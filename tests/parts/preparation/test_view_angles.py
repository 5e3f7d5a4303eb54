"""Where the angles of a product are read from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from deliveries import angle_xml, deliver

from landcover import api
from landcover.ledger import runs
from landcover.nouns.grid import Window
from landcover.nouns.run import Unit
from landcover.parts.preparation.view_angles import read_view
from landcover.parts.task import Task
from landcover.products.reading import read_product
from landcover.raster.brdf import c_factor
from landcover.stores.workspace import Workspace

if TYPE_CHECKING:
    from servers import S3Server


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    layers = {"B04": np.full((12, 12), 1000), "SCL": np.full((12, 12), 4)}
    deliver(tmp_path / "in", 1, layers, {}, angle_xml((35, 150), (8, 170)))
    return next((tmp_path / "in").iterdir())


def task_in(workspace: Workspace, products: Path) -> Task:
    seasons: list[dict[str, Any]] = [{"name": "summer", "primary_month": 6, "fallback_month": 7}]
    api.start_run("run", {"name": "x", "seasons": seasons}, year=2021, products=str(products))
    run, recipe = runs.load(api.open_workspace(), "run")
    return Task(workspace, run, recipe, Unit(id="u", label="u"))


@pytest.mark.slow
def test_a_product_in_a_bucket(
    s3_server: S3Server,
    delivered: Path,
    workspace_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    task = task_in(api.open_workspace(), delivered.parent)
    store = api.open_workspace().objects
    assert store.address.startswith("/vsis3/")
    with store.publishing("products/31UDS/name/0123") as scratch:
        scratch.mkdir()
        delivered.rename(scratch / delivered.name)
        product = read_product(scratch / delivered.name)
    there = store.href("products/31UDS/name/0123", delivered.name)
    view = read_view(task, product.model_copy(update={"path": there}))
    assert view.angles.ulx == 501_360
    grid = product.files[0].grid
    values = np.full((12, 12), 1000, dtype=np.int16)
    assert (view.from_above("B04", values, grid, Window(0, 0, 12, 12)) == 958).all()


def test_a_raster_that_is_a_part_of_its_tile(delivered: Path, workspace_folder: Path) -> None:
    # The metadata place the tile 40 km west and 25 km north of the raster.
    file = delivered / "granule_metadata.xml"
    text = file.read_text()
    file.write_text(text.replace("501360", "461360").replace("5629680", "5654680"))
    task = task_in(api.open_workspace(), delivered.parent)
    product = read_product(delivered)
    view = read_view(task, product)
    rows, columns = np.mgrid[0:23, 0:23]
    angles = view.bands["B04"]._replace(view_zenith=2 + 0.2 * columns + 0.1 * rows)
    values = np.full((12, 12), 10_000, dtype=np.int16)
    found = replace(view, bands={"B04": angles}).from_above(
        "B04", values, product.files[0].grid, Window(0, 0, 12, 12)
    )
    # The raster begins on node (5, 8), where the zenith is 4.1.
    assert found[0, 0] == pytest.approx(10_000 * float(c_factor("B04", 35, 4.1, 20)), abs=3)
    assert abs(found[0, 0] - 10_000 * float(c_factor("B04", 35, 2, 20))) > 50
