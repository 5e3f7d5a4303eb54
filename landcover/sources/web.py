"""HTTP: one session, answers turned into our errors, bodies resumed by Range."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin

import requests
from requests.auth import AuthBase

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.sources.checksums import Checksum, from_entity_tag
from landcover.sources.hosts import Hosts
from landcover.sources.remote_file import RemoteFile, Sink
from landcover.stores.retry import AwayError, RetryPolicy

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that a server may take back: time-out, too early, too many requests, its own errors."""
_CHUNK = 1 << 14
"""Bytes at a time. What came of a chunk is lost when the connection breaks in it: it is small."""
_PARTIAL, _UNAUTHORIZED, _PAST_END = 206, 401, 416
_REFUSALS = 2
"""Tokens in a row that a server may refuse: the second one was new."""


class Token:
    """A bearer token that is asked for when it is needed, and again when it has run out."""

    def __init__(self, obtain: Callable[[], str]) -> None:
        self._obtain = obtain
        self._value: str | None = None
        self._refused = 0
        self._lock = threading.Lock()

    def value(self) -> str:
        """Give the token."""
        with self._lock:
            if self._value is None:
                self._value = self._obtain()
            return self._value

    def accept(self) -> None:
        """Say that a server took the token."""
        self._refused = 0

    def expire(self, value: str) -> bool:
        """Say that a server did not take a token. Of many threads that say so, one renews it.

        Returns:
            Whether it is worth to come with a new one: not where that was refused as well.
        """
        with self._lock:
            if self._value == value:
                self._value = None
                self._refused += 1
            return self._refused < _REFUSALS


class _Bearer(AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Web:
    """An HTTP client with our time-outs and errors; many threads may use it."""

    def __init__(
        self, policy: RetryPolicy, token: Token | None = None, hosts: Hosts | None = None
    ) -> None:
        """Make a client.

        Args:
            policy: How patient.
            token: What lets us in, where a server asks for it.
            hosts: The only hosts that may be asked, redirections included; any if None.
        """
        self.policy = policy
        self._hosts = hosts
        self._token = token
        self._threads = threading.local()

    def json(self, address: str, params: Mapping[str, str] | None = None) -> Any:
        """Get a JSON document.

        Raises:
            AwayError: Trying again may help.
            MissingDataError: There is no such address.
            InputError: The server refuses the request.
        """
        with self._open("GET", address, params=params) as answer:
            try:
                return answer.json()
            except requests.RequestException as error:
                raise AwayError(f"{_host(address)}: the answer is not JSON ({error})") from error

    def post(self, address: str, form: Mapping[str, str]) -> Any:
        """Post a form and get a JSON document; raises as :meth:`json`."""
        with self._open("POST", address, data=form) as answer:
            return answer.json()

    def require(self, address: str) -> None:
        """Ask for a file and read nothing of it: a server may refuse to tell its size.

        Raises as :meth:`json`.
        """
        with self._open("GET", address):
            pass

    def sign_in(self) -> None:
        """Ask for the token now; raises what that raises."""
        if self._token is not None:
            self._token.value()

    def size(self, address: str) -> int | None:
        """Ask for the size of a file, bytes; None where the server does not tell."""
        try:
            return self.head(address)[0]
        except InputError:  # some servers refuse HEAD
            return None

    def head(self, address: str) -> tuple[int | None, str]:
        """Ask for the size of a file, bytes, and for what names its version.

        Returns:
            The size, None where the server does not tell; its entity tag or the time of its last
            change, empty where there is neither. Raises as :meth:`json`.
        """
        headers = {"Accept-Encoding": "identity"}
        with self._open("HEAD", address, headers=headers) as answer:
            length = answer.headers.get("Content-Length")
            version = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
        return int(length) if length else None, version

    def file(
        self, name: str, address: str, size: int | None = None, checksum: Checksum | None = None
    ) -> RemoteFile:
        """Describe a file behind an address, to be downloaded."""
        tags: list[str] = []

        def send(sink: Sink) -> None:
            start = sink.position
            headers = {"Accept-Encoding": "identity"}
            if start:
                headers["Range"] = f"bytes={start}-"
                if tags:
                    headers["If-Range"] = tags[-1]
            with self._open("GET", address, headers=headers) as answer:
                if answer.status_code == _PAST_END:
                    sink.restart()
                    raise AwayError("the file is shorter than what is here of it")
                if start and answer.status_code != _PARTIAL:
                    sink.restart()
                    start = 0
                if tag := answer.headers.get("ETag"):
                    tags[:] = [tag] if not tag.startswith("W/") else []
                if length := answer.headers.get("Content-Length"):
                    sink.expect(start + int(length), _checksum(answer.headers))
                for chunk in answer.iter_content(_CHUNK):
                    sink.write(chunk)

        return RemoteFile(name, address, send, size, checksum)

    @contextmanager
    def _open(self, method: str, address: str, **options: Any) -> Iterator[requests.Response]:
        token = self._token.value() if self._token else None
        if token:
            # As auth, not as header: otherwise an entry of ~/.netrc would win over it.
            options["auth"] = _Bearer(token)
        try:
            answer = self._session().request(
                method,
                address,
                timeout=self.policy.timeouts,
                stream=True,
                allow_redirects=True,
                **options,
            )
            with answer:
                if answer.status_code == _UNAUTHORIZED and self._token and token:
                    if self._token.expire(token):
                        raise AwayError(f"{_host(address)}: the token has run out", 0.0)
                elif self._token:
                    self._token.accept()
                if not answer.ok and answer.status_code != _PAST_END:
                    raise error_of(answer.status_code, address, answer.headers.get("Retry-After"))
                yield answer
        except LandcoverError:
            raise
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            raise InputError(f"{address}: not a web address ({error}).") from error
        except requests.RequestException as error:
            raise AwayError(f"{_host(address)}: {_short(error)}") from error

    def _session(self) -> requests.Session:
        # A session is not made for several threads.
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            if self._hosts is not None:
                hooks = self._threads.session.hooks["response"]
                hooks.append(refuse_redirects(self._hosts))
        session: requests.Session = self._threads.session
        return session


def refuse_redirects(hosts: Hosts) -> Callable[..., None]:
    """Make a hook of a session that refuses to be sent to another host."""

    def check(answer: requests.Response, **_: Any) -> None:
        if answer.is_redirect:
            target = urljoin(answer.url, answer.headers["Location"])
            hosts.require(target, f"{_host(answer.url)}: where it redirects to")

    return check


def error_of(status: int, address: str, retry_after: str | None = None) -> LandcoverError:
    """Turn an HTTP status into the reaction that it asks for."""
    if status in BUSY or status >= 500:
        return AwayError(f"{_host(address)} answers {status}", retry_after_s(retry_after))
    if status in (404, 410):
        return MissingDataError(f"{address}: not there (answer {status}).")
    if status in (401, 403):
        return InputError(
            f"{address}: the server refuses access (answer {status}). Check the credentials of "
            "this source and what they are allowed to read."
        )
    return InputError(f"{address}: the server refuses the request (answer {status}).")


def retry_after_s(header: str | None) -> float | None:
    """Read a ``Retry-After`` header, s from now: it holds seconds or a date."""
    if not header:
        return None
    try:
        return max(float(header), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except ValueError:
        return None


def _checksum(headers: Mapping[str, str]) -> Checksum | None:
    # Anybody may send an ETag; that of S3 is known to be a sum.
    if "amazons3" not in headers.get("Server", "").lower():
        return None
    return from_entity_tag(headers.get("ETag"), headers.get("x-amz-server-side-encryption"))


def _host(address: str) -> str:
    return address.split("?")[0].partition("://")[2].partition("/")[0]


def _short(error: Exception) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke in the middle of the answer"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
