"""Progress bars: of one long step, and of a run as its ledger tells it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from landcover.nouns.run import UnitState
    from landcover.nouns.stages import Stage
    from landcover.pipeline.time_left import TimeLeft
    from landcover.stores.records import RecordStore

COLOURS = {"done": "green", "reused": "cyan", "skipped": "yellow", "failed": "red"}
POLL_SECONDS = 0.5


@contextmanager
def stepping(title: str, *, quiet: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show the progress of one long step; yields a function of (share 0-1, what)."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
    ) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share, what: bar.update(task, completed=share, description=escape(what))
        bar.update(task, completed=1.0, description=title)


@contextmanager
def watching(records: RecordStore, run_id: str, *, quiet: bool = False) -> Iterator[None]:
    """Show the units of a run as they finish, one line each, over a bar of all that is planned."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=quiet,
    ) as bar:
        watcher = _Watcher(records, run_id, bar)
        watcher.start()
        try:
            yield
        finally:
            watcher.stop()


class _Watcher:
    def __init__(self, records: RecordStore, run_id: str, bar: Progress) -> None:
        self._records, self._run, self._bar = records, run_id, bar
        self._task = bar.add_task("starting", total=None)
        self._told: set[tuple[str, str]] = set()
        self._expected: dict[Stage, int] = {}
        self._earlier: dict[Stage, float] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _expect(self) -> None:
        """Look once how many units there will be, and what such units took before."""
        from landcover.ledger.runs import read
        from landcover.pipeline.time_left import earlier_seconds, expected_units

        known = read(self._records, self._run)
        if known is not None:
            self._expected = expected_units(*known)
            self._earlier = earlier_seconds(self._records, self._run)

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _loop(self) -> None:
        self._expect()
        while not self._ended.wait(POLL_SECONDS):
            self._look()

    def _look(self) -> None:
        from landcover.ledger.units import states
        from landcover.pipeline.time_left import time_left

        found = states(self._records, self._run)
        for state in found:
            key = (state.stage, state.unit.id)
            if state.state in COLOURS and key not in self._told:
                self._told.add(key)
                self._bar.console.print(line_of(state), highlight=False)
        running = [f"{s.stage} {s.unit.label}" for s in found if s.state == "running"]
        doing = escape(running[0]) if running else "between stages"
        left = told_left(time_left(found, self._expected, self._earlier))
        self._bar.update(
            self._task,
            total=len(found) or None,
            completed=len(self._told),
            description=doing + left,
        )


def told_left(left: TimeLeft | None) -> str:
    """Say how long a run will go on, for the end of the line of its bar."""
    if left is None:
        return ""
    minutes = left.seconds / 60
    told = f"{minutes:.0f} min" if minutes >= 1.5 else f"{max(left.seconds, 1):.0f} s"
    beside = f" and {', '.join(left.unknown)}" if left.unknown else ""
    return f", about {told}{beside} left"


def line_of(state: UnitState) -> str:
    """Write a unit's state as one line with colour."""
    colour = COLOURS.get(state.state, "white")
    why = f"  {escape(state.message)}" if state.message else ""
    return (
        f"[{colour}]{state.state:7}[/] {state.stage:9} {escape(state.unit.label):20} "
        f"{state.seconds:6.1f} s {state.peak_mb:6.0f} MB{why}"
    )
