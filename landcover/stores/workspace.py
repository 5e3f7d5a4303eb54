"""The workspace: where the objects and the records of a project are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from landcover.errors import InputError
from landcover.stores.objects import DirectoryStore, ObjectStore
from landcover.stores.records import RecordStore, SqliteRecords
from landcover.stores.retry import STORE_POLICY


@dataclass(frozen=True)
class Workspace:
    """The two stores that every stage is handed."""

    objects: ObjectStore
    records: RecordStore

    @property
    def address(self) -> str:
        """Where it is, for messages: its folder, or the address of its objects."""
        return self.objects.address.removesuffix("/objects")


@dataclass(frozen=True)
class Servers:
    """What is to be known of stores that are servers; embedded ones need none of it."""

    s3_endpoint: str | None = None
    """URL of the S3 server; Amazon's if None."""
    s3_region: str | None = None
    """Its region."""
    s3_path_style: bool = True
    """Whether buckets are in the path of a URL."""
    records_password_file: Path | None = None
    """File with the password of the records' user."""
    patience_seconds: float = 120.0
    """How long to wait for a server that is away."""
    scratch: Path | None = None
    """Local folder for files on their way; the system's if None."""


def open_workspace(objects: str, records: str, servers: Servers | None = None) -> Workspace:
    """Open the stores that the settings name.

    Args:
        objects: ``file:///folder`` or ``s3://bucket/prefix``.
        records: ``sqlite:///file`` or ``mongodb://host/database``.
        servers: What is to be known of servers.

    Raises:
        InputError: An address of another kind.
    """
    known = servers or Servers()
    return Workspace(_objects(objects, known), _records(records, known))


def _objects(address: str, servers: Servers) -> ObjectStore:
    if not address.startswith("s3://"):
        return DirectoryStore(_local_path(address, "file", "objects", "s3://bucket/prefix"))
    # Clients are imported where they are needed: they cost seconds and memory.
    from landcover.stores.s3 import S3ObjectStore
    from landcover.stores.s3_connection import S3Connection

    connection = S3Connection(
        endpoint=servers.s3_endpoint,
        region=servers.s3_region,
        path_style=servers.s3_path_style,
        policy=replace(STORE_POLICY, limit_s=servers.patience_seconds),
    )
    return S3ObjectStore(address, connection, servers.scratch)


def _records(address: str, servers: Servers) -> RecordStore:
    if not address.startswith(("mongodb://", "mongodb+srv://")):
        return SqliteRecords(_local_path(address, "sqlite", "records", "mongodb://host/database"))
    from landcover.stores.mongo import MongoRecords

    return MongoRecords(
        address,
        password_file=servers.records_password_file,
        policy=replace(STORE_POLICY, limit_s=servers.patience_seconds),
    )


def _local_path(address: str, scheme: str, what: str, other: str) -> Path:
    # No URL parser: it would cut a folder's name at "#" or "?".
    found, _, path = address.partition("://")
    if found != scheme or not path.startswith("/"):
        # What was found may hold a password, so only its scheme is shown.
        shown = address if "@" not in address else f"{found}://…"
        raise InputError(
            f"LANDCOVER_{what.upper()}={shown}: expected {scheme}:///absolute/path or {other}."
        )
    return Path(path)
