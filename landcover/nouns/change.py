"""Why the classes of two maps differ, by area."""

from __future__ import annotations

from collections.abc import Mapping

from landcover.nouns.base import Noun
from landcover.nouns.legend import LegendClass

CAUSES = (
    LegendClass(code=1, name="same", colour="#DDDDDD", title="same class"),
    LegendClass(code=2, name="land", colour="#D55E00", title="land"),
    LegendClass(code=3, name="input", colour="#56B4E9", title="input"),
    LegendClass(code=4, name="model", colour="#882255", title="model"),
    LegendClass(code=5, name="both", colour="#F0C808", title="land and model"),
)
"""Causes in the order of their codes; told apart with every kind of colour vision."""


class CauseArea(Noun):
    """What one cause takes of the change."""

    code: int
    name: str
    """``land``, ``input``, ``model`` or ``both``."""
    title: str
    colour: str
    pixels: int
    hectares: float
    of_changed: float | None
    """Share of the changed area, 0-1; None where nothing changed."""


class ClassChange(Noun):
    """From one class to another."""

    first: str
    """Name of the class in the first map."""
    second: str
    """Name of the class in the second."""
    pixels: int
    hectares: float
    by_cause: Mapping[str, float]
    """Cause → hectares."""


class ChangeSplit(Noun):
    """The difference of two maps of one region, divided into land, input and model."""

    first_run: str
    """Run of the first map."""
    second_run: str
    old_model: str
    """Id of the first map's model, which predicts the second one's input as well."""
    new_model: str
    """Id of the second map's model."""
    tiles: tuple[str, ...]
    """Tiles that were divided."""
    least_clear: int
    """Fewest clear observations of the poorest season, at both dates, for a change of land."""
    least_swing: float
    """Least total variation between the old model's answers for a change of land, 0-1."""
    same_pixels: int
    same_hectares: float
    causes: tuple[CauseArea, ...]
    """Land, input, model, both."""
    classes: tuple[ClassChange, ...]
    """From class to class, the largest area first."""
    notes: tuple[str, ...] = ()
    """What to know before the numbers are used, one sentence each."""

    @property
    def changed_hectares(self) -> float:
        """Area with another class in the second map, ha."""
        return sum(cause.hectares for cause in self.causes)

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        changed = self.changed_hectares
        total = changed + self.same_hectares
        if not changed:
            return f"None of {total:,.1f} ha has another class in the second map."
        parts = ", ".join(
            f"{cause.title} {100 * cause.hectares / changed:.1f} %" for cause in self.causes
        )
        return (
            f"{changed:,.1f} of {total:,.1f} ha ({100 * changed / total:.1f} %) have another class "
            f"in the second map: {parts}."
        )
