"""STAC documents: valid against the core schemas and those of their extensions."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pystac
import pytest
from pystac.extensions.classification import ClassificationExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from shapely.geometry import shape
from stac_schemas import failures

from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend, LegendClass
from landcover.publish.page import MapView, Page, SecondView
from landcover.publish.stac import Publication, write_stac

REAL = "S2A_MSIL2A_20210305T105021_N0500_R051_T31UDS_20230605T150000"


def publication(page: Page, legend: Legend, **changes: Any) -> Publication:
    assert page.card is not None
    known = Publication(
        title="Land cover <test>", year=2021, recipe="mediterranean-rf",
        start=datetime(2021, 3, 1, tzinfo=UTC), end=datetime(2021, 12, 1, tzinfo=UTC),
        simulated=False, software="0.1.0", legend=legend.classes, card=page.card,
        arrays="../../models/ffff/arrays.npz", mosaics={"32631": "e" * 16},
        products=(REAL, "odd-name"), periods=("2021-spring", "2021-autumn"),
        accuracy="Accuracy not measured: no reference.",
    )  # fmt: skip
    return known.model_copy(update=changes)


def write_valid(folder: Path, known: Publication, views: Sequence[MapView]) -> None:
    """Write the documents and hold each against all schemas that it names."""
    write_stac(folder, known, views)
    for path in [*folder.glob("collection.json"), *folder.glob("*item*.json")]:
        document = json.loads(path.read_text())
        kind = "COLLECTION" if document["type"] == "Collection" else "ITEM"
        JsonSchemaSTACValidator().validate_core(document, pystac.STACObjectType[kind], "1.1.0")
        assert failures(document) == [], path.name


@pytest.fixture(scope="module")
def documents(report: tuple[Path, Page], legend: Legend) -> dict[str, dict[str, Any]]:
    folder, page = report
    write_valid(folder, publication(page, legend), page.views)
    names = ("collection.json", "item_32631.json", "model_item.json")
    return {name: json.loads((folder / name).read_text()) for name in names}


@pytest.mark.parametrize("name", ["collection.json", "item_32631.json", "model_item.json"])
def test_documents_are_read_back_as_they_are(
    documents: dict[str, dict[str, Any]], name: str
) -> None:
    parsed = pystac.read_dict(documents[name])
    again = parsed.to_dict(include_self_link=False, transform_hrefs=False)
    for key in documents[name].keys() - {"links"}:
        assert again[key] == documents[name][key], key


@pytest.mark.parametrize(
    ("name", "way", "wrong", "told"),
    [
        ("item_32631.json", "properties/proj:code", 32631, "projection v2.0.0: properties"),
        ("item_32631.json", "properties/grid:code", "31UDS", "grid v1.1.0: properties"),
        ("item_32631.json", "properties/processing:software", "x", "processing v1.2.0: prop"),
        ("item_32631.json", "assets/classification/file:checksum", "xyz", "file v2.1.0: assets"),
        ("item_32631.json", "assets/classification/classification:classes", [{"name": "a b"}],
         "classification v2.0.0: assets/classification"),
        ("item_32631.json", "assets/confidence/raster:scale", "1", "raster: confidence"),
        ("item_32631.json", "properties/mlm:name", "x", "fields of mlm, which is not named"),
        ("model_item.json", "properties/mlm:tasks", ["guessing"], "mlm v1.5.0: properties"),
        ("model_item.json", "assets/model/roles", ["data"], "mlm v1.5.0: assets"),
        ("model_item.json", "properties/bands", [], "mlm v1.5.0: "),
        ("collection.json", "item_assets/classification/classification:classes", [],
         "classification v2.0.0: item_assets"),
    ],
)  # fmt: skip
def test_the_schemas_tell_what_is_wrong(
    documents: dict[str, dict[str, Any]], name: str, way: str, wrong: Any, told: str
) -> None:
    broken = deepcopy(documents[name])
    *steps, last = way.split("/")
    place = broken
    for step in steps:
        place = place[step]
    place[last] = wrong
    found = failures(broken)
    assert any(told in one for one in found), found


def test_the_item_says_where_the_map_lies(documents: dict[str, dict[str, Any]]) -> None:
    item = pystac.Item.from_dict(documents["item_32631.json"])
    assert item.id == f"lc_32631_2021_{'e' * 16}"
    projection = ProjectionExtension.ext(item)
    assert projection.code == "EPSG:32631"
    assert projection.shape == [1300, 1100]
    assert projection.transform == [10, 0, 501360, 0, -10, 5629680]
    assert item.properties["proj:bbox"] == [501360, 5616680, 512360, 5629680]
    assert item.properties["start_datetime"] == "2021-03-01T00:00:00Z"
    assert item.properties["end_datetime"] == "2021-12-01T00:00:00Z"
    assert item.properties["datetime"] is None
    assert item.properties["grid:code"] == "MGRS-31UDS"
    assert item.properties["landcover:accuracy"] == "Accuracy not measured: no reference."
    assert item.bbox == pytest.approx(shape(item.geometry).bounds)
    assert all(isinstance(v, str) and v for v in item.properties["processing:software"].values())


def test_classes_follow_the_classification_extension(
    documents: dict[str, dict[str, Any]], report: tuple[Path, Page]
) -> None:
    item = pystac.Item.from_dict(documents["item_32631.json"])
    asset = item.assets["classification"]
    classes = ClassificationExtension.ext(asset).classes
    assert classes is not None
    assert [(c.value, c.name, c.color_hint) for c in classes] == [
        (1, "closedForest", "007800"), (7, "cropland", "F096FF"), (9, "permanentWater", "0032C8"),
        (0, "nodata", None),
    ]  # fmt: skip
    assert all(re.match(r"^[0-9A-Za-z-_]+$", str(c.name)) for c in classes)
    assert classes[-1].to_dict()["nodata"] is True
    assert asset.extra_fields["data_type"] == "uint8"
    whole = (report[0] / "map_32631.tif").read_bytes()
    assert asset.extra_fields["file:size"] == len(whole)
    assert asset.extra_fields["file:checksum"] == "1220" + hashlib.sha256(whole).hexdigest()
    confidence = item.assets["confidence"].extra_fields
    assert confidence["raster:scale"] == pytest.approx(0.003937007874)
    assert (confidence["raster:offset"], confidence["nodata"]) == (0, 255)


def test_the_model_follows_the_mlm_extension(documents: dict[str, dict[str, Any]]) -> None:
    model = documents["model_item.json"]
    told = model["properties"]
    for name in ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"):
        assert told[name]
    assert re.match(r"^[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]$", told["mlm:name"])
    assert all(re.match(r"^[0-9a-zA-Z_.-]+$", key) for key in told["mlm:hyperparameters"])
    assert told["mlm:tasks"] == ["classification"]
    (read,), (answered,) = told["mlm:input"], told["mlm:output"]
    assert read["input"] == {
        "shape": [-1, 1], "dim_order": ["batch", "bands"], "data_type": "float32"
    }  # fmt: skip
    assert answered["result"]["shape"] == [-1, 3]
    assert {c["value"] for c in answered["classification:classes"]} == {1, 7, 9}
    # Exactly the asset with the role has the type of the artifact, and it names the bands too.
    with_role = [a for a in model["assets"].values() if "mlm:model" in a["roles"]]
    assert [a for a in model["assets"].values() if "mlm:artifact_type" in a] == with_role
    assert with_role[0]["bands"] == told["bands"]
    assert [band["name"] for band in told["bands"]] == read["bands"] == ["spring_B02"]


def test_links_lead_to_files_and_origins(
    documents: dict[str, dict[str, Any]], report: tuple[Path, Page], legend: Legend
) -> None:
    for document in documents.values():
        for link in document["links"]:
            if link["href"].startswith("./"):
                assert (report[0] / link["href"]).is_file(), link
    item = documents["item_32631.json"]
    origins = [k["href"] for k in item["links"] if k["rel"] == "derived_from"]
    assert origins[0] == "./model_item.json"
    assert [href.rpartition("/")[2] for href in origins[1:]] == [REAL]
    collection = documents["collection.json"]
    assert collection["extent"]["spatial"]["bbox"] == [item["bbox"]]
    assert "created" not in item["properties"]


def test_simulated_maps_have_no_origins(
    report: tuple[Path, Page], legend: Legend, tmp_path: Path
) -> None:
    folder, page = report
    for name in ("map_32631.tif", "confidence_32631.tif", "map_32631.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    write_valid(tmp_path, publication(page, legend, simulated=True), page.views)
    item = json.loads((tmp_path / "item_32631.json").read_text())
    assert [k["href"] for k in item["links"] if k["rel"] == "derived_from"] == ["./model_item.json"]
    assert item["properties"]["landcover:simulated"] is True
    assert "SIMULATED" in json.loads((tmp_path / "collection.json").read_text())["description"]


def test_a_map_across_the_antimeridian_has_a_box_across_it(
    report: tuple[Path, Page], legend: Legend, tmp_path: Path
) -> None:
    folder, page = report
    for name in ("map_32631.tif", "confidence_32631.tif", "map_32631.png"):
        (tmp_path / name.replace("32631", "32701")).write_bytes((folder / name).read_bytes())
    grid = Grid(crs="EPSG:32701", ulx=99960, uly=8200000, pixel=10, width=10980, height=10980)
    view: MapView = page.views[0].model_copy(
        update={"cell": "32701", "grid": grid, "map_picture": "map_32701.png"}
    )
    known = publication(page, legend, mosaics={"32701": "e" * 16})
    write_valid(tmp_path, known, [view])
    item = json.loads((tmp_path / "item_32701.json").read_text())
    west, _, east, _ = item["bbox"]
    assert 179 < west <= 180
    assert -180 <= east < -178
    bbox = json.loads((tmp_path / "collection.json").read_text())["extent"]["spatial"]["bbox"]
    assert (bbox[0][0], bbox[0][2]) == (-180, 180)


def test_a_second_level_is_described_as_well(
    report: tuple[Path, Page], legend: Legend, tmp_path: Path
) -> None:
    folder, page = report
    for name in ("map_32631.tif", "confidence_32631.tif", "map_32631.png"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    for name in ("second_32631.tif", "second_32631.sld"):
        (tmp_path / name).write_bytes(b"for its size and checksum only")
    inner = (LegendClass(code=11, name="dense", colour="#004000", title="Dense forest"),)
    second = SecondView(code=1, title="Closed forest", areas=(), pixels=9)
    view = page.views[0].model_copy(update={"second": (second,)})
    write_valid(tmp_path, publication(page, legend, second=inner), [view])
    item = json.loads((tmp_path / "item_32631.json").read_text())
    classes = item["assets"]["classification_second"]["classification:classes"]
    assert [one["value"] for one in classes] == [11, 0]


def test_without_a_map_there_are_no_documents(
    report: tuple[Path, Page], legend: Legend, tmp_path: Path
) -> None:
    page = report[1]
    bare = page.views[0].model_copy(update={"map_picture": None})
    write_stac(tmp_path, publication(page, legend), [bare])
    assert list(tmp_path.iterdir()) == []
