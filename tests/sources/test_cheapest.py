"""Of several deliveries of one acquisition the one that decodes fastest, where asked for."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from fake_servers import TILE, Fault, contents, google

from landcover import api
from landcover.bench import deliveries, season
from landcover.errors import UnavailableError, UsageError
from landcover.ledger import outputs, units
from landcover.sources.access import read_access
from landcover.sources.addresses import open_source
from landcover.sources.local import LocalSource

RECIPE = {
    "name": "both",
    "seasons": [{"name": "spring", "primary_month": 3, "fallback_month": 4}],
    "composite": {"layers": ["B02", "B08", "B11", "B09", "AOT"]},
}
MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def cogs(safes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same products of March and April as GeoTIFFs with an item."""
    folder = tmp_path_factory.mktemp("cogs")
    for month in (3, 4):
        made = season.Season(safes, TILE, 2021, month)
        deliveries.as_cogs(made, folder, lambda what, share: None)
    return folder


@pytest.fixture
def address(safes: Path, cogs: Path):
    """Google, which has all as JPEG 2000, and a folder that has most as GeoTIFFs."""
    with google("gcp-public-data-sentinel-2", contents(safes, "L2/tiles/30/S/UF/")) as server:
        yield server, f"google?endpoint={server.url},{cogs}"


@pytest.fixture
def cheapest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDCOVER_DELIVERY", "cheapest")


@pytest.fixture
def fewer(cogs: Path, address, tmp_path: Path):
    """As before, but one acquisition that only Google has, and one only older as GeoTIFF."""
    kept = tmp_path / "fewer"
    for path in sorted(cogs.iterdir()):
        if "20210310" not in path.name and "N0500" not in path.name:
            shutil.copytree(path, kept / path.name)
    return address[1].rpartition(",")[0] + f",{kept}"


@pytest.mark.usefixtures("cheapest")
def test_each_acquisition_comes_as_cheap_as_it_can(safes: Path, fewer: str, access) -> None:
    access = type(access)(**{**vars(access), "prefers_cheapest": True})
    found = {one.name: one for one in open_source(fewer, access).search(TILE, *MARCH)}
    assert set(found) == {one.name for one in LocalSource(safes).search(TILE, *MARCH)}
    is_google = {name: one.provider.startswith("Google") for name, one in found.items()}
    assert {name for name, it in is_google.items() if it} == {
        name for name in found if "20210310" in name or "N0500" in name
    }, "other baselines are other numbers"
    assert not all(is_google.values())


@pytest.mark.usefixtures("cheapest")
def test_one_that_does_not_answer_is_left_out(address, access) -> None:
    server, both = address
    access = type(access)(**{**vars(access), "prefers_cheapest": True})
    server.faults.append(Fault("", status=503, times=999))
    assert open_source(both, access).search(TILE, *MARCH)
    server_only = both.rpartition(",")[0]
    twice = open_source(f"{server_only},gs://other?endpoint={server.url}", access)
    with pytest.raises(UnavailableError):
        twice.search(TILE, *MARCH)


def composite(run: str, products: str) -> tuple[outputs.Output, dict[str, np.ndarray], list[str]]:
    """Composite the spring, and give the files that it was made of."""
    api.start_run(run, RECIPE, year=2021, products=products, tiles=[TILE], until="composite")
    report = api.run_inline(run)
    assert report["state"] == "done", report["troubles"]
    workspace = api.open_workspace()
    state = units.load(workspace.records, run, "composite", f"{TILE}.2021-spring")
    assert state is not None
    made = outputs.load(workspace, state.outputs[-1])
    pixels = {}
    for layer in RECIPE["composite"]["layers"]:
        with rasterio.open(workspace.objects.href(made.key, f"{layer}.tif")) as raster:
            pixels[layer] = raster.read(1)
    masks = [outputs.load(workspace, m) for m in made.wanted.inputs["masks"]]
    products_used = [m.wanted.inputs["product"][0] for m in masks]
    records = [workspace.records.get("products", p) for p in products_used]
    return made, pixels, [f["href"] for record in records for f in record["files"]]


@pytest.mark.usefixtures("workspace_folder")
def test_composites_of_both_are_equal_on_every_pixel(
    address, cogs: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    both = address[1]
    before = contents(cogs)
    listed, expected, jp2 = composite("listed", both)
    monkeypatch.setenv("LANDCOVER_DELIVERY", "cheapest")
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "other"))
    made, pixels, tif = composite("cheapest", both)
    assert {href[-4:] for href in jp2} == {".jp2"}
    assert {href[-4:] for href in tif} == {".tif"}
    assert made.id != listed.id, "ids follow the files that were used"
    for layer, values in expected.items():
        assert np.array_equal(pixels[layer], values), layer
        assert (values > 0).any()
    assert contents(cogs) == before, "a folder of this machine is left as it was"


@pytest.mark.usefixtures("cheapest")
def test_of_two_copies_in_a_folder(safes: Path, cogs: Path, tmp_path: Path) -> None:
    for folder in (safes, cogs):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / folder.parent.name).symlink_to(folder)
    products, told = LocalSource(tmp_path / "in").products(TILE, *MARCH)
    assert {p.file("B02").href[-4:] for p in products} == {".tif"}
    assert any("decodes faster and is used" in str(error) for _, error in told)


def test_the_setting() -> None:
    assert not read_access({}).prefers_cheapest
    assert read_access({"LANDCOVER_DELIVERY": "cheapest"}).prefers_cheapest
    with pytest.raises(UsageError, match=r"LANDCOVER_DELIVERY=fast: expected cheapest or listed"):
        read_access({"LANDCOVER_DELIVERY": "fast"})
    access = read_access({"LANDCOVER_DELIVERY": "cheapest"})
    with pytest.raises(UsageError, match="delivery=zip: expected cog or jp2"):
        open_source("google,stac+https://one.host/v1?delivery=zip", access)
