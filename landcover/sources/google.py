"""The public Sentinel-2 bucket of Google Cloud Storage.

Method: docs/methods/products.md#remote-sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import TransportError
from google.cloud import storage  # type: ignore[import-untyped]
from google.cloud.storage.exceptions import (  # type: ignore[import-untyped]
    DataCorruption,
    InvalidResponse,
)
from urllib3.exceptions import HTTPError

from landcover.errors import InputError
from landcover.nouns.source_kinds import Address
from landcover.sources.access import Access
from landcover.sources.bucket import BucketSource, StoredObject
from landcover.sources.bucket_address import bucket_of, is_flat_layout
from landcover.sources.checksums import from_base64
from landcover.sources.remote_file import Sink
from landcover.sources.web import error_of
from landcover.stores.retry import AwayError, RetryPolicy

PUBLIC_BUCKET = "gcp-public-data-sentinel-2"
PUBLIC_ROOT = "L2/tiles"
_PAST_END = 416


class GoogleBucket:
    """One bucket of Google Cloud Storage, read without an account."""

    def __init__(self, name: str, policy: RetryPolicy, endpoint: str | None = None) -> None:
        """Open a bucket.

        Args:
            name: Name of the bucket.
            policy: Time-outs; the client's own repetitions are off, ours are in charge.
            endpoint: Address of the service; Google's own if None.
        """
        self.address = f"gs://{name}"
        self._name = name
        self._policy = policy
        options = {"api_endpoint": endpoint} if endpoint else None
        self._client = storage.Client(
            project="<none>",
            credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
            client_options=options,
        )

    def folders(self, prefix: str) -> list[str]:
        """List what lies directly under a prefix."""
        with self._answering(prefix):
            listing = self._client.list_blobs(
                self._name,
                prefix=prefix,
                delimiter="/",
                fields="prefixes,nextPageToken",
                timeout=self._policy.timeouts,
                retry=None,
            )
            for page in listing.pages:  # the prefixes are complete only behind the last page
                del page
            return sorted(listing.prefixes)

    def objects(self, prefix: str) -> list[StoredObject]:
        """List every object under a prefix."""
        with self._answering(prefix):
            blobs = self._client.list_blobs(
                self._name,
                prefix=prefix,
                fields="items(name,size,md5Hash,crc32c),nextPageToken",
                timeout=self._policy.timeouts,
                retry=None,
            )
            return [
                StoredObject(
                    blob.name,
                    blob.size,
                    from_base64("md5", blob.md5_hash) or from_base64("crc32c", blob.crc32c),
                )
                for blob in blobs
            ]

    def probe(self, prefix: str) -> None:
        """Ask for one key under a prefix."""
        with self._answering(prefix):
            list(
                self._client.list_blobs(
                    self._name,
                    prefix=prefix,
                    max_results=1,
                    fields="items(name),nextPageToken",
                    timeout=self._policy.timeouts,
                    retry=None,
                )
            )

    def send(self, key: str, sink: Sink) -> None:
        """Write an object's bytes from the sink's position on."""
        blob = self._client.bucket(self._name).blob(key)
        with self._answering(key):
            # The client can only sum what it got in one piece; the whole file is summed later.
            blob.download_to_file(
                _Writable(sink),
                start=sink.position or None,
                raw_download=True,
                checksum=None,
                timeout=self._policy.timeouts,
                retry=None,
            )

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        where = f"{self.address}/{key}"
        try:
            yield
        except GoogleAPICallError as error:
            response = getattr(error, "response", None)
            wish = response.headers.get("Retry-After") if response is not None else None
            status = int(error.code or 0)
            if status == _PAST_END:
                raise AwayError("the object is shorter than what is here of it") from error
            raise error_of(status or 503, where, wish) from error
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise InputError(f"{where}: the endpoint is not a web address.") from error
        except (
            requests.RequestException,
            TransportError,
            RetryError,
            DataCorruption,
            InvalidResponse,
            HTTPError,
            ConnectionError,
            TimeoutError,
        ) as error:
            raise AwayError(
                f"{self.address}: incomplete answer ({type(error).__name__})"
            ) from error


class _Writable:
    """What the client takes for a file: it only ever appends."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, data: bytes) -> int:
        return self._sink.write(data)

    def tell(self) -> int:
        return self._sink.position


def open_google(
    access: Access,
    bucket: str = PUBLIC_BUCKET,
    root: str = PUBLIC_ROOT,
    *,
    endpoint: str | None = None,
    is_flat: bool = False,
) -> BucketSource:
    """Open a bucket of Google Cloud Storage as a source.

    Args:
        access: How patient, how parallel.
        bucket: Name of the bucket.
        root: Prefix of all products.
        endpoint: Address of the service; Google's own if None.
        is_flat: True where the products lie directly under the root; otherwise they lie under
            ``{zone}/{latitude band}/{square}``.
    """
    base = f"{root.strip('/')}/" if root.strip("/") else ""

    def places(tile: str) -> list[str]:
        return [base if is_flat else f"{base}{tile[:2]}/{tile[2]}/{tile[3:]}/"]

    client = GoogleBucket(bucket, access.policy, endpoint)
    return BucketSource(client, places, access, provider=f"Google ({bucket})")


def open_address(address: Address, access: Access) -> BucketSource:
    """Open ``google`` or ``gs://bucket/root``.

    Raises:
        UsageError: It names no bucket, or its layout is unknown.
    """
    is_word = "://" not in address.place
    bucket, root = (PUBLIC_BUCKET, "") if is_word else bucket_of(address)
    if bucket == PUBLIC_BUCKET and not root:
        root = PUBLIC_ROOT
    is_flat = is_flat_layout(address, "tiles")
    return open_google(
        access, bucket, root, endpoint=address.options.get("endpoint"), is_flat=is_flat
    )
