"""Work in processes of their own: how long it takes, how much CPU and memory.

A case names a work function, ``module:function``. A fresh process calls it, which prepares, and
then times what it returned. Engines take turns, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

from landcover.bench.memory import MemoryCurve, MemorySampler
from landcover.bench.tables import Cost, Progress, Row, medians
from landcover.errors import InputError, LandcoverError, sentence_of

MB = 2**20
BEGAN = "began\n"
DIED = '{"error": "its process died; it may have had too little memory."}'


@dataclass(frozen=True)
class Case:
    """One engine at one task."""

    engine: str
    """Its name in the table."""
    work: str
    """Its work function, ``module:function``: prepares and returns the work that is timed."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the work function, JSON values only."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that its process gets beside ours."""


def side_by_side(
    title: str, cases: Sequence[Case], repeats: int, progress: Progress, *, same: bool = True
) -> list[Row]:
    """Measure engines in turn, each time in a process of its own.

    Args:
        title: What is done.
        cases: The engines, ours first.
        repeats: Measurements of each.
        progress: Is told what is being measured.
        same: All engines that return a result must return the same; otherwise only each its own
            every time.

    Returns:
        One row an engine.

    Raises:
        InputError: Results differ.
        LandcoverError: A work function failed.
    """
    costs: dict[str, list[Cost]] = {case.engine: [] for case in cases}
    results: dict[str, Any] = {}
    for turn in range(repeats):
        for number, case in enumerate(cases):
            share = (turn * len(cases) + number) / (repeats * len(cases))
            progress(share, f"{title}, {case.engine}")
            cost, result = run(case)
            costs[case.engine].append(cost)
            key = cases[0].engine if same else case.engine
            if result is not None and results.setdefault(key, result) != result:
                raise InputError(
                    f"{title}: {case.engine} gives {result} where {key} gives {results[key]}."
                )
    rows = {engine: medians(found) for engine, found in costs.items()}
    ours = rows[cases[0].engine].cpu_seconds
    return [
        Row(
            case=title,
            engine=case.engine,
            cost=rows[case.engine],
            repeats=repeats,
            ratio=None if not number else round(ours / max(rows[case.engine].cpu_seconds, 1e-9), 4),
            result=results.get(cases[0].engine if same else case.engine),
        )
        for number, case in enumerate(cases)
    ]


def run(case: Case) -> tuple[Cost, Any]:
    """Run a case once in a fresh process.

    Returns:
        What its work took, and what it returned.

    Raises:
        LandcoverError: It failed, with its own sentence.
    """
    cost, result, _ = run_watched(case)
    return cost, result


def run_watched(case: Case) -> tuple[Cost, Any, MemoryCurve]:
    """Run a case once in a fresh process, and keep the course of its memory.

    Returns:
        What its work took, what it returned, and the memory of its process and all below it while
        it worked.

    Raises:
        LandcoverError: It failed, with its own sentence.
    """
    order = json.dumps({"work": case.work, "arguments": dict(case.arguments)})
    with subprocess.Popen(
        [sys.executable, "-m", "landcover.bench.processes", order],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **case.environment},
    ) as process:
        assert process.stdout is not None
        try:
            answer, curve = _listen(process.pid, process.stdout)
        except BaseException:
            process.kill()
            raise
    if "error" in answer:
        raise LandcoverError(f"{case.engine}: {answer['error']}")
    cost = Cost(**answer["cost"])
    return replace(cost, peak_mb=max(cost.peak_mb, curve.peak_mb)), answer["result"], curve


def _listen(pid: int, answers: IO[str]) -> tuple[dict[str, Any], MemoryCurve]:
    """Wait for the answer of a process; watch the memory of its family while it works."""
    first = answers.readline()
    if first != BEGAN:
        return json.loads(first or DIED), MemoryCurve()
    sampler = MemorySampler(pid)
    sampler.start()
    try:
        return json.loads(answers.readline() or DIED), sampler.stop()
    finally:
        sampler.stop()


def timed(work: Callable[[], Any]) -> tuple[Cost, Any]:
    """Time a piece of work in this process; its peak memory is counted from here on.

    Returns:
        Its cost, and its result: what it returned, or what a function that it returned gives
        afterwards, untimed.
    """
    with suppress(OSError):  # Linux: start the high-water mark of this process anew
        Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.perf_counter(), _cpu_seconds()
    result = work()
    seconds, cpu_seconds = time.perf_counter() - wall, _cpu_seconds() - cpu
    cost = Cost(seconds, cpu_seconds, _peak_mb())
    return cost, result() if callable(result) else result


def _cpu_seconds() -> float:
    mine, theirs = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def _peak_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    # macOS counts bytes where others count kilobytes.
    unit = MB if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Do what the argument orders, and answer on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answer
    order = json.loads(sys.argv[1])
    try:
        module, _, name = order["work"].partition(":")
        work = getattr(import_module(module), name)(**order["arguments"])
        answers.write(BEGAN)
        answers.flush()
        cost, result = timed(work)
        answer = {"cost": vars(cost), "result": result}
    except Exception as error:
        answer = {"error": sentence_of(error)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
