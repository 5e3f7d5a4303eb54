"""A second provider where the first one fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from landcover.errors import (
    CancelledError,
    InputError,
    LandcoverError,
    MissingDataError,
    UnavailableError,
)
from landcover.sources.at_once import ask_at_once
from landcover.sources.protocol import (
    Found,
    IsCancelled,
    Progress,
    Source,
    ignore_progress,
    never_cancelled,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
PROBE_SECONDS = 8.0
"""For the probes of all of them together, s."""


class FallbackSource:
    """Sources in the order of preference."""

    def __init__(self, sources: Sequence[Source]) -> None:
        if not sources:
            raise InputError("No source of products is named. Check --products.")
        self._sources = tuple(sources)

    @property
    def provider(self) -> str:
        """Names of the sources."""
        return ", then ".join(source.provider for source in self._sources)

    def probe(self, tile: str) -> None:
        """Ask all of them at once; it is enough that one answers."""
        asks = [partial(source.probe, tile) for source in self._sources]
        errors = ask_at_once(asks, PROBE_SECONDS)
        missing = [error for error in errors if error is not None]
        if len(missing) == len(errors):
            raise _joined(missing)
        for error in missing:
            log.warning("%s Another provider answers.", error)

    def search(self, tile: str, start: datetime, end: datetime) -> list[Found]:
        """Ask the first source that answers; one that answers with nothing has answered."""
        return first_of([partial(source.search, tile, start, end) for source in self._sources])

    def fetch(
        self,
        found: Found,
        folder: Path,
        *,
        progress: Progress = ignore_progress,
        is_cancelled: IsCancelled = never_cancelled,
    ) -> Path:
        """Bring a product from where it was found, or the same acquisition from elsewhere.

        Of several deliveries that another source has of the acquisition, that of the same name
        is taken, else that of the highest baseline.
        """

        def attempt(source: Source) -> Path:
            same = found if source.provider == found.provider else _same(source, found)
            return source.fetch(same, folder, progress=progress, is_cancelled=is_cancelled)

        ordered = sorted(self._sources, key=lambda source: source.provider != found.provider)
        return first_of([partial(attempt, source) for source in ordered])


def _same(source: Source, found: Found) -> Found:
    # The time in a catalogue may have fractions of a second that a name has not.
    around = found.datatake - timedelta(seconds=1), found.datatake + timedelta(seconds=1)
    deliveries = [
        other
        for other in source.search(found.tile, *around)
        if not other.trouble
        and other.spacecraft == found.spacecraft
        and (other.name == found.name or other.relative_orbit == found.relative_orbit)
    ]
    if not deliveries:
        raise MissingDataError(f"{source.provider}: has no delivery of {found.name}.")
    return max(
        deliveries,
        key=lambda o: (o.name == found.name, o.baseline, o.generated, o.discriminator),
    )


def first_of(attempts: Sequence[Callable[[], T]]) -> T:
    """Give what the first attempt that works returns, or raise one error of all."""
    errors: list[LandcoverError] = []
    for attempt in attempts:
        try:
            return attempt()
        except CancelledError:
            raise
        except LandcoverError as error:
            errors.append(error)
            if len(errors) < len(attempts):
                log.warning("%s The next provider is asked.", error)
    raise _joined(errors)


def _joined(errors: Sequence[LandcoverError]) -> LandcoverError:
    """Make one error of those of all sources."""
    if len(errors) == 1:
        return errors[0]
    # What may work later is tried later, whatever the others said.
    kind = next((type(e) for e in errors if e.family == "unavailable"), type(errors[-1]))
    kind = UnavailableError if kind.family == "unavailable" else kind
    joined = kind(" ".join(str(error) for error in errors))
    joined.__cause__ = errors[0]
    return joined
