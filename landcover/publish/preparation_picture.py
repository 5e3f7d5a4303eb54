"""How features were prepared, as pictures: correlation before and after, variance of components."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from numpy.typing import NDArray

MOST_NAMES = 40
"""Features whose names fit beside a matrix."""
_SIDE = 4.6  # inches


def draw_correlation(
    correlation: NDArray[np.float64], kept: Sequence[int], names: Sequence[str], path: Path
) -> None:
    """Draw Pearson's R of all features, and of those that stay, side by side.

    Args:
        correlation: R, (m, m).
        kept: Columns that stay.
        names: Names of the m features.
        path: SVG to write; the bytes depend on the arguments only.
    """
    with _style("correlation"):
        figure = Figure(figsize=(2 * _SIDE + 0.8, _SIDE + 0.6), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(1, 2)
        columns = list(kept)
        shown = ((range(len(names)), f"before: {len(names)} features"),
                 (columns, f"after: {len(columns)} features"))  # fmt: skip
        image: Any = None
        for axis, (part, title) in zip(axes, shown, strict=True):
            matrix = correlation[np.ix_(part, part)]
            image = axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r", interpolation="nearest")
            axis.set_title(title, loc="left", fontsize=9)
            words = [names[column] for column in part]
            if len(words) <= MOST_NAMES:
                axis.set_xticks(range(len(words)), words, rotation=90, fontsize=6)
                axis.set_yticks(range(len(words)), words, fontsize=6)
        figure.colorbar(image, ax=axes, label="Pearson's R on the training rows", shrink=0.8)
        _save(figure, path)


def draw_components(
    explained: Sequence[float], marks: Sequence[tuple[str, int]], chosen: int, path: Path
) -> None:
    """Draw the variance of the components, single and summed up, and what the rules choose.

    Args:
        explained: Share of the variance of each, 0-1.
        marks: Rules with their numbers.
        chosen: Components that stay.
        path: SVG to write; the bytes depend on the arguments only.
    """
    with _style("components"):
        figure = Figure(figsize=(7.2, 3.8), layout="constrained")
        FigureCanvasSVG(figure)
        axis = figure.subplots()
        number = np.arange(1, len(explained) + 1)
        axis.bar(number, explained, color="#9db8d2", label="of each component")
        axis.plot(number, np.cumsum(explained), color="#1f4e79", lw=1.6, label="summed up")
        for place, (name, k) in enumerate(marks):
            style = ("--", ":", "-.")[place % 3]
            axis.axvline(k + 0.5, color="#606060", lw=1, ls=style, label=f"{name}: {k}")
        axis.set_title(f"{chosen} of {len(explained)} components stay", loc="left", fontsize=9)
        axis.set_xlabel("component")
        axis.set_ylabel("share of the variance")
        axis.set_ylim(0, 1.02)
        axis.legend(frameon=False, loc="center right")
        axis.spines[["top", "right"]].set_visible(False)
        _save(figure, path)


def _style(salt: str) -> Any:
    return rc_context({**rcParamsDefault, "svg.hashsalt": salt, "font.size": 8.0})


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
