"""The recipe's restore section: gaps of a month filled from others, terrain shadow restored."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from landcover.recipe.section import Section


class FillGaps(Section):
    """How a month is filled from others (docs/methods/composites.md#gap-filling)."""

    variant: Literal["ours", "deck"] = "ours"
    """``ours``: linear in time between the nearest months with a value; ``deck``: the mean of the
    adjacent months, or the one of them that has a value."""
    max_reach: int = Field(12, ge=1, le=12)
    """Months on each side that ``ours`` looks at."""
    cyclic: bool = False
    """Whether the last month comes before the first."""

    @property
    def reach(self) -> int:
        """Months on each side that are looked at."""
        return 1 if self.variant == "deck" else self.max_reach


class TerrainShadow(Section):
    """How terrain shadow is restored (docs/methods/composites.md#terrain-shadow)."""

    slope_min: float = Field(15.0, ge=0, lt=90)
    """Slope up to which dark ground counts as water, degrees."""
    inpaint: bool = True
    """Whether the seams of what was restored are inpainted."""


class Restore(Section):
    """What is done to the composites of a year once all of them are there."""

    fill: FillGaps | None = FillGaps()
    """Gaps filled from other months; null leaves them."""
    shadow: TerrainShadow | None = None
    """Terrain shadow restored; null leaves it. Needs a DEM."""

    @model_validator(mode="after")
    def _does_something(self) -> Restore:
        if self.fill is None and self.shadow is None:
            raise ValueError("restore: neither fill nor shadow is there; set restore to null")
        return self

    def to_params(self) -> dict[str, Any]:
        """Give what names a restored composite: what is not done leaves no trace."""
        params: dict[str, Any] = {}
        if self.fill is not None:
            params["fill"] = {"reach": self.fill.reach, "cyclic": self.fill.cyclic}
        if self.shadow is not None:
            params["shadow"] = self.shadow.to_document()
        return params
