"""Objects of a server under GDAL's paths: how GDAL reaches them, and what to do when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
TRIES = 4


@dataclass(frozen=True)
class VsiAccess:
    """How GDAL reaches the objects of one store."""

    options: Callable[[], Mapping[str, str]]
    """GDAL's configuration; no secret is in it, GDAL finds those where the store does."""
    require: Callable[[str], None]
    """Waits until the store answers, and raises InputError where it has no object of a path."""


_ACCESS: dict[str, VsiAccess] = {}


def register(prefix: str, reach: VsiAccess) -> None:
    """Say how paths that begin with a prefix are reached, in this process."""
    _ACCESS[prefix] = reach


def options(path: str) -> Mapping[str, str]:
    """Give what GDAL needs to open a path; nothing for local files."""
    reach = _reach(path)
    return {} if reach is None else reach.options()


def patiently(path: str, read: Callable[[], T], failure: type[Exception]) -> T:
    """Read, and again where the store of a path was away meanwhile.

    GDAL does not say whether a file is damaged or its server away, so the store is asked.

    Args:
        path: What is read.
        read: Reads it.
        failure: What GDAL raises.

    Returns:
        What was read.

    Raises:
        UnavailableError: The store did not come back in time.
        InputError: The store has no such object.
    """
    reach = _reach(path)
    for _ in range(TRIES - 1 if reach else 0):
        try:
            return read()
        except failure:
            if reach is not None:
                reach.require(path)
    return read()


def _reach(path: str) -> VsiAccess | None:
    if not path.startswith("/vsi"):
        return None
    return next((r for prefix, r in _ACCESS.items() if path.startswith(prefix)), None)
