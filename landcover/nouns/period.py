"""Named intervals of time."""

from __future__ import annotations

from collections.abc import Iterable
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
    fallback_start: datetime | None = None
    """Start of the month that is used when the primary one has too few products; None where all
    months between start and end are used alike."""
    fallback_end: datetime | None = None
    """End of that month, exclusive."""
    fallback_descending: bool = False
    """True where the fallback month comes first, so that its last day is nearest."""

    @property
    def is_long(self) -> bool:
        """Whether all its months are used alike, without a fallback month."""
        return self.fallback_start is None

    @property
    def hull(self) -> tuple[datetime, datetime]:
        """First moment in and first moment out, with the fallback month."""
        starts = (self.start, self.fallback_start or self.start)
        return min(starts), max(self.end, self.fallback_end or self.end)

    def has(self, moment: datetime) -> bool:
        """Tell whether a moment lies in the period or in its fallback month."""
        return self.start <= moment < self.end or self.is_fallback(moment)

    def is_fallback(self, moment: datetime) -> bool:
        """Tell whether a moment lies in the fallback month."""
        if self.fallback_start is None or self.fallback_end is None:
            return False
        return self.fallback_start <= moment < self.fallback_end

    def months_without(self, moments: Iterable[datetime]) -> tuple[str, ...]:
        """List the months of a long period in which no moment lies, ``2021-03``; else none."""
        if not self.is_long:
            return ()
        first, last = (12 * m.year + m.month - 1 for m in (self.start, self.end))
        seen = {12 * m.year + m.month - 1 for m in moments}
        months = (divmod(n, 12) for n in range(first, last) if n not in seen)
        return tuple(f"{year}-{month + 1:02}" for year, month in months)


class Span(Noun):
    """Periods that are prepared together, without looking outside."""

    name: str
    """Name of the span; with one season, the season's."""
    periods: tuple[Period, ...]
    """Periods in order of time."""
