"""The fields of a recipe that say what a map is written with."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from landcover.recipe.section import Section

MapLayer = Literal["probabilities", "entropy", "margin", "n_clear", "trust", "set_size"]


class Classify(Section):
    """What is written beside class and confidence (docs/methods/trust.md#layers)."""

    keep: tuple[MapLayer, ...] = ()
    """Further layers of each tile's map: calibrated ``probabilities`` of all classes, their
    ``entropy``, their ``margin`` between the two likeliest, ``n_clear`` observations of the poorest
    season, ``trust`` (is the pixel like what was trained on), ``set_size`` (classes that remain
    plausible by the probabilities before calibration)."""
    coverage: float = Field(0.9, gt=0, lt=1)
    """Share of the pixels whose class shall be among the plausible ones of ``set_size``."""

    @field_validator("keep")
    @classmethod
    def _they_differ(cls, keep: tuple[MapLayer, ...]) -> tuple[MapLayer, ...]:
        if len(set(keep)) != len(keep):
            raise ValueError("a layer appears twice")
        return keep
