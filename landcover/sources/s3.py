"""S3 services: buckets of one's own and that of the Copernicus Data Space."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError
from urllib3.exceptions import HTTPError

from landcover.errors import InputError, MissingDataError
from landcover.nouns.source_kinds import Address
from landcover.sources.access import Access, KeyPair
from landcover.sources.bucket import BucketSource, StoredObject
from landcover.sources.bucket_address import bucket_of, is_flat_layout
from landcover.sources.checksums import from_entity_tag
from landcover.sources.remote_file import Sink
from landcover.sources.web import error_of
from landcover.stores.retry import AwayError, RetryPolicy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 14
"""Bytes at a time. What came of a chunk is lost when the connection breaks in it: it is small."""
_PAST_END = 416


class S3Bucket:
    """One bucket of an S3 service."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        *,
        endpoint: str | None = None,
        keys: KeyPair | None = None,
    ) -> None:
        """Open a bucket.

        Args:
            name: Name of the bucket.
            policy: Time-outs; the client's own repetitions are off, ours are in charge.
            endpoint: Address of the service; AWS if None.
            keys: Access keys; anonymous if None.
        """
        self.address = f"s3://{name}"
        self._name = name
        config = Config(
            connect_timeout=policy.connect_s,
            read_timeout=policy.read_s,
            retries={"total_max_attempts": 1, "mode": "standard"},
            s3={"addressing_style": "path"} if endpoint else None,
            signature_version=None if keys else UNSIGNED,
            # Sums of parts of a file that is resumed are of no use: the whole file is summed.
            response_checksum_validation="when_required",
            max_pool_connections=32,
        )
        try:
            self._client: S3Client = boto3.session.Session().client(
                "s3",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id=keys.key if keys else None,
                aws_secret_access_key=keys.secret if keys else None,
                config=config,
            )
        except ValueError as error:
            raise InputError(f"{endpoint}: not the address of an S3 service ({error}).") from error

    def folders(self, prefix: str) -> list[str]:
        """List what lies directly under a prefix."""
        with self._answering(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix, Delimiter="/"
            )
            return [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])]

    def objects(self, prefix: str) -> list[StoredObject]:
        """List every object under a prefix."""
        with self._answering(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name, Prefix=prefix
            )
            # The listing does not tell whether a key service encrypts the objects, and then the
            # tag is no checksum: that is left to the answer with the object.
            return [
                StoredObject(item["Key"], item["Size"])
                for page in pages
                for item in page.get("Contents", [])
            ]

    def probe(self, prefix: str) -> None:
        """Ask for one key under a prefix."""
        with self._answering(prefix):
            self._client.list_objects_v2(Bucket=self._name, Prefix=prefix, MaxKeys=1)

    def send(self, key: str, sink: Sink) -> None:
        """Write an object's bytes from the sink's position on."""
        start = sink.position
        with self._answering(key):
            if start:
                answer = self._client.get_object(
                    Bucket=self._name, Key=key, Range=f"bytes={start}-"
                )
            else:
                answer = self._client.get_object(Bucket=self._name, Key=key)
            if start and "ContentRange" not in answer:
                sink.restart()
                start = 0
            tag = from_entity_tag(answer.get("ETag"), answer.get("ServerSideEncryption"))
            sink.expect(start + answer["ContentLength"], tag)
            with closing(answer["Body"]) as body:
                for chunk in body.iter_chunks(_CHUNK):
                    sink.write(chunk)

    @contextmanager
    def _answering(self, key: str) -> Iterator[None]:
        where = f"{self.address}/{key}"
        try:
            yield
        except ClientError as error:
            status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            code = error.response.get("Error", {}).get("Code", "")
            if status == _PAST_END:
                raise AwayError("the object is shorter than what is here of it") from error
            if code == "NoSuchBucket":
                raise InputError(f"{self.address}: no such bucket. Check --products.") from error
            if code in ("NoSuchKey", "404"):
                raise MissingDataError(f"{where}: not there.") from error
            wish = headers.get("retry-after")
            raise error_of(status or 503, where, wish) from error
        except ParamValidationError as error:
            raise InputError(f"{where}: not a bucket that S3 knows ({error}).") from error
        except (BotoCoreError, HTTPError, ConnectionError, TimeoutError) as error:
            raise AwayError(
                f"{self.address}: incomplete answer ({type(error).__name__})"
            ) from error


def open_s3(
    access: Access,
    bucket: str,
    root: str = "",
    *,
    endpoint: str | None = None,
    is_flat: bool = True,
) -> BucketSource:
    """Open an S3 bucket as a source.

    Args:
        access: Keys, how patient, how parallel.
        bucket: Name of the bucket.
        root: Prefix of all products.
        endpoint: Address of the service; AWS if None.
        is_flat: True where the products lie directly under the root; otherwise they lie under
            ``{zone}/{latitude band}/{square}``.
    """
    base = f"{root.strip('/')}/" if root.strip("/") else ""

    def places(tile: str) -> list[str]:
        return [base if is_flat else f"{base}{tile[:2]}/{tile[2]}/{tile[3:]}/"]

    client = S3Bucket(bucket, access.policy, endpoint=endpoint, keys=access.s3_keys)
    return BucketSource(client, places, access, provider=f"S3 ({bucket})")


def open_address(address: Address, access: Access) -> BucketSource:
    """Open ``s3://bucket/root``.

    Raises:
        UsageError: It names no bucket, or its layout is unknown.
    """
    bucket, root = bucket_of(address)
    is_flat = is_flat_layout(address, "flat")
    return open_s3(access, bucket, root, endpoint=address.options.get("endpoint"), is_flat=is_flat)
