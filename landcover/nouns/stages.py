"""The stages of a run, in order: their groups, their versions, and the modules that do the work.

A stage is one row here and one file of ``landcover/stages``, which is imported when the stage is
used. Everything else (command line, form, lanes, plans, receipts, tests) reads this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Stage = Literal[
    "collect", "mask", "composite", "restore", "overlap", "terrain", "sample", "train", "explain",
    "classify", "mosaic", "validate", "publish",
]  # fmt: skip
Group = Literal[
    "prepare", "overlap", "terrain", "sample", "train", "classify", "mosaic", "validate", "publish"
]


class StageRow(NamedTuple):
    """What is known of a stage without importing it."""

    name: Stage
    """Name, everywhere."""
    group: Group
    """Stages of one group follow each other in one lane, unit by unit."""
    version: int
    """Part of the id of what the stage makes: raised when its bytes change."""
    checks: Stage | None = None
    """The stage whose outputs it checks, where it makes none: it is part of every run that goes as
    far as that one."""
    downloads: bool = False
    """Whether it waits for a source more than it computes."""
    deadline_hours: float = 12.0
    """A unit that is longer at the stage is stopped and counts as lost; waiting for a worker is
    part of it."""

    @property
    def module(self) -> str:
        """Module whose function of the stage's name does the work."""
        return f"landcover.stages.{self.name}"


TABLE: Mapping[Stage, StageRow] = {
    row.name: row
    for row in (
        StageRow("collect", "prepare", 1, downloads=True),
        StageRow("mask", "prepare", 1),
        StageRow("composite", "prepare", 1),
        StageRow("restore", "prepare", 1),
        StageRow("overlap", "overlap", 1, checks="composite"),
        StageRow("terrain", "terrain", 3),
        StageRow("sample", "sample", 1),
        StageRow("train", "train", 3, deadline_hours=48.0),
        StageRow("explain", "train", 3, deadline_hours=24.0),
        StageRow("classify", "classify", 1),
        StageRow("mosaic", "mosaic", 1),
        StageRow("validate", "validate", 4, deadline_hours=24.0),
        StageRow("publish", "publish", 14),
    )
}
STAGES: tuple[Stage, ...] = tuple(TABLE)
"""Names in the order of the story."""
GROUPS: dict[Group, tuple[Stage, ...]] = {
    row.group: tuple(other.name for other in TABLE.values() if other.group == row.group)
    for row in TABLE.values()
}
"""Group → its stages, both in the order of the story."""

TILE_GROUPS: tuple[Group, ...] = ("prepare", "overlap", "terrain", "sample", "classify")
"""Groups that work tile by tile, in the order of the story; the others are about the whole map."""


def comes_after(stage: str, other: str) -> bool:
    """Tell whether a stage stands behind another one in the story."""
    order: list[str] = list(STAGES)
    return order.index(stage) > order.index(other)


def version_of(stage: Stage) -> int:
    """Give the version of a stage, which is part of the id of what it makes."""
    return TABLE[stage].version
