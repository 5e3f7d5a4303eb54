"""Regions and recipes as people paste them."""

from __future__ import annotations

import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from landcover.errors import InputError, UnavailableError, UsageError
from landcover.front.region_text import fetched_recipe, named_region
from landcover.parts.region import read_region

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


def test_a_file_of_the_object_store_is_an_address(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDCOVER_OBJECTS", f"file://{tmp_path}/objects")
    (tmp_path / "area.geojson").write_text(json.dumps(SQUARE))
    path = named_region({"region": f"file://{tmp_path}/area.geojson"})["region"]
    assert read_region(Path(path))[0].area == pytest.approx(0.01)
    with pytest.raises(UsageError, match="only files of the project's store"):
        named_region({"region": "s3://elsewhere/area.geojson"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.geojson", "expected tile ids such as 30SUF, GeoJSON, WKT"),
        ("{broken", "not valid JSON"),
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
