"""Commits: the record of an output is written last, and found first."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.nouns.output import FileRecord, Output, Wanted
from landcover.stores.workspace import Workspace

COLLECTION = "outputs"
_CHUNK = 1 << 20


def find(workspace: Workspace, output_id: str) -> Output | None:
    """Find a committed output whose bytes are still there."""
    document = workspace.records.get(COLLECTION, output_id)
    if document is None:
        return None
    fields = {name: document[name] for name in Output.model_fields}
    output = Output.from_document(fields)
    return output if _is_whole(workspace, output) else None


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
    workspace.records.replace_one(COLLECTION, {"_id": output.id, **output.to_document()})
    return output


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
        )
        for file in found
    )
