"""Seasons become years: the map of 2021 waits for 2021-spring, 2021-summer and 2021-autumn.

Airflow's ``RollupMapper`` puts the two classes here together: the mapper reads and writes keys,
the window says which seasons a year has. The scheduler and the API server rebuild them from the
serialised DAG, so the plugin lists both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow.partition_mappers.base import PartitionMapper
from airflow.partition_mappers.window import Window

from landcover.nouns.calendar import FIRST_YEAR, LAST_YEAR

_SEASON = re.compile(r"(\d{4})(-[a-z][a-z0-9]*)?")
_YEAR = re.compile(r"\d{4}")


class YearMapper(PartitionMapper):
    """Key of a season, ``2021-spring`` → key of its year, ``2021``; and back."""

    expected_decoded_type: ClassVar[type] = int

    def to_downstream(self, key: str) -> str:
        """Name the year of a season.

        Raises:
            ValueError: It is no season; Airflow says so at the producing DAG.
        """
        found = _SEASON.fullmatch(key)
        if found is None:
            raise ValueError(f"Season {key!r}: expected a key such as 2021-spring.")
        return str(self.decode_downstream(found[1]))

    def decode_downstream(self, downstream_key: str) -> int:
        """Read the key of a year.

        Raises:
            ValueError: It is none; the trigger dialog shows the sentence.
        """
        year = int(downstream_key) if _YEAR.fullmatch(downstream_key) else 0
        latest = min(LAST_YEAR, datetime.now(UTC).year)
        if not FIRST_YEAR <= year <= latest:
            raise ValueError(
                f"Year {downstream_key!r}: expected {FIRST_YEAR} to {latest}, such as 2021."
            )
        return year

    def encode_upstream(self, decoded: Any) -> str:
        """Write the key of a season of a year, given as (year, name)."""
        year, name = decoded
        return f"{year}-{name}" if name else str(year)

    def to_partition_date(self, downstream_key: str) -> datetime:
        """Give the first moment of a year, UTC."""
        return datetime(self.decode_downstream(downstream_key), 1, 1, tzinfo=UTC)


class SeasonsOfYear(Window):
    """The seasons that a year is put together from.

    Args:
        seasons: Their names; an empty one where a year is prepared together.
    """

    expected_decoded_type: ClassVar[type] = int

    def __init__(self, seasons: Iterable[str]) -> None:
        super().__init__()
        self.seasons = tuple(seasons)

    def to_upstream(self, decoded_downstream: int) -> Iterable[tuple[int, str]]:
        """List (year, name) of each season of a year."""
        return [(decoded_downstream, name) for name in self.seasons]

    def serialize(self) -> dict[str, Any]:
        """Write the names into the DAG."""
        return {"seasons": list(self.seasons)}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Window:
        """Read what :meth:`serialize` wrote."""
        return cls(data["seasons"])
