"""An object is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import shutil
import threading
from pathlib import Path

import pytest

from landcover.errors import InputError, UnavailableError
from landcover.stores import layout
from landcover.stores.objects import DirectoryStore

KEY = "masks/31UDS/p/0123456789abcdef"


def open_directory(folder):
    return DirectoryStore(folder / "objects")


def open_bucket(folder):
    """Open a place of its own on the S3 server that the environment names."""
    from landcover.stores.s3 import S3ObjectStore
    from landcover.stores.s3_connection import S3Connection

    prefix = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    connection = S3Connection(endpoint=os.environ["LANDCOVER_S3_ENDPOINT"])
    return S3ObjectStore(f"s3://landcover/{prefix}/deep", connection, folder / "objects" / "tmp")


STORES = {"directory": open_directory, "s3": open_bucket}


@pytest.fixture(params=["directory", pytest.param("s3", marks=pytest.mark.slow)])
def store(request, tmp_path):
    if request.param == "s3":
        request.getfixturevalue("s3")
    return STORES[request.param](tmp_path)


@pytest.fixture
def disk(tmp_path):
    return open_directory(tmp_path)


def everything(store):
    """List the files of a store."""
    if isinstance(store, DirectoryStore):
        return sorted(str(p.relative_to(store.root)) for p in store.root.rglob("*") if p.is_file())
    return sorted(
        key.removeprefix(store._prefix + "/") for key in store._bucket.sizes(store._prefix)
    )


def text_of(store, key, name=None):
    """Read a file of a store."""
    with store.local(key, name) as path:
        return path.read_text()


@pytest.fixture(autouse=True)
def _no_scratch_file_is_left(tmp_path):
    yield
    scratch = tmp_path / "objects" / "tmp"
    assert not scratch.is_dir() or list(scratch.iterdir()) == []


def publish_folder(store, key, text="a"):
    with store.publishing(key) as path:
        path.mkdir()
        (path / "10.tif").write_text(text)
        (path / "deep").mkdir()
        (path / "deep" / "20.tif").write_text(text * 2)


def publish_file(store, key, text="a"):
    with store.publishing(key) as path:
        path.write_text(text)


def test_a_file(store):
    publish_file(store, "samples/31UDS/a.parquet", "rows")
    assert text_of(store, "samples/31UDS/a.parquet") == "rows"
    assert store.size("samples/31UDS/a.parquet") == 4
    assert store.sizes("samples/31UDS/a.parquet") == {"": 4}
    assert not store.exists("samples/31UDS/a")
    with store.local("samples/31UDS/a.parquet") as path:
        assert path.name == "a.parquet"
    assert everything(store) == ["samples/31UDS/a.parquet"]


def test_a_folder(store):
    publish_folder(store, KEY)
    assert text_of(store, KEY, "10.tif") == "a"
    assert store.size(KEY, "deep/20.tif") == 2
    assert store.sizes(KEY) == {"10.tif": 1, "deep/20.tif": 2}
    assert store.sizes(KEY[:-1]) == {}  # the beginning of a key is no key
    assert store.href(KEY, "deep/20.tif") == f"{store.address}/{KEY}/deep/20.tif"
    with store.local(KEY) as path:
        assert (path / "deep" / "20.tif").read_text() == "aa"
    assert store.read(KEY, 1, 9, "deep/20.tif") == b"a"
    assert store.read(KEY, 0, 1, "deep/20.tif") == b"a"
    assert store.read(KEY, 1, 1, "deep/20.tif") == b""
    with pytest.raises(InputError, match="no such object"):
        store.read(KEY, 0, 1, "30.tif")
    assert store.size(KEY, "30.tif") is None
    assert store.size(KEY) is None  # a folder has no size of its own
    assert everything(store) == [f"{KEY}/10.tif", f"{KEY}/deep/20.tif"]


def test_nothing_is_visible_before_the_end(store):
    with store.publishing(KEY) as path:
        path.mkdir()
        (path / "10.tif").write_text("half")
        assert not store.exists(KEY)
        assert store.size(KEY, "10.tif") is None
        assert not path.is_relative_to(store.href(KEY))
    assert store.exists(KEY)


def test_what_is_not_there_is_told(store):
    publish_folder(store, KEY)
    for key, name in (("masks/none", None), (KEY, "30.tif")):
        with pytest.raises(InputError, match="no such object"), store.local(key, name):
            pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("kind", ["file", "folder", "nothing"])
def test_nothing_is_left_after_an_error(store, error, kind):
    with pytest.raises(error), store.publishing(KEY) as path:  # noqa: PT012
        if kind == "file":
            path.write_text("half")
        elif kind == "folder":
            path.mkdir()
            (path / "10.tif").write_text("half")
        raise error
    assert not store.exists(KEY)
    assert everything(store) == []


def test_the_first_one_stays(store):
    publish_folder(store, KEY, "first")
    publish_folder(store, KEY, "second")
    assert text_of(store, KEY, "10.tif") == "first"
    publish_file(store, "f", "first")
    publish_file(store, "f", "second")
    assert text_of(store, "f") == "first"


def test_removing(store):
    for publish in (publish_file, publish_folder):
        publish(store, KEY)
        store.remove(KEY)
        store.remove(KEY)
        assert not store.exists(KEY)
    assert everything(store) == []
    publish_file(store, KEY, "again")
    assert store.exists(KEY)


def test_nobody_sees_half_of_what_is_removed(disk, monkeypatch):
    publish_folder(disk, KEY)
    seen = []
    monkeypatch.setattr(
        "landcover.stores.scratch.shutil.rmtree",
        lambda path, **options: seen.append((disk.exists(KEY), Path(path).is_dir())),
    )
    disk.remove(KEY)
    assert seen == [(False, True)]
    monkeypatch.undo()
    shutil.rmtree(disk.root / "tmp")


@pytest.mark.parametrize(
    "key", ["../outside", "a/../../outside", "/etc/passwd", "", ".", "a/..", "../objects"]
)
def test_a_key_that_leaves_the_store_is_refused(store, key):
    publish_file(store, "a", "kept")
    for use in (store.href, store.exists, store.remove, store.size):
        with pytest.raises(InputError, match="leaves the store"):
            use(key)
    with pytest.raises(InputError, match="leaves the store"):
        publish_file(store, key)
    assert everything(store) == ["a"]


def test_a_name_that_leaves_its_object_is_refused(store):
    publish_folder(store, KEY)
    with pytest.raises(InputError, match="leaves the store"):
        store.href(KEY, "../other/10.tif")


def test_a_link_that_leaves_the_store_is_refused(disk, tmp_path):
    disk.root.mkdir()
    (disk.root / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leaves the store"):
        disk.remove("link/x")


def test_a_store_behind_a_link_works(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    store = DirectoryStore(tmp_path / "link")
    publish_file(store, "a/b", "x")
    assert (tmp_path / "real" / "a" / "b").read_text() == "x"


def test_a_store_that_cannot_be_written_to_is_away(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = DirectoryStore(tmp_path / "file" / "objects")
    with pytest.raises(UnavailableError, match="LANDCOVER_OBJECTS"):
        publish_file(store, "a")


def test_a_full_disk_publishes_nothing(store):
    with pytest.raises(OSError, match="full") as caught, store.publishing(KEY) as path:  # noqa: PT012
        path.write_text("half")
        raise OSError(errno.ENOSPC, "full", str(path))
    assert caught.value.errno == errno.ENOSPC
    assert everything(store) == []


def _race(root, barrier, number):
    store = DirectoryStore(Path(root))
    for turn in range(20):
        barrier.wait()
        with store.publishing(f"folders/{turn}") as path:
            path.mkdir()
            for name in "abc":
                (path / name).write_text(str(number) * 1000)
        with store.publishing(f"files/{turn}") as path:
            path.write_text(str(number) * 1000)


def test_processes_that_publish_the_same_key(disk):
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    both = [spawn.Process(target=_race, args=(str(disk.root), barrier, n)) for n in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    for turn in range(20):
        texts = {Path(disk.href(f"folders/{turn}", name)).read_text() for name in "abc"}
        texts_of_file = Path(disk.href(f"files/{turn}")).read_text()
        assert texts in ({"0" * 1000}, {"1" * 1000})  # one of the two, whole
        assert texts_of_file in ("0" * 1000, "1" * 1000)
    assert list((disk.root / "tmp").iterdir()) == []


def test_threads_that_remove_and_publish_the_same_key(disk):
    errors = []

    def work():
        try:
            for _ in range(50):
                publish_folder(disk, KEY)
                disk.remove(KEY)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert everything(disk) == []


def test_every_key_of_the_layout_stays_in_the_store(store):
    keys = [
        layout.labels("i"), layout.mask("t", "p", "i"), layout.composite("t", "q", "i"),
        layout.terrain("t", "i"), layout.samples("t", "i"), layout.sample_set("i"),
        layout.model("i"), layout.class_map("t", "i"), layout.mosaic("c", "i"),
        layout.accuracy("i"), layout.report("i"), layout.scratch("i"),
    ]  # fmt: skip
    assert len({store.href(key) for key in keys}) == len(keys)
    assert layout.composite("31UDS", "2018-spring", "0f") == "composites/31UDS/2018-spring/0f"
    assert all(store.href(key).startswith(f"{store.address}/") for key in keys)


def test_an_object_is_moved_whole(store):
    with store.publishing(KEY) as path:
        path.mkdir()
        (path / "10m.tif").write_text("fine")
        (path / "60m.tif").write_text("coarse")
    store.move(KEY, "damaged/0123456789abcdef-1")
    assert not store.exists(KEY)
    assert store.sizes("damaged/0123456789abcdef-1") == {"10m.tif": 4, "60m.tif": 6}
    store.move(KEY, "damaged/again")
    assert not store.exists("damaged/again")
