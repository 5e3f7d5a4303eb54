"""The record is the commit: it is written last, believed only with its bytes, and first stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import DamagedError, InputError, UnavailableError
from landcover.ledger import outputs
from landcover.nouns.output import Wanted
from landcover.stores.workspace import open_workspace

KEY = "masks/31UDS/p/a"
WANTED = Wanted(stage="mask", version=1, unit="31UDS/p", inputs={}, params={})
# SHA-256 of "abc": FIPS 180-2, appendix B.1.
SHA_OF_ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.fixture
def workspace(tmp_path):
    return open_workspace(f"file://{tmp_path}/objects", f"sqlite://{tmp_path}/records.sqlite")


def maker(text="abc"):
    def make(path: Path):
        path.mkdir()
        (path / "10.tif").write_text(text)
        (path / "deep").mkdir()
        (path / "deep" / "20.tif").write_text(text * 2)
        return {"share": 0.5}

    return make


def test_commit_and_find(workspace):
    made = outputs.commit(workspace, WANTED, KEY, maker(), {"known": 1})
    assert made.id == WANTED.id
    assert made.stats == {"known": 1, "share": 0.5}
    assert [(f.name, f.bytes) for f in made.files] == [("10.tif", 3), ("deep/20.tif", 6)]
    assert made.files[0].sha256 == SHA_OF_ABC
    assert outputs.find(workspace, WANTED.id) == made
    assert outputs.load(workspace, WANTED.id) == made


def test_an_object_that_is_one_file(workspace):
    def make(path):
        path.write_text("abc")
        return {}

    made = outputs.commit(workspace, WANTED, "samples/31UDS/a.parquet", make)
    assert [(f.name, f.bytes, f.sha256) for f in made.files] == [("", 3, SHA_OF_ABC)]
    assert outputs.find(workspace, WANTED.id) == made


def test_a_record_without_bytes(workspace):
    made = outputs.commit(workspace, WANTED, KEY, None, {"status": "ok"})
    assert (made.key, made.files) == ("", ())
    assert outputs.find(workspace, WANTED.id) == made


def test_there_is_no_record_while_it_is_made(workspace):
    def make(path):
        assert outputs.find(workspace, WANTED.id) is None
        assert not workspace.objects.exists(KEY)
        return maker()(path)

    outputs.commit(workspace, WANTED, KEY, make)


def test_nothing_is_committed_when_making_fails(workspace):
    def make(path):
        maker()(path)
        raise MemoryError

    with pytest.raises(MemoryError):
        outputs.commit(workspace, WANTED, KEY, make)
    assert outputs.find(workspace, WANTED.id) is None
    assert not workspace.objects.exists(KEY)


@pytest.mark.parametrize("damage", ["gone", "one file gone", "one file shorter"])
def test_an_output_whose_bytes_are_not_whole_is_made_again(workspace, damage):
    outputs.commit(workspace, WANTED, KEY, maker())
    file = Path(workspace.objects.href(KEY, "10.tif"))
    if damage == "gone":
        workspace.objects.remove(KEY)
    elif damage == "one file gone":
        file.unlink()
    else:
        file.write_text("ab")
    assert outputs.find(workspace, WANTED.id) is None
    with pytest.raises(InputError, match=f"Output {WANTED.id} .*Run again"):
        outputs.load(workspace, WANTED.id)
    outputs.commit(workspace, WANTED, KEY, maker())
    assert file.read_text() == "abc"
    assert outputs.find(workspace, WANTED.id) is not None


def test_bytes_without_a_record_are_not_trusted(workspace):
    with workspace.objects.publishing(KEY) as path:
        path.mkdir()
        (path / "10.tif").write_text("of an attempt that was killed")
    outputs.commit(workspace, WANTED, KEY, maker())
    assert Path(workspace.objects.href(KEY, "10.tif")).read_text() == "abc"


def test_what_the_store_does_not_list_is_not_recorded(workspace, monkeypatch):
    monkeypatch.setattr(type(workspace.objects), "sizes", lambda self, key: {"10.tif": 3})
    with pytest.raises(UnavailableError, match="does not list what was written") as told:
        outputs.commit(workspace, WANTED, KEY, maker())
    assert KEY in str(told.value)
    monkeypatch.undo()
    assert outputs.find(workspace, WANTED.id) is None
    assert outputs.commit(workspace, WANTED, KEY, maker()).files


def test_what_somebody_else_committed_meanwhile_stays(workspace):
    first = []

    def late(path):
        first.append(outputs.commit(workspace, WANTED, KEY, maker("abc")))
        assert Path(workspace.objects.href(KEY, "10.tif")).read_text() == "abc"
        return maker("xyz")(path)

    found = outputs.commit(workspace, WANTED, KEY, late)
    assert found == first[0]
    assert outputs.find(workspace, WANTED.id) == first[0]
    assert Path(workspace.objects.href(KEY, "10.tif")).read_text() == "abc"


def test_nothing_in_the_store_is_touched_until_the_new_bytes_are_whole(workspace):
    outputs.commit(workspace, WANTED, KEY, maker())
    other = WANTED.model_copy(update={"version": 2})

    def make(path):
        assert Path(workspace.objects.href(KEY, "10.tif")).read_text() == "abc"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outputs.commit(workspace, other, KEY, make)
    assert outputs.find(workspace, WANTED.id) is not None


def test_an_unknown_output_is_told(workspace):
    with pytest.raises(InputError, match="Output 00 does not exist"):
        outputs.load(workspace, "00")


@pytest.mark.parametrize("name", [None, "10.tif"])
def test_bytes_are_compared_before_they_are_handed_out(workspace, name):
    made = outputs.commit(workspace, WANTED, KEY, maker())
    with outputs.local(workspace, made, name) as path:
        assert path.exists()
    Path(workspace.objects.href(KEY, "10.tif")).write_text("abd")
    with (
        pytest.raises(DamagedError, match=r"10\.tif: its checksum"),
        outputs.local(workspace, made, name),
    ):
        pass


def test_a_file_without_checksums_of_its_blocks_is_read_once_and_remembered(workspace, monkeypatch):
    """As rasters of stores that are older than those checksums."""
    made = outputs.commit(workspace, WANTED, KEY, maker())
    read = []

    def counted(path):
        read.append(path)
        return sha256(path)

    sha256 = outputs.sha256_of
    monkeypatch.setattr(outputs, "sha256_of", counted)
    for _ in range(3):
        assert outputs.href(workspace, made, "10.tif") == workspace.objects.href(KEY, "10.tif")
    assert len(read) == 1
    Path(workspace.objects.href(KEY, "deep/20.tif")).write_text("abcabd")
    for _ in range(2):  # damage is not remembered as whole
        with pytest.raises(DamagedError, match=r"deep/20\.tif: its checksum"):
            outputs.href(workspace, made, "deep/20.tif")
    # A raster with such checksums is compared block by block where it is read.
    carries = made.files[0].model_copy(update={"has_block_checksums": True})
    outputs.href(workspace, made.model_copy(update={"files": (carries,)}), "10.tif")
    assert len(read) == 3


def test_many_are_found_some_at_once(workspace, monkeypatch):
    monkeypatch.setattr(outputs, "AT_ONCE", 2)
    made = []
    for n in range(5):
        wanted = Wanted(stage="mask", version=1, unit=str(n), inputs={}, params={})
        made.append(outputs.commit(workspace, wanted, f"masks/31UDS/p/{n}", maker()))
    workspace.objects.remove(made[3].key)
    found = list(outputs.find_many(workspace, [*(output.id for output in made), "0" * 16]))
    assert sorted(o.id for o in found) == sorted(o.id for o in made if o is not made[3])
    assert list(outputs.find_many(workspace, [])) == []
