"""The fields of a recipe that say how scores become probabilities."""

from __future__ import annotations

from typing import Literal

from landcover.recipe.section import Section


class Calibrating(Section):
    """How decision values become probabilities (docs/methods/trust.md#calibration-of-scores)."""

    variant: Literal["ours", "deck"] = "ours"
    """``ours``: on out-of-fold answers, kept where it helps, and the class stays the one before
    calibration; ``deck``: on half of the held-out groups, and the class is the likeliest after."""
    method: Literal["isotonic", "sigmoid", "temperature"] = "isotonic"
    """``isotonic`` or ``sigmoid`` curve of each class, or one ``temperature`` for all."""
    combine: Literal["normalise", "softmax"] = "normalise"
    """How the curves of the classes make shares: divided by their sum, or by softmax as the deck
    does, which with nine classes never tells more than 0.25."""
