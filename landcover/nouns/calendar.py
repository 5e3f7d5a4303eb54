"""The seasons of a recipe as intervals of time: the one place that turns a key into a window.

A key is what a scheduler calls a season, ``2021-spring``, or ``2021`` where a recipe prepares a
year together. It is read from the recipe's plain document, so that nothing heavy is imported where
schedules are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from landcover.errors import InputError

FIRST_YEAR = 2015
"""Sentinel-2 delivers since then."""
LAST_YEAR = 2100
_KEY = re.compile(r"(\d{4})(?:-([a-z][a-z0-9]*))?")
_TOGETHER = ("deck", "ours")
"""Variants of masks that compare the images of a quarter (landcover/recipe/masking.py)."""


@dataclass(frozen=True)
class Window:
    """A season of a year, with all months that its products may be of."""

    key: str
    """``2021-spring``; ``2021`` for a whole year."""
    year: int
    """Its year."""
    season: str | None
    """Its name in the recipe; None for a whole year."""
    start: datetime
    """First moment in, UTC."""
    end: datetime
    """First moment out, UTC."""
    date: datetime
    """Moment that stands for it, UTC: the start, later by as many hours as seasons of the calendar
    before it start with it. No two windows have the same."""


@dataclass(frozen=True)
class Calendar:
    """The seasons of a year that are prepared one by one."""

    seasons: tuple[tuple[str, int, int], ...]
    """Name, first month and number of months of each, in the order of the recipe. The months are
    those of the season and its fallback; month 1 is January of the year, 0 is the one before. The
    name is empty for the whole year."""

    def window(self, key: str) -> Window:
        """Read a key.

        Raises:
            InputError: It is none of this calendar; the sentence says what one looks like.
        """
        found = _KEY.fullmatch(key.strip())
        year, name = (int(found[1]), found[2] or "") if found else (0, "")
        names = [season for season, *_ in self.seasons]
        if name not in names or not FIRST_YEAR <= year <= LAST_YEAR:
            example = f"{2021}-{names[0]}" if names[0] else "2021"
            expected = f"a year and one of {', '.join(names)}" if names[0] else "a year"
            raise InputError(
                f"Season {key!r}: expected {expected} from {FIRST_YEAR} on, such as {example}."
            )
        return self._place(names.index(name), year)

    def of_year(self, year: int) -> list[Window]:
        """List the windows of a year, in the order of the recipe."""
        return [self._place(place, year) for place in range(len(self.seasons))]

    def windows(self, first_year: int, last_year: int) -> Iterator[Window]:
        """List windows by their dates, the earliest first.

        Args:
            first_year: First year, included.
            last_year: Last year, included.
        """
        years = range(max(first_year, FIRST_YEAR), min(last_year, LAST_YEAR) + 1)
        yield from sorted((w for y in years for w in self.of_year(y)), key=lambda w: w.date)

    def _place(self, place: int, year: int) -> Window:
        name, first, count = self.seasons[place]
        start, end = _month(year, first), _month(year, first + count)
        n_same = sum(first == earlier[1] for earlier in self.seasons[:place])
        return Window(
            key=f"{year}-{name}" if name else str(year),
            year=year,
            season=name or None,
            start=start,
            end=end,
            date=start + timedelta(hours=n_same),
        )


PAPER = Calendar((("spring", 3, 2), ("summer", 6, 2), ("autumn", 10, 2)))
"""Seasons of ``mediterranean-rf``: March or April, June or July, November or October."""


def calendar_of(recipe: Mapping[str, Any]) -> Calendar:
    """Read the calendar of a recipe from its document, as its file has it.

    Raises:
        InputError: It names no seasons.
    """
    try:
        seasons = tuple(_months(season) for season in recipe["seasons"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        name = recipe.get("name", "") if isinstance(recipe, Mapping) else ""
        raise InputError(f"Recipe {name!r}: it names no seasons with their months.") from error
    mask = recipe.get("mask") or {}
    if recipe.get("restore") is not None or mask.get("variant") in _TOGETHER:
        first = min(first for _, first, _ in seasons)
        last = max(first + count for _, first, count in seasons)
        return Calendar((("", first, last - first),))
    return Calendar(seasons)


def _months(season: Mapping[str, Any]) -> tuple[str, int, int]:
    if "first_month" in season:
        first, last = int(season["first_month"]), int(season["last_month"])
        return str(season["name"]), first, (last - first) % 12 + 1
    first, helper = int(season["primary_month"]), int(season["fallback_month"])
    # December and January are neighbours: the fallback month is then of another year.
    helper += {(12, 1): 12, (1, 12): -12}.get((first, helper), 0)
    low, high = sorted((first, helper))
    return str(season["name"]), low, high - low + 1


def _month(year: int, month: int) -> datetime:
    """Give the first moment of a month; 0 is December of the year before, 13 January after."""
    beyond, index = divmod(month - 1, 12)
    return datetime(year + beyond, index + 1, 1, tzinfo=UTC)
