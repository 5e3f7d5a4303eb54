"""Tables that a run reads at its start: ground truth, libraries, test points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from landcover.errors import DamagedError
from landcover.ledger.outputs import sha256_of
from landcover.stores.workspace import Workspace


@contextmanager
def local(workspace: Workspace, collection: str, table_id: str, key: str) -> Iterator[Path]:
    """Yield a local path of a table whose bytes were compared with its record.

    A record of an earlier version holds no checksum; its table is taken as it is.

    Args:
        workspace: Where it is.
        collection: Collection of its record.
        table_id: Id of its record.
        key: Key of its bytes.

    Raises:
        InputError: It is not there.
        DamagedError: It has other bytes than its record says; they are removed, so that the next
            start of a run reads the files of the person anew.
    """
    record = workspace.records.get(collection, table_id) or {}
    expected = record.get("table_sha256")
    with workspace.objects.local(key) as path:
        found = sha256_of(path)
        if expected in (None, found):
            yield path
            return
    workspace.objects.remove(key)
    raise DamagedError(
        f"{key}: its checksum {found[:12]} is not the {expected[:12]} of its record: the table was "
        "damaged or changed. It is removed; the same command reads the files again.",
        key,
    )
