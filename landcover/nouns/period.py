"""Named intervals of time."""

from __future__ import annotations

from datetime import datetime

from landcover.nouns.base import Noun


class Period(Noun):
    """A named UTC interval, end exclusive, such as ``2021-spring``."""

    name: str
    """Name with its year, ``2021-spring``."""
    label: str
    """Name without its year, ``spring``: what feature names carry."""
    start: datetime
    """First moment in, UTC."""
    end: datetime
    """First moment out, UTC."""
    fallback_start: datetime
    """Start of the month that is used when the primary one has too few products."""
    fallback_end: datetime
    """End of that month, exclusive."""
    fallback_descending: bool
    """True where the fallback month comes first, so that its last day is nearest."""


class Span(Noun):
    """Periods that are prepared together, without looking outside."""

    name: str
    """Name of the span; with one season, the season's."""
    periods: tuple[Period, ...]
    """Periods in order of time."""
