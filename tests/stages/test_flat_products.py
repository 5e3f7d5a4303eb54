"""Flat GeoTIFF products through the chain: the same numbers make the same composite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from deliveries import angle_xml, deliver
from flat_deliveries import write_description, write_geotiff

from landcover import api
from landcover.ledger import outputs, units
from landcover.nouns.output import Output
from landcover.pipeline.starting import resolve
from landcover.pipeline.up_to_date import find_same_run

PIXEL = {"B02": 10, "B04": 10, "B09": 60}
SIZE = {"B02": 24, "B04": 24, "B09": 4}
RECIPE = {
    "name": "flat",
    "seasons": [{"name": "summer", "primary_month": 6, "fallback_month": 7}],
    "mask": {"growth_m": 60},
    "composite": {"layers": ["B02", "B04", "B11", "B09"]},
}
SUN, VIEW = (35.0, 150.0), (8.0, 170.0)
RUNS: Iterator[int] = iter(range(10_000))


def numbers(day: int) -> dict[str, np.ndarray]:
    """Give the digital numbers of a date, and a classification with cloud and nodata."""
    rng = np.random.default_rng(day)
    layers = {
        layer: rng.integers(0, 3000, (SIZE.get(layer, 12),) * 2)
        for layer in ("B02", "B04", "B11", "B09")
    }
    layers["SCL"] = rng.choice([0, 4, 4, 4, 5, 9], (12, 12))
    return layers


DAYS = (1, 11, 21)


@pytest.fixture
def items(tmp_path: Path) -> Path:
    """Three dates as STAC items, whose offset was taken off."""
    for day in DAYS:
        deliver(tmp_path / "items", day, numbers(day), PIXEL, angle_xml(SUN, VIEW))
    return tmp_path / "items"


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """The same dates as folders: a file a resolution; 20 m not described, in an order given."""
    for day in DAYS:
        layers, place = numbers(day), tmp_path / "folders" / f"2021-06-{day:02}"
        tags = {"sun_zenith": SUN[0], "sun_azimuth": SUN[1]}
        fine = [layers["B02"], layers["B04"]]
        write_geotiff(place / "fine.tif", fine, ["B2", "B4"], tags=tags, interleave="pixel")
        write_geotiff(place / "coarse.tif", [layers["B11"], layers["SCL"]], pixel=20)
        write_geotiff(place / "nir09.tif", [layers["B09"]], pixel=60)
    write_description(
        tmp_path / "folders", offset=0, tile="31UDS", bands=["B11", "SCL"],
        names={"B2": "B02"}, view_zenith=VIEW[0], view_azimuth=VIEW[1], cloud_percent=1,
        nodata_percent=0,
    )  # fmt: skip
    return tmp_path / "folders"


def make(products: Path, **composite: Any) -> Output:
    run = f"flat{next(RUNS)}"
    recipe = {**RECIPE, "composite": {**RECIPE["composite"], **composite}}  # type: ignore[dict-item]
    api.start_run(run, recipe, year=2021, products=str(products), until="composite")
    report = api.run_inline(run)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, "composite", "31UDS.2021-summer")
    assert state is not None
    return outputs.load(workspace, state.outputs[-1])


def pixels(output: Output, layer: str) -> np.ndarray:
    with rasterio.open(api.open_workspace().objects.href(output.key, f"{layer}.tif")) as raster:
        return np.asarray(raster.read(1))


@pytest.mark.usefixtures("workspace_folder")
@pytest.mark.parametrize("view_angle", [None, "nbar"])
def test_the_composite_is_that_of_the_items(
    items: Path, folders: Path, view_angle: str | None
) -> None:
    option = {} if view_angle is None else {"view_angle": view_angle}
    expected, made = make(items, **option), make(folders, **option)
    for layer in RECIPE["composite"]["layers"]:  # type: ignore[index]
        assert np.array_equal(pixels(made, layer), pixels(expected, layer)), layer
        assert (pixels(made, layer) > 0).any()
    assert made.id != expected.id


@pytest.mark.usefixtures("workspace_folder")
def test_layers_and_angles_name_a_product(folders: Path) -> None:
    """Two 20 m bands of one type: their order is told by the description alone."""
    for day in DAYS:
        bands = [numbers(day)["B11"], numbers(day)["B11"][::-1], numbers(day)["SCL"]]
        write_geotiff(folders / f"2021-06-{day:02}" / "coarse.tif", bands, pixel=20)
    ids = set()
    for order in (["B11", "B12", "SCL"], ["B12", "B11", "SCL"]):
        for sun in (150, 151):
            write_description(
                folders, offset=0, tile="31UDS", bands=order, view_azimuth=sun, cloud_percent=1,
                nodata_percent=0,
            )  # fmt: skip
            ids.add(make(folders).id)
    assert len(ids) == 4


@pytest.mark.usefixtures("workspace_folder")
def test_a_corrected_description_starts_work(folders: Path) -> None:
    given = {"year": 2021, "products": str(folders), "until": "composite"}
    api.start_run("first", RECIPE, **given)
    assert api.run_inline("first")["state"] == "done"
    recipe, arguments = resolve(RECIPE, **given)
    assert find_same_run(api.open_workspace(), recipe, arguments) == "first"
    write_description(folders, offset=-1000, tile="31UDS", bands=["B11", "SCL"])
    assert find_same_run(api.open_workspace(), recipe, arguments) is None


@pytest.mark.usefixtures("workspace_folder")
def test_a_view_of_the_product(folders: Path) -> None:
    product = api.open_product(folders / "2021-06-11")
    opened = product.dataset(["B04", "SCL"], resolution=10)
    given = numbers(11)
    expected = np.where(given["B04"] == 0, np.nan, given["B04"].astype(np.float32) / 10_000)
    assert np.array_equal(opened["B04"].values, expected.astype(np.float32), equal_nan=True)
    assert np.array_equal(opened["SCL"].values, given["SCL"].repeat(2, 0).repeat(2, 1))


@pytest.mark.usefixtures("workspace_folder")
def test_a_product_without_classification_is_told(folders: Path) -> None:
    for day in DAYS[:2]:
        path = folders / f"2021-06-{day:02}" / "coarse.tif"
        write_geotiff(path, [numbers(day)["B11"]], ["B11"], pixel=20)
    api.start_run("run", RECIPE, year=2021, products=str(folders), until="composite")
    assert api.run_inline("run")["state"] == "done"
    workspace = api.open_workspace()
    state = units.load(workspace.records, "run", "collect", "31UDS.2021-summer")
    assert state is not None
    told = outputs.load(workspace, state.outputs[-1]).stats["unreadable"]
    assert len(told) == 2
    assert all("SCL is missing, so clouds cannot be masked" in sentence for sentence in told)
