"""The picture of what a model goes by: stacked bars per feature, season and layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landcover.nouns.explanation import Explanation
from landcover.publish import cartography as draw

MOST_FEATURES = 20
"""Features that are drawn (docs/methods/explanation.md#shapley-values)."""
MOST_LAYERS = 15
_DPI = 130
_WIDTH, _ROW, _HEAD, _FOOT = 10.5, 0.235, 0.95, 0.75
# Inches: width of the sheet, of a bar with its gap, and what is above and below the bars.


def draw_importance(explanation: Explanation, files: Sequence[Path], subtitle: str) -> None:
    """Draw how much features count, in the colours of the classes.

    Of a forest the mean absolute Shapley values by feature, season and layer; of a network what
    permuted features cost.

    Args:
        explanation: What is known of the model.
        files: Files to write, ``.png`` or ``.svg``; equal explanations give equal bytes.
        subtitle: What the bars are.
    """
    rows = _rows(explanation)
    height = _HEAD + _FOOT + _ROW * max(len(rows), 9)
    # Ids in an SVG are random unless they are salted.
    with rc_context(rcParamsDefault | {"svg.hashsalt": "landcover", "font.size": 8.5}):
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor=draw.PAPER)
        FigureCanvasAgg(figure)
        if explanation.features:
            _draw_shap(figure, explanation, rows, height)
        else:
            _draw_cost(figure, explanation, height)
        figure.text(
            0.02, 1 - 0.18 / height, "What the model goes by", va="top", fontsize=13,
            weight="bold", color=draw.INK,
        )  # fmt: skip
        stamp = "SIMULATED DATA, not a real place.  " if explanation.simulated else ""
        colour = draw.ALARM if explanation.simulated else draw.QUIET
        figure.text(
            0.02, 1 - 0.48 / height, stamp + subtitle, va="top", fontsize=8.5,
            color=colour,
        )  # fmt: skip
        for path in files:
            kind = path.suffix.removeprefix(".")
            metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
            figure.savefig(path, format=kind, metadata=metadata)


def _rows(explanation: Explanation) -> list[str]:
    drawn: Sequence[object] = explanation.features or explanation.clusters
    return [str(number) for number in range(min(len(drawn), MOST_FEATURES))]


def _draw_shap(
    figure: Figure, explanation: Explanation, rows: Sequence[str], height: float
) -> None:
    low, tall = _FOOT / height, 1 - (_HEAD + _FOOT) / height
    features = {f.name: f.shap for f in explanation.features[: len(rows)]}
    _bars(figure.add_axes((0.15, low, 0.37, tall)), "Features", features, explanation)
    seasons, layers = explanation.by_period(), explanation.by_layer()
    layers = dict(list(layers.items())[:MOST_LAYERS])
    # Bars of both panels are about equally thick; a title needs the room of three bars.
    bars = len(seasons) + len(layers) + 3
    upper = tall * len(seasons) / bars
    right = 0.6, 0.38
    _bars(
        figure.add_axes((right[0], low + tall - upper, right[1], upper)),
        "Seasons", seasons, explanation,
    )  # fmt: skip
    _bars(
        figure.add_axes((right[0], low, right[1], tall * len(layers) / bars)),
        "Layers, over all seasons", layers, explanation,
    )  # fmt: skip
    handles = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        *handles, loc="lower center", ncols=min(len(explanation.classes), 5), frameon=False,
        fontsize=7.5, handlelength=1, bbox_to_anchor=(0.5, 0),
    )  # fmt: skip


def _bars(
    axes: Axes, title: str, values: Mapping[str, Sequence[float]], explanation: Explanation
) -> None:
    places = np.arange(len(values))
    start = np.zeros(len(values))
    for k, entry in enumerate(explanation.classes):
        widths = np.array([shap[k] for shap in values.values()])
        axes.barh(
            places, widths, left=start, height=0.78, color=entry.colour, label=entry.title,
            edgecolor=draw.INK, linewidth=0.25,
        )  # fmt: skip
        start = start + widths
    _finish(axes, title, list(values))


def _draw_cost(figure: Figure, explanation: Explanation, height: float) -> None:
    axes = figure.add_axes((0.45, _FOOT / height, 0.52, 1 - (_HEAD + _FOOT) / height))
    shown = explanation.clusters[:MOST_FEATURES]
    names = [
        ", ".join(c.features[:3]) + (f" + {len(c.features) - 3}" if len(c.features) > 3 else "")
        for c in shown
    ]
    axes.barh(
        np.arange(len(shown)), [c.drop for c in shown], xerr=[c.spread for c in shown],
        height=0.78, color="#4c7fb0", ecolor=draw.QUIET,
    )  # fmt: skip
    _finish(axes, "Groups of features", names)


def _finish(axes: Axes, title: str, names: list[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(title, loc="left", fontsize=9.5, color=draw.INK, weight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=draw.INK, length=2)
    axes.grid(axis="x", color=draw.LINE, linewidth=0.5)
    axes.set_axisbelow(True)
