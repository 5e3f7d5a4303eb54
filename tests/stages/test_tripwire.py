"""Wrong radiometric offsets stop what they touch, real change stops nothing: whole lanes."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from landcover import api
from landcover.ledger import outputs, runs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.nouns.run import UnitState
from landcover.nouns.stages import GROUPS, Group
from landcover.nouns.unit_document import unit_document
from landcover.parts.preparation import overlaps, radiometry
from landcover.pipeline.dry_run import dry_run
from landcover.simulate import SimulatedRegion, simulate
from landcover.stores.rasters import RasterStyle, write_raster

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
SPRING = "seasons=[{name: spring, primary_month: 3, fallback_month: 4}]"
SUMMER = "seasons=[{name: summer, primary_month: 6, fallback_month: 7}]"
WEST, EAST = "30SUF", "30SVF"
LIST = re.compile(r"<BOA_ADD_OFFSET_VALUES_LIST>.*?</BOA_ADD_OFFSET_VALUES_LIST>", re.DOTALL)
ASSETS = {
    "blue": "B02", "red": "B04", "rededge1": "B05", "rededge2": "B06", "rededge3": "B07",
    "nir08": "B8A", "swir16": "B11", "swir22": "B12", "scl": "SCL",
}  # fmt: skip


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(tmp_path_factory.mktemp("region"), pixels=240, points_per_class=5, seed=3)


@pytest.fixture
def june(region: SimulatedRegion, tmp_path: Path, workspace_folder: Path) -> Path:
    """A copy of the products of June: two good ones and a cloudy one of each tile."""
    return copied(region, tmp_path, "202106")


def copied(region: SimulatedRegion, folder: Path, *months: str) -> Path:
    for month in months:
        for product in region.products.glob(f"*MSIL2A_{month}*.SAFE"):
            shutil.copytree(product, folder / "products" / product.name)
    return folder / "products"


def metadata_of(products: Path, pattern: str) -> Path:
    (found,) = products.glob(f"{pattern}/MTD_MSIL2A.xml")
    return found


def use_offset(metadata: Path, offset: int) -> None:
    """Let the metadata say another offset than the one that the pixels carry."""
    text, n = re.subn(
        r"(<BOA_ADD_OFFSET band_id=\"\d+\">)-?\d+<", rf"\g<1>{offset}<", metadata.read_text()
    )
    assert n == 13
    metadata.write_text(text)


def go(
    run: str, products: Path, season: str = SUMMER, until: str = "composite", **more: Any
) -> Any:
    overrides = [season, *more.pop("overrides", [])]
    api.start_run(
        run, RECIPE, year=2021, products=str(products), until=until, overrides=overrides, **more
    )
    return api.run_inline(run)


def state(run: str, stage: str, unit: str) -> UnitState:
    found = units.load(api.open_workspace().records, run, stage, unit)  # type: ignore[arg-type]
    assert found is not None
    return found


def output_of(run: str, stage: str, unit: str) -> Output:
    return outputs.load(api.open_workspace(), state(run, stage, unit).outputs[0])


def candidates(run: str, unit: str) -> dict[str, dict[str, Any]]:
    found = output_of(run, "collect", unit).wanted.params["candidates"]
    return {candidate["name"]: candidate for candidate in found}


def refused(run: str, unit: str) -> dict[str, str]:
    found = candidates(run, unit)
    return {n: c["reason"] for n, c in found.items() if c["reason"].startswith("radiometric")}


def products_of(run: str, unit: str) -> list[str]:
    return [product["name"] for product in output_of(run, "composite", unit).stats["products"]]


# One product of a span


def test_an_offset_that_was_not_applied(
    june: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = metadata_of(june, f"*0606*T{WEST}*")
    wrong = metadata.parent.name.removesuffix(".SAFE")
    use_offset(metadata, 0)
    caplog.set_level(logging.WARNING)
    assert go("run", june)["state"] == "done"
    ((name, reason),) = refused("run", f"{WEST}.2021-summer").items()
    assert name == wrong
    (right,) = products_of("run", f"{WEST}.2021-summer")
    assert right != wrong
    assert reason == (
        f"radiometric offset not applied at all: all its bands lie 0.1 above those of {right} "
        "(expected a step of 0, found +0.1); an offset of 0 was used, as its metadata say; correct "
        "BOA_ADD_OFFSET in its MTD_MSIL2A.xml (raster:bands in its STAC item), or deliver it again"
    )
    assert f"{wrong} ({metadata.parent}) is left out: {reason}; " in caplog.text
    assert "% of the pixels lie 0.1 above" in caplog.text
    assert len(products_of("run", f"{EAST}.2021-summer")) == 2
    assert not refused("run", f"{EAST}.2021-summer")

    # What was compared is known: nothing is read again, and the outputs are found.
    with monkeypatch.context() as patch:
        patch.setattr(radiometry, "_sample", pytest.fail)
        patch.setattr(overlaps, "_count", pytest.fail)
        assert set(go("again", june)["counts"]) == {"reused"}
    # The wrong product leaves no trace in the composite: not even in its id.
    shutil.rmtree(metadata.parent)
    go("without", june)
    for tile in (WEST, EAST):
        unit = f"{tile}.2021-summer"
        assert output_of("without", "composite", unit).id == output_of("run", "composite", unit).id


def test_an_offset_that_was_applied_twice(
    region: SimulatedRegion, tmp_path: Path, workspace_folder: Path
) -> None:
    # A product of baseline 02.12, whose pixels hold no offset, with the list of a later one.
    products = copied(region, tmp_path, "202103", "202104")
    metadata = metadata_of(products, f"*N0212*T{WEST}*")
    later = LIST.search(metadata_of(products, f"*0310*T{WEST}*").read_text())
    assert later
    head, mark, tail = metadata.read_text().partition("</QUANTIFICATION_VALUES_LIST>")
    assert mark
    metadata.write_text(head + mark + later[0] + tail)
    assert go("run", products, SPRING)["state"] == "done"
    ((name, reason),) = refused("run", f"{WEST}.2021-spring").items()
    assert "N0212" in name
    assert "offset applied twice: it is darker than any surface" in reason
    assert "an offset of -1000 was used" in reason
    assert not any("N0212" in used for used in products_of("run", f"{WEST}.2021-spring"))
    assert products_of("run", f"{WEST}.2021-spring")
    assert not refused("run", f"{EAST}.2021-spring")


def test_no_product_is_left(june: Path) -> None:
    for metadata in june.glob(f"*T{WEST}*/MTD_MSIL2A.xml"):
        use_offset(metadata, -2000)
    report = go("run", june)
    lost = state("run", "collect", f"{WEST}.2021-summer")
    assert (lost.state, lost.error_family) == ("skipped", "missing")
    assert "no usable product" in lost.message
    assert "radiometric offset applied twice" in lost.message
    assert state("run", "composite", f"{EAST}.2021-summer").is_finished
    assert any("applied twice" in trouble for trouble in report["troubles"])


def test_a_plan_reads_no_pixels(june: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_offset(metadata_of(june, f"*0606*T{WEST}*"), 0)
    monkeypatch.setattr(radiometry, "_sample", pytest.fail)
    api.start_run("run", RECIPE, year=2021, products=str(june), overrides=[SUMMER])
    workspace = api.open_workspace()
    plan = dry_run(workspace, *runs.load(workspace, "run"))
    assert {(e.unit, e.action) for e in plan if e.stage == "collect"} == {
        (f"{tile} 2021-summer", "reuse") for tile in (WEST, EAST)
    }
    assert workspace.records.count_documents("tripwires") == 0


# Catalogue items


def item_folder(safe: Path, folder: Path, *, in_pixels: bool, **properties: Any) -> None:
    """Deliver a product as a catalogue does: rasters of their own and an item that describes them.

    Args:
        safe: The product.
        folder: Where it goes.
        in_pixels: Take the offset off the pixels, as Earth Search does.
        properties: What the item says of it.
    """
    folder.mkdir(parents=True)
    assets = {}
    for key, layer in ASSETS.items():
        size = "10m" if layer in ("B02", "B04") else "20m"
        (image,) = safe.glob(f"GRANULE/*/IMG_DATA/R{size}/*_{layer}_{size}.jp2")
        with rasterio.open(image) as raster:
            pixels, place = raster.read(1), raster.transform
        if in_pixels and layer != "SCL":
            pixels = np.where(pixels == 0, 0, np.maximum(pixels.astype(int) - 1000, 1))
        grid = Grid(
            crs="EPSG:32630", ulx=place.c, uly=place.f, pixel=place.a,
            width=pixels.shape[1], height=pixels.shape[0],
        )  # fmt: skip
        dtype = "uint8" if layer == "SCL" else "uint16"
        write_raster(folder / f"{layer}.tif", pixels.astype(dtype), grid, RasterStyle(dtype, 0))
        said = {} if layer == "SCL" else {"raster:bands": [{"scale": 1e-4, "offset": -0.1}]}
        assets[key] = {"href": f"./{layer}.tif", **said}
    name = safe.name
    day = name[11:19]
    document = {
        "type": "Feature", "stac_version": "1.0.0", "id": name, "assets": assets,
        "properties": {
            "datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T11:10:00Z",
            "platform": "sentinel-2a", "grid:code": f"MGRS-{name[39:44]}",
            "eo:cloud_cover": 3.0, "s2:nodata_pixel_percentage": 0.0,
            "s2:processing_baseline": "05.09", "s2:product_uri": name, **properties,
        },
    }  # fmt: skip
    (folder / "item.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("in_pixels", "says", "found"),
    [
        # The flag says that the offset is in the pixels, and it is not.
        (False, {"earthsearch:boa_offset_applied": True},
         ("not applied at all", "0.1 above", "found +0.1", "an offset of 0 was used, since the "
          "catalogue says that it is in the pixels already; correct earthsearch:boa_offset_")),
        # The flag is absent, raster:bands repeats the offset of the original, the pixels lost it.
        (True, {}, ("applied twice", "darker than any surface", "an offset of -1000 was used")),
    ],
)  # fmt: skip
def test_an_item_that_contradicts_its_pixels(
    region: SimulatedRegion, tmp_path: Path, workspace_folder: Path,
    caplog: pytest.LogCaptureFixture, in_pixels: bool, says: dict[str, Any],
    found: tuple[str, ...],
) -> None:  # fmt: skip
    products = tmp_path / "products"
    for tile in (WEST, EAST):
        for day in ("0606", "0608"):
            (safe,) = region.products.glob(f"*2021{day}T*T{tile}*")
            if (tile, day) == (WEST, "0606"):
                wrong = safe.name.removesuffix(".SAFE")
                item_folder(safe, products / f"{tile}{day}", in_pixels=in_pixels, **says)
            else:
                right = {"earthsearch:boa_offset_applied": True}
                item_folder(safe, products / f"{tile}{day}", in_pixels=True, **right)
    report = go("run", products, overrides=["composite.layers=[B02, B04, B8A]"])
    assert report["state"] == "done", report["troubles"]
    ((name, reason),) = refused("run", f"{WEST}.2021-summer").items()
    assert name == wrong
    assert all(part in reason for part in found), reason
    assert str(products / f"{WEST}0606") in caplog.text
    assert len(products_of("run", f"{WEST}.2021-summer")) == 1
    assert len(products_of("run", f"{EAST}.2021-summer")) == 2


def test_two_items_of_a_desert_stop_the_unit(tmp_path: Path, workspace_folder: Path) -> None:
    # No dark pixel, two products, equally sure of themselves: nobody can tell.
    random = np.random.default_rng(5)
    spectrum = {"B02": 1900, "B04": 3300, "B8A": 4100, "B11": 5200, "B12": 4900}
    ground = random.normal(1, 0.05, (60, 60))
    grid = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=20, width=60, height=60)
    names = []
    for day, shift in (("06", 0), ("08", 1000)):
        folder = tmp_path / "products" / day
        folder.mkdir(parents=True)
        for layer, level in spectrum.items():
            pixels = level * ground + random.normal(0, 50, ground.shape) + shift
            style = RasterStyle("uint16", 0)
            write_raster(folder / f"{layer}.tif", pixels.astype(np.uint16), grid, style)
        scl = np.full(grid.shape, 5, np.uint8)
        write_raster(folder / "SCL.tif", scl, grid, RasterStyle("uint8", 0))
        name = f"S2A_MSIL2A_202106{day}T105740_N0509_R051_T{WEST}_202106{day}T160957.SAFE"
        names.append(name.removesuffix(".SAFE"))
        document = {
            "type": "Feature", "stac_version": "1.0.0", "id": name,
            "assets": {k: {"href": f"./{v}.tif"} for k, v in ASSETS.items() if v in spectrum}
            | {"scl": {"href": "./SCL.tif"}},
            "properties": {
                "datetime": f"2021-06-{day}T11:10:00Z", "platform": "sentinel-2a",
                "grid:code": f"MGRS-{WEST}", "eo:cloud_cover": 0.0,
                "s2:nodata_pixel_percentage": 0.0, "s2:processing_baseline": "05.09",
                "s2:product_uri": name, "earthsearch:boa_offset_applied": True,
            },
        }  # fmt: skip
        (folder / "item.json").write_text(json.dumps(document))
    report = go("run", tmp_path / "products", until="collect")
    assert report["state"] == "failed"
    stopped = state("run", "collect", f"{WEST}.2021-summer")
    assert (stopped.state, stopped.error_family) == ("failed", "input")
    assert all(name in stopped.message for name in names)
    # Which of the two is named first hangs on their ids.
    low, high = (f"{name} (offset 0)" for name in names)
    above = f"{high} lies 0.1 above {low} in all bands (expected a step of 0, found +0.1)"
    below = f"{low} lies 0.1 below {high} in all bands (expected a step of 0, found -0.1)"
    assert (above in stopped.message) != (below in stopped.message)
    assert stopped.message.startswith(f"{WEST} 2021-summer: ")
    assert stopped.message.endswith("or remove it.")


# All products of a tile, seen by its neighbour


def test_a_tile_whose_products_are_all_wrong_is_stopped_by_its_neighbour(
    june: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for metadata in june.glob(f"*T{WEST}*/MTD_MSIL2A.xml"):
        use_offset(metadata, 0)
    report = go("run", june, until="mosaic")
    assert not refused("run", f"{WEST}.2021-summer"), "they agree with each other"
    stopped = state("run", "composite", f"{WEST}.2021-summer")
    assert (stopped.state, stopped.error_family) == ("failed", "input")
    assert stopped.outputs == ()
    for part in (
        f"{WEST} 2021-summer: radiometric offset not applied at all: the composite lies 0.1 above "
        f"that of {EAST} in all bands where they overlap (expected a step of 0, found +0.1: ",
        f"T{WEST}_20210606T161957 (offset 0, decided by: metadata)",
        "then run again.",
    ):
        assert part in stopped.message
    assert any(stopped.message in trouble for trouble in report["troubles"])
    assert state("run", "composite", f"{EAST}.2021-summer").is_finished
    mosaic = output_of("run", "mosaic", "32630")
    assert mosaic.stats["tiles"] == [EAST], "the other tile goes on"
    assert report["counts"]["failed"] == 1

    # The same run again: composite by composite is found, and stopped again, without a look.
    with monkeypatch.context() as patch:
        patch.setattr(overlaps, "_count", pytest.fail)
        api.run_inline("run")
    assert state("run", "composite", f"{WEST}.2021-summer").message == stopped.message

    for metadata in june.glob(f"*T{WEST}*/MTD_MSIL2A.xml"):
        use_offset(metadata, -1000)
    assert go("mended", june, until="mosaic")["state"] == "done"
    assert output_of("mended", "mosaic", "32630").stats["tiles"] == [WEST, EAST]


def plan_and_run(run: str, group: Group) -> dict[str, dict[str, Any]]:
    """Run the units of a group; gives what became of each, by its label."""
    return {
        unit["label"]: api.run(stage, unit_document(run, stage, unit["unit"]))
        for unit in api.plan(run, group)
        for stage in GROUPS[group]
    }


def test_overlaps_are_units_whose_failures_are_their_own(june: Path) -> None:
    api.start_run("run", RECIPE, year=2021, products=str(june), overrides=[SUMMER])
    plan_and_run("run", "prepare")
    composite = output_of("run", "composite", f"{EAST}.2021-summer")
    path = Path(api.open_workspace().objects.href(f"{composite.key}/B02.tif"))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] + bytes(64) + whole[len(whole) // 2 + 64 :])

    # Each pair is compared once, by the first of the two.
    ((label, ended),) = plan_and_run("run", "overlap").items()
    assert label == f"{WEST} and neighbours"
    assert (ended["state"], ended["error_family"]) == ("failed", "input")
    place = f"{WEST}/{EAST}/2021-summer"
    assert ended["message"].startswith(f"{WEST} and neighbours: {place} is not compared: ")
    assert "B02.tif" in ended["message"]
    # Nothing else is stopped by it, and nothing is told of the offset.
    api.plan("run", "terrain")
    for tile in (WEST, EAST):
        assert state("run", "composite", f"{tile}.2021-summer").is_finished

    path.write_bytes(whole)
    (ended,) = plan_and_run("run", "overlap").values()
    assert ended["state"] == "done"
    found = output_of("run", "overlap", WEST)
    assert (found.unit, found.files) == (place, ())
    assert found.stats["evidence"][0]["n_pixels"] >= 1000
    (ended,) = plan_and_run("run", "overlap").values()
    assert (ended["state"], ended["outputs"]) == ("reused", [found.id])


def test_a_run_of_another_stage_alone_compares_nothing(june: Path) -> None:
    go("run", june)
    for only, n_units in (("composite", 1), ("overlap", 1), ("mosaic", 0)):
        api.start_run(only, RECIPE, year=2021, products=str(june), overrides=[SUMMER], only=only)
        plan_and_run(only, "prepare")
        assert len(plan_and_run(only, "overlap")) == n_units, only


# What must pass


def repaint(safe: Path, change: Callable[[str, np.ndarray, float], np.ndarray]) -> None:
    """Change the pixels of a product; ``change`` gets the layer, the pixels and their size, m."""
    for path in safe.glob("GRANULE/*/IMG_DATA/*/*.jp2"):
        found = re.search(r"_(B\d[\dA])_(\d\d)m$", path.stem)
        if not found:
            continue
        with rasterio.open(path) as raster:
            pixels, profile = raster.read(1), raster.profile
        changed = np.where(pixels == 0, 0, change(found[1], pixels, float(found[2])))
        profile.update(driver="JP2OpenJPEG", quality=100, reversible="YES")
        with rasterio.open(path, "w", **profile) as raster:
            raster.write(changed.clip(0, 32767).astype(np.uint16), 1)


SNOW = {"B02": 8200, "B03": 8300, "B04": 8200, "B05": 8000, "B06": 7800, "B07": 7600, "B08": 7400,
        "B8A": 7200, "B11": 900, "B12": 800, "B01": 8000, "B09": 7000}  # fmt: skip
STUBBLE = {"B02": 900, "B03": 1200, "B04": 1500, "B05": 1800, "B06": 2100, "B07": 2300,
           "B08": 2500, "B8A": 2600, "B11": 3400, "B12": 2600, "B01": 800, "B09": 2600}  # fmt: skip


def covered(share: float, spectrum: dict[str, int]) -> Callable[[str, np.ndarray, float], Any]:
    """Another surface on fields of 300 m, as many as the share says."""
    fields = np.random.default_rng(2).random((8, 8)) < share

    def change(layer: str, pixels: np.ndarray, size: float) -> np.ndarray:
        is_new = fields.repeat(round(300 / size), 0).repeat(round(300 / size), 1)
        rows, columns = pixels.shape
        noise = np.random.default_rng(3).normal(0, 60, pixels.shape)
        return np.where(is_new[:rows, :columns], spectrum[layer] + 1000 + noise, pixels)

    return change


@pytest.mark.parametrize(
    ("share", "spectrum"), [(0.6, SNOW), (0.6, STUBBLE)], ids=["snow", "harvest"]
)
def test_real_change_passes(june: Path, share: float, spectrum: dict[str, int]) -> None:
    # In one product of one tile, unseen by the classification; baseline 05.09, so with +1000.
    repaint(next(june.glob(f"*0606*T{WEST}*")), covered(share, spectrum))
    assert go("run", june)["state"] == "done"
    for tile in (WEST, EAST):
        assert not refused("run", f"{tile}.2021-summer")
        assert len(products_of("run", f"{tile}.2021-summer")) == 2


def test_change_in_all_products_of_a_tile_passes_its_neighbour(june: Path) -> None:
    for safe in june.glob(f"*N0509*T{WEST}*"):
        repaint(safe, covered(0.5, STUBBLE))
    assert go("run", june)["state"] == "done"
    assert not state("run", "composite", f"{WEST}.2021-summer").message


def test_change_hides_no_wrong_offset(june: Path) -> None:
    safe = next(june.glob(f"*0606*T{WEST}*"))
    repaint(safe, covered(0.4, STUBBLE))
    use_offset(safe / "MTD_MSIL2A.xml", 0)
    go("run", june)
    assert [name[11:19] for name in refused("run", f"{WEST}.2021-summer")] == ["20210606"]


def test_real_products_pass(data_dir: Path, workspace_folder: Path) -> None:
    api.start_run(
        "flanders", RECIPE, year=2018, products=str(data_dir / "safe-mini" / "31UDS_9B424A"),
        until="collect",
    )  # fmt: skip
    api.start_run(
        "slovenia", RECIPE, year=2023, products=str(data_dir / "s2-l2a-fulltile-120m"),
        until="composite",
        overrides=["seasons=[{name: summer, primary_month: 8, fallback_month: 7}]",
                   "selection.max_cloud_percent=80", "composite.layers=[B02, B04, B08]"],
    )  # fmt: skip
    records = api.open_workspace().records
    for run, n_units in (("flanders", 3), ("slovenia", 2)):
        assert api.run_inline(run)["state"] == "done"
        chosen = units.states(records, run, "collect")
        assert len(chosen) == n_units
        assert not any(refused(run, found.unit.id) for found in chosen)
    # They were compared indeed: dates with each other, and the two tiles, in both directions.
    assert len(records.find("tripwires", {"kind": "products"})) > 18
    (pair,) = records.find("outputs", {"wanted.stage": "overlap"})
    assert len(pair["stats"]["evidence"]) == 2
    for counted in pair["stats"]["evidence"]:
        assert counted["n_same"] > 0.25 * counted["n_pixels"] > 1000
        assert counted["n_higher"] + counted["n_lower"] < 0.01 * counted["n_pixels"]


def test_a_real_item_that_contradicts_its_pixels(
    data_dir: Path, tmp_path: Path, workspace_folder: Path
) -> None:
    for folder in (data_dir / "s2-l2a-fulltile-120m").glob("S2*_33TWM_*"):
        shutil.copytree(folder, tmp_path / folder.name)
    (path,) = (tmp_path / "S2A_33TWM_20230815_0_L2A").glob("*.json")
    document = json.loads(path.read_text())
    del document["properties"]["earthsearch:boa_offset_applied"]
    path.write_text(json.dumps(document))
    api.start_run(
        "run", RECIPE, year=2023, products=str(tmp_path), until="collect",
        overrides=["seasons=[{name: summer, primary_month: 8, fallback_month: 7}]",
                   "selection.max_cloud_percent=80"],
    )  # fmt: skip
    api.run_inline("run")
    ((name, reason),) = refused("run", "33TWM.2023-summer").items()
    assert "20230815" in name
    assert "applied twice" in reason
