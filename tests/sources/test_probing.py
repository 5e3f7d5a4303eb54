"""The one request before a run: who is away or refuses is told at once, and nothing is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from fake_servers import TILE, Account, Fault, files, google, odata, s3, stac

from landcover import api
from landcover.errors import InputError, UnavailableError, UsageError
from landcover.sources import dem
from landcover.sources.at_once import ask_at_once
from landcover.sources.probing import require_answers

BUCKET = "gcp-public-data-sentinel-2"
RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
NO_BUCKET = r"^(?!GET /storage/v1/b/[^/?]+\?)"
"""All requests but for the bucket itself, which the client of Google makes of its own accord."""
ASKED = {"year": 2021, "tiles": [TILE], "until": "collect"}


@pytest.fixture
def silent():
    """A port that takes connections and never says a word."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    """A port that nobody listens on."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def addresses(url):
    services = f"catalogue={url}/odata/v1&download={url}/odata/v1&identity={url}/token&s3={url}"
    return {
        "google": f"google?endpoint={url}",
        "s3": f"s3://bucket/root?endpoint={url}",
        "stac": f"stac+{url}?collection=sentinel-2-l2a",
        "copernicus": f"cdse-odata?{services}",
    }


@pytest.mark.parametrize("kind", ["google", "s3", "stac", "copernicus"])
def test_a_service_that_is_away_is_told_at_once(kind, closed):
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"--products.*Run again later.*Nothing was started"):
        require_answers(addresses(closed)[kind], None, [TILE])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("kind", ["google", "s3", "stac", "copernicus"])
def test_a_service_that_hangs_is_told_within_ten_seconds(kind, silent):
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="Nothing was started"):
        require_answers(addresses(silent)[kind], None, [TILE])
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("kind", ["google", "s3", "stac", "copernicus"])
def test_a_service_that_refuses_us_is_told(kind):
    with files({}) as server:
        server.faults.append(Fault(".*", status=403, times=99))
        with pytest.raises(InputError, match=r"refuses access.*Nothing was started"):
            require_answers(addresses(server.url)[kind], None, [TILE])
        assert len(server.asked(NO_BUCKET)) == 1


def test_elevation_is_asked_too(closed):
    for address in (f"glo30+{closed}", f"aster+{closed}/{{name}}"):
        with pytest.raises(UnavailableError, match=r"--dem .*give a folder"):
            require_answers("/nowhere", address, [TILE])
    with files({"tileList.txt": b"Copernicus_DSM_COG_10_N36_00_W005_00_DEM\n"}) as server:
        require_answers("/nowhere", f"glo30+{server.url}", [TILE])
        with pytest.raises(InputError, match="none of the 4 cells of the run is there, such"):
            require_answers("/nowhere", f"aster+{server.url}/{{name}}", [TILE])
        with pytest.raises(InputError, match="has no cells"):
            require_answers("/nowhere", f"glo30+{server.url}/wrong", [TILE])
        server.faults.append(Fault("ASTGTM", status=401, times=99))
        with pytest.raises(InputError, match="refuses access"):
            require_answers("/nowhere", f"aster+{server.url}/{{name}}", [TILE])


def test_a_cell_that_is_not_there_is_the_sea_where_another_one_is(monkeypatch):
    with files({"ASTGTMV003_N37W005_dem.tif": b"cell"}) as server:
        address = f"aster+{server.url}/{{name}}"
        require_answers("/nowhere", address, [TILE])
        assert len(server.asked("ASTGTM")) > 1, "the first ones are not there"
        # All of one tile is sea, and the next tile has land.
        require_answers("/nowhere", address, ["30SUD", TILE])
        with pytest.raises(InputError, match=r"none of the \d cells .*Nothing was started"):
            require_answers("/nowhere", address, ["30SUD"])
        # Of a run with more cells than are asked for, the others may be land.
        monkeypatch.setattr(dem, "MOST_PROBED", 2)
        require_answers("/nowhere", address, ["30SUD", TILE])


def test_one_provider_that_answers_is_enough(closed, caplog):
    with google(BUCKET, {}) as server:
        require_answers(f"google?endpoint={closed},google?endpoint={server.url}", None, [TILE])
        assert "Another provider answers" in caplog.text
        assert len(server.asked(NO_BUCKET)) == 1
    both = f"google?endpoint={closed},s3://b/r?endpoint={closed}"
    with pytest.raises(UnavailableError, match=r"gs://.*s3://"):
        require_answers(both, None, [TILE])


def test_copernicus_is_asked_whether_it_lets_us_in(monkeypatch):
    with odata([], {}, Account()) as catalogue, s3("eodata", {}, key="KEY") as store:
        address = addresses(catalogue.url)["copernicus"].rpartition("&s3=")[0]
        address += f"&s3={store.url}"
        with pytest.raises(InputError, match="needs LANDCOVER_CDSE_S3_KEY"):
            require_answers(address, None, [TILE])
        monkeypatch.setenv("LANDCOVER_CDSE_USER", "me")
        with pytest.raises(UsageError, match="LANDCOVER_CDSE_PASSWORD is not set"):
            require_answers(address, None, [TILE])
        monkeypatch.setenv("LANDCOVER_CDSE_PASSWORD", "wrong")
        with pytest.raises(InputError, match="the account is refused"):
            require_answers(address, None, [TILE])
        monkeypatch.setenv("LANDCOVER_CDSE_PASSWORD", "secret")
        require_answers(address, None, [TILE])
        monkeypatch.setenv("LANDCOVER_CDSE_S3_KEY", "OTHER")
        monkeypatch.setenv("LANDCOVER_CDSE_S3_SECRET", "hidden")
        with pytest.raises(InputError, match="refuses access"):
            require_answers(address, None, [TILE])
        monkeypatch.setenv("LANDCOVER_CDSE_S3_KEY", "KEY")
        require_answers(address, None, [TILE])


def test_items_in_safe_folders_need_the_keys_of_their_bucket():
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "one", "geometry": None,
        "collection": "sentinel-2-l2a", "links": [],
        "properties": {"datetime": "2021-03-07T11:12:00Z", "grid:code": f"MGRS-{TILE}"},
        "assets": {"B02": {"href": "s3://eodata/Sentinel-2/X.SAFE/GRANULE/B02.jp2"}},
    }  # fmt: skip
    with stac([item], {}) as server, pytest.raises(InputError, match="need LANDCOVER_CDSE_S3_KEY"):
        require_answers(addresses(server.url)["stac"], None, [TILE])


def test_folders_are_not_asked(tmp_path):
    require_answers(str(tmp_path), str(tmp_path), [TILE])
    require_answers("google", None, [])


def test_a_run_that_cannot_begin_leaves_no_record(closed, workspace_folder):
    with pytest.raises(UnavailableError, match="Nothing was started"):
        api.start_run("run", RECIPE, products=f"google?endpoint={closed}", **ASKED)
    assert api.open_workspace().records.find("runs") == []


def test_the_command_ends_before_airflow_is_started(silent, safes, tmp_path):
    workspace = tmp_path / "workspace"
    command = [
        sys.executable, "-m", "landcover", "run", str(RECIPE), "--year", "2021",
        "--products", addresses(silent)["google"], "--tiles", TILE,
        "--workspace", str(workspace),
    ]  # fmt: skip
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 1
    assert time.monotonic() - began < 10 + 5, "the start of Python on a busy machine is not ours"
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("Error:")]
    assert "--products google" in sentence
    assert "Run again later" in sentence
    assert done.stdout == ""
    assert not (workspace / "airflow-run").exists()
    assert not workspace.exists()


def test_what_takes_too_long_is_not_waited_for():
    began = time.monotonic()
    errors = ask_at_once([lambda: time.sleep(3), lambda: None], 0.2)
    assert time.monotonic() - began < 1
    assert [type(error) for error in errors] == [UnavailableError, type(None)]
    with pytest.raises(ZeroDivisionError):
        ask_at_once([lambda: 1 // 0 and None], 1.0)
