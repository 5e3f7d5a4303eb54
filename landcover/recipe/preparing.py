"""The fields of a recipe that say how features are prepared for a classifier of any kind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from landcover.recipe.section import Section

Percent = Annotated[float, Field(ge=0, le=100)]


class Scaling(Section):
    """How features are brought to one scale (docs/methods/preparation.md#scaling)."""

    method: Literal["standard", "min-max", "quantile"] = "standard"
    """``standard``: mean 0, deviation 1; ``min-max``: 0 to 1; ``quantile``: 0 at a low and 1 at a
    high percentile, clipped."""
    low: Percent = 1.0
    """Low percentile of ``quantile`` (the deck: 0.1)."""
    high: Percent = 99.0
    """High percentile of ``quantile`` (the deck: 99.9)."""

    @model_validator(mode="after")
    def _ascend(self) -> Scaling:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, found {self.low:g} and {self.high:g}")
        return self


class FeatureSelection(Section):
    """Which of the scaled features stay (docs/methods/preparation.md#selection)."""

    method: Literal["rfecv", "multicollinearity"] = "multicollinearity"
    """``rfecv``: recursive elimination with a linear machine, as many as cross-validation prefers;
    ``multicollinearity``: of two features that correlate, the one that tells less goes."""
    threshold: float = Field(0.9, gt=0, le=1)
    """Correlation above which one of two features goes (the deck: 0.8)."""
    fixed: tuple[str, ...] = ()
    """Features that ``multicollinearity`` never drops."""
    skip_dropped: bool = False
    """True: a dropped feature takes no part in later comparisons, as it does as published."""
    step: int = Field(1, ge=1)
    """Features that ``rfecv`` eliminates at a time."""
    folds: int = Field(3, ge=2, le=20)
    """Folds of whole groups of ``rfecv``."""
    rows: int = Field(5000, ge=100)
    """Most rows that it is decided on, whole groups of every class."""


class Components(Section):
    """Principal components of what stays (docs/methods/preparation.md#components)."""

    rule: Literal["cev", "elbow", "average"] = "cev"
    """How many: ``cev``: as many as explain enough; ``elbow``: up to the knee of the curve;
    ``average``: the mean of both."""
    explained: float = Field(0.95, gt=0, le=1)
    """Share of the variance that ``cev`` asks for (the deck: 0.99)."""


class Preparing(Section):
    """What happens to features before a classifier sees them, in this order; null: nothing."""

    scaling: Scaling | None = None
    selection: FeatureSelection | None = None
    pca: Components | None = None

    @property
    def is_nothing(self) -> bool:
        """True where features reach the classifier as they are."""
        return (self.scaling, self.selection, self.pca) == (None, None, None)
