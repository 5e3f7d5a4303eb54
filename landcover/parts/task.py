"""What a stage is handed, and how its outputs come to exist."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from landcover.errors import CancelledError, MissingDataError
from landcover.ledger import claims, outputs, units
from landcover.nouns.output import Output, Wanted
from landcover.nouns.period import Span
from landcover.nouns.run import FINISHED, Run, Unit, UnitState
from landcover.nouns.stages import Stage, comes_after
from landcover.nouns.work_windows import WINDOWS, WorkWindows
from landcover.recipe import Recipe
from landcover.stores.workspace import Workspace

log = logging.getLogger(__name__)
SAFE_SHARE = 0.8
"""Of a job's memory, what a process may hold when windows are planned: more of it in the last
heartbeat of a lost worker is taken for a death of memory."""
LEAST_GB = 0.06
"""What windows get however much the process holds, if they are meant to take as much: below it
they become so small that reading them costs more than memory is won."""


@dataclass(frozen=True)
class Job:
    """How much a stage may use, and whom it tells."""

    memory_gb: float = 1.0
    """Memory of the job, GB: decides the windows."""
    threads: int = 1
    """Threads of the job."""
    is_cancelled: Callable[[], bool] = lambda: False
    """Says whether somebody stopped the job; asked between windows."""
    progress: Callable[[float, str], None] = lambda share, what: None
    """Is told the share that is done, 0-1, and what is being done."""
    resident_gb: Callable[[], float] = lambda: 0.0
    """Says how much memory the process holds now, GB (10⁹ bytes)."""

    def window_gb(self, share: float, kept_gb: float = 0.0) -> float:
        """Give the memory that windows may take, GB; their size changes no value.

        A worker holds what earlier units loaded, a training above all: libraries and compiled
        code, which nothing frees. Windows leave room for it.

        Args:
            share: Of the job's memory, what they take where the process holds little.
            kept_gb: What is kept beside them whatever their size, of the same share.
        """
        meant = share * self.memory_gb - kept_gb
        left = SAFE_SHARE * self.memory_gb - kept_gb - self.resident_gb()
        return min(meant, max(left, LEAST_GB))

    def check(self) -> None:
        """Stop here if somebody stopped the job.

        Raises:
            CancelledError: Somebody did.
        """
        if self.is_cancelled():
            raise CancelledError("The job was stopped; a rerun continues where it was.")


@dataclass
class Task:
    """One unit at one stage."""

    workspace: Workspace
    run: Run
    recipe: Recipe
    unit: Unit
    job: Job = field(default_factory=Job)
    made: list[Output] = field(default_factory=list)
    """Outputs of the unit, in order."""
    n_reused: int = 0
    """How many of them existed already."""
    pace: claims.ClaimTiming = field(default_factory=claims.ClaimTiming)
    """How claims on outputs are kept and watched."""
    is_dry: bool = False
    """Whether nothing may be written: the task only finds out what it would do."""
    windows: WorkWindows | None = None
    """What of the tile is worked on; None for all of it."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """What the run prepares of a tile, each without looking outside."""
        return self.recipe.spans(self.run.arguments.year, self.run.arguments.season)

    @property
    def window_params(self) -> dict[str, Any]:
        """What names an output of a part of a tile; nothing where the whole is worked on."""
        return {} if self.windows is None else {WINDOWS: self.windows.to_document()}

    def need(
        self,
        wanted: Wanted,
        key: str,
        make: Callable[[Path], dict[str, Any]] | None,
        stats: dict[str, Any] | None = None,
    ) -> Output:
        """Make an output, or find the one that exists.

        Args:
            wanted: What it is. Where that is a part of a tile, and the whole tile is there, that
                is taken.
            key: Where its bytes go.
            make: Writes the bytes to a scratch path and returns what it measured.
            stats: What is known without making anything.

        Returns:
            The committed output.

        Raises:
            MissingDataError: It does not exist, and the run may only compute another stage.
        """
        self.job.check()
        found = outputs.find_wanted(self.workspace, wanted)
        if found is not None:
            self.n_reused += 1
            log.info("%s: %s exists as %s", self.unit.label, wanted.stage, found.id)
        else:
            self.require_computes(wanted)
            if make is None:
                found = outputs.commit(self.workspace, wanted, key, None, stats)
            else:
                found = self._make(wanted, key, make, stats)
        self.made.append(found)
        return found

    def require_computes(self, wanted: Wanted) -> None:
        """Refuse what is not there and is another stage's, where the run may compute one only.

        What a stage needs of a later one, as shadow of the terrain, no earlier run had to make: it
        is made here.

        Raises:
            MissingDataError: The run may not make it.
        """
        only = self.run.arguments.only
        if self.run.computes(wanted.stage) or (only and comes_after(wanted.stage, only)):
            return
        raise MissingDataError(
            f"{self.unit.label}: {wanted.stage} of {wanted.unit} does not exist as this run "
            f"needs it, and --only {only} computes no other stage. Run "
            f"--until {wanted.stage} first; --plan --why tells what made it stale."
        )

    def _make(
        self,
        wanted: Wanted,
        key: str,
        make: Callable[[Path], dict[str, Any]],
        stats: dict[str, Any] | None,
    ) -> Output:
        with claims.claimed(self.workspace.records, wanted.id, self.pace, self.job.check):
            # Another run may have made it while this one waited for the claim.
            found = outputs.find(self.workspace, wanted.id)
            if found is not None:
                self.n_reused += 1
                log.info("%s: %s was made meanwhile", self.unit.label, wanted.id)
                return found
            made = outputs.commit(self.workspace, wanted, key, make, stats)
            log.info("%s: %s made as %s", self.unit.label, wanted.stage, wanted.id)
            return made

    def outputs_of(self, stage: Stage, unit_id: str | None = None) -> list[Output]:
        """Load what a unit has at an earlier stage.

        Raises:
            MissingDataError: That stage did not finish for the unit.
        """
        state = units.load(self.workspace.records, self.run.id, stage, unit_id or self.unit.id)
        if state is None or not state.is_finished:
            why = f" ({state.message})" if state and state.message else ""
            raise MissingDataError(
                f"{self.unit.label}: {stage} of {unit_id or self.unit.id} is not there{why}."
            )
        return [outputs.load(self.workspace, output_id) for output_id in state.outputs]

    def finished(self, stage: Stage) -> list[UnitState]:
        """List the units that have their outputs at a stage, by unit id."""
        states = units.states(self.workspace.records, self.run.id, stage)
        return [state for state in states if state.is_finished]

    def has_finished(self, stage: Stage) -> bool:
        """Tell whether any unit has its outputs at a stage."""
        where = {"run": self.run.id, "stage": stage, "state": {"$in": list(FINISHED)}}
        return self.workspace.records.count_documents(units.COLLECTION, where) > 0

    def made_by_tile(self, stage: Stage) -> dict[str, tuple[str, ...]]:
        """Give the ids of what finished units have at a stage, by tile, without reading more."""
        return units.made_by_tile(self.workspace.records, self.run.id, stage)

    def all_outputs(self, stage: Stage) -> Iterator[tuple[Unit, Output]]:
        """Give every output of a stage with its unit."""
        for state in self.finished(stage):
            for output_id in state.outputs:
                yield state.unit, outputs.load(self.workspace, output_id)

    def href(self, output: Output, name: str | None = None) -> str:
        """Give the path under which GDAL opens an output's file by window.

        Raises:
            DamagedError: A file without checksums of its blocks has other bytes than its record.
        """
        return outputs.href(self.workspace, output, name)

    def local_at(self, key: str, name: str) -> AbstractContextManager[Path]:
        """Yield a local path of one file of the output under a key, as :meth:`local` does."""
        return outputs.local_at(self.workspace, key, name)

    def local(self, output: Output, name: str | None = None) -> AbstractContextManager[Path]:
        """Yield a local path of an output, or of one file in it, for readers other than GDAL.

        Raises:
            DamagedError: A file has other bytes than its record.
        """
        return outputs.local(self.workspace, output, name)


class StageFunction(Protocol):
    """A stage: reads refs, calls pure functions, needs outputs."""

    def __call__(self, task: Task) -> None:
        """Make what the unit lacks."""
        ...
