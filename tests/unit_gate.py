"""A gate before every unit on the workers of the tests' Airflow: holds, fails and skips some.

A worker imports this file when it starts (Dask's ``preload``) and asks a folder, named by the
variable ``UNIT_GATE``, what to do with each unit that it begins, and writes down there what it
began. The tests write into the folder. So one Airflow, whose units run in processes of their own,
serves all tests that need a unit to last or to fail.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

VARIABLE = "UNIT_GATE"
Deed = Literal["hold", "input", "unavailable", "defect", "missing"]
"""What becomes of a unit: it waits, or ends with an error of a family."""


@dataclass(frozen=True)
class Passed:
    """A unit that came to the gate, or that left its stage."""

    event: Literal["begun", "ended"]
    run: str
    stage: str
    unit: str
    pid: int
    """Process of the worker."""


@dataclass
class Gate:
    """The gate as a test sees it."""

    folder: Path
    rules: list[tuple[str, str, str, Deed]] = field(default_factory=list)

    def hold(self, stage: str, unit: str, run: str = "*") -> None:
        """Let units wait at a stage until :meth:`release`; ``*`` stands for any."""
        self.end(stage, unit, "hold", run)

    def end(self, stage: str, unit: str, deed: Deed, run: str = "*") -> None:
        """Let units end with an error of a family."""
        self.rules.append((run, stage, unit, deed))
        self._write()

    def release(self) -> None:
        """Let everything pass, and what waits go on."""
        self.rules.clear()
        self._write()

    def passed(self, run: str = "*", stage: str = "*", unit: str = "*") -> list[Passed]:
        """List what came to the gate and what left it, in order."""
        file = self.folder / "passed"
        lines = file.read_text().splitlines() if file.exists() else []
        found = (Passed(**json.loads(line)) for line in lines)
        wanted = (run, stage, unit)
        return [p for p in found if _fits((p.run, p.stage, p.unit), wanted)]

    def begun(self, stage: str, unit: str, run: str = "*") -> int:
        """Count how often a unit was begun at a stage."""
        return sum(p.event == "begun" for p in self.passed(run, stage, unit))

    def _write(self) -> None:
        scratch = self.folder / "scratch"
        scratch.write_text(json.dumps(self.rules))
        scratch.replace(self.folder / "rules")


def dask_setup(worker: Any) -> None:
    """Put the gate before the stages of this worker: Dask calls this by its name."""
    from landcover.stages import registry

    folder = os.environ.get(VARIABLE)
    real = registry.stage_function
    if folder is None or hasattr(real, "gated"):
        return

    def gated(stage: Any) -> Callable[[Any], None]:
        def run(task: Any) -> None:
            if task.is_dry:
                real(stage)(task)
                return
            _tell(Path(folder), "begun", stage, task)
            try:
                _pass(Path(folder), stage, task)
                real(stage)(task)
            finally:
                _tell(Path(folder), "ended", stage, task)

        return run

    gated.gated = True  # type: ignore[attr-defined]
    registry.stage_function = gated


def _pass(folder: Path, stage: str, task: Any) -> None:
    from landcover import errors

    ends = {
        "input": errors.InputError,
        "unavailable": errors.UnavailableError,
        "missing": errors.MissingDataError,
        "defect": RuntimeError,
    }
    while deed := _deed(folder, (task.run.id, stage, task.unit.id)):
        if deed != "hold":
            raise ends[deed](f"{task.unit.label}: {deed}, as the test asks.")
        task.job.check()  # raises where somebody ended the unit
        time.sleep(0.1)


def _deed(folder: Path, unit: Sequence[str]) -> str | None:
    file = folder / "rules"
    rules = json.loads(file.read_text()) if file.exists() else []
    # The last that was said counts.
    return next((deed for *wanted, deed in reversed(rules) if _fits(unit, wanted)), None)


def _fits(found: Sequence[str], wanted: Sequence[str]) -> bool:
    return all(fnmatchcase(name, pattern) for name, pattern in zip(found, wanted, strict=True))


def _tell(folder: Path, event: str, stage: str, task: Any) -> None:
    line = {
        "event": event,
        "run": task.run.id,
        "stage": stage,
        "unit": task.unit.id,
        "pid": os.getpid(),
    }
    with (folder / "passed").open("a") as file:  # short lines: workers do not mix them
        file.write(json.dumps(line) + "\n")
