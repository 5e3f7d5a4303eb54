"""Objects in a bucket of an S3 server."""

from __future__ import annotations

import posixpath
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from landcover.errors import InputError, UnavailableError
from landcover.stores import scratch as scratches
from landcover.stores import vsi
from landcover.stores.bucket import Bucket
from landcover.stores.objects import Upload
from landcover.stores.s3_connection import S3Connection

_PREFIX = "landcover-"


class S3ObjectStore:
    """Objects in a bucket, below a prefix.

    A file appears whole or not at all, a folder file by file: the record of an output, written
    last, says that all of it is there. Where somebody else has published a file meanwhile, theirs
    stays (conditional put, where the server knows it): ids come from inputs, so bytes are equal.
    """

    def __init__(
        self, address: str, connection: S3Connection | None = None, scratch: Path | None = None
    ) -> None:
        """Name the store; nothing is asked of the server yet.

        Args:
            address: ``s3://bucket`` or ``s3://bucket/prefix``.
            connection: How the server is reached.
            scratch: Local folder for what is being written or was fetched; the system's if None.

        Raises:
            InputError: The address names no bucket.
        """
        scheme, _, rest = address.partition("://")
        name, _, prefix = rest.partition("/")
        if scheme != "s3" or not name:
            raise InputError(
                f"LANDCOVER_OBJECTS={address}: expected s3://bucket or s3://bucket/prefix."
            )
        self._prefix = prefix.strip("/")
        self._bucket = Bucket(name, connection or S3Connection())
        self._scratch = scratch
        self._root = f"/vsis3/{name}/"
        reach = vsi.VsiAccess(self._bucket.connection.gdal_options, self._require)
        vsi.register(self._root, reach)

    @property
    def address(self) -> str:
        """What every path of an object begins with."""
        return f"{self._root}{self._prefix}".rstrip("/")

    @contextmanager
    def publishing(self, key: str) -> Iterator[Path]:
        """Yield a local scratch path and upload what was put there.

        The scratch path does not exist yet: make a file or a folder of it. It is removed at the
        end; nothing is uploaded if the block raises.
        """
        place = self._place(key)
        with self._folder() as folder:
            scratch = folder / "object"
            yield scratch
            files = sorted(p for p in scratch.rglob("*") if p.is_file())
            there = self.sizes(key)
            for path in files if scratch.is_dir() else [scratch]:
                name = path.relative_to(scratch).as_posix() if scratch.is_dir() else ""
                if name not in there:
                    self._bucket.put(path, f"{place}/{name}" if name else place)

    def href(self, key: str, name: str | None = None) -> str:
        """Give the path under which GDAL opens an object, or one file in it, by window."""
        return f"{self._root}{self._place(key, name)}"

    @contextmanager
    def local(self, key: str, name: str | None = None) -> Iterator[Path]:
        """Fetch an object, or one file in it, for the length of the block.

        Raises:
            InputError: It is not there.
        """
        place = self._place(key, name)
        names = [""] if name else sorted(self.sizes(key))
        if not names:
            raise self._bucket.absent(place)
        with self._folder() as folder:
            root = folder / posixpath.basename(place)
            for file in names:
                path = root / file
                path.parent.mkdir(parents=True, exist_ok=True)
                self._bucket.fetch(f"{place}/{file}" if file else place, path)
            yield root

    def exists(self, key: str) -> bool:
        """Tell whether something was published under the key."""
        return bool(self.sizes(key))

    def size(self, key: str, name: str | None = None) -> int | None:
        """Give the bytes of an object's file; None where it is not there."""
        return self._bucket.size(self._place(key, name))

    def sizes(self, key: str) -> dict[str, int]:
        """Give the bytes of each file of an object by name; the name is empty for a file."""
        place = self._place(key)
        return {
            found[len(place) + 1 :]: size
            for found, size in self._bucket.sizes(place).items()
            # A prefix is no folder: that of "a/b" also begins "a/bc".
            if found == place or (found.startswith(f"{place}/") and not found.endswith("/"))
        }

    def read(self, key: str, start: int, stop: int, name: str | None = None) -> bytes:
        """Read some bytes of an object's file, ``stop`` excluded; fewer where it ends before.

        Raises:
            InputError: It is not there.
        """
        return self._bucket.read(self._place(key, name), start, stop)

    def remove(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""
        place = self._place(key)
        self._bucket.delete([f"{place}/{name}" if name else place for name in self.sizes(key)])

    def move(self, key: str, to: str) -> None:
        """Move an object to a key where there is none; nothing happens where there is no object."""
        place, target = self._place(key), self._place(to)
        for name in self.sizes(key):
            pair = (f"{place}/{name}", f"{target}/{name}") if name else (place, target)
            self._bucket.copy(*pair)
        self.remove(key)

    def sweep(self) -> int:
        """Remove what processes of this machine that are gone left on its disk.

        Of parts of uploads that were broken off on the server, :meth:`uploads` tells: whose they
        are, only who knows the claims can say.
        """
        return scratches.sweep(self._local_scratch)

    def uploads(self) -> list[Upload]:
        """List the uploads in parts below the prefix that have not ended, a page of them."""
        begun = self._bucket.uploads(f"{self._prefix}/" if self._prefix else "")
        first = len(self._prefix) + 1 if self._prefix else 0
        return [Upload(key[first:], upload_id) for key, upload_id in begun]

    def abort(self, upload: Upload) -> None:
        """Remove the parts of an upload; nothing happens where it ended."""
        self._bucket.abort(self._place(upload.key), upload.id)

    def _require(self, path: str) -> None:
        self._bucket.require(path.removeprefix(self._root))

    def _place(self, key: str, name: str | None = None) -> str:
        place = posixpath.normpath(key)
        path = posixpath.normpath(posixpath.join(place, name)) if name else place
        is_inside = place not in (".", "..") and not place.startswith(("../", "/"))
        if not is_inside or not f"{path}/".startswith(f"{place}/"):
            what = f"{key}/{name}" if name else key
            raise InputError(f"Object key {what!r} leaves the store. Use a key of the layout.")
        return posixpath.join(self._prefix, path)

    @property
    def _local_scratch(self) -> Path:
        return self._scratch or Path(tempfile.gettempdir()) / "landcover-scratch"

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = Path(self._local_scratch, f"{_PREFIX}{uuid.uuid4().hex}")
        holding = ExitStack()
        try:
            self._local_scratch.mkdir(parents=True, exist_ok=True)
            holding.enter_context(scratches.held(folder))
            folder.mkdir()
        except OSError as error:
            holding.close()
            raise UnavailableError(
                f"{self._scratch or tempfile.gettempdir()}: no scratch file can be written there "
                f"({error.strerror}). Check LANDCOVER_SCRATCH, its rights and the free disk space."
            ) from error
        with holding:
            yield folder
