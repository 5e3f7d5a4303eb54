"""The seasons of a recipe: a month with its neighbour, or several months in a row."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from landcover.nouns.period import Period
from landcover.recipe.section import Section

Name = Field(pattern=r"^[a-z][a-z0-9]*$")
Month = Field(ge=1, le=12)
PAIR, RANGE = ("primary_month", "fallback_month"), ("first_month", "last_month")


class Season(Section):
    """A month of the year and the month that may help it out."""

    name: str = Name
    """Name without the year, such as ``spring``; features carry it."""
    primary_month: int = Month
    """Month that products are taken from first, 1-12."""
    fallback_month: int = Month
    """Neighbouring month that is used when the primary one has too few products, 1-12."""

    @model_validator(mode="after")
    def _months_differ(self) -> Season:
        if self.fallback_month == self.primary_month:
            raise ValueError(
                f"the fallback month of {self.name} is its primary month {self.primary_month}"
            )
        return self

    def period(self, year: int) -> Period:
        """Place the season in a year: that of its primary month.

        December and January are neighbours: the fallback month of one is in the next year, that
        of the other in the year before.
        """
        beyond = {(12, 1): 1, (1, 12): -1}.get((self.primary_month, self.fallback_month), 0)
        start, end = _month(year, self.primary_month)
        fallback_start, fallback_end = _month(year + beyond, self.fallback_month)
        return Period(
            name=f"{year}-{self.name}",
            label=self.name,
            start=start,
            end=end,
            fallback_start=fallback_start,
            fallback_end=fallback_end,
            fallback_descending=fallback_start < start,
        )


class LongSeason(Section):
    """Several months in a row, all of which products are taken from."""

    name: str = Name
    """Name without the year, such as ``growing``; features carry it."""
    first_month: int = Month
    """First of the months, 1-12."""
    last_month: int = Month
    """Last of the months, 1-12; below ``first_month`` it is one of the next year."""

    @property
    def n_months(self) -> int:
        """Number of its months, 1-12."""
        return (self.last_month - self.first_month) % 12 + 1

    def has_month(self, month: int) -> bool:
        """Tell whether a month, 1-12, is one of them."""
        return (month - self.first_month) % 12 < self.n_months

    def period(self, year: int) -> Period:
        """Place the season in a year: that of its first month."""
        beyond = int(self.last_month < self.first_month)
        return Period(
            name=f"{year}-{self.name}",
            label=self.name,
            start=_month(year, self.first_month)[0],
            end=_month(year + beyond, self.last_month)[1],
        )


def _read(value: Any) -> Season | LongSeason:
    """Read a season by the keys that it has."""
    if isinstance(value, Season | LongSeason):
        return value
    given = set(value) if isinstance(value, Mapping) else set()
    pair, months = (sorted(given.intersection(keys)) for keys in (PAIR, RANGE))
    if pair and months:
        raise ValueError(
            f"{months[0]} does not go with {pair[0]}: a season has {' and '.join(PAIR)}, or "
            f"{' and '.join(RANGE)}"
        )
    return (LongSeason if months else Season).model_validate(value)


AnySeason: TypeAlias = Annotated[Season | LongSeason, BeforeValidator(_read)]


def _month(year: int, month: int) -> tuple[datetime, datetime]:
    start = datetime(year, month, 1, tzinfo=UTC)
    return start, start + timedelta(days=monthrange(year, month)[1])
