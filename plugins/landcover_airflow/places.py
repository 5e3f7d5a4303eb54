"""What a planner tells Airflow of its list: how long it is, in the same few bytes for any length.

A mapped task needs a sequence in XCom. Its list stands in the ledger, where a task finds its own
by its place (docs/decisions/0062); what travels is the number of places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from airflow.sdk.configuration import conf
from airflow.sdk.serde import allow_class

from landcover_airflow.outcome import give_up


class Places(Sequence[int]):
    """The places 0, 1, … of a list; in XCom their number alone.

    Args:
        length: Length of the list.
    """

    __version__ = 1

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        return range(self.length)[place]

    def serialize(self) -> dict[str, int]:
        """Give what Airflow keeps."""
        return {"length": self.length}

    @staticmethod
    def deserialize(data: dict[str, Any], version: int) -> Places:
        """Make it of what Airflow kept."""
        return Places(int(data["length"]))


allow_class(Places)


def places_of_lanes(count: int, group: str) -> Places:
    """Give the places of the lanes of a group, where Airflow takes so many.

    Raises:
        BadInputError: It does not; the sentence says what to do.
    """
    most = conf.getint("core", "max_map_length")
    if count > most:
        give_up(
            "input",
            f"{group} has {count} lanes, one for each tile and season with work; Airflow takes "
            f"{most} in a run. Name fewer tiles, or trigger landcover_region: shards have few.",
        )
    return Places(count)
