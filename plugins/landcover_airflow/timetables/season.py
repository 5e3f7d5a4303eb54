"""One run a season, named by its key, and looks at it while late products may come.

A run of this timetable has a partition key, ``2021-spring``, and no logical date and no data
interval: what it works on follows from the key by :mod:`landcover.nouns.calendar`. The scheduler,
the API server and the DAG processor all load this file; the calendar travels with the DAG, so none
of them reads a recipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from airflow.exceptions import InvalidPartitionKeyError
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from airflow.utils.types import DagRunType
from pendulum import DateTime
from pendulum import instance as pendulum_of

from landcover.errors import InputError
from landcover.nouns.calendar import PAPER, Calendar, Window


class SeasonTimetable(Timetable):
    """Run after each season's end, and look again while its products may come late.

    Args:
        calendar: The seasons.
        latency_days: Days after a season's end until its first run.
        look_days: Days between two looks at a season.
        late_days: Days after a season's end during which it is looked at again.
        first_year: First year.
    """

    description = "After each season, and again while its products may come late"
    partitioned = True
    run_ordering = ("partition_date", "run_after")

    def __init__(
        self,
        calendar: Calendar = PAPER,
        *,
        latency_days: int = 5,
        look_days: int = 10,
        late_days: int = 40,
        first_year: int = 2015,
    ) -> None:
        self.calendar = calendar
        self.latency_days = latency_days
        self.look_days = look_days
        self.late_days = late_days
        self.first_year = first_year

    @property
    def summary(self) -> str:
        """What the list of DAGs shows."""
        names = ", ".join(name or "year" for name, *_ in self.calendar.seasons)
        return f"{names} + {self.latency_days} d"

    def serialize(self) -> dict[str, Any]:
        """Write all of it into the DAG, so that no other file has to be read."""
        return {
            "seasons": [list(season) for season in self.calendar.seasons],
            "latency_days": self.latency_days,
            "look_days": self.look_days,
            "late_days": self.late_days,
            "first_year": self.first_year,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Read what :meth:`serialize` wrote."""
        rest = {key: int(value) for key, value in data.items() if key != "seasons"}
        seasons = tuple((str(name), int(first), int(n)) for name, first, n in data["seasons"])
        return cls(Calendar(seasons), **rest)

    def iter_partition_dagrun_infos(
        self, *, earliest: datetime, latest: datetime
    ) -> Iterable[DagRunInfo]:
        """List the closed seasons whose dates lie between two moments, both included."""
        now = _now()
        for window in self._windows(earliest.year - 1, latest.year + 1):
            if earliest <= window.date <= latest and self._due(window) <= now:
                yield _info(window, self._due(window))

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Give none: runs follow their keys, not intervals."""
        return None

    def next_dagrun_info_v2(
        self, *, last_dagrun_info: DagRunInfo | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Give the next look.

        Without catch-up, looks that were missed are not made up for, but the last one of them.
        """
        after = last_dagrun_info.run_after if last_dagrun_info is not None else None
        earliest, latest = restriction.earliest, restriction.latest
        first = min(after or earliest or _now(), _now()).year - 2
        looks = (
            _info(window, moment)
            for moment, window in self._looks(first, _now().year + 1)
            if (after is None or moment > after) and (earliest is None or moment >= earliest)
        )
        found = self._catch_up(looks) if restriction.catchup else self._skip_missed(looks)
        if found is None or (latest is not None and found.run_after > latest):
            return None
        return found

    def resolve_partition_date(self, partition_key: str | None) -> datetime | None:
        """Give the date of a season, and refuse a run that has none.

        Raises:
            InvalidPartitionKeyError: There is no key, it is none of the calendar, or its season
                is not over; the dialog shows the sentence.
        """
        if partition_key is None:
            example = self.calendar.of_year(self.first_year + 1)[0].key
            raise InvalidPartitionKeyError(
                f"Give the season as partition key, such as {example}: a run is of one season."
            )
        return self._decode_partition_date(partition_key)

    def _decode_partition_date(self, partition_key: str) -> datetime:
        try:
            window = self.calendar.window(partition_key)
        except InputError as error:
            raise InvalidPartitionKeyError(str(error)) from error
        if partition_key != window.key:
            raise InvalidPartitionKeyError(f"Season {partition_key!r}: write {window.key}.")
        if window.end > _now():
            raise InvalidPartitionKeyError(
                f"Season {window.key} is not over before {window.end:%Y-%m-%d}; trigger it from "
                "then on."
            )
        return window.date

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Give an interval of no length: a season's window follows from its key."""
        return DataInterval.exact(run_after)

    def generate_run_id(
        self,
        *,
        run_type: DagRunType,
        run_after: DateTime,
        data_interval: DataInterval | None,
        **extra: Any,
    ) -> str:
        """Name a run by its season and its moment, so that looks and backfills stay apart."""
        parts = [extra.get("partition_key"), f"{run_after:%Y-%m-%dT%H:%M:%S}", uuid4().hex[:6]]
        return run_type.generate_run_id(suffix="__".join(part for part in parts if part))

    def _due(self, window: Window) -> datetime:
        return window.end + timedelta(days=self.latency_days)

    def _windows(self, first_year: int, last_year: int) -> Iterator[Window]:
        yield from self.calendar.windows(max(first_year, self.first_year), last_year)

    def _looks(self, first_year: int, last_year: int) -> list[tuple[datetime, Window]]:
        """List every look at the seasons of some years, in order of time."""
        n_looks = 1 + max(0, self.late_days - self.latency_days) // self.look_days
        looks = [
            (self._due(window) + timedelta(days=self.look_days * number), window)
            for window in self._windows(first_year, last_year)
            for number in range(n_looks)
        ]
        return sorted(looks, key=lambda look: (look[0], look[1].date))

    @staticmethod
    def _catch_up(looks: Iterator[DagRunInfo]) -> DagRunInfo | None:
        return next(looks, None)

    @staticmethod
    def _skip_missed(looks: Iterator[DagRunInfo]) -> DagRunInfo | None:
        now, missed = _now(), None
        for look in looks:
            if look.run_after > now:
                return missed or look
            missed = look
        return missed


def _info(window: Window, run_after: datetime) -> DagRunInfo:
    return DagRunInfo(
        run_after=pendulum_of(run_after),
        data_interval=None,
        partition_date=pendulum_of(window.date),
        partition_key=window.key,
    )


def _now() -> datetime:
    return datetime.now(UTC)
