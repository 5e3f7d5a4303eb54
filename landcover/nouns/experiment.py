"""What came out of an experiment."""

from __future__ import annotations

from pydantic import Field

from landcover.nouns.base import Noun

Interval = tuple[float, float]


class CaseRun(Noun):
    """A case under a seed, run."""

    case: str
    seed: int
    run: str
    """Name of its run; that of an earlier one where it had made everything already."""
    trouble: str = ""
    """Why it did not end well."""


class Score(Noun):
    """Accuracy on some rows, averaged over the seeds."""

    n_rows: int
    n_groups: int
    overall: float
    """Share of rows with the right class, 0-1."""
    interval: Interval | None = None
    """Middle 95 % over resampled groups; None where fewer than ten stand behind it."""
    macro_f1: float
    """Mean F1 of the classes, 0-1."""
    seeds: Interval
    """Smallest and largest overall accuracy among the seeds."""


class Difference(Noun):
    """A case less its baseline, on the same rows, paired over groups."""

    overall: float
    interval: Interval | None = None
    """Middle 95 % over resampled groups, both drawn together."""
    seeds: Interval
    """Smallest and largest difference among the seeds."""

    @property
    def is_beyond_chance(self) -> bool:
        """True where interval and all seeds lie on one side of 0."""
        ends = (*(self.interval or (0.0,)), *self.seeds)
        return all(end > 0 for end in ends) or all(end < 0 for end in ends)


class Cost(Noun):
    """What a case takes, from the records of the units that made its outputs."""

    seconds: float
    """Wall seconds of all its units with the first seed, as if nothing had been there."""
    own_seconds: float
    """Those of units that no earlier case had made."""
    cpu_seconds: float
    """CPU seconds of all its units with the first seed."""
    mean_mb: float
    """Resident memory of the process, averaged over the seconds, MB."""
    peak_mb: float
    """Largest resident memory of the process, MB."""


class ClassShare(Noun):
    """How much of a map a class takes."""

    name: str
    title: str
    colour: str
    percent: float


class CaseResult(Noun):
    """One case."""

    name: str
    baseline: str
    factors: dict[str, str] = Field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    """Runs, seed by seed."""
    trouble: str = ""
    """Why it has no figures."""
    common: Score | None = None
    """On the rows that every case answers."""
    whole: Score | None = None
    """On all rows; those that the case cannot answer count as unmapped, so as wrong."""
    lost_rows: int = 0
    """Rows that the case cannot answer: a feature is nodata there."""
    difference: Difference | None = None
    """To the baseline, on the common rows; None for a baseline."""
    cost: Cost | None = None
    classes: tuple[ClassShare, ...] = ()
    """Class distribution of the map of the first seed."""
    map_picture: str | None = None
    """PNG of that map, beside the page."""

    @property
    def is_baseline(self) -> bool:
        """True for a baseline."""
        return self.name == self.baseline


class ExperimentResult(Noun):
    """All cases."""

    name: str
    title: str
    simulated: bool
    seeds: tuple[int, ...]
    cases: tuple[CaseResult, ...]
    n_rows: int
    """Rows of the labels that judge, those that no case answers included."""
    n_common: int
    """Rows that every case answers under every seed."""
    notes: tuple[str, ...] = ()
