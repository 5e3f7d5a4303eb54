"""The recipe's mask section: which observations are left out, and how masks are refined."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from landcover.recipe.section import Section

REFINED = ("deck", "ours")
"""Variants that compare the images of a quarter of the year with each other."""
OURS_GROWTH_M = 120.0
"""Growth of ``ours``: clouds and shadows that it misses are mostly their rims, and 600 m hides half
of the clear ground without hiding more of them (docs/accuracy.md)."""


class Refinement(Section):
    """How the deck's variant refines masks (docs/methods/masks.md#refinement)."""

    cloud_coverage_threshold: float = Field(0.0008, ge=0, lt=1)
    """Share of an image under cloud, 0-1, up to which its masks stay as they are."""
    image_brightness_threshold: float = Field(1400.0, ge=0, allow_inf_nan=False)
    """Mean blue of its clouds, reflectance × 10,000, above which shadows are looked for."""
    compare: Literal["reflectance", "difference"] = "reflectance"
    """What the means of the clusters are compared with: the mean blue of cloud, as published, or
    its mean deviation from the background."""
    positive_only: bool = False
    """Leave out of the clusters what is darker than the background."""
    bands: tuple[Literal["B07", "B08", "B8A"], Literal["B09", "B11"]] = ("B08", "B11")
    """Near and shortwave infrared of the cloud shadow index."""
    robust_min_percent: float = Field(0.0, ge=0, le=10)
    """Quantile that stands for the darkest pixel, %; 0: the darkest itself, as published."""
    exclude_water: bool = True
    """Keep water out of what may be shadow; the published code does not."""
    clip_percent: float | None = Field(None, gt=0, lt=50)
    """Clip the blue of each image to its own quantiles, this and 100 minus this, %, before the
    background is made of it, as the re-implementation does with 0.1; null: not at all."""

    def to_params(self) -> dict[str, Any]:
        """Give the numbers that name a mask: clipping that is off leaves no trace."""
        numbers = self.to_document()
        if self.clip_percent is None:
            numbers.pop("clip_percent", None)
        return numbers


class Mask(Section):
    """Which observations are left out (docs/methods/masks.md)."""

    variant: Literal["paper", "paper_code", "deck", "ours", "ukis"] = "paper"
    """``paper``: isolated detections disappear; ``paper_code``: they stay, and snow grows too;
    ``deck``: clouds and shadows are refined against the quarter's background, then filtered as
    ``paper`` where ``growth_m`` is above 0; ``ours``: clouds by the sign of the deviation from
    that background, shadows by likelihood and projection; ``ukis``: both by a learned model
    (extra masks-onnx); filtered likewise."""
    growth_m: float = Field(600.0, ge=0, allow_inf_nan=False)
    """Side of the averaging window of the cloud filter, metres; 0 leaves the masks as they are.
    Of ``ours`` 120 where none is given (docs/decisions/0066-growth-of-refined-masks.md)."""
    threshold: float = Field(0.075, gt=0, lt=1)
    """Cloud share of that window above which its centre is masked."""
    excluded: tuple[Literal["grown", "cloud", "shadow", "snow", "defective"], ...] = (
        "grown",
        "snow",
        "defective",
    )
    """What is left out; ``grown`` holds cloud and shadow after the filter."""
    refinement: Refinement | None = None
    """Numbers of the refinement; null: its defaults where the variant refines."""

    @property
    def is_refined(self) -> bool:
        """Whether masks of one image depend on others of its quarter."""
        return self.variant in REFINED

    @property
    def filter(self) -> Literal["paper", "paper_code"]:
        """The filter that grows the masks."""
        return "paper_code" if self.variant == "paper_code" else "paper"

    @property
    def used_refinement(self) -> Refinement:
        """The numbers of the refinement, given or default."""
        return self.refinement or Refinement()

    def to_params(self) -> dict[str, Any]:
        """Give what names a mask: a refinement that is not used leaves no trace."""
        params = self.model_dump(include={"variant", "growth_m", "threshold"})
        if self.variant == "deck":
            params["refinement"] = self.used_refinement.to_params()
        return params

    @model_validator(mode="before")
    @classmethod
    def _own_growth(cls, data: Any) -> Any:
        """Give ``ours`` its own growth where none is given, so that a recipe's document has it."""
        is_ours = isinstance(data, Mapping) and data.get("variant") == "ours"
        return {"growth_m": OURS_GROWTH_M, **data} if is_ours else data

    @model_validator(mode="after")
    def _refinement_is_used(self) -> Mask:
        if self.refinement is not None and self.variant != "deck":
            raise ValueError(f"refinement goes with variant deck, found {self.variant}")
        return self
