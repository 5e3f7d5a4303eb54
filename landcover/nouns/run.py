"""A run: a recipe applied to tiles and a year; a unit: what one lane of it works on."""

from __future__ import annotations

from typing import Literal

from landcover.nouns.base import Noun
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import STAGES, TABLE, Stage

State = Literal[
    "planned", "running", "done", "reused", "skipped", "failed", "cancelled", "interrupted"
]
FINISHED: tuple[State, ...] = ("done", "reused")
LOST: tuple[State, ...] = ("failed", "skipped", "cancelled", "interrupted")
"""States of a unit that ended without its outputs."""
EMPTY_CELL = "no tile has a mapped pixel in this cell"
"""Why a cell of a mosaic is skipped without anything missing from the map."""


class Run(Noun):
    """A run as its record keeps it."""

    id: str
    """Name of the run."""
    recipe_id: str
    """Recipe as it was when the run began."""
    arguments: RunArguments
    """Where, when and with what."""
    label_id: str | None
    """Ground truth of the run, read once at its start."""
    library_id: str | None = None
    """Samples of other runs that train as well, read once at its start."""
    test_label_id: str | None = None
    """Points that only test the map, read once at its start."""
    region_id: str | None = None
    """Polygons that the published map ends with, read once at its start; None for whole tiles."""
    restores: bool = False
    """Whether the recipe has composites restored; else the run has no such stage."""
    simulated: bool
    """True where the products say that they are simulated."""

    def includes(self, stage: Stage) -> bool:
        """Tell whether a stage is part of the run."""
        arguments = self.arguments
        if STAGES.index(TABLE[stage].checks or stage) > STAGES.index(arguments.until):
            return False
        has_model = arguments.model is not None
        is_taught = self.label_id is not None or self.library_id is not None
        if stage == "validate" and self.test_label_id is not None:
            return is_taught or has_model
        if stage == "explain" and arguments.only not in (None, "explain", "publish"):
            # Maps and their validation do without: only the page shows the explanation.
            return False
        if stage in ("train", "explain"):
            return is_taught and not has_model
        if stage in ("sample", "validate"):
            return self.label_id is not None and not has_model
        if stage == "terrain":
            return arguments.dem is not None
        if stage == "restore":
            return self.restores
        if stage == "classify":
            return is_taught or has_model
        return True

    def computes(self, stage: str) -> bool:
        """Tell whether the run may make what a stage lacks: not where ``--only`` names another."""
        only = self.arguments.only
        return only in (None, stage) or any(
            row.name == stage and row.checks == only for row in TABLE.values()
        )


class Unit(Noun):
    """What one lane works on."""

    id: str
    """``31UDS.2018-spring``, ``31UDS``, ``32633`` or ``all``."""
    label: str
    """What people see: ``31UDS 2018-spring``."""
    tile: str | None = None
    """Tile, where the unit has one."""
    span: str | None = None
    """Span, where the unit has one."""
    cell: str | None = None
    """Mosaic cell, where the unit is one."""


class UnitState(Noun):
    """What became of a unit at a stage."""

    run: str
    stage: Stage
    unit: Unit
    state: State = "planned"
    attempts: int = 0
    error_family: str | None = None
    message: str = ""
    """One sentence: why it was skipped or failed."""
    seconds: float = 0.0
    """Wall seconds of the last attempt."""
    cpu_seconds: float = 0.0
    """CPU seconds of the process during the last attempt."""
    peak_mb: float = 0.0
    """Largest resident memory of the process during the last attempt, MB."""
    mean_mb: float = 0.0
    """Mean resident memory of the process during the last attempt, MB."""
    outputs: tuple[str, ...] = ()
    """Ids of what the unit has at this stage."""

    @property
    def is_finished(self) -> bool:
        """True where the outputs exist."""
        return self.state in FINISHED
