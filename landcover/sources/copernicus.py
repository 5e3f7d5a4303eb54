"""Copernicus Data Space: search by OData, files by S3 keys or by an account.

Method: docs/methods/products.md#remote-sources.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from landcover.errors import InputError, LandcoverError, UnavailableError
from landcover.nouns.source_kinds import Address
from landcover.products.naming import ProductName, parse_name, parse_time
from landcover.sources.access import Access, Account
from landcover.sources.bucket import (
    Bucket,
    BucketSource,
    StoredObject,
    parse_metadata,
)
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    ignore_progress,
    never_cancelled,
)
from landcover.sources.remote_file import MemorySink, Sink
from landcover.sources.s3 import S3Bucket
from landcover.sources.web import Token, Web
from landcover.stores.retry import RetryPolicy, retry

PAGE = 100
"""Products per page of the catalogue; it allows 1,000."""


@dataclass(frozen=True)
class Addresses:
    """Where the services are."""

    catalogue: str = "https://catalogue.dataspace.copernicus.eu/odata/v1"
    download: str = "https://download.dataspace.copernicus.eu/odata/v1"
    identity: str = (
        "https://identity.dataspace.copernicus.eu/auth/realms/CDSE/protocol/openid-connect/token"
    )
    s3: str = "https://eodata.dataspace.copernicus.eu"
    bucket: str = "eodata"


class CopernicusSource:
    """The OData catalogue; the files come by S3 or, without S3 keys, one by one by HTTP."""

    provider = "Copernicus Data Space"

    def __init__(self, access: Access, addresses: Addresses | None = None) -> None:
        self._access = access
        self._addresses = addresses or Addresses()
        self._catalogue = Web(access.policy)
        self._store = open_store(access, self._addresses)

    def probe(self, tile: str) -> None:
        """Ask the catalogue for one product of the tile, and what the files come from."""
        now = datetime.now(UTC)
        params = {"$filter": _filter(tile, now - timedelta(days=1), now), "$top": "1"}
        address = f"{self._addresses.catalogue}/Products"
        get = partial(self._catalogue.json, address, params)
        _entries(retry(get, self._access.policy, what=self.provider), address)
        self._require_store().probe(tile)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile.

        The catalogue knows no nodata percentage: where there are credentials, the metadata of
        the products are read for it.
        """
        entries: list[Mapping[str, Any]] = []
        address = f"{self._addresses.catalogue}/Products"
        params: dict[str, str] | None = {
            "$filter": _filter(tile, start, end),
            "$orderby": "ContentDate/Start asc",
            "$expand": "Attributes",
            "$top": str(PAGE),
            "$skip": "0",
        }
        while True:
            get = partial(self._catalogue.json, address, params)
            document = retry(get, self._access.policy, what=self.provider)
            page = _entries(document, address)
            entries += page
            following = document.get("@odata.nextLink")
            if following:
                address, params = str(following), None
            elif params is not None and len(page) == PAGE:
                params = {**params, "$skip": str(int(params["$skip"]) + PAGE)}
            else:
                break
        with ThreadPoolExecutor(max_workers=self._access.parallel) as pool:
            found = pool.map(lambda entry: self._found(entry, tile, start, end), entries)
            return sorted(filter(None, found), key=lambda f: (f.datatake, f.name))

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a product here: its metadata, and each layer at its best resolution."""
        store = self._require_store()
        return store.fetch(found, folder, progress=progress, is_cancelled=is_cancelled)

    def _require_store(self) -> BucketSource:
        if self._store is None:
            raise InputError(
                f"{self.provider}: downloading needs LANDCOVER_CDSE_S3_KEY and "
                "LANDCOVER_CDSE_S3_SECRET, or LANDCOVER_CDSE_USER and LANDCOVER_CDSE_PASSWORD. "
                "Both are free at dataspace.copernicus.eu."
            )
        return self._store

    def _found(
        self, entry: Mapping[str, Any], tile: str, start: datetime, end: datetime
    ) -> Found | None:
        name = str(entry.get("Name", "")).removesuffix(".SAFE")
        fields = parse_name(name)
        if fields is None or fields.tile != tile or not start <= fields.datatake < end:
            return None
        path = str(entry.get("S3Path", ""))
        known = Found(
            name=name,
            tile=tile,
            spacecraft=fields.spacecraft,
            datatake=fields.datatake,
            relative_orbit=fields.relative_orbit,
            baseline=fields.baseline,
            generated=_generated(entry, fields),
            discriminator=fields.discriminator,
            cloud_percent=_attribute(entry, "cloudCover"),
            nodata_percent=None,
            href=path,
            provider=self.provider,
            trouble=""
            if entry.get("Online", True)
            else f"{self.provider}: {name} is in the archive, not online. Order it there first.",
        )
        if self._store is None or known.trouble:
            return known
        prefix = (
            f"{entry['Id']}/{name}.SAFE/"
            if isinstance(self._store, NodeSource)
            else prefix_of(path, self._addresses.bucket)
        )
        return self._store.describe(name, prefix, fields).model_copy(
            update={"provider": self.provider}
        )


def open_odata(address: Address, access: Access) -> CopernicusSource:
    """Open ``cdse-odata``."""
    return CopernicusSource(access, Addresses(**address.options))


def open_store(access: Access, addresses: Addresses) -> BucketSource | None:
    """Open what the files come from; None where there are no credentials."""
    if access.cdse_keys is not None:
        bucket: Bucket = S3Bucket(
            addresses.bucket, access.policy, endpoint=addresses.s3, keys=access.cdse_keys
        )
        return BucketSource(bucket, lambda tile: (), access, provider="Copernicus Data Space")
    if access.cdse_account is not None:
        return NodeSource(Nodes(access.policy, addresses, access.cdse_account), access)
    return None


def prefix_of(path: str, bucket: str) -> str:
    """Turn the catalogue's ``/eodata/Sentinel-2/…/X.SAFE`` into a prefix of the bucket."""
    inside = path.removeprefix("s3://").strip("/").removeprefix(f"{bucket}/")
    if not inside:
        raise InputError("Copernicus Data Space: the catalogue names no S3Path of the product.")
    return f"{inside}/"


class NodeSource(BucketSource):
    """Products as the files that the download service shows one by one."""

    def __init__(self, nodes: Nodes, access: Access) -> None:
        super().__init__(nodes, lambda tile: (), access, provider="Copernicus Data Space")


class Nodes:
    """The download service as a bucket: key = product's id, then the path of a file.

    It has no listing of a whole product; which files there are is read from the metadata.
    """

    def __init__(self, policy: RetryPolicy, addresses: Addresses, account: Account) -> None:
        self.address = "cdse:/"
        self._policy = policy
        self._addresses = addresses
        self._account = account
        self._plain = Web(policy)
        self._web = Web(policy, Token(self._sign_in))

    def folders(self, prefix: str) -> list[str]:
        """Refuse: products are found by the catalogue."""
        raise InputError("Copernicus Data Space: the download service cannot be searched.")

    def objects(self, prefix: str) -> list[StoredObject]:
        """List the product's metadata, and the images that they name."""
        sink = MemorySink()
        key = f"{prefix}MTD_MSIL2A.xml"
        self.send(key, sink)
        images = parse_metadata(bytes(sink.data), f"{self.address}/{key}").images
        granules = sorted({"/".join(image.split("/")[:2]) for image in images})
        return [
            StoredObject(key, len(sink.data)),
            *(StoredObject(f"{prefix}{granule}/MTD_TL.xml") for granule in granules),
            *(StoredObject(f"{prefix}{image}.jp2") for image in images),
        ]

    def probe(self, prefix: str) -> None:
        """Sign in."""
        self._web.sign_in()

    def send(self, key: str, sink: Sink) -> None:
        """Write a file's bytes from the sink's position on."""
        product, *path = key.split("/")
        nodes = "".join(f"/Nodes({quote(part, safe='')})" for part in path)
        address = f"{self._addresses.download}/Products({product}){nodes}/$value"
        self._web.file(path[-1], address).send(sink)

    def _sign_in(self) -> str:
        form = {
            "grant_type": "password",
            "client_id": "cdse-public",
            "username": self._account.user,
            "password": self._account.password,
        }
        try:
            answer = self._plain.post(self._addresses.identity, form)
        except UnavailableError:
            raise
        except LandcoverError as error:
            raise InputError(
                "Copernicus Data Space: the account is refused. Check LANDCOVER_CDSE_USER and "
                "LANDCOVER_CDSE_PASSWORD."
            ) from error
        return str(answer["access_token"])


def _filter(tile: str, start: datetime, end: datetime) -> str:
    def attribute(name: str, value: str) -> str:
        kind = "OData.CSC.StringAttribute"
        return f"Attributes/{kind}/any(a:a/Name eq '{name}' and a/{kind}/Value eq '{value}')"

    return " and ".join(
        (
            "Collection/Name eq 'SENTINEL-2'",
            f"ContentDate/Start ge {_instant(start)}",
            f"ContentDate/Start lt {_instant(end)}",
            attribute("productType", "S2MSI2A"),
            attribute("tileId", tile),
        )
    )


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _entries(document: Any, address: str) -> list[Mapping[str, Any]]:
    entries = document.get("value") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise InputError(f"{address}: the answer is not an OData list of products.")
    return entries


def _attribute(entry: Mapping[str, Any], name: str) -> float | None:
    for attribute in entry.get("Attributes") or []:
        if attribute.get("Name") == name and isinstance(attribute.get("Value"), int | float):
            return float(attribute["Value"])
    return None


def _generated(entry: Mapping[str, Any], fields: ProductName) -> datetime:
    for attribute in entry.get("Attributes") or []:
        if attribute.get("Name") == "processingDate":
            return parse_time(str(attribute["Value"]))
    return parse_time(fields.discriminator)
