"""Where and how: read once at the edge, never part of an id.

An option of the command line wins over the environment (``LANDCOVER_*``), which wins over
``landcover.toml`` in the workspace, which wins over the default.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

from landcover.errors import UsageError

PREFIX = "LANDCOVER_"


@dataclass(frozen=True)
class Settings:
    """Where things are and how much a job may use."""

    workspace: Path
    """Folder of everything that is kept."""
    objects: str
    """Address of the object store, ``file:///…`` or ``s3://bucket/prefix``."""
    records: str = field(repr=False)  # a password may be in it
    """Address of the record store, ``sqlite:///…`` or ``mongodb://…``."""
    dask: str | None
    """Address of the Dask scheduler, ``tcp://…``; None where there is none."""
    memory_gb: float
    """Memory of one job, GB: decides the windows."""
    threads: int
    """Threads of one job."""
    data: Path | None
    """Folder of sample data for docs, notebooks and tests."""
    s3_endpoint: str | None = None
    """URL of the S3 server; Amazon's if None. Credentials: the standard AWS variables or files."""
    s3_region: str | None = None
    """Its region; that of the AWS variables, or us-east-1, if None."""
    s3_path_style: bool = True
    """Whether buckets are in the path of a URL (most servers) or in the host name."""
    records_password_file: Path | None = None
    """File with the password of the records' user, as a mounted secret is."""
    patience_seconds: float = 120.0
    """How long an operation waits for a store that is away."""
    deadline_hours: float | None = None
    """Longest time of a unit at a stage through Airflow, h; what the stage's row says if None."""
    worker_hour_price: float | None = None
    """What a worker costs for an hour, in any currency; estimates have no price if None."""
    scratch: Path | None = None
    """Local folder for files on their way to or from a server; the system's if None."""


def read_settings(
    environment: Mapping[str, str] | None = None, **options: str | float | None
) -> Settings:
    """Read the settings.

    Args:
        environment: The environment; the process's own if None.
        options: What the command line says; None where it says nothing.

    Returns:
        The settings.

    Raises:
        UsageError: An option or a key of ``landcover.toml`` is unknown, or a number is none.
    """
    env = os.environ if environment is None else environment
    given = {name: value for name, value in options.items() if value is not None}
    names = {field.name for field in fields(Settings)}
    for option in given:
        if option not in names:
            raise UsageError(f"Unknown setting {option!r}.{_hint(option, names)}")
    workspace = _absolute(
        given.get("workspace") or env.get(f"{PREFIX}WORKSPACE") or "landcover-workspace"
    )
    values: dict[str, object] = {
        "objects": f"file://{workspace}/objects",
        "records": f"sqlite://{workspace}/records.sqlite",
        "dask": None,
        "memory_gb": 1.0,
        "threads": max(1, len(os.sched_getaffinity(0))),
        "data": None,
        "s3_endpoint": None,
        "s3_region": None,
        "s3_path_style": True,
        "records_password_file": None,
        "patience_seconds": 120.0,
        "deadline_hours": None,
        "worker_hour_price": None,
        "scratch": None,
        **_read_file(workspace / "landcover.toml", names - {"workspace"}),
        **{
            name: env[f"{PREFIX}{name.upper()}"]
            for name in names
            if env.get(f"{PREFIX}{name.upper()}")
        },
        **given,
        "workspace": workspace,
    }
    return Settings(
        workspace=workspace,
        objects=str(values["objects"]),
        records=str(values["records"]),
        dask=_text(values["dask"]),
        memory_gb=_number("memory_gb", values["memory_gb"]),
        threads=_whole("threads", values["threads"]),
        data=_folder(values["data"]),
        s3_endpoint=_text(values["s3_endpoint"]),
        s3_region=_text(values["s3_region"]),
        s3_path_style=_flag("s3_path_style", values["s3_path_style"]),
        records_password_file=_folder(values["records_password_file"]),
        patience_seconds=_number("patience_seconds", values["patience_seconds"]),
        deadline_hours=_number_or_none("deadline_hours", values["deadline_hours"]),
        worker_hour_price=_number_or_none("worker_hour_price", values["worker_hour_price"]),
        scratch=_folder(values["scratch"]),
    )


def as_environment(settings: Settings) -> dict[str, str]:
    """Write the settings as environment variables, for a child process."""
    pairs = {field.name: getattr(settings, field.name) for field in fields(Settings)}
    return {f"{PREFIX}{k.upper()}": str(v) for k, v in pairs.items() if v is not None}


@contextmanager
def in_environment(settings: Settings) -> Iterator[None]:
    """Let the stages of this process find what the settings name; afterwards all is as before."""
    before = dict(os.environ)
    os.environ.update(as_environment(settings))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _read_file(path: Path, names: set[str]) -> dict[str, object]:
    if not path.is_file():
        return {}
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:  # bad TOML, or no UTF-8 text
        raise UsageError(f"{path}: not valid TOML ({error}).") from error
    for key in found:
        if key == "workspace":
            raise UsageError(
                f"{path}: the workspace is the folder that this file lies in; set it by "
                "--workspace or LANDCOVER_WORKSPACE."
            )
        if key not in names:
            raise UsageError(f"{path}: unknown setting {key!r}.{_hint(key, names)}")
    return found


def _hint(key: str, names: set[str]) -> str:
    near = get_close_matches(key, names, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(sorted(names))}."


def _absolute(path: object) -> Path:
    return Path(str(path)).expanduser().resolve()


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number_or_none(name: str, value: object) -> float | None:
    return None if value is None else _number(name, value)


def _folder(path: object) -> Path | None:
    return None if path is None else _absolute(path)


def _flag(name: str, value: object) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    found = known.get(str(value).lower())
    if found is None:
        raise UsageError(f"Setting {name}: expected true or false, found {value!r}.")
    return found


def _number(name: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError as error:
        raise UsageError(f"Setting {name}: expected a number, found {value!r}.") from error
    if not (isfinite(number) and number > 0):
        raise UsageError(f"Setting {name}: expected a number above 0, found {value!r}.")
    return number


def _whole(name: str, value: object) -> int:
    number = _number(name, value)
    if not number.is_integer():
        raise UsageError(f"Setting {name}: expected a whole number, found {value!r}.")
    return int(number)
