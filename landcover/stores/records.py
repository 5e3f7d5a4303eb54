"""Records: small JSON documents, the commits of everything that was computed.

Only the operations below exist, so that SQLite here and a document server elsewhere behave alike.
Filters are equality, ``$in`` and the ranges ``$gt``, ``$gte``, ``$lt``, ``$lte``; None stands for
a field that is null or absent, and a range finds values of its own kind only (numbers or text).
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Protocol

from landcover.errors import InputError, UnavailableError
from landcover.stores import read_only
from landcover.stores.documents import (
    INDEXES,
    Document,
    as_json,
    check_changes,
    key_of,
    orders,
    stamped,
    terms,
)

_RANGES = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
BUSY_SECONDS = 60.0
"""How long a writer waits for the others."""
MEMORY = Path(":memory:")
"""Path of records that live as long as their object, for one process."""


class RecordStore(Protocol):
    """What a stage may ask of the place where records are kept."""

    def insert_one(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Insert a document; False where its ``_id`` exists already."""
        ...

    def replace_one(self, collection: str, document: Mapping[str, Any]) -> None:
        """Insert a document or replace the one with its ``_id``."""
        ...

    def find_one_and_update(
        self, collection: str, where: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> Document | None:
        """Set fields of the first match and return it as it is afterwards."""
        ...

    def get(self, collection: str, key: str) -> Document | None:
        """Find a document by its ``_id``."""
        ...

    def find(
        self,
        collection: str,
        where: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[str] = (),
    ) -> list[Document]:
        """List the matching documents, sorted by fields (``-field``: descending)."""
        ...

    def count_documents(self, collection: str, where: Mapping[str, Any] | None = None) -> int:
        """Count the matching documents."""
        ...


class SqliteRecords:
    """Records in one SQLite file, safe for several processes and threads of one machine.

    Each thread of each process opens its own connection; records in memory share one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()
        self._memory = self._open() if path == MEMORY else None
        self._turn = threading.RLock() if path == MEMORY else nullcontext()

    def insert_one(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Insert a document; False where its ``_id`` exists already."""
        body = stamped(document)
        row = (collection, key_of(body), as_json(body))
        with self._write() as connection:
            cursor = connection.execute("INSERT OR IGNORE INTO documents VALUES (?, ?, ?)", row)
            return cursor.rowcount == 1

    def replace_one(self, collection: str, document: Mapping[str, Any]) -> None:
        """Insert a document or replace the one with its ``_id``."""
        body = stamped(document)
        row = (collection, key_of(body), as_json(body))
        with self._write() as connection:
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", row)

    def find_one_and_update(
        self, collection: str, where: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> Document | None:
        """Set fields of the first match and return it as it is afterwards."""
        check_changes(changes)
        with self._write() as connection:
            row = connection.execute(*_query(collection, where, (), limit=1)).fetchone()
            if row is None:
                return None
            body = {**json.loads(row[0]), **changes}
            connection.execute(
                "UPDATE documents SET body = ? WHERE collection = ? AND id = ?",
                (as_json(body), collection, key_of(body)),
            )
            return body

    def get(self, collection: str, key: str) -> Document | None:
        """Find a document by its ``_id``."""
        found = self.find(collection, {"_id": key})
        return found[0] if found else None

    def find(
        self,
        collection: str,
        where: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[str] = (),
    ) -> list[Document]:
        """List the matching documents, sorted by fields (``-field``: descending)."""
        if not self._is_there():
            return []
        return [json.loads(row[0]) for row in self._rows(*_query(collection, where or {}, sort))]

    def count_documents(self, collection: str, where: Mapping[str, Any] | None = None) -> int:
        """Count the matching documents."""
        clause, values = _clause(where or {})
        query = f"SELECT count(*) FROM documents WHERE {_of(collection)}{clause}"
        if not self._is_there():
            return 0
        return int(self._rows(query, values)[0][0])

    def _is_there(self) -> bool:
        """Tell whether anything was ever written: who only reads must not make a file."""
        try:
            return self.path == MEMORY or bool(os.stat(self.path))
        except FileNotFoundError:
            return False
        except OSError:
            return True  # the error is told where the file is opened

    def _connection(self) -> sqlite3.Connection:
        if self._memory is not None:
            return self._memory
        # A connection must not be used on the other side of a fork.
        owner, connection = getattr(self._local, "opened", (None, None))
        if connection is None or owner != os.getpid():
            connection = self._open()
            self._local.opened = (os.getpid(), connection)
        return connection

    def _open(self) -> sqlite3.Connection:
        def opened() -> sqlite3.Connection:
            if self.path != MEMORY:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            _switch_to_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS documents (collection TEXT NOT NULL, "
                "id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (collection, id))"
            )
            for statement in _index_statements():
                connection.execute(statement)
            return connection

        return self._opened(opened)

    def _opened(self, opening: Callable[[], sqlite3.Connection]) -> sqlite3.Connection:
        try:
            return opening()
        except (sqlite3.Error, OSError) as error:
            raise UnavailableError(
                f"{self.path}: the records cannot be opened ({error}). "
                "Check LANDCOVER_RECORDS, the rights of the file and the free disk space."
            ) from error

    def _rows(self, query: str, values: Sequence[Any]) -> list[Any]:
        with self._turn:
            while True:
                state = None
                try:
                    connection, state = self._reader()
                    rows = connection.execute(query, values).fetchall()
                    if self._still_shows(state):
                        return rows
                except (sqlite3.DatabaseError, OSError) as error:
                    if not self._still_shows(state):
                        continue  # somebody wrote between two pages
                    raise UnavailableError(
                        f"{self.path}: the records cannot be read ({error}). "
                        "Check the file and its disk, then run again."
                    ) from error

    def _still_shows(self, state: read_only.State | None) -> bool:
        try:
            return state is None or state == read_only.state_of(self.path)
        except OSError:  # removed meanwhile: what was read was read before
            return True

    def _reader(self) -> tuple[sqlite3.Connection, read_only.State | None]:
        """Give a connection to read with and, where nobody may write, what it shows."""
        if self._memory is not None or not read_only.is_read_only(self.path):
            return self._connection(), None
        state = read_only.state_of(self.path)
        owner, shown, connection = getattr(self._local, "reader", (None, None, None))
        if connection is None or owner != os.getpid() or shown != state:
            connection = self._opened(lambda: read_only.open_read_only(self.path, BUSY_SECONDS))
            self._local.reader = (os.getpid(), state, connection)
        return connection, state

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            if self._memory is None:
                read_only.require_writable(self.path)
            connection = self._connection()
            try:
                # IMMEDIATE takes the write lock at once: two readers that both want to write
                # would otherwise refuse each other instead of waiting.
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                raise UnavailableError(
                    f"{self.path}: the record could not be written ({error}). "
                    "Free disk space or wait for the other writer, then run again."
                ) from error
            finally:
                if connection.in_transaction:  # a full disk ends the transaction by itself
                    connection.execute("ROLLBACK")


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    # Processes that make the store at the same moment refuse each other here at once, whatever
    # the timeout of the connection.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _query(
    collection: str, where: Mapping[str, Any], sort: Sequence[str], limit: int = -1
) -> tuple[str, list[Any]]:
    clause, values = _clause(where)
    # The name stands in the text: an index of one collection serves only who names it there.
    columns = [_column(name) + " DESC" * is_down for name, is_down in orders(sort)]
    query = (
        f"SELECT body FROM documents WHERE {_of(collection)}{clause} "
        f"ORDER BY {', '.join(columns)} LIMIT {limit}"
    )
    return query, values


def _of(collection: str) -> str:
    if not collection.isidentifier():
        raise InputError(f"Record collection {collection!r} is not a plain name, such as units.")
    return f"collection = '{collection}'"


def _index_statements() -> Iterator[str]:
    """Give the statements that make the declared indexes, in stores of before them too."""
    for collection, indexes in INDEXES.items():
        for fields in indexes:
            name = "_".join((collection, *fields)).replace(".", "_")
            columns = ", ".join(map(_column, fields))
            yield (
                f"CREATE INDEX IF NOT EXISTS {name} ON documents (collection, {columns}, id) "
                f"WHERE {_of(collection)}"
            )


def _column(name: str) -> str:
    return "id" if name == "_id" else f"json_extract(body, '$.{name}')"


def _clause(where: Mapping[str, Any]) -> tuple[str, list[Any]]:
    parts: list[str] = []
    values: list[Any] = []
    for name, operator, wanted in terms(where):
        column = _column(name)
        if operator == "$in":
            given = [value for value in wanted if value is not None]
            no_value = f" OR {column} IS NULL" if None in wanted else ""
            parts.append(f"({column} IN ({', '.join('?' * len(given))}){no_value})")
            values.extend(given)
        else:
            kinds = "('text')" if isinstance(wanted, str) else "('integer', 'real')"
            parts.append(f"{column} {_RANGES[operator]} ? AND typeof({column}) IN {kinds}")
            values.append(wanted)
    return "".join(f" AND {part}" for part in parts), values
