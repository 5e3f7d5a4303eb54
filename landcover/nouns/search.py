"""What a search among settings of a model tried, and what it chose."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from landcover.nouns.base import Noun

SearchMethod = Literal["halving", "full"]
Criterion = Literal["macro_f1", "overall", "both"]


class Trial(Noun):
    """One setting, judged on rows that did not train it."""

    settings: dict[str, JsonValue]
    """Fields of the recipe's model section that differ from it; empty for the recipe as it is."""
    n_rows: int = Field(ge=1)
    """Rows of the last round that the setting took part in."""
    macro_f1: float
    """Mean over the folds of the macro F1, 0-1."""
    overall: float
    """Mean over the folds of the overall accuracy, 0-1."""
    lowest: float
    """Macro F1 of the worst fold."""
    highest: float
    """Macro F1 of the best fold."""


class SearchReport(Noun):
    """How the settings of a model were chosen; scores of different ``n_rows`` do not compare."""

    method: SearchMethod
    """``halving`` or ``full``."""
    judged_by: Criterion
    """Score that decided; ``both`` is the mean of the two."""
    folds: int
    """Folds of whole groups."""
    n_rows: int
    """Rows of the last round."""
    n_fits: int
    """Models that were fitted."""
    trials: tuple[Trial, ...]
    """All settings, the recipe's own first, then in the order of the grid."""
    chosen: int
    """Position in ``trials`` of the setting that the model was fitted with."""
