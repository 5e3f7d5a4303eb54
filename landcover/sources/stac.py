"""Products of a STAC API: Earth Search, its Collection 1, the Copernicus Data Space.

Items whose assets lie in a SAFE folder of a bucket (Copernicus Data Space) are fetched as that
folder. Items with rasters of their own (the COGs of Earth Search) are fetched as a folder with
the item and the rasters; what was done to the pixels' offset is decided when they are read
(:mod:`landcover.products.stac_item`), since the items' own flags are not always true.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError
from pystac import STACError
from pystac.utils import make_absolute_href
from pystac_client import Client
from pystac_client.exceptions import APIError
from pystac_client.stac_api_io import StacApiIO

from landcover.errors import InputError, MissingDataError
from landcover.nouns.source_kinds import Address
from landcover.products.naming import parse_name, parse_time
from landcover.products.stac_assets import layer_assets, tile_of
from landcover.sources.access import Access
from landcover.sources.bucket import BucketSource
from landcover.sources.checksums import Checksum, from_multihash
from landcover.sources.copernicus import Addresses, open_store, prefix_of
from landcover.sources.hosts import Hosts
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    ignore_progress,
    never_cancelled,
)
from landcover.sources.remote_file import RemoteFile, Sink
from landcover.sources.web import Web, error_of, refuse_redirects
from landcover.stores.retry import AwayError, retry

EARTH_SEARCH = "https://earth-search.aws.element84.com/v1"
EARTH_SEARCH_HOSTS = (
    "sentinel-cogs.s3.us-west-2.amazonaws.com",
    "sentinel-cogs.s3.amazonaws.com",
    "e84-earth-search-sentinel-data.s3.us-west-2.amazonaws.com",
)
"""Where the COGs and the metadata of its items lie."""
COPERNICUS = "https://stac.dataspace.copernicus.eu/v1"
DEFAULT_COLLECTION = "sentinel-2-l2a"
PAGE = 100
MISSION_BEGAN = datetime(2015, 6, 23, tzinfo=UTC)
"""Launch of Sentinel-2A."""
T = TypeVar("T")
log = logging.getLogger(__name__)
GRANULE_ASSET = "granule_metadata"


class StacSource:
    """One collection of a STAC API."""

    def __init__(
        self,
        access: Access,
        address: str,
        collection: str,
        *,
        provider: str | None = None,
        addresses: Addresses | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        """Make a source of a collection.

        Args:
            access: Credentials, how patient, how parallel.
            address: Landing page of the API.
            collection: Id of the collection.
            provider: Name of the source, for people; host and collection if None.
            addresses: Where the files of items in SAFE folders are.
            hosts: Hosts that items and their assets may lie on, beside that of the API.
        """
        self.provider = provider or f"{urlsplit(address).netloc} {collection}"
        self._access = access
        self._address = address
        self._collection = collection
        self._addresses = addresses or Addresses()
        self._hosts = Hosts.of((address, *hosts))
        self._web = Web(access.policy, hosts=self._hosts)
        # An account alone does not do: the download service goes by ids of the other catalogue.
        self._safes = open_store(replace(access, cdse_account=None), self._addresses)

    def probe(self, tile: str) -> None:
        """Ask for one item of the tile; where its files lie in a bucket, ask that too."""

        def ask() -> list[dict[str, Any]]:
            answer = self._client().search(
                collections=[self._collection],
                datetime=f"{_instant(MISSION_BEGAN, 0)}/{_instant(datetime.now(UTC), 0)}",
                query={"grid:code": {"in": _codes(tile)}},
                limit=1,
                max_items=1,
            )
            return list(answer.items_as_dicts())

        if any(_safe_path(item) is not None for item in self._asked(ask)):
            self._safe_source().probe(tile)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """List the products of a tile.

        The API's interval is widened by an hour: an item's time is that of the tile, which comes
        after the start of its datatake.
        """
        interval = f"{_instant(start, -1)}/{_instant(end, 1)}"

        def ask() -> list[dict[str, Any]]:
            answer = self._client().search(
                collections=[self._collection],
                datetime=interval,
                query={"grid:code": {"in": _codes(tile)}},
                limit=PAGE,
            )
            return list(answer.items_as_dicts())

        found = [f for item in self._asked(ask) if (f := self._readable(item)) is not None]
        inside = (f for f in found if f.tile == tile and start <= f.datatake < end)
        return sorted(inside, key=lambda f: (f.datatake, f.name))

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a product here: as a SAFE folder, or its item with the rasters."""
        item = self._asked(partial(self._item, found.href))
        safe = _safe_path(item)
        if safe is not None:
            return self._safe_source().fetch(
                found.model_copy(update={"href": self._safe_address(safe)}),
                folder,
                progress=progress,
                is_cancelled=is_cancelled,
            )
        return self._access.downloader.folder(
            self._files(item, found), folder / found.name, progress=progress,
            is_cancelled=is_cancelled,
        )  # fmt: skip

    def _readable(self, item: dict[str, Any]) -> Found | None:
        """Read an item; one that cannot be read is told in the log and hides no other."""
        try:
            return self._found(item)
        except (InputError, ValidationError, KeyError, TypeError, ValueError, OverflowError) as e:
            said = " ".join(str(e).split())[:160]
            log.warning("%s: item %s is passed over: %s", self.provider, item.get("id"), said)
            return None

    def _found(self, item: dict[str, Any]) -> Found:
        properties = item["properties"]
        name = str(properties.get("s2:product_uri") or item["id"]).removesuffix(".SAFE")
        fields = parse_name(name)
        moment = parse_time(str(properties["datetime"]))
        baseline = _baseline(properties)
        known = Found(
            name=name,
            tile=fields.tile if fields else tile_of(properties) or "",
            spacecraft=fields.spacecraft if fields else _spacecraft(properties),
            datatake=fields.datatake if fields else moment,
            relative_orbit=fields.relative_orbit if fields else 0,
            baseline=baseline if baseline is not None else fields.baseline if fields else 0,
            generated=_generated(properties, moment),
            discriminator=fields.discriminator if fields else "",
            cloud_percent=_number(properties.get("eo:cloud_cover")),
            nodata_percent=_nodata(properties),
            href=_self_link(item),
            provider=self.provider,
        )
        safe = _safe_path(item)
        if known.nodata_percent is not None or safe is None or self._safes is None or not fields:
            return known
        read = self._safes.describe(name, prefix_of(safe, self._addresses.bucket), fields)
        return read.model_copy(update={"href": known.href, "provider": self.provider})

    def _files(self, item: dict[str, Any], found: Found) -> list[RemoteFile]:
        layers = {key: (layer, asset) for layer, (key, asset) in layer_assets(item).items()}
        if not layers:
            raise MissingDataError(f"{found.href}: the item has no asset that is a known raster.")
        granule = item["assets"].get(GRANULE_ASSET)
        if isinstance(granule, dict) and "href" in granule:
            layers[GRANULE_ASSET] = ("", granule)
        files, assets = [], {}
        for key, (layer, asset) in layers.items():
            address = make_absolute_href(str(asset["href"]), found.href)
            self._hosts.require(address, f"{found.href}: asset {key}")
            suffix = PurePosixPath(urlsplit(address).path).suffix
            name = f"{layer}{suffix}" if layer else "granule_metadata.xml"
            size = asset.get("file:size") or self._asked(partial(self._web.size, address))
            checksum = from_multihash(asset.get("file:checksum"))
            files.append(self._web.file(name, address, size, checksum))
            assets[key] = {**asset, "href": name}
        # The item is kept as it is but for the addresses: the reader finds the rasters beside it.
        properties = {**item["properties"], "grid:code": f"MGRS-{found.tile}"}
        document = {**item, "properties": properties, "assets": assets}
        content = json.dumps(document, indent=1).encode()
        return [*files, _in_memory(f"{found.name}.json", content, found.href)]

    def _safe_source(self) -> BucketSource:
        if self._safes is None:
            raise InputError(
                f"{self.provider}: the files need LANDCOVER_CDSE_S3_KEY and "
                "LANDCOVER_CDSE_S3_SECRET. They are free at dataspace.copernicus.eu."
            )
        return self._safes

    def _safe_address(self, safe: str) -> str:
        bucket = self._addresses.bucket
        return f"s3://{bucket}/{prefix_of(safe, bucket)}"

    def _client(self) -> Client:
        return Client.open(self._address, stac_io=self._io())

    def _io(self) -> StacApiIO:
        # The client's own repetitions are off, ours are in charge.
        return _GuardedIO(self._hosts, timeout=self._access.policy.timeouts)

    def _item(self, href: str) -> dict[str, Any]:
        document = self._io().read_json(href)
        if document.get("type") != "Feature":
            raise InputError(f"{href}: no STAC item.")
        return document

    def _asked(self, ask: Callable[[], T]) -> T:
        def once() -> T:
            try:
                return ask()
            except APIError as error:
                # Without a status the client never got an answer, or not the whole of it.
                status = getattr(error, "status_code", None)
                if status is None:
                    host = urlsplit(self._address).netloc
                    raise AwayError(f"{host}: incomplete answer") from error
                raise error_of(status, self._address) from error
            except (ValueError, STACError) as error:
                raise AwayError(f"{self._address}: the answer is not STAC ({error})") from error

        return retry(once, self._access.policy, what=self.provider)


class _GuardedIO(StacApiIO):
    """Reads documents from the hosts of a catalogue only, and never a file of this machine."""

    def __init__(self, hosts: Hosts, timeout: tuple[float, float]) -> None:
        super().__init__(max_retries=None, timeout=timeout)
        self._hosts = hosts
        self.session.hooks["response"].append(refuse_redirects(hosts))

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """Read a document."""
        self._hosts.require(str(getattr(source, "href", source)), "A link of the catalogue")
        return super().read_text(source, *args, **kwargs)


def open_earth_search(_: Address, access: Access) -> StacSource:
    """Open ``earth-search``."""
    collection, provider = DEFAULT_COLLECTION, "Earth Search"
    return StacSource(access, EARTH_SEARCH, collection, provider=provider, hosts=EARTH_SEARCH_HOSTS)


def open_earth_search_c1(_: Address, access: Access) -> StacSource:
    """Open ``earth-search-c1``."""
    collection, provider = "sentinel-2-c1-l2a", "Earth Search C1"
    return StacSource(access, EARTH_SEARCH, collection, provider=provider, hosts=EARTH_SEARCH_HOSTS)


def open_copernicus(address: Address, access: Access) -> StacSource:
    """Open ``cdse-stac``."""
    provider = "Copernicus Data Space (STAC)"
    collection, services, hosts = _services(address)
    return StacSource(
        access, COPERNICUS, collection, provider=provider, addresses=services, hosts=hosts
    )


def open_api(address: Address, access: Access) -> StacSource:
    """Open ``stac+https://host/v1?collection=NAME``."""
    collection, services, hosts = _services(address)
    place = address.place.removeprefix("stac+")
    return StacSource(access, place, collection, addresses=services, hosts=hosts)


def _services(address: Address) -> tuple[str, Addresses, list[str]]:
    """Read the collection, the services and the further hosts of an address."""
    options = dict(address.options)
    options.pop("delivery", None)  # of interest where several sources have a product
    hosts = [name for name in options.pop("hosts", "").split(" ") if name]
    collection = options.pop("collection", DEFAULT_COLLECTION)
    return collection, Addresses(**options), hosts


def _codes(tile: str) -> list[str]:
    # Earth Search writes the zones below 10 with one digit.
    return sorted({f"MGRS-{tile}", f"MGRS-{tile.lstrip('0')}"})


def _instant(moment: datetime, hours: int) -> str:
    return (moment.astimezone(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _self_link(item: Mapping[str, Any]) -> str:
    for link in item.get("links") or []:
        if link.get("rel") == "self":
            return str(link["href"])
    raise InputError(f"{item.get('id')}: the item has no link to itself, so it cannot be fetched.")


def _safe_path(item: Mapping[str, Any]) -> str | None:
    """Give the SAFE folder in a bucket that the item's assets lie in; None where they do not."""
    for asset in item["assets"].values():
        head, found, _ = str(asset.get("href", "")).partition(".SAFE/")
        if found and head.startswith("s3://"):
            return f"{head}.SAFE"
    return None


def _baseline(properties: Mapping[str, Any]) -> int | None:
    for key in ("s2:processing_baseline", "processing:version"):
        number = _number(properties.get(key))
        if number is not None:
            return round(100 * number)
    return None


def _nodata(properties: Mapping[str, Any]) -> float | None:
    statistics = properties.get("statistics")
    said = statistics.get("nodata") if isinstance(statistics, dict) else None
    return _number(properties.get("s2:nodata_pixel_percentage", said))


def _generated(properties: Mapping[str, Any], moment: datetime) -> datetime:
    for key in ("s2:generation_time", "processing:datetime", "created"):
        if properties.get(key):
            return parse_time(str(properties[key]))
    return moment


def _spacecraft(properties: Mapping[str, Any]) -> str:
    return "S2" + str(properties.get("platform", "?"))[-1].upper()


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _in_memory(name: str, content: bytes, address: str) -> RemoteFile:
    def send(sink: Sink) -> None:
        sink.write(content[sink.position :])

    checksum = Checksum("sha256", hashlib.sha256(content).hexdigest())
    return RemoteFile(name, address, send, len(content), checksum)
