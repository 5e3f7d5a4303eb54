"""PostgreSQL for tests of Airflow, from the system's package, with a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers import HOST, Server, ServersAbsentError, free_port, scratch_folder

POSTGRES = "postgres"
"""User of PostgreSQL, in it and of this machine where tests run as root; its first database."""


def postgres_programs() -> Path:
    """Find the folder of PostgreSQL's programs; Debian keeps them out of the way.

    Raises:
        ServersAbsentError: It is not installed, or this user may not run it.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    if not found and named is None:
        raise ServersAbsentError("no PostgreSQL: install Debian's package postgresql")
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(POSTGRES)
        except KeyError as error:
            message = f"PostgreSQL does not run as root, and there is no user {POSTGRES}"
            raise ServersAbsentError(message) from error
    return found[-1].parent if found else Path(str(named)).resolve().parent


@contextmanager
def postgres_running() -> Iterator[str]:
    """Run PostgreSQL with a folder of its own, and give the address of an empty database."""
    programs, port = postgres_programs(), free_port()
    owner = POSTGRES if os.geteuid() == 0 else None
    with scratch_folder() as folder:
        if owner is not None:
            shutil.chown(folder, owner)
        data = folder / "data"
        make = [str(programs / "initdb"), "-D", str(data), "-U", POSTGRES, "-A", "trust"]
        made = subprocess.run(
            [*make, "-N", "-E", "UTF8", "--locale", "C"],
            user=owner, cwd=folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(made.stderr)
        command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), "-h", HOST]
        # What it holds is gone afterwards anyway: nothing is waited for until it is on disk.
        command += ["-k", str(folder), "-c", "fsync=off", "-c", "synchronous_commit=off"]
        server = Server(command, port, folder, {}, owner)
        server.start()
        try:
            yield f"postgresql://{POSTGRES}@{HOST}:{port}/{POSTGRES}"
        finally:
            server.stop(signal.SIGINT)
