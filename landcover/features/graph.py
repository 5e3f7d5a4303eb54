"""What must be read and computed for some features, in which order, and with which margins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from landcover.features.contract import Computation, Input, Plane
from landcover.features.reads import Observations, Read

Step = Read | Computation
"""Something that is read, or computed, once."""

_SIDE = 256
"""Side of a window that a margin is weighed by: what is read around it costs memory too."""


def step_of(source: Input) -> Step:
    """Give what is done for a plane."""
    return source.of if isinstance(source, Plane) else source


@dataclass(frozen=True)
class Graph:
    """The steps behind some planes."""

    levels: tuple[tuple[Step, ...], ...]
    """Reads first; each step after all those that it reads."""
    margins: dict[Step, int]
    """Pixels around a window that a step is needed for: halos, added up along what reads it."""

    @classmethod
    def of(cls, targets: Iterable[Input]) -> Graph:
        """Collect the steps behind the planes that are wanted."""
        levels: dict[Step, int] = {}
        wanted = [step_of(target) for target in targets]
        for step in wanted:
            _visit(step, levels)
        by_level: list[list[Step]] = [[] for _ in range(max(levels.values(), default=-1) + 1)]
        for step, level in levels.items():
            by_level[level].append(step)
        margins = dict.fromkeys(levels, 0)
        for step in reversed([step for level in by_level for step in level]):
            for inner in _inputs(step):
                halo = step.halo if isinstance(step, Computation) else 0
                margins[inner] = max(margins[inner], margins[step] + halo)
        return cls(tuple(map(tuple, by_level)), margins)

    @property
    def reads(self) -> Iterator[Read]:
        """What is read from files."""
        return (s for level in self.levels for s in level if not isinstance(s, Computation))

    @property
    def computed(self) -> Iterator[tuple[Computation, ...]]:
        """What is computed, level by level."""
        for level in self.levels:
            found = tuple(step for step in level if isinstance(step, Computation))
            if found:
                yield found

    def bytes_per_pixel(self, given: set[Input], threads: int, n_dates: int) -> float:
        """Estimate the memory of a pixel of a window, beside the planes that are given.

        Args:
            given: Planes whose memory is the caller's.
            threads: Computations that are at work at the same time.
            n_dates: Observations of a season.
        """
        held = sum(4 * self._planes(step, given, n_dates) * self._grown(step)
                   for level in self.levels for step in level)  # fmt: skip
        # What looks around a pixel is computed for the whole window; the rest strip by strip.
        work = sorted(
            step.bytes_per_pixel * self._grown(step)
            for level in self.computed for step in level if step.halo
        )  # fmt: skip
        return held + sum(work[-threads:])

    def _planes(self, step: Step, given: set[Input], n_dates: int) -> int:
        if isinstance(step, Computation):
            is_given = self.margins[step] == 0
            return sum(not (is_given and Plane(step, n) in given) for n in range(step.n_planes))
        if isinstance(step, Observations):
            return n_dates
        return int(not (self.margins[step] == 0 and step in given))

    def _grown(self, step: Step) -> float:
        return float((1 + 2 * self.margins[step] / _SIDE) ** 2)


def _inputs(step: Step) -> tuple[Step, ...]:
    return tuple(map(step_of, step.reads)) if isinstance(step, Computation) else ()


def _visit(step: Step, levels: dict[Step, int]) -> int:
    if step not in levels:
        inner = [_visit(one, levels) for one in _inputs(step)]
        levels[step] = max(inner, default=-1) + 1
    return levels[step]
