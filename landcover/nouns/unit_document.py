"""What a worker is told of a unit: a document of less than a kilobyte."""

from __future__ import annotations

from typing import Any

from landcover.nouns.stages import Stage

SCHEMA = 1
"""Version of the document: a worker refuses another one."""


def unit_document(
    run: str,
    stage: Stage,
    unit: str,
    *,
    memory_gb: float = 1.0,
    threads: int = 1,
    attempt: int = 1,
) -> dict[str, Any]:
    """Write the document that :func:`landcover.api.run` takes.

    Args:
        run: Name of the run.
        stage: Stage to run.
        unit: Id of the unit.
        memory_gb: Memory of the job, GB.
        threads: Threads of the job.
        attempt: Number of the attempt, from 1.
    """
    return {
        "schema": SCHEMA,
        "run": run,
        "stage": stage,
        "unit": unit,
        "attempt": attempt,
        "memory_gb": memory_gb,
        "threads": threads,
    }
