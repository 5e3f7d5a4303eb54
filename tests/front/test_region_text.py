"""Regions and recipes as people paste them."""

from __future__ import annotations

import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from landcover import api
from landcover.errors import InputError, UnavailableError, UsageError
from landcover.front.region_text import fetched_recipe, named_region
from landcover.parts.region import read_region
from landcover.simulate import simulate
from landcover.stores import s3_connection
from landcover.stores.s3_connection import S3Connection

RECIPE = "recipes/mediterranean-rf.yaml"

SQUARE = {
    "type": "Polygon",
    "coordinates": [[[-4.1, 36.9], [-4.0, 36.9], [-4.0, 37.0], [-4.1, 37.0], [-4.1, 36.9]]],
}
WKT = "POLYGON ((-4.1 36.9, -4 36.9, -4 37, -4.1 37, -4.1 36.9))"


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "w"))


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "area.geojson").write_text(json.dumps(SQUARE))
    (folder / "own.yaml").write_text("name: own\n")

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(folder))

        def log_message(self, *said):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as found:
        thread = threading.Thread(target=found.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


@pytest.mark.parametrize("text", ["30SUF, 30SVF", "30SUF\n30SVF", ("30SUF", "30SVF")])
def test_tile_ids_are_tiles(text):
    assert named_region({"region": text, "year": 2021}) == {
        "region": None, "tiles": ["30SUF", "30SVF"], "year": 2021,
    }  # fmt: skip
    with pytest.raises(UsageError, match="give them once"):
        named_region({"region": text, "tiles": ["30SUF"]})


@pytest.mark.parametrize("text", [json.dumps(SQUARE), WKT, f"SRID=4326;{WKT}", f" {WKT} "])
def test_pasted_polygons_are_a_file_of_the_workspace(text, tmp_path):
    path = named_region({"region": text})["region"]
    assert path.startswith(str(tmp_path / "w"))
    assert [shape.area for shape in read_region(Path(path))] == pytest.approx([0.01])
    assert named_region({"region": text})["region"] == path


def test_an_address_is_read_where_the_work_is_done(server):
    path = named_region({"region": f"{server}/area.geojson"})["region"]
    assert read_region(Path(path))[0].area == pytest.approx(0.01)
    assert fetched_recipe(f"{server}/own.yaml").read_text() == "name: own\n"
    with pytest.raises(InputError, match=r"answers 404; check the address"):
        named_region({"region": f"{server}/none.geojson"})


def test_a_server_that_is_away_is_tried_again():
    with pytest.raises(UnavailableError, match="does not answer"):
        named_region({"region": "http://127.0.0.1:9/area.geojson"})


def test_a_file_of_a_machine_is_an_address(tmp_path):
    (tmp_path / "area.geojson").write_text(json.dumps(SQUARE))
    path = named_region({"region": f"file://{tmp_path}/area.geojson"})["region"]
    assert read_region(Path(path))[0].area == pytest.approx(0.01)


def test_an_object_of_another_bucket_is_read_with_the_credentials_of_the_process(
    s3_server, monkeypatch, tmp_path
):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LANDCOVER_OBJECTS", f"file://{tmp_path}/objects")
    client = S3Connection(s3_server.endpoint).client
    client.create_bucket(Bucket="areas")
    client.put_object(Bucket="areas", Key="own/area.geojson", Body=json.dumps(SQUARE).encode())
    path = named_region({"region": "s3://areas/own/area.geojson"})["region"]
    assert read_region(Path(path))[0].area == pytest.approx(0.01)
    read_on = f"read on the server of the settings .{s3_server.endpoint}. with the credentials"
    for address in ("s3://areas/none.geojson", "s3://nowhere/area.geojson"):
        with pytest.raises(InputError, match=rf"^{address}: no such object\. .* {read_on}"):
            named_region({"region": address})
    with pytest.raises(UsageError, match="expected s3://bucket/key of a file"):
        named_region({"region": "s3://areas"})


def test_a_bucket_that_the_credentials_do_not_open_is_said(s3_server, monkeypatch, tmp_path):
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "stranger")
    monkeypatch.setattr(s3_connection, "_clients", {})
    monkeypatch.setenv("LANDCOVER_OBJECTS", f"file://{tmp_path}/objects")
    with pytest.raises(InputError, match=r"^s3://areas/area.geojson: .*credentials of the workers"):
        named_region({"region": "s3://areas/area.geojson"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.geojson", "expected tile ids such as 30SUF, GeoJSON, WKT"),
        ("{broken", "not valid JSON"),
        ("{}", "the pasted GeoJSON holds no polygon"),
        ('{"type": "FeatureCollection", "features": []}', "GeoJSON holds no polygon; expected"),
        ("POLYGON ((1 2", "WKT cannot be read"),
        (("30SUF", "x"), "found 30SUF, x"),
    ],
)
def test_what_is_none_of_these_is_said(text, said):
    with pytest.raises(UsageError, match=said):
        named_region({"region": text})


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_region_is_none(text):
    assert named_region({"region": text}) == {"region": None}


@pytest.mark.parametrize(
    ("area", "said"),
    [
        # Europe and Africa: no source is asked for so many.
        (
            "POLYGON ((-15 -30, 45 -30, 45 60, -15 60, -15 -30))",
            r"has 6,572 tiles; expected at most",
        ),
        (
            "POLYGON ((10 50, 10.1 50, 10.1 50.1, 10 50.1, 10 50))",
            "no product of 32UNA; it has prod",
        ),
    ],
)
def test_a_region_of_too_many_tiles_or_of_none_that_is_there_is_said(area, said, tmp_path):
    products = "google"
    if "32UNA" in said:
        products = str(simulate(tmp_path / "r", tiles=["30SUF"], pixels=240, seasons=["spring"],
                                points_per_class=2, only_usable=True).products)  # fmt: skip
    with pytest.raises((UsageError, InputError), match=said):
        api.start_run("run", RECIPE, year=2021, products=products, region=area, most_tiles=1000)
