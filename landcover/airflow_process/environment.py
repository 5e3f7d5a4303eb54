"""What an Airflow child process is told, and where its files are."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import landcover
from landcover.errors import UnavailableError, UsageError
from landcover.settings import Settings, as_environment

HOME_VARIABLE = "LANDCOVER_HOME"
USER = "admin"
# HS512 signs with a key of 64 bytes; Airflow refuses shorter ones.
SECRET_BYTES = 64
PASSWORD_BYTES = 12
DATABASE_NAME = "airflow.db"
_ERROR = re.compile(r"[\w.]+(Error|Exception): ")


def repository() -> Path:
    """Find the folder with ``dags/``, ``plugins/`` and ``recipes/``.

    Raises:
        UsageError: The library was installed without them and LANDCOVER_HOME names no such folder.
    """
    named = os.environ.get(HOME_VARIABLE)
    root = Path(named) if named else Path(landcover.__file__).parents[1]
    if not (root / "dags" / "landcover_map.py").is_file():
        raise UsageError(
            f"{root}: expected the folders dags, plugins and recipes of landcover. "
            f"Set {HOME_VARIABLE} to a checkout of its repository."
        )
    return root.resolve()


def airflow_version() -> str:
    """Give the version of the installed Airflow.

    Raises:
        UsageError: It is not installed.
    """
    try:
        return version("apache-airflow-core")
    except PackageNotFoundError as error:
        raise UsageError(
            "Airflow is not installed here. Install it with: pip install 'landcover[airflow]'"
        ) from error


def airflow_environment(
    settings: Settings, home: Path, dask_address: str | None, database: str | None = None
) -> dict[str, str]:
    """Write the environment of an Airflow process: only ours, whatever this shell has set.

    Args:
        settings: Where and how; passed on to every stage.
        home: Its AIRFLOW_HOME: database, secrets, logs.
        dask_address: Scheduler that units are submitted to; that of the settings if None.
        database: Address of Airflow's database, ``postgresql://…``; SQLite in its home if None.

    Returns:
        The whole environment of the child.
    """
    root = repository()
    home.mkdir(parents=True, exist_ok=True)
    kept = _secrets(home)
    slots = str(min(8, max(4, 2 * (os.cpu_count() or 1))))
    inherited = {key: value for key, value in os.environ.items() if not _is_airflows(key)}
    address = dask_address or settings.dask
    return {
        **inherited,
        **as_environment(settings),
        **({"LANDCOVER_DASK": address} if address else {}),
        HOME_VARIABLE: str(root),
        # Airflow calls itself by its bare name.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(
            [str(root / "plugins"), *filter(None, [inherited.get("PYTHONPATH")])]
        ),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(root / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(root / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": slots,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(home)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
            _address_of(home / DATABASE_NAME) if database is None else _with_driver(database)
        ),
        "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt"],
        "AIRFLOW__API__SECRET_KEY": kept["session"],
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        # On a busy machine a supervisor sees the end of its process only when it next wakes up; by
        # default that is 5 s in which a finished task keeps its slot.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    }


def _address_of(database: Path) -> str:
    """Write a path as an address of SQLAlchemy, in which ``%``, ``?`` and ``#`` mean something."""
    return f"sqlite:///{quote(str(database))}"


def password_of(home: Path) -> str:
    """Give the password of the user ``admin``, made once per home."""
    file = _password_file(home)
    if not file.exists():
        _write_private(file, {USER: secrets.token_urlsafe(PASSWORD_BYTES)})
    return str(json.loads(file.read_text())[USER])


def provide_database(home: Path, database: str | None = None) -> None:
    """Migrate a database of a server, or put a migrated file into a home that has none.

    Migrating takes ten seconds, so a file is made once per version of Airflow and copied.

    Args:
        home: AIRFLOW_HOME.
        database: Address of a database on a server; a file in the home if None.

    Raises:
        UsageError: The address is of a kind that Airflow is not run on here.
        UnavailableError: Airflow could not make it.
    """
    if database is not None:
        _migrate_at(_with_driver(database), home)
        return
    target = home / DATABASE_NAME
    if target.exists():
        return
    template = _cache() / f"airflow-{airflow_version()}.sqlite"
    if not template.exists():
        _migrate(template)
    shutil.copyfile(template, target)


def _migrate(template: Path) -> None:
    with tempfile.TemporaryDirectory(dir=template.parent) as folder:
        scratch = Path(folder)
        _migrate_at(_address_of(scratch / DATABASE_NAME), scratch)
        # Published by rename: two first runs at once both get a whole file.
        (scratch / DATABASE_NAME).replace(template)


def _migrate_at(address: str, home: Path) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not _is_airflows(key)},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address,
    }
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        # SQLAlchemy tells advice behind its error.
        told = next((line for line in reversed(lines) if _ERROR.match(line)), lines[-1])
        raise UnavailableError(f"Airflow could not make its database: {told}")


def _with_driver(address: str) -> str:
    """Name the driver that Airflow's packages have; SQLAlchemy 2.1 would look for another one.

    A password in the address is not repeated where it is refused.
    """
    scheme, found, rest = address.partition("://")
    if scheme.partition("+")[0] != "postgresql" or not found:
        raise UsageError(
            f"Database {scheme}: expected an address postgresql://user@host:port/name. Leave it "
            "out to have SQLite in the workspace."
        )
    if find_spec("psycopg2") is None or find_spec("asyncpg") is None:
        raise UsageError(
            "PostgreSQL: its drivers are not installed here. Install them with: "
            "pip install 'landcover[airflow,postgres]'"
        )
    return f"postgresql+psycopg2://{rest}"


def _cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "landcover"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _secrets(home: Path) -> dict[str, str]:
    file = home / "secrets.json"
    if not file.exists():
        made = {name: secrets.token_hex(SECRET_BYTES) for name in ("jwt", "session")}
        _write_private(file, made)
    kept: dict[str, str] = json.loads(file.read_text())
    return kept


def _password_file(home: Path) -> Path:
    return home / "passwords.json"


def _write_private(file: Path, document: dict[str, str]) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(document, stream)


def _is_airflows(key: str) -> bool:
    if key in ("AIRFLOW_CONN_LANDCOVER_WEBHOOK", "AIRFLOW_CONN_LANDCOVER_MAIL"):
        return False  # whom the end of a run is told: nothing but these names is ours
    return key == "AIRFLOW_HOME" or key.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_"))
