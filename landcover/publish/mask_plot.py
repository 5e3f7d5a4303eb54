"""How good masks are, as a picture: precision and recall of each, F1 as lines of equal worth."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's, which colour-blind readers can tell apart."""
MARKS = {"cloud": "o", "shadow": "^"}


class MaskPoint(NamedTuple):
    """One mask in the picture."""

    mask: str
    kind: str
    precision: float
    recall: float
    is_published: bool = False
    """Whether the figures are somebody else's: drawn hollow."""


def draw_masks(points: Sequence[MaskPoint], path: Path, title: str) -> None:
    """Draw precision over recall; hollow marks are published figures.

    Args:
        points: The masks; those without a figure are left out.
        path: PNG to write.
        title: Line above.
    """
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(6.5, 6.0), dpi=160)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.11, 0.1, 0.85, 0.82))
        _draw_f1(axes)
        names = list(dict.fromkeys(point.mask for point in points))
        for point in points:
            if isnan(point.precision) or isnan(point.recall):
                continue
            colour = COLOURS[names.index(point.mask) % len(COLOURS)]
            axes.plot(
                point.recall, point.precision, MARKS[point.kind], color=colour,
                markerfacecolor="none" if point.is_published else colour, markersize=8,
                label=f"{point.mask}, {point.kind}{' (deck)' if point.is_published else ''}",
            )  # fmt: skip
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("recall: share of what is there that is marked")
        axes.set_ylabel("precision: share of what is marked that is there")
        axes.set_title(title, fontsize=10)
        axes.legend(fontsize=6.5, loc="lower left", framealpha=0.9)
        figure.savefig(path, metadata={"Software": None})


def _draw_f1(axes: object) -> None:
    recall = np.linspace(0.01, 1, 200)
    for f1 in (0.2, 0.4, 0.6, 0.8, 0.9):
        precision = f1 * recall / np.maximum(2 * recall - f1, 1e-6)
        shown = (precision > 0) & (precision <= 1)
        axes.plot(recall[shown], precision[shown], color="0.8", linewidth=0.8)  # type: ignore[attr-defined]
        axes.text(1.0, f1 / (2 - f1) + 0.01, f"F1 {f1}", fontsize=6, color="0.5", ha="right")  # type: ignore[attr-defined]
