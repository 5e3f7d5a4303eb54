"""A bucket of an S3 server: files in and out, whole or not at all, tried again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from landcover.errors import InputError
from landcover.stores.retry import retry
from landcover.stores.s3_connection import (
    ABSENT,
    TAKEN,
    UNKNOWN,
    S3Connection,
    code_of,
    refused,
    why_away,
)

T = TypeVar("T")
MB = 1 << 20
PART = 16 * MB
"""Larger files are uploaded in parts of this size, bytes."""
MOST_PARTS = 10_000
PARTS_AT_ONCE = 4
MOST_UPLOADS = 1000
"""Uploads that one look at a bucket lists."""
MOST_DELETED = 1000
"""Files that one request may remove."""


class Bucket:
    """Files under keys of one bucket."""

    def __init__(self, name: str, connection: S3Connection) -> None:
        self.name = name
        self.connection = connection
        self._is_conditional = True

    def sizes(self, prefix: str) -> dict[str, int]:
        """List the bytes of the files whose key begins so."""

        def listed(client: Any) -> dict[str, int]:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix
            )
            return {f["Key"]: int(f["Size"]) for page in pages for f in page.get("Contents", ())}

        return self._call(listed)

    def size(self, key: str) -> int | None:
        """Give the bytes of a file; None where there is none."""
        try:
            found = self._call(lambda client: client.head_object(Bucket=self.name, Key=key))
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise
        return int(found["ContentLength"])

    def require(self, key: str) -> None:
        """Wait until the server answers, and see that it has a file.

        Raises:
            InputError: It has none.
        """
        if self.size(key) is None:
            raise self.absent(key)

    def absent(self, key: str) -> InputError:
        """Say that there is no such file."""
        return InputError(
            f"s3://{self.name}/{key}: no such object; it was removed or never written. Run again."
        )

    def fetch(self, key: str, path: Path) -> None:
        """Write a file to the local disk.

        Raises:
            InputError: There is none.
        """

        def fetch(client: Any) -> None:
            found = client.get_object(Bucket=self.name, Key=key)
            with path.open("wb") as file, closing(found["Body"]) as body:
                shutil.copyfileobj(body, file, MB)
                n_bytes = file.tell()
            if n_bytes != found["ContentLength"]:
                raise ConnectionError(f"{key}: cut short")

        try:
            self._call(fetch)
        except ClientError as error:
            raise self.absent(key) from error

    def read(self, key: str, start: int, stop: int) -> bytes:
        """Read some bytes of a file, ``stop`` excluded; fewer where it ends before.

        Raises:
            InputError: There is no such file.
        """
        if stop <= start:
            return b""

        def read(client: Any) -> bytes:
            found = client.get_object(Bucket=self.name, Key=key, Range=f"bytes={start}-{stop - 1}")
            with closing(found["Body"]) as body:
                data = bytes(body.read())
            if len(data) != found["ContentLength"]:
                raise ConnectionError(f"{key}: cut short")
            return data

        try:
            return self._call(read)
        except ClientError as error:
            raise self.absent(key) from error

    def put(self, path: Path, key: str) -> bool:
        """Upload a file unless there is one; False where there was."""
        size = path.stat().st_size
        if size > PART:
            return self._put_parts(path, key, size)

        def put(client: Any, condition: dict[str, str]) -> None:
            with path.open("rb") as body:
                client.put_object(Bucket=self.name, Key=key, Body=body, **condition)

        return self._write_new(key, put)

    def copy(self, key: str, to: str) -> None:
        """Copy a file within the bucket, on the server, in parts where it is large."""
        source = {"Bucket": self.name, "Key": key}
        self._call(lambda client: client.copy(source, self.name, to))

    def delete(self, keys: Sequence[str]) -> None:
        """Remove files; one that is not there is none to remove.

        Raises:
            InputError: The server refuses.
        """
        for first in range(0, len(keys), MOST_DELETED):
            batch = {"Objects": [{"Key": key} for key in keys[first : first + MOST_DELETED]]}
            found = self._call(
                partial(_delete_objects, Bucket=self.name, Delete={**batch, "Quiet": True})
            )
            for error in found.get("Errors", ()):
                if error["Code"] in ABSENT:  # somebody else was quicker
                    continue
                raise InputError(
                    f"s3://{self.name}/{error['Key']}: cannot be removed ({error['Code']}). "
                    "Give the credentials the right to delete there."
                )

    def uploads(self, prefix: str) -> list[tuple[str, str]]:
        """List key and id of uploads in parts that have not ended, at most :data:`MOST_UPLOADS`."""
        found = self._call(
            lambda client: client.list_multipart_uploads(
                Bucket=self.name, Prefix=prefix, MaxUploads=MOST_UPLOADS
            )
        )
        begun = [(str(one["Key"]), str(one["UploadId"])) for one in found.get("Uploads", ())]
        return [(key, upload_id) for key, upload_id in begun if key.startswith(prefix)]

    def abort(self, key: str, upload_id: str) -> None:
        """Remove the parts of an upload; nothing happens where it ended."""

        def abort(client: Any) -> None:
            try:
                client.abort_multipart_upload(Bucket=self.name, Key=key, UploadId=upload_id)
            except ClientError as error:
                if code_of(error) not in (*ABSENT, "NoSuchUpload"):
                    raise

        self._call(abort)

    def _put_parts(self, path: Path, key: str, size: int) -> bool:
        step = max(PART, -(-size // MOST_PARTS))
        target = {"Bucket": self.name, "Key": key}
        begun = self._call(lambda client: client.create_multipart_upload(**target))
        target["UploadId"] = begun["UploadId"]

        def send(number: int) -> dict[str, Any]:
            with path.open("rb") as file:
                file.seek((number - 1) * step)
                body = file.read(step)
            sent = self._call(
                lambda client: client.upload_part(**target, PartNumber=number, Body=body)
            )
            return {"PartNumber": number, "ETag": sent["ETag"]}

        def complete(client: Any, condition: dict[str, str]) -> None:
            try:
                client.complete_multipart_upload(
                    **target, MultipartUpload={"Parts": parts}, **condition
                )
            except ClientError as error:
                # The reply to an earlier attempt may have been lost.
                if code_of(error) != "NoSuchUpload" or self.size(key) != size:
                    raise

        is_ours = False
        try:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                parts = list(pool.map(send, range(1, -(-size // step) + 1)))
            is_ours = self._write_new(key, complete)
        finally:
            if not is_ours:
                with suppress(BotoCoreError, ClientError):
                    self.connection.client.abort_multipart_upload(**target)
        return is_ours

    def _write_new(self, key: str, write: Callable[[Any, dict[str, str]], None]) -> bool:
        condition = {"IfNoneMatch": "*"} if self._is_conditional else {}
        while True:
            try:
                self._call(partial(_with_condition, write, condition))
            except ClientError as error:
                if code_of(error) in TAKEN and condition:
                    if self.size(key) is not None:
                        return False
                    # A server that was killed between metadata and bytes takes the key for taken.
                    condition = {}
                    continue
                if code_of(error) in UNKNOWN and condition:
                    self._is_conditional, condition = False, {}  # it does not know conditions
                    continue
                raise refused(f"s3://{self.name}", error) from error
            return True

    def _call(self, operation: Callable[[Any], T]) -> T:
        """Do something with the client; what is no failure of the server is raised as it is."""
        try:
            return retry(
                lambda: operation(self.connection.client),
                self.connection.policy,
                what=f"s3://{self.name}",
                why_away=why_away,
            )
        except ClientError as error:
            if code_of(error) in (*ABSENT, *TAKEN, *UNKNOWN):
                raise
            raise refused(f"s3://{self.name}", error) from error
        except BotoCoreError as error:
            raise refused(f"s3://{self.name}", error) from error


def _delete_objects(client: Any, **request: Any) -> Any:
    return client.delete_objects(**request)


def _with_condition(
    write: Callable[[Any, dict[str, str]], None], condition: dict[str, str], client: Any
) -> None:
    write(client, condition)
