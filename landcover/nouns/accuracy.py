"""How well a map agrees with its reference, and what that number may be used for."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from landcover.nouns.base import Noun


class ClassAccuracy(Noun):
    """Agreement of one class; None where nothing was there to divide by."""

    code: int
    """Class code, 1 … 255."""
    name: str
    """Class name of the legend, or ``class 7`` where no legend was given."""
    users: float | None
    """User's accuracy (precision, 1 - commission), 0-1; None where the class was never mapped."""
    producers: float | None
    """Producer's accuracy (recall, 1 - omission), 0-1; None where the reference lacks the class."""
    f1: float | None
    """2·UA·PA / (UA + PA), 0-1; 0 where the class was missed altogether, None where the reference
    lacks it."""
    n_map: int
    """Samples that the map gives this class."""
    n_reference: int
    """Samples that the reference gives this class."""


class AccuracyReport(Noun):
    """A confusion matrix with what follows from it and with how its sample was drawn."""

    title: str
    """What was compared, in a few words."""
    design: str
    """One sentence: how the sample was drawn, and whether it is a probability sample."""
    codes: tuple[int, ...]
    """Class codes of the matrix's rows and columns, ascending."""
    matrix: tuple[tuple[int, ...], ...]
    """Counts of samples: **rows = map, columns = reference** (scikit-learn's is the transpose)."""
    classes: tuple[ClassAccuracy, ...]
    """One entry per code, in the order of ``codes``."""
    overall: float
    """Overall accuracy: trace / total, 0-1."""
    macro_f1: float
    """Plain mean of F1 over the classes present in the reference, 0-1."""
    majority_baseline: float
    """Overall accuracy of always answering the commonest reference class, 0-1."""
    quantity_disagreement: float
    """Disagreement because the class totals differ, 0-1 (Pontius & Millones 2011)."""
    allocation_disagreement: float
    """Disagreement that remains with equal totals, 0-1: 1 - overall - quantity."""
    n: int
    """Samples in the matrix."""
    n_groups: int | None = None
    """Groups (points, polygons, cells) that the samples in the matrix come from, where known."""
    unclassified: int = 0
    """Reference samples where the map is nodata; they are in no other number of the report."""
    interval: tuple[float, float] | None = None
    """95 % range of the overall accuracy over resampled groups; ``design`` and ``notes`` say
    what it may be used for."""
    simulated: bool = False
    """True where map or reference were simulated."""
    notes: tuple[str, ...] = ()
    """What a reader must know before quoting a number, one sentence each."""

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        k = len(self.codes)
        if len(self.matrix) != k or any(len(row) != k for row in self.matrix):
            raise ValueError(f"the matrix must be {k} x {k}, one row and column per code")
        if tuple(entry.code for entry in self.classes) != self.codes:
            raise ValueError("classes must list the codes of the matrix in order")
        return self
