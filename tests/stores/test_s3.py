"""What only a server can get wrong: it is far, it goes away, it refuses."""

from __future__ import annotations

import os
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from servers import BUCKET, Proxy, S3Server

from landcover.errors import DamagedError, InputError, UnavailableError, UsageError
from landcover.nouns.grid import Grid, Window
from landcover.stores import bucket, s3_connection
from landcover.stores.rasters import RasterStyle, open_raster, read_array, write_raster
from landcover.stores.retry import STORE_POLICY
from landcover.stores.s3 import S3ObjectStore
from landcover.stores.s3_connection import S3Connection

SECONDS_AWAY = 1.5
QUICK = replace(STORE_POLICY, limit_s=20, first_s=0.05, longest_s=0.3)
GRID = Grid(crs="EPSG:32631", ulx=300000, uly=5000000, pixel=10, width=2048, height=2048)
STYLE = RasterStyle(dtype="int16", nodata=-32768)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(1).integers(0, 3000, GRID.shape).astype(np.int16)


@pytest.fixture
def proxy(s3: S3Server):
    found = Proxy(s3.server.port)
    yield found
    found.close()


@pytest.fixture
def store(proxy, request):
    return open_store(request, proxy.port)


def open_store(request, port, **options):
    connection = S3Connection(f"http://127.0.0.1:{port}", policy=QUICK, **options)
    return S3ObjectStore(f"s3://{BUCKET}/{request.node.name}", connection)


def publish(store, key, content):
    with store.publishing(key) as path:
        path.write_bytes(content)


@pytest.fixture
def raster(store, pixels):
    with store.publishing("composites/a") as path:
        path.mkdir()
        write_raster(path / "B02.tif", pixels, GRID, STYLE)
    return store.href("composites/a", "B02.tif")


# Reading by window


def test_gdal_reads_a_window_and_no_more(store, raster, proxy, pixels):
    whole = store.size("composites/a", "B02.tif")
    before = proxy.received
    with open_raster(raster) as opened:
        assert opened.info.grid == GRID
        found = opened.read(Window(512, 1024, 512, 512), band=1)
    np.testing.assert_array_equal(found, pixels[512:1024, 1024:1536])
    read = proxy.received - before
    assert whole / 16 < read < whole / 8  # one block of sixteen, and the header


def test_a_raster_that_is_made_anew_is_read_anew(store, raster, pixels):
    read_array(raster)
    store.remove("composites/a")
    with pytest.raises(InputError, match="no such object"):
        read_array(raster)
    small = Grid(**{**GRID.to_document(), "width": 300, "height": 200})
    with store.publishing("composites/a") as path:
        path.mkdir()
        write_raster(path / "B02.tif", pixels[:200, :300] + 1, small, STYLE)
    found, grid = read_array(raster)
    assert grid == small
    np.testing.assert_array_equal(found[0], pixels[:200, :300] + 1)


def test_a_damaged_raster_is_told_from_one_that_is_away(store):
    publish(store, "bad.tif", b"no raster at all" * 100)
    with pytest.raises(InputError, match="damaged"):
        read_array(store.href("bad.tif"))


def test_a_block_with_other_pixels_is_told(store, raster, pixels, tmp_path):
    path = tmp_path / "B02.tif"
    with store.local("composites/a", "B02.tif") as stored:
        shutil.copy(stored, path)
    with rasterio.open(path, "r+") as target:
        changed = pixels.copy()
        changed[1024, 1024] += 1
        target.write(changed, 1)
    publish(store, "changed.tif", path.read_bytes())
    with open_raster(store.href("changed.tif")) as opened:
        found = opened.read(Window(0, 0, 512, 512), band=1)
        np.testing.assert_array_equal(found, pixels[:512, :512])
        with pytest.raises(DamagedError, match="block row 2, block column 2"):
            opened.read(Window(1030, 1030, 1, 1), band=1)


def test_credentials_of_a_mounted_file_serve_gdal_too(
    s3, raster, pixels, monkeypatch, tmp_path, proxy, request
):
    secrets = tmp_path / "credentials"
    secrets.write_text(
        f"[default]\naws_access_key_id={s3.access_key}\naws_secret_access_key={s3.secret_key}\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(secrets))
    monkeypatch.setattr(s3_connection, "_clients", {})
    mounted = open_store(request, proxy.port)
    assert mounted.exists("composites/a")
    np.testing.assert_array_equal(read_array(raster)[0][0], pixels)


# Large files and broken connections


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_large_file_goes_in_parts(store, proxy, is_cut):
    content = os.urandom(20_000_000)
    assert len(content) > bucket.PART
    if is_cut:
        proxy.cut_after = proxy.received + 200  # in the middle of the replies
    publish(store, "large", content)
    if is_cut:
        proxy.cut_after = proxy.received + 3_000_000
    with store.local("large") as path:
        assert path.read_bytes() == content
    assert proxy.cut_after is None
    publish(store, "large", os.urandom(20_000_001))  # the first one stays
    assert store.size("large") == 20_000_000
    uploads = store._bucket.connection.client.list_multipart_uploads(Bucket=BUCKET)
    assert uploads.get("Uploads", []) == []


@pytest.mark.parametrize("size", [10, bucket.PART + 1])
def test_of_two_who_publish_a_file_the_first_wins(store, tmp_path, size):
    contents = [bytes([n]) * size for n in range(4)]
    paths = [tmp_path / str(n) for n in range(4)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    wins: list[int] = []

    def put(n):
        if store._bucket.put(paths[n], "race"):
            wins.append(n)

    threads = [threading.Thread(target=put, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store._bucket.fetch("race", tmp_path / "found")
    assert len(wins) == 1
    assert (tmp_path / "found").read_bytes() == contents[wins[0]]
    store._bucket.delete(["race"])


@pytest.mark.parametrize("size", [10, bucket.PART + 1])
def test_a_key_that_the_server_only_takes_for_taken_is_written(s3, store, size):
    """A server that is killed between the metadata of a file and its bytes has the former only."""
    publish(store, "torn", b"1")
    (lost,) = (s3.server.folder / "data").rglob("torn")
    lost.unlink()
    assert store.sizes("torn") == {}
    publish(store, "torn", b"2" * size)
    assert store.sizes("torn") == {"": size}
    store.remove("torn")


def test_a_server_without_conditions_is_served_all_the_same(store, monkeypatch):
    client = store._bucket.connection.client
    put, refused = client.put_object, []

    def old(**request):
        if "IfNoneMatch" in request:
            refused.append(request["Key"])
            answer = {"Error": {"Code": "NotImplemented"}, "ResponseMetadata": {}}
            answer["ResponseMetadata"]["HTTPStatusCode"] = 501
            raise client.exceptions.ClientError(answer, "PutObject")
        return put(**request)

    monkeypatch.setattr(client, "put_object", old)
    publish(store, "a", b"a")
    publish(store, "b", b"b")
    assert store.sizes("a") == store.sizes("b") == {"": 1}
    assert len(refused) == 1


def test_a_thousand_files_and_more_are_removed(store, monkeypatch):
    monkeypatch.setattr(bucket, "MOST_DELETED", 7)
    with store.publishing("many") as path:
        path.mkdir()
        for n in range(20):
            (path / f"{n}").write_text("x")
    store.remove("many")
    assert not store.exists("many")


# A server that goes away


@pytest.mark.parametrize("what", ["put", "large put", "fetch", "list", "remove"])
def test_a_server_that_comes_back_is_waited_for(s3, store, what):
    content = os.urandom(20_000_000 if what == "large put" else 1000)
    if "put" not in what:
        publish(store, "a", content)
    with s3.server.away(SECONDS_AWAY):
        began = time.monotonic()
        if "put" in what:
            publish(store, "a", content)
        elif what == "fetch":
            with store.local("a") as path:
                assert path.read_bytes() == content
        elif what == "list":
            assert store.sizes("a") == {"": 1000}
        else:
            store.remove("a")
        assert time.monotonic() - began > SECONDS_AWAY / 2
    if what == "remove":
        assert not store.exists("a")
    else:
        with store.local("a") as path:
            assert path.read_bytes() == content


def test_a_server_that_goes_away_between_two_windows_is_waited_for(s3, raster, pixels):
    with open_raster(raster) as opened:
        opened.read(Window(0, 0, 512, 512))
        with s3.server.away(SECONDS_AWAY):
            found = opened.read(Window(1024, 1024, 512, 512), band=1)
    np.testing.assert_array_equal(found, pixels[1024:1536, 1024:1536])
    with s3.server.away(SECONDS_AWAY), open_raster(raster) as opened:
        assert opened.info.grid == GRID


def test_patience_ends(request):
    soon = replace(QUICK, limit_s=0.3, longest_s=0.1)
    connection = S3Connection("http://127.0.0.1:9", policy=soon)
    store = S3ObjectStore(f"s3://{BUCKET}/x", connection)
    with pytest.raises(UnavailableError, match=r"s3://landcover: no answer for 0.3 s") as caught:
        publish(store, "a", b"a")
    assert str(caught.value).count(". ") == 1


# A server that refuses


@pytest.fixture
def _forgotten_clients(monkeypatch):
    monkeypatch.setattr(s3_connection, "_clients", {})


@pytest.mark.usefixtures("_forgotten_clients")
@pytest.mark.parametrize("wrong", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_wrong_credentials_are_told_without_them(s3, request, monkeypatch, caplog, wrong):
    monkeypatch.setenv(wrong, "notthesecretyouexpect")
    store = open_store(request, s3.server.port)
    for use in (store.sizes, store.exists, store.remove, lambda key: publish(store, key, b"x")):
        began = time.monotonic()
        with pytest.raises(InputError, match=f"s3://{BUCKET}.*credentials") as caught:
            use("a")
        assert time.monotonic() - began < 5  # no patience with what does not get better
        told = str(caught.value) + caplog.text
        for secret in ("notthesecretyouexpect", s3.secret_key, s3.access_key):
            assert secret not in told


@pytest.mark.usefixtures("_forgotten_clients")
def test_missing_credentials_are_told(s3, request, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(InputError, match=r"no credentials\. Set AWS_ACCESS_KEY_ID"):
        open_store(request, s3.server.port).exists("a")


def test_a_missing_bucket_is_told(s3):
    store = S3ObjectStore("s3://nobucket", S3Connection(s3.endpoint, policy=QUICK))
    with pytest.raises(InputError, match="s3://nobucket: no such bucket"):
        publish(store, "a", b"a")


@pytest.mark.usefixtures("s3")
def test_a_wrong_endpoint_is_told():
    store = S3ObjectStore("s3://b", S3Connection("no url at all"))
    with pytest.raises(UsageError, match="LANDCOVER_S3_ENDPOINT"):
        store.exists("a")


@pytest.mark.parametrize("address", ["s3://", "s3:///a", "gs://a", "a"])
def test_a_wrong_address_is_told(address):
    with pytest.raises(InputError, match="LANDCOVER_OBJECTS"):
        S3ObjectStore(address)


def test_a_scratch_folder_that_cannot_be_had_is_told(s3, tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = S3ObjectStore(f"s3://{BUCKET}", S3Connection(s3.endpoint), Path(tmp_path / "file/x"))
    with pytest.raises(UnavailableError, match="LANDCOVER_SCRATCH"), store.publishing("a"):
        pass
