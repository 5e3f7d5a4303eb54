"""Damaged deliveries, end to end: one tile gets its class and sentence, the other its composite.

After each run the object store holds what the records name, whole, and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml

from landcover import api
from landcover.errors import Family, UsageError
from landcover.ledger import units
from landcover.nouns.run import UnitState
from landcover.nouns.stages import Stage
from landcover.simulate import SimulatedRegion, simulate

BAD, GOOD = "30SUF", "30SVF"
ROOT = Path(__file__).resolve().parents[2]
SUMMER = "2021-summer"


@pytest.fixture(scope="session")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(tmp_path_factory.mktemp("region"), pixels=240, points_per_class=20, seed=3)


@dataclass
class Delivery:
    """Products of one summer that a test may damage, and a run on them."""

    folder: Path
    dem: Path
    recipe: dict[str, Any]
    until: Stage = "composite"

    def bad(self) -> list[Path]:
        """List the products of the tile that is to be damaged."""
        return sorted(self.folder.glob(f"*_T{BAD}_*"))

    def run(self, name: str = "run", **changes: Any) -> dict[str, Any]:
        """Run, and look that nothing half-made is visible."""
        arguments = {"year": 2021, "products": str(self.folder), "until": self.until, **changes}
        api.start_run(name, self.recipe, **arguments)
        report = api.run_inline(name)
        require_whole()
        return report

    def state(self, stage: Stage, tile: str) -> UnitState | None:
        """Look up what became of the summer of a tile."""
        unit = tile if stage == "terrain" else f"{tile}.{SUMMER}"
        return units.load(api.open_workspace().records, "run", stage, unit)


@pytest.fixture
def delivery(region: SimulatedRegion, tmp_path: Path, workspace_folder: Path) -> Delivery:
    folder = tmp_path / "products"
    folder.mkdir()
    for product in region.products.glob("*_MSIL2A_202106*"):
        # Links: a test replaces a file, it never writes into one.
        shutil.copytree(product, folder / product.name, copy_function=os.link)
    recipe = yaml.safe_load((ROOT / "recipes" / "mediterranean-rf.yaml").read_text())
    recipe["seasons"] = [season for season in recipe["seasons"] if season["name"] == "summer"]
    recipe["composite"]["layers"] = ["B02", "B05", "B08"]
    recipe["features"]["indices"] = ["ndvi"]
    return Delivery(folder, Path(region.dem), recipe)


def replaced(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def edited(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    replaced(path, text.encode())


def image(product: Path, layer: str) -> Path:
    return next(product.glob(f"GRANULE/*/IMG_DATA/*/*_{layer}_*.jp2"))


def metadata(product: Path) -> Path:
    return next(path for path in product.iterdir() if path.name.lower() == "mtd_msil2a.xml")


def require_whole() -> None:
    """The store holds the files that the records name, with their bytes, and no other ones."""
    workspace = api.open_workspace()
    root = Path(workspace.objects.address)
    named = {}
    for document in workspace.records.find("outputs"):
        for file in document["files"]:
            path = root / document["key"] / file["name"]
            named[path] = file["sha256"]
    there = {path for path in root.rglob("*") if path.is_file()}
    assert there == set(named)
    for path, checksum in named.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == checksum
    assert list((root / "tmp").rglob("*")) == []


def sentence(state: UnitState | None, kind: str, family: Family) -> str:
    """Give the message of a unit that ended so: one sentence, or a few that follow each other."""
    assert state is not None
    assert (state.state, state.error_family) == (kind, family), state.message
    assert "\n" not in state.message
    assert "Traceback" not in state.message
    assert state.message.endswith("."), state.message
    return state.message


def require_the_other_tile(delivery: Delivery) -> None:
    state = delivery.state("composite", GOOD)
    assert state is not None
    assert state.is_finished, state.message
    assert len(state.outputs) == 1


def unreadable(tile: str = BAD) -> list[str]:
    """List what a selection says of the products that it left out."""
    unit = f"{tile}/{SUMMER}"
    found = api.open_workspace().records.find("outputs", {"wanted.unit": unit})
    return [
        note
        for d in found
        if d["wanted"]["stage"] == "collect"
        for note in d["stats"]["unreadable"]
    ]


# Every product of the tile is damaged in the same way: the tile is skipped with its reason


def band_of_other_size(product: Path) -> None:
    path = image(product, "B05")
    with rasterio.open(path) as raster:
        profile = raster.profile
    path.unlink()
    profile.update(width=100, height=100, QUALITY=100, REVERSIBLE="YES")
    with rasterio.open(path, "w", **profile) as raster:
        raster.write(np.full((1, 100, 100), 1500, np.uint16))


def no_scl(product: Path) -> None:
    image(product, "SCL").unlink()


def no_granule(product: Path) -> None:
    shutil.rmtree(product / "GRANULE")


def no_metadata(product: Path) -> None:
    metadata(product).unlink()


def no_rasters(product: Path) -> None:
    for path in product.glob("GRANULE/*/IMG_DATA/*/*.jp2"):
        path.unlink()


def half_an_image_with_manifest(product: Path) -> None:
    write_manifest(product)
    path = image(product, "B02")
    replaced(path, path.read_bytes()[: path.stat().st_size // 2])


def broken_block_with_manifest(product: Path) -> None:
    write_manifest(product)
    break_block(image(product, "B08"))


def break_block(path: Path) -> None:
    """Spoil four kilobytes in the middle of a file, and leave its size as it was."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    replaced(path, bytes(content))


def write_manifest(product: Path) -> None:
    """Write the manifest that ESA delivers with each product."""
    entries = "".join(
        f'<dataObject ID="d{number}"><byteStream mimeType="application/octet-stream" '
        f'size="{path.stat().st_size}"><fileLocation locatorType="URL" '
        f'href="./{path.relative_to(product)}"/><checksum checksumName="SHA3-256">'
        f"{hashlib.sha3_256(path.read_bytes()).hexdigest()}</checksum></byteStream></dataObject>"
        for number, path in enumerate(sorted(product.rglob("*.jp2")))
    )
    text = f'<xfdu:XFDU xmlns:xfdu="urn:ccsds:schema:xfdu:1">{entries}</xfdu:XFDU>'
    (product / "manifest.safe").write_text(text)


def billion_laughs(product: Path) -> None:
    lines = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' if n else '<!ENTITY l0 "ha">' for n in range(12)
    )
    text = re.sub(r"^<\?xml[^>]*\?>", "", metadata(product).read_text())
    text = text.replace("<PRODUCT_URI>", "<PRODUCT_URI>&l11;", 1)
    replaced(metadata(product), f"<!DOCTYPE lolz [{lines}]>{text}".encode())


def wrong_encoding(product: Path) -> None:
    text = metadata(product).read_text()
    head = '<?xml version="1.0" encoding="UTF-16"?>'
    replaced(metadata(product), re.sub(r"^<\?xml[^>]*\?>", head, text).encode())


def unbound_prefix(product: Path) -> None:
    text = metadata(product).read_text()
    replaced(metadata(product), re.sub(r'\sxmlns:\w+="[^"]*"', "", text).encode())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (band_of_other_size, r"B05: .*(extent|corner|nest|whole)"),
        (no_scl, "the scene classification SCL is missing"),
        (no_granule, "expected one granule with an MTD_TL.xml, found 0"),
        (
            no_metadata,
            "no MTD_MSIL2A.xml is in it, so it is only partly uploaded. Deliver it again",
        ),
        (no_rasters, "the product holds no image files"),
        (half_an_image_with_manifest, r"_B02_.*manifest.safe promises \d+ bytes, found \d+"),
        (broken_block_with_manifest, r"_B08_.*manifest.safe promises checksum \w+…, found \w+…"),
        (billion_laughs, r"MTD_MSIL2A.xml: the XML defines a document type \(lolz\)"),
        (wrong_encoding, r"MTD_MSIL2A.xml: not valid XML \(.*Deliver the product again"),
        (unbound_prefix, r"not valid XML \(unbound prefix"),
    ],
)
def test_a_tile_whose_products_are_all_damaged(
    delivery: Delivery, damage: Callable[[Path], None], says: str
) -> None:
    for product in delivery.bad():
        damage(product)
    report = delivery.run()
    message = sentence(delivery.state("collect", BAD), "skipped", "missing")
    assert message.startswith(f"{BAD} {SUMMER}: no usable product")
    assert re.search(says, message), message
    assert any(message in trouble for trouble in report["troubles"])
    assert delivery.state("composite", BAD) is not None
    require_the_other_tile(delivery)


@pytest.mark.parametrize(
    "damage", [no_scl, no_metadata, broken_block_with_manifest, billion_laughs]
)
def test_one_damaged_product_is_left_out_and_told(
    delivery: Delivery, damage: Callable[[Path], None]
) -> None:
    damage(delivery.bad()[0])
    delivery.run()
    for tile in (BAD, GOOD):
        state = delivery.state("composite", tile)
        assert state is not None
        assert state.is_finished, state.message
    (note,) = unreadable()
    assert note.startswith(delivery.bad()[0].stem)
    assert unreadable(GOOD) == []
    (composite,) = (
        document
        for document in api.open_workspace().records.find("outputs", {"wanted.stage": "composite"})
        if BAD in document["wanted"]["unit"]
    )
    used = {product["name"] for product in composite["stats"]["products"]}
    assert used
    assert delivery.bad()[0].stem not in used


def test_metadata_without_any_namespace_are_read(delivery: Delivery) -> None:
    for product in delivery.bad():
        text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", metadata(product).read_text())
        text = re.sub(r'\s\w+:schemaLocation="[^"]*"', "", text)
        replaced(metadata(product), re.sub(r"<(/?)\w+:", r"<\1", text).encode())
        assert ":Level-2A" not in metadata(product).read_text()
    delivery.run()
    require_the_other_tile(delivery)
    assert unreadable() == []
    state = delivery.state("composite", BAD)
    assert state is not None
    assert state.is_finished


def test_a_raster_that_cannot_be_decoded_fails_its_tile(delivery: Delivery) -> None:
    """Without a manifest only the decoder can tell; it does where a marker is hit."""
    for product in delivery.bad():
        path = image(product, "B08")
        content = path.read_bytes()
        replaced(path, content[: len(content) // 3])
    report = delivery.run()
    message = sentence(delivery.state("composite", BAD), "failed", "input")
    assert re.search(rf"T{BAD}_\w+_B08_10m.jp2: cannot be read as a raster, it is damaged", message)
    assert "Deliver the file again" in message
    assert report["state"] == "failed", "half of the tiles is more than is tolerated"
    require_the_other_tile(delivery)


def test_mending_the_file_continues_with_what_it_spoiled(delivery: Delivery) -> None:
    product = delivery.bad()[0]
    write_manifest(product)
    whole = image(product, "B08").read_bytes()
    break_block(image(product, "B08"))
    delivery.run()
    assert len(unreadable()) == 1
    replaced(image(product, "B08"), whole)
    delivery.run("again")
    states = {s.unit.tile: s.state for s in units.states(api.open_workspace().records, "again")}
    assert states == {BAD: "done", GOOD: "reused"}


def copy_of(product: Path, place: Path) -> Path:
    place.mkdir()
    return Path(shutil.copytree(product, place / product.name, copy_function=os.link))


@pytest.mark.parametrize("first", ["a", "z"])
def test_of_two_products_of_one_name_the_one_generated_later_is_used(
    delivery: Delivery, first: str
) -> None:
    product = delivery.bad()[0]
    copy = copy_of(product, delivery.folder / f"{first}_other")
    text = metadata(copy).read_text()
    (generated,) = re.findall(r"<GENERATION_TIME>([^<]*)<", text)
    edited(metadata(copy), (generated, generated.replace("2021", "2023", 1)))
    # Other content: a reflectance that no other product has.
    path = image(copy, "B02")
    path.unlink()
    shutil.copy(image(delivery.bad()[1], "B02"), path)
    delivery.run()
    (note,) = unreadable()
    assert f"a second copy of {product.stem}; that in {copy} was generated later" in note
    assert note.startswith(f"{product.name}: {product}: ")
    found = api.open_workspace().records.find("products")
    assert [d["path"] for d in found if d["product"]["name"] == product.stem] == [str(copy)]


def test_of_two_products_that_claim_the_same_the_whole_one_is_used(delivery: Delivery) -> None:
    product = delivery.bad()[0]
    copy = copy_of(product, delivery.folder / "A_earlier_by_path")
    image(copy, "B05").unlink()
    delivery.run()
    (note,) = unreadable()
    assert f"that in {product} has more rasters and is used. Keep one." in note
    assert note.startswith(f"{copy.name}: {copy}: ")


def test_a_season_with_no_acceptable_product(delivery: Delivery) -> None:
    for product in delivery.bad():
        text = re.sub(
            r"(<Cloud_Coverage_Assessment>)[^<]*", r"\g<1>83.5", metadata(product).read_text()
        )
        replaced(metadata(product), text.encode())
    delivery.run()
    message = sentence(delivery.state("collect", BAD), "skipped", "missing")
    assert "cloud 83.5 % above 20 %" in message
    assert "Add products or raise selection.max_cloud_percent." in message
    require_the_other_tile(delivery)
    (empty,) = api.open_workspace().records.find("selections", {"tile": BAD})
    assert {candidate["is_used"] for candidate in empty["candidates"]} == {False}


@pytest.mark.parametrize("tile", ["30SZZ", "61SUF", "30IUF", "SUF", ""])
def test_a_tile_that_does_not_exist(delivery: Delivery, tile: str) -> None:
    with pytest.raises(UsageError) as told:
        delivery.run(tiles=[GOOD, tile])
    assert repr(tile).strip("'") in str(told.value)
    assert api.open_workspace().records.find("runs") == []


def test_an_elevation_without_crs(delivery: Delivery, tmp_path: Path) -> None:
    dem = tmp_path / "dem.tif"
    with rasterio.open(
        dem, "w", driver="GTiff", dtype="int16", count=1, width=50, height=50,
        transform=rasterio.Affine(30, 0, 4e5, 0, -30, 4e6),
    ) as raster:  # fmt: skip
        raster.write(np.zeros((1, 50, 50), np.int16))
    delivery.until = "terrain"
    try:
        delivery.run(dem=str(dem))
    except Exception as error:
        message = str(error)
    else:
        message = sentence(delivery.state("terrain", BAD), "failed", "input")
        require_the_other_tile(delivery)
    assert str(dem) in message
    assert "no CRS" in message
