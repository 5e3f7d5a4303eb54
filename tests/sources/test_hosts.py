"""Where a catalogue may send us, and addresses with passwords."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from landcover.errors import InputError, UsageError
from landcover.sources.access import Access
from landcover.sources.addresses import absolute, is_remote, open_source
from landcover.sources.dem import open_dem
from landcover.sources.hosts import Hosts, masked
from landcover.sources.web import Web
from landcover.stores.retry import RetryPolicy

MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "/etc/passwd", "s3://bucket/x", "ftp://here/x", "http://[bad/x",
        "gopher://here:70/", "", "//other/x",
    ],
)  # fmt: skip
def test_what_is_not_on_the_web(address):
    with pytest.raises(InputError, match="not on the web"):
        Hosts.of(["https://here/v1"]).require(address, "asset red")


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest", "https://there/x.tif", "https://here@there/x",
        "https://here.evil.org/x", "http://127.0.0.1/",
    ],
)  # fmt: skip
def test_what_is_on_another_host(address):
    with pytest.raises(InputError, match="none of the hosts of its catalogue"):
        Hosts.of(["https://here/v1"]).require(address, "asset red")


def test_what_may_be_opened():
    hosts = Hosts.of(["https://HERE:8443/v1", "files.example"])
    for address in ("https://here/x", "http://here:80/y", "HTTPS://Files.Example/z"):
        hosts.require(address, "asset red")


@contextmanager
def serve(answer):
    """Answer every request by a function of its path: (status, headers, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_redirection_elsewhere_is_not_followed():
    with serve(lambda path: (302, {"Location": "http://localhost:9/secret"}, b"")) as (url, asked):
        web = Web(RetryPolicy(), hosts=Hosts.of([url]))
        with pytest.raises(InputError, match="redirects to is on localhost, which is none"):
            web.json(f"{url}/x")
    assert asked == ["/x"]


def test_a_redirection_on_the_host_is_followed():
    def answer(path):
        return (200, {}, b"{}") if path == "/b" else (301, {"Location": "/b"}, b"")

    with serve(answer) as (url, _):
        assert Web(RetryPolicy(), hosts=Hosts.of([url])).json(f"{url}/a") == {}


@pytest.mark.parametrize("link", ["file:///etc/hostname", "http://localhost:9/items?page=2"])
def test_pages_of_a_catalogue_stay_on_its_hosts(link):
    def answer(path):
        document = {
            "type": "Catalog", "id": "c", "stac_version": "1.0.0", "description": "d",
            "conformsTo": ["https://api.stacspec.org/v1.0.0/core",
                           "https://api.stacspec.org/v1.0.0/item-search",
                           "https://api.stacspec.org/v1.0.0/item-search#query"],
            "links": [{"rel": "search", "href": f"{url}/search", "method": "POST",
                       "type": "application/geo+json"}],
        }  # fmt: skip
        if path.startswith("/search"):
            links = [{"rel": "next", "href": link, "method": "GET"}]
            document = {"type": "FeatureCollection", "features": [{"id": "x"}], "links": links}
        return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()

    with serve(answer) as (url, _):
        source = open_source(f"stac+{url}/v1?collection=x", Access(policy=RetryPolicy()))
        with pytest.raises(InputError, match=r"not on the web|none of the hosts"):
            source.search("30SUF", *MARCH)


SECRETS = [
    "s3://bucket/root?endpoint=https://me:s3cret@host",
    "stac+https://me:s3cret@host/v1?collection=x",
    "cdse-odata?identity=https%3A%2F%2Fme%3As3cret%40host",
    "google,stac+https://token-s3cret@host/v1",
    "ftp://me:s3cret@host/x",
]


@pytest.mark.parametrize("address", SECRETS)
@pytest.mark.parametrize("use", [is_remote, absolute, open_source])
def test_passwords_in_addresses_are_refused_and_not_repeated(address, use):
    with pytest.raises(UsageError, match="a password is part of the address") as caught:
        use(address)
    assert "s3cret" not in str(caught.value)


def test_passwords_in_addresses_of_elevation_are_refused():
    for address in ("aster+https://me:s3cret@host/{name}", "glo30+https://me:s3cret@host/x"):
        with pytest.raises(UsageError, match="LANDCOVER_DEM_TOKEN") as caught:
            open_dem(address)
        assert "s3cret" not in str(caught.value)


def test_passwords_are_masked():
    assert (
        masked("see https://me:s3cret@host/x and s3://b/y") == "see https://***@host/x and s3://b/y"
    )


def test_a_folder_may_have_such_a_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a@b").mkdir()
    assert not is_remote(f"{tmp_path}//a@b")
