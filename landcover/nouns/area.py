"""Accuracy and area of a map as a probability sample estimates them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from landcover.nouns.base import Noun

Design = Literal["stratified", "simple-random", "unknown"]
"""How a sample was drawn; intervals follow from the first two only."""


class Estimate(Noun):
    """A number with its 95 % interval."""

    value: float
    """The estimate."""
    half_width: float | None
    """Half the width of the 95 % interval, 1.96 standard errors; None where the sample is too
    small to tell."""

    @property
    def low(self) -> float | None:
        """Lower end of the interval."""
        return None if self.half_width is None else self.value - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the interval."""
        return None if self.half_width is None else self.value + self.half_width


class ClassArea(Noun):
    """One class as the sample sees it; None where nothing was there to divide by."""

    code: int
    """Class code, 1 … 255."""
    name: str
    """Name of the class."""
    users: Estimate | None
    """User's accuracy, 0-1; None where no sample lies in the mapped class."""
    producers: Estimate | None
    """Producer's accuracy, 0-1; None where the reference lacks the class."""
    area: Estimate
    """Area of the class in the reference, in the unit of the mapped area."""
    mapped_area: float
    """Area of the class in the map, same unit: biased by the map's errors."""


class AreaReport(Noun):
    """Area-weighted accuracy and area of a map."""

    design: str
    """One sentence: how the sample was drawn and which formulas follow from it."""
    unit: str
    """Unit of the areas."""
    overall: Estimate
    """Overall accuracy, 0-1, weighted by area."""
    classes: tuple[ClassArea, ...]
    """One entry per class, by code."""
    n: int
    """Samples."""
    total_area: float
    """Mapped area of all strata."""
    notes: tuple[str, ...] = ()
    """What a reader must know, one sentence each."""

    @model_validator(mode="after")
    def _codes_ascend(self) -> Self:
        codes = [entry.code for entry in self.classes]
        if codes != sorted(set(codes)):
            raise ValueError(f"classes must be in the order of their codes, found {codes}")
        return self
