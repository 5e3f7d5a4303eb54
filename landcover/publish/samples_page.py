"""The diagnostic report of a sample set as a page with two pictures, a table and numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from landcover.nouns.sample_diagnosis import FeatureHistogram, SampleDiagnosis
from landcover.nouns.uses import TRAINS, USE
from landcover.publish.templates import template

PAGE, NUMBERS, COUNTS, MAP, HISTOGRAMS = (
    "index.html", "samples.json", "counts.csv", "map.svg", "histograms.svg",
)  # fmt: skip
MOST_PANELS = 24
"""Features that are drawn: those whose classes lie furthest apart. The numbers have all."""
MOST_TILES = 12
"""Tiles that are drawn, those with the most samples first."""
_COLUMNS = 4
_STYLE = {**rcParamsDefault, "svg.hashsalt": "samples", "font.size": 8.0}
_METADATA = {"Date": None, "Creator": None}


def write_page(found: SampleDiagnosis, table: pd.DataFrame, folder: Path) -> None:
    """Write the report.

    Args:
        found: Numbers.
        table: Rows of the sample set, with ``lon``, ``lat``, ``tile``, ``label``, ``is_train``.
        folder: Where the files go; it is made if it is absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NUMBERS).write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    counts = pd.DataFrame([entry.model_dump() for entry in found.counts])
    counts.to_csv(folder / COUNTS, index=False, lineterminator="\n")
    draw_map(found, table, folder / MAP)
    drawn = draw_histograms(found, folder / HISTOGRAMS)
    page = template("samples.html").render(
        found=found, files=(NUMBERS, COUNTS, MAP, HISTOGRAMS), map=MAP, histograms=HISTOGRAMS,
        n_drawn=drawn, has_map=any(entry.of_map for entry in found.counts),
    )  # fmt: skip
    (folder / PAGE).write_text(page, encoding="utf-8")


def draw_map(found: SampleDiagnosis, table: pd.DataFrame, path: Path) -> None:
    """Draw the points of each tile in the colours of their classes, by what they are used for."""
    tiles = sorted(found.tiles, key=lambda tile: (-found.tiles[tile], tile))[:MOST_TILES]
    points = table.drop_duplicates(["point_id", "tile"])
    colours = {entry.name: entry.colour for entry in found.counts}
    rows = -(-len(tiles) // _COLUMNS)
    columns = min(_COLUMNS, max(1, len(tiles)))
    with rc_context(_STYLE):
        figure = Figure(figsize=(3.4 * columns + 2.2, 3.4 * rows + 0.3), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axis in panels[len(tiles) :]:
            axis.set_axis_off()
        for axis, tile in zip(panels, tiles, strict=False):
            mine = points[points["tile"] == tile]
            for marker, size, is_drawn in _marks(mine):
                part = mine[is_drawn]
                axis.scatter(
                    part["lon"], part["lat"], s=size, marker=marker, linewidths=0.5,
                    c=[colours[str(label)] for label in part["label"]], edgecolors="#303030",
                )  # fmt: skip
            axis.set_title(f"{tile}: {len(mine)} points", loc="left", fontsize=9)
            axis.set_aspect(1 / max(0.05, float(np.cos(np.radians(mine["lat"].mean())))))
            axis.ticklabel_format(useOffset=False)
            axis.locator_params(nbins=4)
        marks = [("o", "trains"), ("^", "held out or judges")]
        marks += [("s", "from the map")] if USE in table else []
        handles = [Line2D([], [], ls="", marker=m, color="#606060", ms=5) for m, _ in marks]
        words = [word for _, word in marks]
        handles += [Line2D([], [], color=entry.colour, lw=4) for entry in found.counts]
        words += [entry.title for entry in found.counts]
        figure.legend(handles, words, loc="outside right upper", frameon=False)
        figure.savefig(path, format="svg", metadata=_METADATA)


def _marks(points: pd.DataFrame) -> list[tuple[str, float, pd.Series[bool]]]:
    is_train = points["is_train"].astype(bool)
    of_map = points[USE] == TRAINS if USE in points else pd.Series(False, index=points.index)
    return [("s", 9.0, of_map), ("o", 12.0, is_train & ~of_map), ("^", 16.0, ~is_train)]


def draw_histograms(found: SampleDiagnosis, path: Path) -> int:
    """Draw the features whose classes lie furthest apart; gives how many were drawn."""
    ranked = sorted(found.histograms, key=lambda one: (-_apart(one), one.feature))
    drawn = [one for one in ranked if one.edges][:MOST_PANELS]
    rows = max(1, -(-len(drawn) // _COLUMNS))
    with rc_context(_STYLE):
        figure = Figure(figsize=(2.9 * _COLUMNS + 2.2, 1.9 * rows + 0.3), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axis in panels[len(drawn) :]:
            axis.set_axis_off()
        for axis, one in zip(panels, drawn, strict=False):
            middle = (np.array(one.edges[:-1]) + np.array(one.edges[1:])) / 2
            for entry in found.counts:
                if entry.name in one.shares:
                    axis.plot(middle, one.shares[entry.name], color="#404040", lw=1.9)
                    axis.plot(middle, one.shares[entry.name], color=entry.colour, lw=1.3)
            axis.set_title(one.feature, loc="left", fontsize=9)
            axis.set_yticks([])
            axis.spines[["top", "right", "left"]].set_visible(False)
        handles = [Line2D([], [], color=entry.colour, lw=4) for entry in found.counts]
        words = [f"{entry.title} ({entry.train_rows})" for entry in found.counts]
        figure.legend(handles, words, loc="outside right upper", frameon=False)
        figure.savefig(path, format="svg", metadata=_METADATA)
    return len(drawn)


def _apart(one: FeatureHistogram) -> float:
    """Measure how far the classes of a histogram lie apart: mean total variation of the pairs."""
    shares = np.array(list(one.shares.values()))
    if len(shares) < 2:
        return 0.0
    pairs = np.abs(shares[:, None, :] - shares[None, :, :]).sum(axis=2) / 2
    return float(pairs.sum() / (len(shares) * (len(shares) - 1)))
