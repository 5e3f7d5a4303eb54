"""Commits: the record of an output is written last, and found first."""

from __future__ import annotations

import hashlib
import logging
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from landcover.errors import DamagedError, InputError, ReadOnlyError, UnavailableError
from landcover.ledger.malformed import reading
from landcover.nouns.output import FileRecord, Output, Wanted
from landcover.stores import layout
from landcover.stores.workspace import Workspace

COLLECTION = "outputs"
COMPARED = "compared"
"""Files that were read whole once and had the bytes of their record."""
WITHDRAWN = "withdrawn"
"""Field of a record whose bytes were set aside."""
AT_ONCE = 500
"""Records that one query asks for."""
_ID = re.compile(r"[0-9a-f]{16}")
log = logging.getLogger(__name__)
_CHUNK = 1 << 20


def find(workspace: Workspace, output_id: str) -> Output | None:
    """Find a committed output whose bytes are still there."""
    document = workspace.records.get(COLLECTION, output_id)
    if document is None or not is_there(workspace, document):
        return None
    return read(document)


def find_many(workspace: Workspace, output_ids: Iterable[str]) -> Iterator[Output]:
    """Find committed outputs whose bytes are still there, some hundred at once, in any order."""
    ids = list(output_ids)
    for first in range(0, len(ids), AT_ONCE):
        wanted = {"_id": {"$in": ids[first : first + AT_ONCE]}}
        for document in workspace.records.find(COLLECTION, wanted):
            if is_there(workspace, document):
                yield read(document)


def find_wanted(workspace: Workspace, wanted: Wanted) -> Output | None:
    """Find what a stage wants: where that is a part of a tile, rather that of the whole tile."""
    whole = find(workspace, wanted.whole.id) if wanted.whole else None
    return whole or find(workspace, wanted.id)


def read(document: Mapping[str, Any]) -> Output:
    """Read the record of an output.

    Raises:
        UnavailableError: The record is malformed: somebody else wrote into the store.
    """
    with reading(COLLECTION, document):
        return Output.from_document({name: document[name] for name in Output.model_fields})


def is_there(workspace: Workspace, document: Mapping[str, Any]) -> bool:
    """Tell whether the bytes of a record are there in their sizes, and were not withdrawn."""
    return not document.get(WITHDRAWN) and _is_whole(workspace, read(document))


def load(workspace: Workspace, output_id: str) -> Output:
    """Load a committed output.

    Raises:
        InputError: It does not exist.
    """
    output = find(workspace, output_id)
    if output is None:
        raise InputError(f"Output {output_id} does not exist or its files were removed. Run again.")
    return output


def commit(
    workspace: Workspace,
    wanted: Wanted,
    key: str,
    make: Callable[[Path], dict[str, Any]] | None,
    stats: dict[str, Any] | None = None,
) -> Output:
    """Make an output: write the object, then its record.

    What an earlier attempt published without its record is not trusted and replaced. Where
    somebody else has committed the same output meanwhile, theirs stays and is returned: readers
    may be at work on it already.

    Args:
        workspace: Where it goes.
        wanted: What it is.
        key: Where its bytes go.
        make: Writes the bytes to a scratch path (a file or a folder of its making) and returns
            what it measured; None where the record is all there is.
        stats: What is known without making anything.

    Returns:
        The committed output.

    Raises:
        UnavailableError: The object store does not have what was written to it.
    """
    files: tuple[FileRecord, ...] = ()
    measured = dict(stats or {})
    if make is not None:
        theirs: Output | None = None
        with workspace.objects.publishing(key) as path:
            measured.update(make(path))
            files = _files(path)
            theirs = find(workspace, wanted.id)
            if theirs is None:
                workspace.objects.remove(key)
        if theirs is not None:
            return theirs
    output = Output(
        id=wanted.id, wanted=wanted, key=key if make else "", files=files, stats=measured
    )
    if not _is_whole(workspace, output):
        raise UnavailableError(
            f"{wanted.stage} of {wanted.unit}: the object store does not list what was written to "
            f"{key} in full, so it is not taken as made. Run again."
        )
    workspace.records.replace_one(COLLECTION, {"_id": output.id, **output.to_document()})
    return output


def withdraw(workspace: Workspace, output_id: str, reason: str) -> str | None:
    """Set the bytes of an output aside, so that whoever needs it next makes it again.

    Args:
        workspace: Where it is.
        output_id: The output.
        reason: Why, one sentence; kept in the record.

    Returns:
        Key under which the bytes are kept; None where there is no such output, or where somebody
        else has withdrawn it.
    """
    document = workspace.records.get(COLLECTION, output_id)
    if document is None or document.get(WITHDRAWN) or not document["key"]:
        return None
    kept = layout.set_aside(output_id, uuid.uuid4().hex[:8])
    # The record first: between the two steps nobody may take damaged bytes for whole ones.
    workspace.records.find_one_and_update(
        COLLECTION, {"_id": output_id}, {WITHDRAWN: {"reason": reason, "key": kept}}
    )
    workspace.objects.move(document["key"], kept)
    log.warning("%s is withdrawn, its bytes are kept as %s: %s", output_id, kept, reason)
    return kept


def owner_of(workspace: Workspace, place: str) -> str | None:
    """Find the output that a file of the object store belongs to.

    Args:
        workspace: Where to look.
        place: Path or key of the file.

    Returns:
        Its id: the layout of keys holds it in every path; None where no record has it.
    """
    for part in reversed(place.split("/")):
        name = part.partition(".")[0]
        if _ID.fullmatch(name) and workspace.records.get(COLLECTION, name) is not None:
            return name
    return None


def require_whole(workspace: Workspace, output: Output, name: str = "") -> None:
    """Check a file that carries no checksums of its blocks, before it is read.

    The first look at a file reads all of it; that it was whole is remembered in the records.

    Args:
        workspace: Where it is.
        output: Whose file.
        name: Name of the file within the output; empty where the key is the file.

    Raises:
        DamagedError: It has other bytes than its record says.
    """
    wanted = next((file for file in output.files if file.name == name), None)
    if wanted is None or wanted.has_block_checksums:
        return
    key = f"{output.id}/{name}"
    known = workspace.records.get(COMPARED, key)
    if known is not None and known["sha256"] == wanted.sha256:
        return
    with workspace.objects.local(output.key, name or None) as path:
        compare_bytes(output, wanted, path)
    with suppress(ReadOnlyError):  # then whoever reads it next compares it again
        workspace.records.replace_one(COMPARED, {"_id": key, "sha256": wanted.sha256})


def href(workspace: Workspace, output: Output, name: str | None = None) -> str:
    """Give the path under which GDAL opens an output's file by window.

    Raises:
        DamagedError: A file without checksums of its blocks has other bytes than its record.
    """
    require_whole(workspace, output, name or "")
    return workspace.objects.href(output.key, name)


@contextmanager
def local_at(workspace: Workspace, key: str, name: str) -> Iterator[Path]:
    """Yield a local path of one file under the key of an output; see :func:`local`.

    Raises:
        DamagedError: The file has other bytes than the record of its output.
    """
    owner = owner_of(workspace, key)
    document = workspace.records.get(COLLECTION, owner) if owner else None
    if document is None:
        with workspace.objects.local(key, name) as path:
            yield path
        return
    with local(workspace, read(document), name) as path:
        yield path


@contextmanager
def local(workspace: Workspace, output: Output, name: str | None = None) -> Iterator[Path]:
    """Yield a local path of an output, or of one file in it, whose bytes were compared.

    Rasters with checksums of their blocks are compared when they are read.

    Raises:
        DamagedError: A file has other bytes than its record.
    """
    with workspace.objects.local(output.key, name) as path:
        for file in output.files:
            if name in (None, file.name) and not file.has_block_checksums:
                is_inside = name is None and bool(file.name)
                compare_bytes(output, file, path / file.name if is_inside else path)
        yield path


def compare_bytes(output: Output, file: FileRecord, path: Path) -> None:
    """Compare the bytes of a file with its record.

    Raises:
        DamagedError: They differ.
    """
    found = sha256_of(path)
    if found != file.sha256:
        place = f"{output.key}/{file.name}".rstrip("/")
        raise DamagedError(
            f"{place}: its checksum {found[:12]} is not the {file.sha256[:12]} of its record: the "
            "file was damaged or changed. `landcover verify` sets it aside, and the command that "
            "made it makes it again.",
            place,
        )


def require_unchanged(output: Output, folder: Path) -> None:
    """Check the bytes of an output before they are published.

    Args:
        output: What the record says.
        folder: Where its files are at hand.

    Raises:
        InputError: A file was changed since it was made.
    """
    for file in output.files:
        found = sha256_of(folder / file.name if file.name else folder)
        if found != file.sha256:
            raise InputError(
                f"{output.wanted.stage} {output.wanted.unit} ({output.id}): {file.name} has other "
                f"bytes than its record says (checksum {file.sha256[:12]}, found {found[:12]}), so "
                f"it was changed after it was made. Remove {output.key} and run again."
            )


def sha256_of(path: Path) -> str:
    """Give the checksum of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _is_whole(workspace: Workspace, output: Output) -> bool:
    if not output.files:
        return True
    sizes = workspace.objects.sizes(output.key)
    return all(sizes.get(file.name) == file.bytes for file in output.files)


def _files(path: Path) -> tuple[FileRecord, ...]:
    found = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return tuple(
        FileRecord(
            name="" if file == path else str(file.relative_to(path)),
            bytes=file.stat().st_size,
            sha256=sha256_of(file),
            has_block_checksums=_has_block_checksums(file),
        )
        for file in found
    )


def _has_block_checksums(path: Path) -> bool:
    if path.suffix != ".tif":
        return False
    # Whoever commits rasters has them open anyway; who only plans imports no raster library.
    from landcover.stores.rasters import open_raster

    try:
        with open_raster(path) as raster:
            return raster.has_checksums
    except InputError:  # no raster in spite of its name: compared as any other file
        return False
