"""Stores that remember what is written to them without touching those beneath: for plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from landcover.stores.documents import Document, check_changes
from landcover.stores.objects import DirectoryStore, ObjectStore, Upload
from landcover.stores.records import MEMORY, RecordStore, SqliteRecords


class OverlayRecords:
    """A record store on top of another one, which is only read."""

    def __init__(self, base: RecordStore) -> None:
        self._base = base
        self._above = SqliteRecords(MEMORY)

    def insert_one(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Insert a document above; False where its ``_id`` exists above or below."""
        key = document.get("_id")
        if isinstance(key, str) and self._base.get(collection, key) is not None:
            return False
        return self._above.insert_one(collection, document)

    def replace_one(self, collection: str, document: Mapping[str, Any]) -> None:
        """Insert or replace a document above."""
        self._above.replace_one(collection, document)

    def find_one_and_update(
        self, collection: str, where: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> Document | None:
        """Set fields of the first match above or below; the change stays above."""
        check_changes(changes)
        while found := self.find(collection, where):
            key = found[0]["_id"]
            # A document from below is lifted first, so that the change is one step above.
            self._above.insert_one(collection, found[0])
            changed = self._above.find_one_and_update(collection, {**where, "_id": key}, changes)
            if changed is not None:
                return changed
        return None

    def get(self, collection: str, key: str) -> Document | None:
        """Find a document by its ``_id``, above first."""
        return self._above.get(collection, key) or self._base.get(collection, key)

    def find(
        self,
        collection: str,
        where: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[str] = (),
    ) -> list[Document]:
        """List the matching documents; one that was written above hides the one below."""
        hidden = {document["_id"] for document in self._above.find(collection)}
        below = [d for d in self._base.find(collection, where) if d["_id"] not in hidden]
        if not below:
            return self._above.find(collection, where, sort=sort)
        both = SqliteRecords(MEMORY)
        for document in (*self._above.find(collection, where), *below):
            both.insert_one(collection, document)
        return both.find(collection, sort=sort)

    def count_documents(self, collection: str, where: Mapping[str, Any] | None = None) -> int:
        """Count the matching documents."""
        return len(self.find(collection, where))


class OverlayObjects:
    """An object store on top of another one, which is only read."""

    def __init__(self, base: ObjectStore, folder: Path) -> None:
        """Make the store.

        Args:
            base: The store that is only read.
            folder: Where what is written goes; its owner removes it.
        """
        self._base = base
        self._above = DirectoryStore(folder)

    @property
    def address(self) -> str:
        """What every path of an object in the store below begins with."""
        return self._base.address

    def publishing(self, key: str) -> AbstractContextManager[Path]:
        """Yield a scratch path; what is there at the end appears under ``key``, above."""
        return self._above.publishing(key)

    def href(self, key: str, name: str | None = None) -> str:
        """Give the path under which GDAL opens an object, or one file in it, by window."""
        return self._of(key).href(key, name)

    def local(self, key: str, name: str | None = None) -> AbstractContextManager[Path]:
        """Yield a local path of an object, or of one file in it."""
        return self._of(key).local(key, name)

    def exists(self, key: str) -> bool:
        """Tell whether something was published under the key, above or below."""
        return self._of(key).exists(key)

    def sweep(self) -> int:
        """Remove nothing: what is below is only read."""
        return 0

    def uploads(self) -> list[Upload]:
        """Give none: what is below is only read."""
        return []

    def abort(self, upload: Upload) -> None:
        """Do nothing: what is below is only read."""

    def size(self, key: str, name: str | None = None) -> int | None:
        """Give the bytes of an object's file; None where it is not there."""
        return self._of(key).size(key, name)

    def sizes(self, key: str) -> dict[str, int]:
        """Give the bytes of each file of an object by name; the name is empty for a file."""
        return self._of(key).sizes(key)

    def read(self, key: str, start: int, stop: int, name: str | None = None) -> bytes:
        """Read some bytes of an object's file, ``stop`` excluded; fewer where it ends before."""
        return self._of(key).read(key, start, stop, name)

    def remove(self, key: str) -> None:
        """Remove an object above; one below stays."""
        self._above.remove(key)

    def move(self, key: str, to: str) -> None:
        """Move an object above; one below stays where it is."""
        self._above.move(key, to)

    def _of(self, key: str) -> ObjectStore:
        return self._above if self._above.exists(key) else self._base
