"""The connection to an S3 server: its client, GDAL's options for it, what its errors mean."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3.session
from botocore import exceptions
from botocore.config import Config

from landcover.errors import InputError, UsageError
from landcover.stores.retry import STORE_POLICY, RetryPolicy

ABSENT = ("404", "NoSuchKey", "NotFound")
"""Codes that say: there is no such file."""
TAKEN = ("412", "PreconditionFailed")
"""Codes that say: somebody else was first."""
UNKNOWN = ("501", "NotImplemented")
"""Codes that say: the server does not know this kind of request."""
_BUSY = ("SlowDown", "RequestTimeout", "Throttling", "429", "409", "ConditionalRequestConflict")
_CREDENTIALS = (
    "InvalidAccessKeyId",
    "XAdminUserNotFound",  # Versity's word for it
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
    "AuthorizationHeaderMalformed",
)
_DENIED = ("403", "AccessDenied", "Forbidden", "AllAccessDisabled")
_clients: dict[tuple[Any, ...], Any] = {}
_turn = threading.Lock()


@dataclass(frozen=True)
class S3Connection:
    """How an S3 server is reached; credentials come from the standard AWS environment or files."""

    endpoint: str | None = None
    """URL of the server; the one of AWS if None."""
    region: str | None = None
    """Region; that of the AWS environment, or us-east-1, if None."""
    path_style: bool = True
    """Whether the bucket is in the path of a URL and not in its host name."""
    policy: RetryPolicy = STORE_POLICY
    """How long to wait for a server that is away."""

    @property
    def client(self) -> Any:
        """The client of this process: made once, for all threads."""
        key = (os.getpid(), self.endpoint, self.region, self.path_style)
        with _turn:
            if key not in _clients:
                _clients[key] = self._new_client()
            return _clients[key]

    def _new_client(self) -> Any:
        session = boto3.session.Session()
        config = Config(
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=16,
            retries={"mode": "standard", "total_max_attempts": 3},
            s3={"addressing_style": "path" if self.path_style else "virtual"},
            # Servers that are not Amazon's may not know the newer checksums; the record of an
            # output keeps a SHA-256 of each file anyway.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        region = self.region or session.region_name or "us-east-1"
        try:
            return session.client(
                "s3", endpoint_url=self.endpoint, region_name=region, config=config
            )
        except ValueError as error:
            raise UsageError(
                f"LANDCOVER_S3_ENDPOINT={self.endpoint}, LANDCOVER_S3_REGION={region}: expected "
                "a URL such as https://s3.example.org and the name of a region."
            ) from error

    def gdal_options(self) -> dict[str, str]:
        """Give what GDAL needs to reach the same server; it finds the credentials itself."""
        client = self.client
        found = {
            "AWS_REGION": client.meta.region_name,
            "AWS_VIRTUAL_HOSTING": "FALSE" if self.path_style else "TRUE",
            # No listing of folders, and no look for files beside the one that is asked for.
            "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
            # An object may be removed and made again: nothing is remembered after it was closed.
            "CPL_VSIL_CURL_NON_CACHED": "/vsis3/",
            "GDAL_HTTP_MAX_RETRY": "3",
            "GDAL_HTTP_RETRY_DELAY": "0.5",
            "GDAL_HTTP_CONNECTTIMEOUT": "10",
            "GDAL_HTTP_LOW_SPEED_TIME": "60",
            "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
        }
        url = urlsplit(client.meta.endpoint_url)
        if not (url.hostname or "").endswith("amazonaws.com"):
            found["AWS_S3_ENDPOINT"] = url.netloc + url.path.rstrip("/")
            found["AWS_HTTPS"] = "YES" if url.scheme == "https" else "NO"
        credentials = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
        if credentials:
            found["CPL_AWS_CREDENTIALS_FILE"] = credentials
        return found


def why_away(error: Exception) -> str | None:
    """Say why an error means that the server is away or busy; None where it does not."""
    code = code_of(error)
    if isinstance(error, exceptions.ClientError):
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        is_away = (status >= 500 and code not in UNKNOWN) or status == 429 or code in _BUSY
    elif isinstance(error, exceptions.SSLError | exceptions.ProxyConnectionError):
        is_away = False
    elif isinstance(error, _AWAY):
        is_away = True
    else:  # a body that ends in the middle is told by the libraries beneath
        is_away = type(error).__module__.startswith(("urllib3", "http.client"))
    return code if is_away else None


_AWAY = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.CredentialRetrievalError,
    ConnectionError,
    TimeoutError,
)


def code_of(error: Exception) -> str:
    """Give the code of a server's answer, or the name of the error."""
    if isinstance(error, exceptions.ClientError):
        return str(error.response.get("Error", {}).get("Code", "unknown"))
    return type(error).__name__.removesuffix("Error")


def refused(where: str, error: Exception) -> InputError:
    """Say in one sentence why a server does not do what it was asked; no secret is in it."""
    code = code_of(error)
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return InputError(
            f"{where}: no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "AWS_SHARED_CREDENTIALS_FILE to a mounted file."
        )
    if code in _CREDENTIALS:
        return InputError(
            f"{where}: the server does not accept the credentials ({code}). Check "
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the clock of this machine."
        )
    if code in _DENIED:
        return InputError(
            f"{where}: the server denies access ({code}). Check the credentials and give them "
            "the right to list, read, write and delete there."
        )
    if code == "NoSuchBucket":
        return InputError(f"{where}: no such bucket. Create it or check LANDCOVER_OBJECTS.")
    return InputError(
        f"{where}: the server refuses the request ({code}). Check LANDCOVER_OBJECTS, "
        "LANDCOVER_S3_ENDPOINT and LANDCOVER_S3_REGION."
    )
