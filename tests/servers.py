"""Real servers for tests and developers: S3 and the MongoDB protocol, on this machine only.

They are built once from the Go module proxy (checksums are pinned and checked) into a cache
outside the repository, ``LANDCOVER_SERVER_CACHE`` or ``~/.cache/landcover-test-servers``. Run this
file to start both and to see the variables that point landcover to them.

The document server is FerretDB with SQLite behind it: it speaks the MongoDB protocol, and is not
MongoDB.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

CACHE = Path(
    os.environ.get("LANDCOVER_SERVER_CACHE") or Path.home() / ".cache" / "landcover-test-servers"
)
HOST = "127.0.0.1"
BUCKET = "landcover"
DATABASE = "landcover"


class ServersAbsentError(Exception):
    """The servers cannot be had on this machine."""


@dataclass(frozen=True)
class Program:
    """A server and where its source comes from."""

    name: str
    module: str
    version: str
    checksum: str
    tags: str = ""
    generated: Mapping[str, str] = field(default_factory=dict)
    """Files that the project generates before a build; they are not part of the module."""


S3 = Program(
    name="versitygw",
    module="github.com/versity/versitygw",
    version="v1.8.0",
    checksum="h1:au+wI+aybno/STsQiSm35Uu6Q6iK5MWReQxgO6SEMFc=",
)
DOCUMENTS = Program(
    name="ferretdb",
    module="github.com/FerretDB/FerretDB",
    version="v1.24.0",
    checksum="h1:7WJmezL48Bj9bYWnhT/bEJgX5gjT5s7LFdHTqkN25rA=",
    tags="ferretdb_no_postgresql",
    generated={"build/version/version.txt": "v1.24.0\n"},
)


def build(program: Program) -> Path:
    """Build a server, or find the one that was built before."""
    target = CACHE / f"{program.name}-{program.version}"
    if target.exists():
        return target
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if go is None:
        raise ServersAbsentError("no Go compiler: install Go 1.25 or newer to build the servers")
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{program.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            _build(go, program, target)
    return target


def _build(go: str, program: Program, target: Path) -> None:
    began = time.monotonic()
    wanted = f"{program.module}@{program.version}"
    print(f"building {wanted} …", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        found = json.loads(_run([go, "mod", "download", "-json", wanted], folder))
        if found["Sum"] != program.checksum:
            raise ServersAbsentError(
                f"{wanted}: checksum {found['Sum']}, expected {program.checksum}"
            )
        # The module cache is not to be written to, and a main package is built from its module.
        source = Path(folder) / "source"
        shutil.copytree(found["Dir"], source, copy_function=shutil.copyfile)
        for path in (source, *source.rglob("*")):
            path.chmod(0o755)
        for name, text in program.generated.items():
            (source / name).write_text(text)
        command = [go, "build", "-p", "2", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"]
        command += ["-tags", program.tags, "-o", f"{folder}/built", f"./cmd/{program.name}"]
        _run(command, str(source))
        os.rename(f"{folder}/built", target)
    print(f"built {wanted} in {time.monotonic() - began:.0f} s", file=sys.stderr)


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(
        ["nice", *command],
        cwd=folder,
        env={**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ServersAbsentError(f"{' '.join(command[1:4])} failed: {' '.join(said)}")
    return done.stdout


class Server:
    """A server of its own process group on one port; it can be stopped and started again."""

    def __init__(
        self,
        command: list[str],
        port: int,
        folder: Path,
        environment: Mapping[str, str],
        user: str | None = None,
    ) -> None:
        self.port = port
        self._user = user
        self._command = command
        self.folder = folder
        """Its data and its log."""
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it, with options before its others, and wait until it listens."""
        program, *rest = self._command
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["nice", program, *options, *rest],
                cwd=self.folder,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
            )
        ends = time.monotonic() + 30
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > ends:
                self.stop()
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            time.sleep(0.02)

    def stop(self, *signals: signal.Signals) -> None:
        """End it and whatever it started."""
        if self._process is None:
            return
        for number in (*signals, signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
                break
        self._process = None

    @contextmanager
    def away(self, seconds: float) -> Iterator[None]:
        """Kill it now, and start it again after a while, whatever the block does meanwhile."""
        self.stop(signal.SIGKILL)
        timer = threading.Timer(seconds, self.start)
        timer.start()
        try:
            yield
        finally:
            timer.join()

    @contextmanager
    def started_with(self, *options: str) -> Iterator[None]:
        """Run it with other options for the length of the block, on the same data."""
        self.stop()
        self.start(*options)
        try:
            yield
        finally:
            self.stop()
            self.start()


@dataclass
class S3Server:
    """An S3 server with one bucket, and what reaches it."""

    server: Server
    access_key: str
    secret_key: str

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point landcover to it; add a prefix to the address at will."""
        return {
            "LANDCOVER_OBJECTS": f"s3://{BUCKET}",
            "LANDCOVER_S3_ENDPOINT": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


@contextmanager
def s3_running() -> Iterator[S3Server]:
    """Run an S3 server with an empty bucket."""
    program = build(S3)
    with scratch_folder() as folder:
        (folder / "data" / BUCKET).mkdir(parents=True)
        keys = {"ROOT_ACCESS_KEY": f"test{secrets.token_hex(6)}"}
        keys["ROOT_SECRET_KEY"] = secrets.token_hex(20)
        port = free_port()
        # Objects' metadata go beside the files: not every temporary folder has file attributes.
        command = [str(program), "--port", f"{HOST}:{port}", "--quiet", "posix"]
        (folder / "meta").mkdir()
        command += ["--sidecar", str(folder / "meta"), str(folder / "data")]
        server = Server(command, port, folder, keys)
        server.start()
        try:
            yield S3Server(server, keys["ROOT_ACCESS_KEY"], keys["ROOT_SECRET_KEY"])
        finally:
            server.stop()


@dataclass
class DocumentServer:
    """A server of the MongoDB protocol (FerretDB)."""

    server: Server

    def url(self, database: str = DATABASE) -> str:
        """Address of a database on it."""
        return f"mongodb://{HOST}:{self.server.port}/{database}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables that point landcover to it."""
        return {"LANDCOVER_RECORDS": self.url()}


@contextmanager
def documents_running() -> Iterator[DocumentServer]:
    """Run a server of the MongoDB protocol (FerretDB) without any database."""
    program = build(DOCUMENTS)
    with scratch_folder() as folder:
        (folder / "data").mkdir()
        port = free_port()
        command = [str(program), "--handler=sqlite", "--sqlite-url=file:data/"]
        command += [f"--listen-addr={HOST}:{port}", "--debug-addr=-", "--telemetry=disable"]
        command += ["--state-dir=.", "--log-level=WARN"]
        server = Server(command, port, folder, {"DO_NOT_TRACK": "1"})
        server.start()
        try:
            yield DocumentServer(server)
        finally:
            server.stop()


class Proxy:
    """A TCP proxy that counts what the server sends, and can break connections."""

    def __init__(self, port: int) -> None:
        self.received = 0
        """Bytes that the server sent."""
        self.cut_after: int | None = None
        """Bytes after which the next connection is broken, once."""
        self._target = port
        self._listener = socket.create_server((HOST, 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Listen no longer."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection((HOST, self._target))
                except OSError:  # the server is away: so is its proxy
                    client.close()
                    continue
                for source, sink, count in ((client, server, False), (server, client, True)):
                    copy = threading.Thread(target=self._copy, args=(source, sink, count))
                    copy.daemon = True
                    copy.start()

    def _copy(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if counts:
                    self.received += len(data)
                    if self.cut_after is not None and self.received > self.cut_after:
                        self.cut_after = None
                        break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def free_port() -> int:
    """Find a port that nobody listens on."""
    with closing(socket.create_server((HOST, 0))) as found:
        return int(found.getsockname()[1])


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


@contextmanager
def scratch_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="landcover-server-") as folder:
        yield Path(folder)


@contextmanager
def _or_left_out() -> Iterator[None]:
    try:
        yield
    except ServersAbsentError as error:
        if os.environ.get("LANDCOVER_REQUIRE_ALL"):
            raise
        pytest.skip(f"servers absent: {error}")


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server; tests are left out where it cannot be built, which fails in CI."""
    with _or_left_out():
        build(S3)
    with s3_running() as server:
        yield server


@pytest.fixture(scope="session")
def document_server() -> Iterator[DocumentServer]:
    """A server of the MongoDB protocol (FerretDB); left out like the S3 server."""
    with _or_left_out():
        build(DOCUMENTS)
    with documents_running() as server:
        yield server


def main() -> None:
    """Run both servers until somebody presses Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with s3_running() as objects, documents_running() as records:
            for name, value in {**objects.environment, **records.environment}.items():
                print(f"export {name}={value}")
            print("# Both run until Ctrl-C; then what they hold is gone.", flush=True)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    except ServersAbsentError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
