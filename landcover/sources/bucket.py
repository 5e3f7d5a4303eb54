"""Buckets that hold SAFE folders: what is the same for Google, S3 and everybody else.

A bucket has no folders, only keys with slashes. Keys that end in ``_$folder$`` are what a file
system that was once mirrored left behind (docs/methods/products.md#remote-sources); they are
ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from landcover.errors import InputError, LandcoverError, MissingDataError, UnavailableError
from landcover.products.metadata import ProductMetadata, read_product_metadata
from landcover.products.naming import ProductName, parse_name, parse_time
from landcover.sources.access import Access
from landcover.sources.checksums import Checksum
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    ignore_progress,
    never_cancelled,
)
from landcover.sources.remote_file import MemorySink, RemoteFile, Sink
from landcover.stores.retry import retry

T = TypeVar("T")
FOLDER_MARK = "_$folder$"
METADATA = "mtd_msil2a.xml"
"""Name of the product's metadata, lower case: some mirrors write MTD_MSIL2a.xml."""
_IMAGE = re.compile(r"_(?P<layer>B\d[\dA]|AOT|WVP|SCL)_(?P<resolution>10|20|60)m\.jp2$", re.I)
_GRANULE = re.compile(r"^GRANULE/[^/]+/MTD_TL\.xml$", re.I)


@dataclass(frozen=True)
class StoredObject:
    """One object of a bucket."""

    key: str
    size: int | None = None
    """Bytes; None where the listing does not tell."""
    checksum: Checksum | None = None


class Bucket(Protocol):
    """A client of one bucket. Its methods raise AwayError where trying again may help."""

    @property
    def address(self) -> str:
        """Address of the bucket, ``gs://name``."""
        ...

    def folders(self, prefix: str) -> list[str]:
        """List what lies directly under a prefix and has something under it, with its slash."""
        ...

    def objects(self, prefix: str) -> list[StoredObject]:
        """List every object under a prefix."""
        ...

    def probe(self, prefix: str) -> None:
        """Ask for one key under a prefix, to learn whether the bucket lets us in."""
        ...

    def send(self, key: str, sink: Sink) -> None:
        """Write an object's bytes from the sink's position on."""
        ...


class BucketSource:
    """Products in a bucket, as SAFE folders."""

    def __init__(
        self,
        bucket: Bucket,
        places: Callable[[str], Sequence[str]],
        access: Access,
        *,
        provider: str,
    ) -> None:
        """Make a source of a bucket.

        Args:
            bucket: Its client.
            places: Prefixes under which the products of a tile lie.
            access: How patient, how parallel.
            provider: Name of the source, for people.
        """
        self.provider = provider
        self._bucket = bucket
        self._places = places
        self._access = access

    def probe(self, tile: str) -> None:
        """Ask for one key of the tile."""
        for place in self._places(tile)[:1] or ("",):
            self._retry(partial(self._bucket.probe, place), place)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile; their metadata are read, as no listing tells clouds."""
        prefixes = {
            prefix.rstrip("/").rpartition("/")[2].removesuffix(".SAFE"): (prefix, name)
            for place in self._places(tile)
            for prefix in self._retry(partial(self._bucket.folders, place), place)
            if (name := parse_name(prefix.rstrip("/").rpartition("/")[2])) is not None
            and name.tile == tile
            and start <= name.datatake < end
        }
        with ThreadPoolExecutor(max_workers=self._access.parallel) as pool:
            found = list(pool.map(lambda item: self.describe(item[0], *item[1]), prefixes.items()))
        return sorted(found, key=lambda f: (f.datatake, f.name))

    def describe(self, name: str, prefix: str, fields: ProductName) -> Found:
        """Read the metadata of one product of the bucket."""
        metadata, trouble = None, ""
        try:
            metadata = self._metadata(prefix)
        except UnavailableError:
            raise
        except LandcoverError as error:
            trouble = str(error)
        return Found(
            name=name,
            tile=fields.tile,
            spacecraft=fields.spacecraft,
            datatake=fields.datatake,
            relative_orbit=fields.relative_orbit,
            baseline=metadata.baseline if metadata else fields.baseline,
            generated=metadata.generated if metadata else parse_time(fields.discriminator),
            discriminator=fields.discriminator,
            cloud_percent=metadata.cloud_percent if metadata else None,
            nodata_percent=metadata.nodata_percent if metadata else None,
            href=f"{self._bucket.address}/{prefix}",
            provider=self.provider,
            trouble=trouble,
        )

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a product here: its metadata, and each layer at its best resolution."""
        prefix = found.href.removeprefix(f"{self._bucket.address}/")
        objects = self._objects(prefix)
        keys = {o.key.removeprefix(prefix): o for o in objects}
        files = [
            RemoteFile(
                name,
                f"{self._bucket.address}/{keys[name].key}",
                partial(self._bucket.send, keys[name].key),
                keys[name].size,
                keys[name].checksum,
            )
            for name in used_files(keys)
        ]
        named = {f"{image}.jp2" for image in self._metadata(prefix).images}
        absent = sorted(layers_of(named) - layers_of(keys)) or ([] if layers_of(keys) else ["all"])
        if absent:
            raise MissingDataError(
                f"{found.href}: {', '.join(absent)} of the product is not there: it is half "
                "uploaded, or damaged at the provider."
            )
        return self._access.downloader.folder(
            files, folder / f"{found.name}.SAFE", progress=progress, is_cancelled=is_cancelled
        )

    def _metadata(self, prefix: str) -> ProductMetadata:
        for item in self._objects(prefix):
            if item.key.removeprefix(prefix).lower() == METADATA:
                break
        else:
            raise InputError(
                f"{self._bucket.address}/{prefix}: no MTD_MSIL2A.xml, so the product is not whole."
            )
        return parse_metadata(self._read(item.key), f"{self._bucket.address}/{item.key}")

    def _objects(self, prefix: str) -> list[StoredObject]:
        objects = self._retry(partial(self._bucket.objects, prefix), prefix)
        return [o for o in objects if not o.key.endswith((FOLDER_MARK, "/"))]

    def _read(self, key: str) -> bytes:
        def read() -> bytes:
            sink = MemorySink()
            self._bucket.send(key, sink)
            return bytes(sink.data)

        return self._retry(read, key)

    def _retry(self, action: Callable[[], T], key: str) -> T:
        return retry(action, self._access.policy, what=f"{self._bucket.address}/{key}")


def parse_metadata(content: bytes, where: str) -> ProductMetadata:
    """Read an ``MTD_MSIL2A.xml`` that is not on this disk.

    Args:
        content: The file.
        where: Where it is, for messages.

    Raises:
        InputError: The file is damaged or lacks an element that is needed.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "MTD_MSIL2A.xml"
        path.write_bytes(content)
        try:
            return read_product_metadata(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), where)) from error


def layers_of(names: Iterable[str]) -> set[str]:
    """Name the layers that a list of files holds."""
    return {match["layer"].upper() for name in names if (match := _IMAGE.search(name))}


def used_files(names: Iterable[str]) -> list[str]:
    """Choose the files of a SAFE folder that are used.

    Args:
        names: Paths of all files within the folder.

    Returns:
        The metadata of product and granule, each layer at its best resolution, and B01 at 60 m
        besides, since older baselines have no other.
    """
    used = []
    best: dict[str, tuple[int, str]] = {}
    for name in names:
        if name.lower() == METADATA or _GRANULE.match(name):
            used.append(name)
        if (match := _IMAGE.search(name)) is None or "/IMG_DATA/" not in name:
            continue
        layer, resolution = match["layer"].upper(), int(match["resolution"])
        if layer == "B01" and resolution == 60:
            used.append(name)
        if layer not in best or resolution < best[layer][0]:
            best[layer] = (resolution, name)
    return sorted({*used, *(name for _, name in best.values())})
