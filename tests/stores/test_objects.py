"""An object is there whole or not at all, whatever happens while it is written."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
from pathlib import Path

import pytest

from landcover.errors import InputError, UnavailableError
from landcover.stores import layout
from landcover.stores.objects import DirectoryStore

KEY = "masks/31UDS/p/0123456789abcdef"


@pytest.fixture
def store(tmp_path):
    return DirectoryStore(tmp_path / "objects")


def everything(store):
    """List the files and folders of a store that are not its bare frame."""
    return sorted(str(p.relative_to(store.root)) for p in store.root.rglob("*") if p.is_file())


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
    assert Path(store.href("samples/31UDS/a.parquet")).read_text() == "rows"
    assert store.size("samples/31UDS/a.parquet") == 4
    assert everything(store) == ["samples/31UDS/a.parquet"]


def test_a_folder(store):
    publish_folder(store, KEY)
    assert Path(store.href(KEY, "10.tif")).read_text() == "a"
    assert store.size(KEY, "deep/20.tif") == 2
    assert store.size(KEY, "30.tif") is None
    assert store.size(KEY) is None  # a folder has no size of its own
    assert everything(store) == [f"{KEY}/10.tif", f"{KEY}/deep/20.tif"]


def test_nothing_is_visible_before_the_end(store):
    with store.publishing(KEY) as path:
        path.mkdir()
        (path / "10.tif").write_text("half")
        assert not store.exists(KEY)
        assert store.size(KEY, "10.tif") is None
        assert path.is_relative_to(store.root / "tmp")
    assert store.exists(KEY)


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
    assert list((store.root / "tmp").iterdir()) == []


def test_the_first_one_stays(store):
    publish_folder(store, KEY, "first")
    publish_folder(store, KEY, "second")
    assert Path(store.href(KEY, "10.tif")).read_text() == "first"
    publish_file(store, "f", "first")
    publish_file(store, "f", "second")
    assert Path(store.href("f")).read_text() == "first"
    assert list((store.root / "tmp").iterdir()) == []


def test_removing(store):
    for publish in (publish_file, publish_folder):
        publish(store, KEY)
        store.remove(KEY)
        store.remove(KEY)
        assert not store.exists(KEY)
    assert everything(store) == []
    publish_file(store, KEY, "again")
    assert store.exists(KEY)


def test_nobody_sees_half_of_what_is_removed(store, monkeypatch):
    publish_folder(store, KEY)
    seen = []
    monkeypatch.setattr(
        "landcover.stores.objects.shutil.rmtree",
        lambda path, **options: seen.append((store.exists(KEY), Path(path).is_dir())),
    )
    store.remove(KEY)
    assert seen == [(False, True)]


@pytest.mark.parametrize(
    "key", ["../outside", "a/../../outside", "/etc/passwd", "", ".", "a/..", "../objects"]
)
def test_a_key_that_leaves_the_store_is_refused(store, key):
    publish_file(store, "a", "kept")
    (store.root.parent / "outside").write_text("not ours")
    for use in (store.href, store.exists, store.remove, store.size):
        with pytest.raises(InputError, match="leaves the store"):
            use(key)
    with pytest.raises(InputError, match="leaves the store"):
        publish_file(store, key)
    assert everything(store) == ["a"]
    assert (store.root.parent / "outside").read_text() == "not ours"


def test_a_name_that_leaves_its_object_is_refused(store):
    publish_folder(store, KEY)
    with pytest.raises(InputError, match="leaves the store"):
        store.href(KEY, "../other/10.tif")


def test_a_link_that_leaves_the_store_is_refused(store, tmp_path):
    store.root.mkdir()
    (store.root / "link").symlink_to(tmp_path)
    with pytest.raises(InputError, match="leaves the store"):
        store.remove("link/x")


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


def test_processes_that_publish_the_same_key(store):
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    both = [spawn.Process(target=_race, args=(str(store.root), barrier, n)) for n in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    for turn in range(20):
        texts = {Path(store.href(f"folders/{turn}", name)).read_text() for name in "abc"}
        texts_of_file = Path(store.href(f"files/{turn}")).read_text()
        assert texts in ({"0" * 1000}, {"1" * 1000})  # one of the two, whole
        assert texts_of_file in ("0" * 1000, "1" * 1000)
    assert list((store.root / "tmp").iterdir()) == []


def test_threads_that_remove_and_publish_the_same_key(store):
    errors = []

    def work():
        try:
            for _ in range(50):
                publish_folder(store, KEY)
                store.remove(KEY)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert everything(store) == []


def test_every_key_of_the_layout_stays_in_the_store(store):
    keys = [
        layout.labels("i"), layout.mask("t", "p", "i"), layout.composite("t", "q", "i"),
        layout.terrain("t", "i"), layout.samples("t", "i"), layout.sample_set("i"),
        layout.model("i"), layout.class_map("t", "i"), layout.mosaic("c", "i"),
        layout.accuracy("i"), layout.report("i"), layout.scratch("i"),
    ]  # fmt: skip
    assert len({store.href(key) for key in keys}) == len(keys)
    assert layout.composite("31UDS", "2018-spring", "0f") == "composites/31UDS/2018-spring/0f"
    assert all(os.path.commonpath([store.href(k), store.root]) == str(store.root) for k in keys)
