"""Units that ended for the same cause, put together: what an operator reads first."""

from __future__ import annotations

import re
from collections.abc import Iterable

from landcover.nouns.base import Noun
from landcover.nouns.run import LOST, State, UnitState

_PLACE = re.compile(r"(?:(?<=\s)|^)(?:/|\w+://)\S+")
_OTHERS = "…"


class Cause(Noun):
    """A reason for which units have no outputs."""

    stage: str
    state: State
    sentence: str
    """The message without what differs between units: their labels, tiles, files and addresses."""
    labels: tuple[str, ...]
    """Labels of the units, in the order of the run."""

    @property
    def text(self) -> str:
        """How many units it stopped, where and why."""
        n = f"{len(self.labels)} × " if len(self.labels) > 1 else ""
        return f"{n}{self.stage} {self.state}: {self.sentence}"


def causes_of(states: Iterable[UnitState]) -> list[Cause]:
    """Group the units that failed, were skipped or stopped for a reason of their own by it.

    Args:
        states: What became of the units of a run.

    Returns:
        The causes, the one with most units first.
    """
    found: dict[tuple[str, State, str], list[str]] = {}
    for state in states:
        sentence = sentence_of_cause(state)
        if sentence is not None:
            found.setdefault((state.stage, state.state, sentence), []).append(state.unit.label)
    causes = [
        Cause(stage=stage, state=state, sentence=sentence, labels=tuple(dict.fromkeys(labels)))
        for (stage, state, sentence), labels in found.items()
    ]
    return sorted(causes, key=lambda cause: -len(cause.labels))


def sentence_of_cause(state: UnitState) -> str | None:
    """Give the reason why a unit has no outputs, the same for all units that share it.

    Returns:
        None where it has its outputs, is at work, or only waits for another unit.
    """
    return _without_place(state) if state.state in LOST and state.message else None


def _without_place(state: UnitState) -> str:
    """Leave out of a message what names its unit."""
    unit = state.unit
    text = state.message.removeprefix(f"{unit.label}: ")
    text = _PLACE.sub(lambda place: _ended(place[0]), text)
    for name in filter(None, (unit.label, unit.id, unit.tile)):
        text = re.sub(rf"\S*{re.escape(name)}[^\s:;,)]*", _OTHERS, text)
    return text.removeprefix(f"{_OTHERS}: ")


def _ended(place: str) -> str:
    """Keep the mark that stands behind a path or an address."""
    mark = place[-1] if place[-1] in ":;,.)" else ""
    return f"{_OTHERS}{mark}"
