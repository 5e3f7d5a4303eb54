"""Downloads against a server that fails in every way it can: whole and right files, or nothing."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from fake_servers import Fault, files

from landcover.errors import CancelledError, InputError, MissingDataError, UnavailableError
from landcover.sources.checksums import (
    Checksum,
    from_base64,
    from_entity_tag,
    from_multihash,
)
from landcover.sources.downloads import WORKING, Downloader
from landcover.sources.protocol import ignore_progress, never_cancelled
from landcover.sources.remote_file import RemoteFile
from landcover.sources.web import Token, Web, retry_after_s
from landcover.stores.retry import AwayError, RetryPolicy, retry

SIZE = 300_000
BODY = hashlib.shake_128(b"body").digest(SIZE)
MD5 = Checksum("md5", hashlib.md5(BODY).hexdigest())
QUIET = {"progress": ignore_progress, "is_cancelled": never_cancelled}


@pytest.fixture
def server():
    with files({"a.bin": BODY, "b.bin": BODY[::-1]}) as running:
        yield running


@pytest.fixture
def get(server, access, tmp_path):
    """Download a.bin and say what came; sizes and sums are known unless told otherwise."""

    def _get(size=SIZE, checksum=MD5, token=None, **options):
        web = Web(access.policy, token)
        file = web.file("a.bin", f"{server.url}/a.bin", size, checksum)
        access.downloader.files([file], tmp_path, **{**QUIET, **options})
        return (tmp_path / "a.bin").read_bytes()

    return _get


@pytest.mark.parametrize(
    ("faults", "n_requests"),
    [
        ([], 1),
        ([Fault("a.bin", status=429, times=5)], 6),
        ([Fault("a.bin", status=500), Fault("a.bin", status=503), Fault("a.bin", status=504)], 4),
        ([Fault("a.bin", "reset", at=65_536, times=3)], 4),
        ([Fault("a.bin", "truncate", at=65_536, times=3)], 4),
        ([Fault("a.bin", "corrupt", times=2)], 3),
        ([Fault("a.bin", "slow", seconds=0.8)], 2),
        # Every attempt brings something: more of them than a server that gives nothing gets.
        ([Fault("a.bin", "truncate", at=20_000, times=12)], 13),
        ([Fault("a.bin", "truncate", at=40_000), Fault("a.bin", "ignore-range")], 2),
    ],
    ids=["well", "429", "5xx", "reset", "truncated", "corrupt", "slow", "drops", "no-range"],
)
def test_a_failing_server(get, server, faults, n_requests):
    server.faults += faults
    assert get() == BODY
    assert len(server.requests) == n_requests


def test_what_is_here_is_not_asked_for_again(get, server):
    server.faults.append(Fault("a.bin", "truncate", at=65_536))
    assert get() == BODY
    assert [request.headers.get("Range") for request in server.requests] == [None, "bytes=65536-"]
    assert get() == BODY
    assert len(server.requests) == 2, "a file that is whole is not asked for at all"


@pytest.mark.parametrize(("size", "checksum"), [(len(BODY), None), (None, MD5), (None, None)])
def test_unknown_size_or_sum(get, server, size, checksum):
    server.faults.append(Fault("a.bin", "truncate", at=65_536))
    assert get(size, checksum) == BODY


@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        (Fault("a.bin", status=429, times=99), UnavailableError, r"after 6 attempts .*429"),
        (Fault("a.bin", "corrupt", times=99), UnavailableError, r"damaged: md5 \w+, expected"),
        (Fault("a.bin", status=404), MissingDataError, r"a\.bin: not there"),
        (Fault("a.bin", status=403), InputError, "Check the credentials"),
        (
            Fault("a.bin", status=429, headers={"Retry-After": "4000"}, times=99),
            UnavailableError,
            "asks to come again in 4000 s",
        ),
    ],
)
def test_giving_up(get, server, tmp_path, fault, error, says):
    server.faults.append(fault)
    with pytest.raises(error, match=says) as raised:
        get()
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "a.bin").exists()


def test_a_later_attempt_continues_and_another_version_does_not(get, server, tmp_path):
    server.faults.append(Fault("a.bin", "truncate", at=65_536))
    server.faults.append(Fault("a.bin", status=403))
    with pytest.raises(InputError):
        get()
    (partial,) = tmp_path.iterdir()
    assert partial.read_bytes() == BODY[:65_536]
    other = Checksum("sha256", hashlib.sha256(BODY).hexdigest())
    server.faults.append(Fault("a.bin", "truncate", at=50))
    server.faults.append(Fault("a.bin", status=403))
    with pytest.raises(InputError):
        get(checksum=other)
    assert get() == BODY
    assert server.requests[-1].headers["Range"] == "bytes=65536-"


def test_retry_after_is_honoured(get, server):
    server.faults.append(Fault("a.bin", status=429, headers={"Retry-After": "0.4"}))
    assert get() == BODY
    assert server.times[1] - server.times[0] >= 0.4


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (None, None, None),
        ("", None, None),
        ("soon", None, None),
        ("12", 12, 12),
        ("-3", 0, 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_retry_after(header, least, most):
    found = retry_after_s(header)
    assert found is None if least is None else least <= found <= most


def test_retry_after_may_be_a_moment():
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=3600), usegmt=True)
    found = retry_after_s(moment)
    assert found is not None
    assert 3500 <= found <= 3600


def test_pauses_double_with_jitter_up_to_a_limit():
    policy = RetryPolicy(first_s=1, longest_s=10)
    pauses = [[policy.pause_s(n, None) for _ in range(50)] for n in (1, 2, 3, 9)]
    for drawn, longest in zip(pauses, (1, 2, 4, 10), strict=True):
        assert longest / 2 <= min(drawn) < max(drawn) <= longest
    assert policy.pause_s(1, 7.0) == 7.0


def test_a_pause_is_left_when_somebody_stops_the_job():
    def check():
        raise CancelledError("stopped")

    def fail():
        raise AwayError("busy")

    with pytest.raises(CancelledError):
        retry(fail, RetryPolicy(first_s=60, longest_s=60), what="x", check=check)


class TestTokens:
    def test_an_expired_token_is_renewed_once(self, server, access, tmp_path):
        given = []

        def obtain():
            given.append(f"t{len(given)}")
            return given[-1]

        token = Token(obtain)
        web = Web(access.policy, token)
        listed = [web.file(f"{n}", f"{server.url}/a.bin", len(BODY), MD5) for n in range(4)]
        access.downloader.files(listed[:1], tmp_path, **QUIET)
        server.faults.append(Fault("a.bin", status=401))
        access.downloader.files(listed[1:], tmp_path, **QUIET)
        assert given == ["t0", "t1"]
        assert server.requests[-1].headers["Authorization"] == "Bearer t1"

    def test_a_new_token_that_is_refused_too_is_a_matter_of_the_account(self, get, server):
        server.faults.append(Fault("a.bin", status=401, times=99))
        with pytest.raises(InputError, match="refuses access"):
            get(token=Token(lambda: "wrong"))
        assert len(server.requests) == 2

    def test_the_token_does_not_follow_to_another_host(self, server, access):
        with files({}) as first:
            link = {"Location": f"{server.url.replace('127.0.0.1', 'localhost')}/a.bin"}
            first.faults.append(Fault("a.bin", status=302, headers=link))
            web = Web(access.policy, Token(lambda: "secret"))
            assert web.size(f"{first.url}/a.bin") == len(BODY)
        assert "Authorization" in first.requests[0].headers
        assert "Authorization" not in server.requests[0].headers


class TestFolders:
    def make(self, server, access, folder, **options):
        web = Web(access.policy)
        listed = [
            web.file(f"deep/{name}", f"{server.url}/{name}", len(BODY))
            for name in ("a.bin", "b.bin")
        ]
        return access.downloader.folder(listed, folder / "product", **{**QUIET, **options})

    def test_a_folder_appears_when_it_is_whole(self, server, access, tmp_path):
        server.faults.append(Fault("b.bin", status=404))
        with pytest.raises(MissingDataError):
            self.make(server, replace(access, parallel=1), tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [WORKING]
        place = self.make(server, access, tmp_path)
        assert (place / "deep" / "b.bin").read_bytes() == BODY[::-1]
        assert list(tmp_path.iterdir()) == [place]
        assert len(server.asked("a.bin")) == 1, "what came before the failure stays"

    def test_a_stopped_job_leaves_nothing_visible(self, server, access, tmp_path):
        stop = threading.Event()

        def progress(transferred):
            stop.set()

        slow = [Fault(name, "slow", seconds=0.3) for name in ("a.bin", "b.bin")]
        server.faults += slow
        with pytest.raises(CancelledError, match="a rerun continues"):
            self.make(server, access, tmp_path, progress=progress, is_cancelled=stop.is_set)
        assert not (tmp_path / "product").exists()

    def test_progress_ends_with_all_bytes(self, server, access, tmp_path):
        told = []
        server.faults.append(Fault("a.bin", "truncate", at=65_536))
        server.faults.append(Fault("b.bin", "corrupt"))
        self.make(server, access, tmp_path, progress=told.append)
        assert told[-1].done_bytes == told[-1].total_bytes == 2 * len(BODY)
        assert told[-1].share == 1
        assert told[-1].bytes_per_second > 0
        assert "of 1 MB" in told[-1].describe()

    def test_a_full_disk_is_told_before_anything_is_asked(
        self, server, access, tmp_path, monkeypatch
    ):
        usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
        with pytest.raises(
            UnavailableError, match=r"1 MB are still .* 1 MB are free .* Free space"
        ):
            self.make(server, access, tmp_path)
        assert not server.requests

    def test_several_at_a_time_and_not_more(self, tmp_path):
        now, most, lock = 0, 0, threading.Lock()

        def send(sink):
            nonlocal now, most
            with lock:
                now, most = now + 1, max(most, now + 1)
            threading.Event().wait(0.02)
            sink.write(b"x")
            with lock:
                now -= 1

        listed = [RemoteFile(f"{n}", f"memory:{n}", send, 1) for n in range(12)]
        Downloader(parallel=3).files(listed, tmp_path, **QUIET)
        assert most == 3

    @pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
    def test_a_name_cannot_leave_the_folder(self, tmp_path, name):
        file = RemoteFile(name, "https://host/file", lambda sink: None, 1)
        with pytest.raises(InputError, match="leaves its folder"):
            Downloader().files([file], tmp_path, **QUIET)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (from_base64("md5", "XrY7u+Ae7tCTyyK7j1rNww=="), "5eb63bbbe01eeed093cb22bb8f5acdc3"),
        (from_base64("crc32c", "yZRlqg=="), "c99465aa"),
        (from_entity_tag('"5eb63bbbe01eeed093cb22bb8f5acdc3"'), "5eb63bbbe01eeed093cb22bb8f5acdc3"),
        (from_multihash("d501105eb63bbbe01eeed093cb22bb8f5acdc3"),
         "5eb63bbbe01eeed093cb22bb8f5acdc3"),
        (from_multihash(
            "1220b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"),
         "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"),
        (from_multihash("11142aae6c35c94fcfb415dbe95f408b9ce91ee846ed"),
         "2aae6c35c94fcfb415dbe95f408b9ce91ee846ed"),
    ],
)  # fmt: skip
def test_checksums_of_hello_world(tmp_path, given, expected):
    # Published sums of the eleven bytes "hello world".
    (tmp_path / "file").write_bytes(b"hello world")
    assert given.hex == expected
    assert given.of(tmp_path / "file") == expected


@pytest.mark.parametrize(
    "given",
    [
        from_base64("md5", None),
        from_entity_tag(None),
        from_entity_tag('"5eb63bbbe01eeed093cb22bb8f5acdc3-4"'),
        from_entity_tag('W/"abc"'),
        from_entity_tag('"5eb63bbbe01eeed093cb22bb8f5acdc3"', "aws:kms"),
        from_multihash(None),
        from_multihash("1e20aa"),
    ],
)
def test_what_is_no_checksum(given):
    assert given is None
