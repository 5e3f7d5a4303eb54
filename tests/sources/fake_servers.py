"""Small servers on this machine that speak what the real ones speak, and fail on demand.

The clients under test are the real ones. Each server is a function from a request to an answer;
faults are laid over it by :class:`FakeServer`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import google_crc32c

HOST = "127.0.0.1"
TILE = "30SUF"
GEOJSON = "application/geo+json"


@dataclass
class Fault:
    """What goes wrong, for which requests and how often."""

    match: str
    """Regular expression that is looked for in ``METHOD /path?query`` (unquoted)."""
    kind: Literal["status", "reset", "truncate", "corrupt", "slow", "ignore-range"] = "status"
    times: int = 1
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    at: int = 1000
    """Bytes of the body that come before a reset or truncation."""
    seconds: float = 1.0
    """How long a slow server thinks."""


@dataclass
class Request:
    """What a client asked."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def line(self) -> str:
        """Method, path and query, unquoted."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.method} {self.path}?{query}"


@dataclass
class Answer:
    """What a server says."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    is_file: bool = False
    """True where parts may be asked for."""


def document(content: Any, status: int = 200) -> Answer:
    return Answer(json.dumps(content).encode(), status)


class FakeServer:
    """A server with faults; it remembers what it was asked."""

    def __init__(self, route: Callable[[Request], Answer]) -> None:
        self.route = route
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.times: list[float] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((HOST, 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def asked(self, pattern: str) -> list[Request]:
        """List the requests whose line matches."""
        return [request for request in self.requests if re.search(pattern, request.line)]

    def fault_of(self, request: Request) -> Fault | None:
        with self._lock:
            self.requests.append(request)
            self.times.append(time.monotonic())
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.match, request.line):
                    fault.times -= 1
                    return fault
        return None

    def __enter__(self) -> FakeServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def _serve(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                request = Request(
                    self.command,
                    unquote(parts.path),
                    {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()},
                    {name.title(): value for name, value in self.headers.items()},
                    self.rfile.read(length),
                )
                fault = server.fault_of(request)
                if fault is not None and fault.kind == "slow":
                    time.sleep(fault.seconds)
                if fault is not None and fault.kind == "status":
                    self._send(Answer(b"{}", fault.status, dict(fault.headers)), None)
                else:
                    self._send(self._part(server.route(request), fault), fault)

            def _part(self, answer: Answer, fault: Fault | None) -> Answer:
                wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
                is_whole = fault is not None and fault.kind == "ignore-range"
                if not answer.is_file or not wanted or is_whole or answer.status != 200:
                    return answer
                whole, first = answer.body, int(wanted[1])
                if first >= len(whole):
                    return Answer(b"", 416)
                last = min(int(wanted[2] or len(whole) - 1), len(whole) - 1)
                span = {"Content-Range": f"bytes {first}-{last}/{len(whole)}"}
                headers = {**answer.headers, **span}
                return Answer(whole[first : last + 1], 206, headers, answer.kind, True)

            def _send(self, answer: Answer, fault: Fault | None) -> None:
                body = answer.body
                if fault is not None and fault.kind == "corrupt":
                    body = body[:-1] + bytes([body[-1] ^ 0xFF])
                if "Server" in answer.headers:
                    self.server_version, self.sys_version = answer.headers.pop("Server"), ""
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.kind)
                self.send_header("Content-Length", str(len(body)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if fault is not None and fault.kind in ("reset", "truncate"):
                    self.wfile.write(body[: fault.at])
                    self.wfile.flush()
                    self.close_connection = True
                    if fault.kind == "reset":
                        linger = struct.pack("ii", 1, 0)
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                        self.connection.close()
                    return
                try:
                    self.wfile.write(body)
                except ConnectionError:  # a client that did not wait
                    self.close_connection = True

            do_GET = do_HEAD = do_POST = _serve  # noqa: N815

        class Quiet(Handler):
            def handle(self) -> None:
                try:
                    super().handle()
                except (ConnectionError, ValueError, OSError):
                    self.close_connection = True

            def finish(self) -> None:
                with suppress(ConnectionError, ValueError, OSError):
                    super().finish()

        return Quiet


def files(objects: Mapping[str, bytes], headers: Mapping[str, str] | None = None) -> FakeServer:
    """Serve files by their paths."""

    def route(request: Request) -> Answer:
        body = objects.get(request.path.lstrip("/"))
        if body is None:
            return Answer(b"", 404)
        return Answer(body, 200, dict(headers or {}), "application/octet-stream", True)

    return FakeServer(route)


def google(bucket: str, objects: Mapping[str, bytes], page: int = 4) -> FakeServer:
    """Serve the part of Google's JSON API that a reader uses, with short pages."""

    def route(request: Request) -> Answer:
        base = f"/storage/v1/b/{bucket}/o"
        if request.path == base:
            return document(_google_page(objects, request.query, page))
        key = request.path.removeprefix(f"/download{base}/")
        if key not in objects or request.query.get("alt") != "media":
            return document({"error": {"code": 404, "message": "No such object"}}, 404)
        return Answer(objects[key], 200, {}, "application/octet-stream", True)

    return FakeServer(route)


def _google_page(objects: Mapping[str, bytes], query: Mapping[str, str], page: int) -> Any:
    names, following = _page(objects, query, "pageToken", page)
    items = [
        {
            "name": name,
            "size": str(len(objects[name])),
            "md5Hash": base64.b64encode(hashlib.md5(objects[name]).digest()).decode(),
            "crc32c": _crc32c(objects[name]),
        }
        for name, is_folder in names
        if not is_folder
    ]
    # A composite object has no MD5: every third is one.
    for item in items[::3]:
        del item["md5Hash"]
    found: dict[str, Any] = {"kind": "storage#objects", "items": items}
    found["prefixes"] = [name for name, is_folder in names if is_folder]
    if following:
        found["nextPageToken"] = following
    return found


def _crc32c(content: bytes) -> str:
    return base64.b64encode(google_crc32c.value(content).to_bytes(4, "big")).decode()


def _page(
    objects: Mapping[str, bytes], query: Mapping[str, str], token: str, page: int
) -> tuple[list[tuple[str, bool]], str]:
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    names: dict[str, bool] = {}
    for key in sorted(objects):
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter or "\0")
            names[prefix + head + found if found else key] = bool(found)
    start = int(query.get(token) or 0)
    listed = list(names.items())
    following = str(start + page) if len(listed) > start + page else ""
    return listed[start : start + page], following


def s3(
    bucket: str, objects: Mapping[str, bytes], *, key: str | None = None, page: int = 5
) -> FakeServer:
    """Serve the part of S3 that a reader uses; with a key, signatures have to name it."""

    def route(request: Request) -> Answer:
        if key and f"Credential={key}/" not in request.headers.get("Authorization", ""):
            return _s3_error(403, "InvalidAccessKeyId")
        if request.path.rstrip("/") == f"/{bucket}":
            return Answer(_s3_page(bucket, objects, request.query, page), kind="application/xml")
        if not request.path.startswith(f"/{bucket}/"):
            return _s3_error(404, "NoSuchBucket")
        body = objects.get(request.path.removeprefix(f"/{bucket}/"))
        if body is None:
            return _s3_error(404, "NoSuchKey")
        headers = {"ETag": f'"{hashlib.md5(body).hexdigest()}"'}
        return Answer(body, 200, headers, "binary/octet-stream", True)

    return FakeServer(route)


def _s3_error(status: int, code: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return Answer(text.encode(), status, kind="application/xml")


def _s3_page(
    bucket: str, objects: Mapping[str, bytes], query: Mapping[str, str], page: int
) -> bytes:
    names, following = _page(objects, query, "continuation-token", page)
    parts = [f"<Name>{bucket}</Name><IsTruncated>{str(bool(following)).lower()}</IsTruncated>"]
    if following:
        parts.append(f"<NextContinuationToken>{following}</NextContinuationToken>")
    for name, is_folder in names:
        # The client asks for names that are quoted as in an address.
        shown = escape(quote(name, safe="/$"))
        if is_folder:
            parts.append(f"<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>")
        else:
            tag = hashlib.md5(objects[name]).hexdigest()
            size = len(objects[name])
            parts.append(
                f"<Contents><Key>{shown}</Key><Size>{size}</Size><ETag>&quot;{tag}&quot;</ETag>"
                "</Contents>"
            )
    head = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    return f"{head}<EncodingType>url</EncodingType>{''.join(parts)}</ListBucketResult>".encode()


@contextmanager
def stac(
    items: list[dict[str, Any]],
    objects: Mapping[str, bytes],
    *,
    page: int = 2,
    next_by: Literal["POST", "GET"] = "POST",
) -> Iterator[FakeServer]:
    """Serve a STAC API with paging, and the assets of its items under ``/assets/``.

    In the items ``{url}`` stands for the address of the server.
    """

    def route(request: Request) -> Answer:
        url = server.url
        if request.path in ("", "/"):
            return document(_landing_page(url))
        if request.path.startswith("/assets/"):
            body = objects.get(request.path.removeprefix("/assets/"))
            kind = "application/octet-stream"
            return Answer(body, 200, {}, kind, True) if body is not None else Answer(b"", 404)
        served = json.loads(json.dumps(items).replace("{url}", url))
        if request.path == "/search":
            asked = json.loads(request.body) if request.method == "POST" else request.query
            return document(_found(served, asked, url, page, next_by))
        named = request.path.rpartition("/items/")[2]
        one = next((item for item in served if item["id"] == named), None)
        return document(one) if one else document({"code": "NotFound"}, 404)

    server = FakeServer(route)
    with server:
        yield server


def _landing_page(url: str) -> dict[str, Any]:
    core = "https://api.stacspec.org/v1.0.0"
    return {
        "type": "Catalog",
        "id": "fake",
        "stac_version": "1.0.0",
        "description": "fake",
        "conformsTo": [f"{core}/core", f"{core}/item-search", f"{core}/item-search#query"],
        "links": [
            {"rel": "self", "href": url, "type": "application/json"},
            {"rel": "root", "href": url, "type": "application/json"},
            {"rel": "search", "href": f"{url}/search", "type": GEOJSON, "method": "GET"},
            {"rel": "search", "href": f"{url}/search", "type": GEOJSON, "method": "POST"},
        ],
    }


def _found(
    items: list[dict[str, Any]], asked: Mapping[str, Any], url: str, page: int, next_by: str
) -> dict[str, Any]:
    start, end = str(asked["datetime"]).split("/")
    query = asked.get("query") or {}
    query = json.loads(query) if isinstance(query, str) else query
    codes = query.get("grid:code", {}).get("in")
    collections = asked.get("collections") or []
    collections = collections.split(",") if isinstance(collections, str) else collections
    matching = [
        item
        for item in items
        if start <= item["properties"]["datetime"] <= end
        and (codes is None or item["properties"]["grid:code"] in codes)
        and item["collection"] in collections
    ]
    first = int(asked.get("token") or 0)
    links: list[dict[str, Any]] = []
    if len(matching) > first + page:
        token = str(first + page)
        if next_by == "POST":
            body = {**asked, "token": token}
            link = {"rel": "next", "href": f"{url}/search", "method": "POST", "body": body}
        else:
            names = f"collections={','.join(collections)}"
            more = f"{names}&datetime={start}/{end}&token={token}"
            more += f"&query={quote(json.dumps(query))}"
            link = {"rel": "next", "href": f"{url}/search?{more}", "method": "GET"}
        links.append(link)
    return {
        "type": "FeatureCollection",
        "features": matching[first : first + page],
        "links": links,
    }


@dataclass
class Account:
    """Tokens of an identity service: each can be used so many times."""

    password: str = "secret"
    uses: int = 1000
    given: int = 0
    left: int = 0

    def token(self) -> str:
        return f"token-{self.given}"


def odata(
    entries: list[dict[str, Any]],
    objects: Mapping[str, bytes],
    account: Account,
    *,
    page: int = 2,
    has_links: bool = True,
) -> FakeServer:
    """Serve catalogue, identity and download service of the Copernicus Data Space."""
    lock = threading.Lock()

    def route(request: Request) -> Answer:
        if request.path == "/token":
            form = parse_qs(request.body.decode())
            if form["password"] != [account.password] or form["client_id"] != ["cdse-public"]:
                return document({"error": "invalid_grant"}, 401)
            with lock:
                account.given, account.left = account.given + 1, account.uses
            return document({"access_token": account.token(), "expires_in": 600})
        if request.path == "/odata/v1/Products":
            return document(_odata_page(server.url, entries, request.query, page, has_links))
        with lock:
            given = request.headers.get("Authorization", "")
            if given != f"Bearer {account.token()}" or account.left <= 0:
                return document({"detail": "token expired"}, 401)
            account.left -= 1
        path = re.findall(r"/(?:Products|Nodes)\(([^)]*)\)", request.path)
        body = objects.get("/".join(path))
        if body is None or not request.path.endswith("/$value"):
            return document({"detail": "not found"}, 404)
        # The service sends whole files only.
        return Answer(body, 200, {}, "application/octet-stream")

    server = FakeServer(route)
    return server


def _odata_page(
    url: str, entries: list[dict[str, Any]], query: Mapping[str, str], page: int, has_links: bool
) -> dict[str, Any]:
    text = query["$filter"]
    tile = re.search(r"'tileId' and [^)]*eq '(\w+)'", text)
    times = re.findall(r"ContentDate/Start (?:ge|lt) (\S+)", text)
    assert "Collection/Name eq 'SENTINEL-2'" in text
    assert "eq 'S2MSI2A'" in text
    assert tile
    matching = [
        entry
        for entry in entries
        if f"_T{tile[1]}_" in entry["Name"]
        and times[0] <= entry["ContentDate"]["Start"] < times[1]
        and "MSIL2A" in entry["Name"]
    ]
    first = int(query.get("$skip") or 0)
    top = page if has_links else min(int(query["$top"]), 1000)
    answer: dict[str, Any] = {"value": matching[first : first + top]}
    if has_links and len(matching) > first + top:
        answer["@odata.nextLink"] = (
            f"{url}/odata/v1/Products?$filter={quote(text)}&$expand=Attributes&$skip={first + top}"
        )
    return answer


def contents(folder: Path, prefix: str = "") -> dict[str, bytes]:
    """Read every file under a folder as the objects of a bucket."""
    return {
        f"{prefix}{path.relative_to(folder)}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
