"""Credentials and retry policy of the sources: read once, from the environment or mounted files.

================================  ==========================================================
variable                          what for
================================  ==========================================================
``LANDCOVER_CDSE_S3_KEY``         Copernicus Data Space: access key of its S3 service
``LANDCOVER_CDSE_S3_SECRET``      … and the secret key
``LANDCOVER_CDSE_USER``           Copernicus Data Space: account, where there are no S3 keys
``LANDCOVER_CDSE_PASSWORD``       … and its password
``LANDCOVER_SOURCE_S3_KEY``       access key of ``s3://`` addresses; without it: anonymous
``LANDCOVER_SOURCE_S3_SECRET``    … and the secret key
``LANDCOVER_DEM_TOKEN``           bearer token of an elevation server (NASA Earthdata)
``LANDCOVER_DOWNLOADS``           files at a time, 4
``LANDCOVER_DELIVERY``            ``cheapest``: of one acquisition the delivery that decodes
                                  fastest; ``listed`` (default): that of the first provider
================================  ==========================================================

Each secret may instead be the content of a file that the same variable with ``_FILE`` names. None
of them is ever written to a record or a log line.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from landcover.errors import UsageError
from landcover.sources.downloads import Downloader
from landcover.stores.retry import SOURCE_POLICY, RetryPolicy

PREFIX = "LANDCOVER_"


@dataclass(frozen=True)
class KeyPair:
    """Keys of an S3 service."""

    key: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Account:
    """An account with a password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Access:
    """What the sources need to be let in, and how often they are asked again."""

    policy: RetryPolicy = SOURCE_POLICY
    parallel: int = 4
    """Files at a time."""
    cdse_keys: KeyPair | None = None
    cdse_account: Account | None = None
    s3_keys: KeyPair | None = None
    dem_token: str | None = field(default=None, repr=False)
    prefers_cheapest: bool = False
    """Whether the delivery that decodes fastest is taken where there are several."""

    @property
    def downloader(self) -> Downloader:
        """How files are downloaded."""
        return Downloader(self.policy, self.parallel)


def read_access(environment: Mapping[str, str] | None = None) -> Access:
    """Read credentials from the environment.

    Args:
        environment: The environment; the process's own if None.

    Raises:
        UsageError: A pair is half given, a file cannot be read, or a number is none.
    """
    env = os.environ if environment is None else environment
    keys = _pair(env, "CDSE_S3_KEY", "CDSE_S3_SECRET")
    account = _pair(env, "CDSE_USER", "CDSE_PASSWORD")
    s3 = _pair(env, "SOURCE_S3_KEY", "SOURCE_S3_SECRET")
    text = env.get(f"{PREFIX}DOWNLOADS", "4")
    if not text.isdecimal() or not 1 <= int(text) <= 64:
        raise UsageError(f"{PREFIX}DOWNLOADS={text}: expected a whole number from 1 to 64.")
    return Access(
        parallel=int(text),
        cdse_keys=KeyPair(*keys) if keys else None,
        cdse_account=Account(*account) if account else None,
        s3_keys=KeyPair(*s3) if s3 else None,
        dem_token=_value(env, "DEM_TOKEN"),
        prefers_cheapest=prefers_cheapest(env),
    )


def prefers_cheapest(environment: Mapping[str, str] | None = None) -> bool:
    """Tell whether ``LANDCOVER_DELIVERY`` asks for the delivery that decodes fastest.

    Raises:
        UsageError: It is another word.
    """
    env = os.environ if environment is None else environment
    text = env.get(f"{PREFIX}DELIVERY") or "listed"
    if text not in ("cheapest", "listed"):
        raise UsageError(f"{PREFIX}DELIVERY={text}: expected cheapest or listed.")
    return text == "cheapest"


def _pair(env: Mapping[str, str], first: str, second: str) -> tuple[str, str] | None:
    values = _value(env, first), _value(env, second)
    if values[0] and values[1]:
        return values[0], values[1]
    if values[0] or values[1]:
        absent = second if values[0] else first
        raise UsageError(f"{PREFIX}{absent} is not set, and its other half is. Set both or none.")
    return None


def _value(env: Mapping[str, str], name: str) -> str | None:
    path = env.get(f"{PREFIX}{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except (OSError, ValueError) as error:
            raise UsageError(f"{PREFIX}{name}_FILE={path}: cannot be read ({error}).") from error
    return env.get(f"{PREFIX}{name}") or None
