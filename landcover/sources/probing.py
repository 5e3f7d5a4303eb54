"""One small request to every service that a run will need, before anything of it is recorded.

A source that is away or refuses us would otherwise be found out by every tile and season of its
own, after minutes of polite waiting. Here the whole answer comes within ten seconds; whoever does
the work later is as patient as before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from landcover.errors import (
    InputError,
    LandcoverError,
    MissingDataError,
    UnavailableError,
    UsageError,
)
from landcover.sources.access import Access, read_access
from landcover.sources.addresses import is_remote, open_source
from landcover.sources.at_once import ask_at_once
from landcover.sources.dem import open_dem
from landcover.stores.retry import RetryPolicy

SECONDS = 9.0
"""For all services together, s; what is left of ten is for the rest of the command."""
HASTE = RetryPolicy(
    first_s=0.5,
    longest_s=0.5,
    attempts=2,
    longest_wish_s=1.0,
    connect_s=2.5,
    read_s=3.5,
    remedy="Check the address and the network of this machine.",
)
_WAYS_OUT = {
    "--products": "Run again later, or name a second provider behind a comma.",
    "--dem": "Run again later, or give a folder of elevation cells.",
}


def require_answers(products: str, dem: str | None, tiles: Sequence[str]) -> None:
    """Ask the remote services of a run whether they answer and let us in; folders are not asked.

    Args:
        products: What ``--products`` names.
        dem: What ``--dem`` names, or None.
        tiles: Tiles of the run; services of products are asked about the first one.

    Raises:
        UsageError: An address or a credential is wrong.
        UnavailableError: A service does not answer.
        InputError: A service refuses us.
    """
    if not tiles:
        return
    asks: dict[tuple[str, str], Callable[[], None]] = {}
    hasty = partial(replace, policy=HASTE)
    if is_remote(products):
        asks["--products", products] = partial(_ask_source, products, tiles[0], hasty)
    if dem is not None and open_dem(dem) is not None:
        asks["--dem", dem] = partial(_ask_dem, dem, tiles, hasty)
    errors = ask_at_once(list(asks.values()), SECONDS)
    for (option, address), error in zip(asks, errors, strict=True):
        if error is not None:
            raise _told(option, address, error) from error


def _ask_source(address: str, tile: str, hasty: Callable[[Access], Access]) -> None:
    open_source(address, hasty(read_access())).probe(tile)


def _ask_dem(address: str, tiles: Sequence[str], hasty: Callable[[Access], Access]) -> None:
    source = open_dem(address, hasty(read_access()))
    if source is not None:
        source.probe(tiles)


def _told(option: str, address: str, error: LandcoverError) -> LandcoverError:
    """Say which argument it is and what can be done, without losing whose fault it is."""
    sentence = str(error)
    if isinstance(error, UsageError):
        return error
    if isinstance(error, UnavailableError):
        return UnavailableError(
            f"{option} {address}: {sentence} {_WAYS_OUT[option]} Nothing was started."
        )
    advice = " Check the address." if isinstance(error, MissingDataError) else ""
    return InputError(f"{option} {address}: {sentence}{advice} Nothing was started.")
