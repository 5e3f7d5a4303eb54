"""Records in a database that speaks the MongoDB protocol."""

from __future__ import annotations

import atexit
import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pymongo
from bson.errors import BSONError
from pymongo import errors

from landcover.errors import InputError, UsageError
from landcover.stores.documents import (
    INDEXES,
    SCHEMA,
    Document,
    as_json,
    check_changes,
    key_of,
    orders,
    stamped,
    terms,
)
from landcover.stores.retry import STORE_POLICY, RetryPolicy, retry

T = TypeVar("T")
Client = pymongo.MongoClient[Document]
Database = pymongo.database.Database[Document]
DEFAULT_DATABASE = "landcover"
OPTIONS: Mapping[str, Any] = {
    "appname": "landcover",
    "connect": False,
    "serverSelectionTimeoutMS": 5_000,
    "connectTimeoutMS": 5_000,
    "socketTimeoutMS": 60_000,
}
"""Options of the client, where the address does not say otherwise."""
CLOSE_SECONDS = 2.0
"""How long the clients of a process wait for their servers when they are closed, s."""
_ABOUT = "about"
# Field names that the protocol or older servers keep for themselves.
_ESCAPES = (("%", "%25"), (".", "%2E"), ("$", "%24"), ("\0", "%00"))
_UNAUTHENTICATED, _UNAUTHORIZED = 18, 13
_databases: dict[tuple[int, str, str | None], Database] = {}
_turn = threading.Lock()


def close_clients() -> None:
    """Close the clients of this process in bounded time, also where their server has gone.

    A client says goodbye to its server first and would wait half a minute for one that is away.
    """
    with _turn:
        mine = [key for key in _databases if key[0] == os.getpid()]
        closing = [_databases.pop(key).client for key in mine]
    # One limit for all of them: several clients may wait for the same server.
    with pymongo.timeout(CLOSE_SECONDS):
        for client in closing:
            client.close()


atexit.register(close_clients)


class MongoRecords:
    """Records in a database of their own, for any number of machines."""

    def __init__(
        self, url: str, *, password_file: Path | None = None, policy: RetryPolicy = STORE_POLICY
    ) -> None:
        """Name the database; nothing is asked of the server yet.

        Args:
            url: ``mongodb://user@host:27017/database?options``; the password may be in it or in a
                file, and is never shown.
            password_file: File with the password alone, as a mounted secret is.
            policy: How long to wait for a server that is away.
        """
        parts = urlsplit(url)
        database = parts.path.strip("/") or DEFAULT_DATABASE
        self._url = url
        self._name = database
        self._password_file = password_file
        self._policy = policy
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{database}"

    def __repr__(self) -> str:
        return f"MongoRecords({self.address!r})"

    def insert_one(self, collection: str, document: Mapping[str, Any]) -> bool:
        """Insert a document; False where its ``_id`` exists already."""
        body = stamped(document)
        key, packed = key_of(body), _packed(body)
        tries = 0

        def insert(database: Database) -> bool:
            nonlocal tries
            tries += 1
            try:
                database[collection].insert_one(packed)
            except errors.DuplicateKeyError:
                # The first try may have come through and only its reply been lost.
                return tries > 1 and database[collection].find_one({"_id": key}) == packed
            return True

        return self._call(insert)

    def replace_one(self, collection: str, document: Mapping[str, Any]) -> None:
        """Insert a document or replace the one with its ``_id``."""
        body = stamped(document)
        key, packed = key_of(body), _packed(body)
        self._call(lambda database: _replace(database, collection, key, packed))

    def find_one_and_update(
        self, collection: str, where: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> Document | None:
        """Set fields of the first match and return it as it is afterwards."""
        check_changes(changes)
        wanted, packed = _filter(where), _packed(changes)
        if not packed:  # the protocol knows no empty change
            return next(iter(self.find(collection, where)), None)
        found: Document | None = self._call(
            lambda db: db[collection].find_one_and_update(
                wanted,
                {"$set": packed},
                sort=[("_id", pymongo.ASCENDING)],
                return_document=pymongo.ReturnDocument.AFTER,
            )
        )
        return None if found is None else _unpacked(found)

    def get(self, collection: str, key: str) -> Document | None:
        """Find a document by its ``_id``."""
        found = self._call(lambda db: db[collection].find_one({"_id": key}))
        return None if found is None else _unpacked(found)

    def find(
        self,
        collection: str,
        where: Mapping[str, Any] | None = None,
        *,
        sort: Sequence[str] = (),
    ) -> list[Document]:
        """List the matching documents, sorted by fields (``-field``: descending)."""
        wanted = _filter(where or {})
        order = [(name, -1 if is_down else 1) for name, is_down in orders(sort)]
        found = self._call(lambda db: list(db[collection].find(wanted).sort(order)))
        return [_unpacked(document) for document in found]

    def count_documents(self, collection: str, where: Mapping[str, Any] | None = None) -> int:
        """Count the matching documents."""
        wanted = _filter(where or {})
        return int(self._call(lambda db: db[collection].count_documents(wanted)))

    def _call(self, operation: Callable[[Database], T]) -> T:
        try:
            return retry(
                lambda: operation(self._database()),
                self._policy,
                what=self.address,
                why_away=_why_away,
            )
        except (errors.PyMongoError, BSONError, OverflowError) as error:
            raise self._refused(error) from error

    def _database(self) -> Database:
        """Give the database of this process: made ready once, for all threads."""
        password = None if self._password_file is None else _read_password(self._password_file)
        # A client must not be used on the other side of a fork.
        key = (os.getpid(), self._url, password)
        with _turn:
            if key not in _databases:
                _databases[key] = self._prepared(password)
            return _databases[key]

    def _prepared(self, password: str | None) -> Database:
        options: dict[str, Any] = {
            name: value
            for name, value in OPTIONS.items()
            if f"{name}=".lower() not in self._url.lower()
        }
        if password is not None:
            options["password"] = password
        try:
            client: Client = pymongo.MongoClient(self._url, **options)
        except (errors.ConfigurationError, ValueError) as error:  # its text may hold the password
            raise UsageError(
                f"LANDCOVER_RECORDS={self.address}: not an address of the MongoDB protocol; "
                "expected mongodb://user@host:27017/database."
            ) from (None if "@" in self._url else error)
        database = client[self._name]
        try:
            self._make_ready(database)
        except BaseException:
            client.close()
            raise
        return database

    def _make_ready(self, database: Database) -> None:
        about = database[_ABOUT].find_one({"_id": "schema"})
        declared = {name: [",".join(one) for one in found] for name, found in INDEXES.items()}
        if about is None or (about["version"] <= SCHEMA and about.get("indexes") != declared):
            for collection, indexes in INDEXES.items():
                for fields in indexes:
                    database[collection].create_index([(name, 1) for name in fields])
            about = {"_id": "schema", "version": SCHEMA, "indexes": declared}
            _replace(database, _ABOUT, "schema", about)
        if about["version"] > SCHEMA:
            raise InputError(
                f"{self.address}: the records have schema {about['version']}, this landcover "
                f"knows {SCHEMA}. Install the version that wrote them, or a newer one."
            )

    def _refused(self, error: Exception) -> InputError:
        code = getattr(error, "code", None)
        if code in (_UNAUTHENTICATED, _UNAUTHORIZED):
            what = "does not accept the user or its password" if code == 18 else "denies access"
            return InputError(
                f"{self.address}: the server {what}. Check LANDCOVER_RECORDS and "
                "LANDCOVER_RECORDS_PASSWORD_FILE, and the rights of the user."
            )
        if isinstance(error, BSONError | OverflowError):
            return InputError(f"{self.address}: the record cannot be stored ({error}).")
        reason = f"{type(error).__name__}, code {code}" if code else type(error).__name__
        return InputError(f"{self.address}: the server refuses the request ({reason}).")


def _replace(database: Database, collection: str, key: str, packed: Document) -> None:
    try:
        database[collection].replace_one({"_id": key}, packed, upsert=True)
    except errors.DuplicateKeyError:
        # Somebody else inserted it in the middle of our upsert; now it is there to be replaced.
        database[collection].replace_one({"_id": key}, packed, upsert=True)


def _why_away(error: Exception) -> str | None:
    is_away = isinstance(
        error, errors.ConnectionFailure | errors.WTimeoutError | errors.ExecutionTimeout
    )
    return type(error).__name__ if is_away else None


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"LANDCOVER_RECORDS_PASSWORD_FILE={path}: cannot be read.") from error


def _filter(where: Mapping[str, Any]) -> Document:
    wanted: Document = {}
    for name, operator, value in terms(where):
        wanted.setdefault(name, {})[operator] = value
    for name, tests in wanted.items():
        # Not every server uses an index for a choice of one.
        if set(tests) == {"$in"} and len(tests["$in"]) == 1:
            wanted[name] = tests["$in"][0]
    return wanted


def _packed(document: Mapping[str, Any]) -> Document:
    packed: Document = _renamed(json.loads(as_json(document)), _ESCAPES)
    return packed


def _unpacked(document: Document) -> Document:
    plain: Document = _renamed(document, [(there, here) for here, there in reversed(_ESCAPES)])
    return plain


def _renamed(value: Any, pairs: Sequence[tuple[str, str]]) -> Any:
    if isinstance(value, Mapping):
        renamed = {}
        for name, inner in value.items():
            for before, after in pairs:
                name = name.replace(before, after)
            renamed[name] = _renamed(inner, pairs)
        return renamed
    if isinstance(value, list):
        return [_renamed(inner, pairs) for inner in value]
    # 64-bit numbers come back as a type of the driver's own.
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value
