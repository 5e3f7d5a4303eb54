"""Which explanation belongs to the model of a run."""

from __future__ import annotations

from landcover.nouns.output import Output
from landcover.parts.task import Task


def explanation_of(task: Task) -> Output | None:
    """Find the explanation of the run's model; None where it has none."""
    found = task.outputs_of("explain", "all") if task.finished("explain") else []
    return found[0] if found else None
