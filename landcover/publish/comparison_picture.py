"""Two class maps, the composite and causes side by side: the region, then places in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from landcover.nouns.change import CAUSES
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish import cartography as draw
from landcover.publish.plots import NODATA, brightness_range, paint, stretch

_DPI = 130
_SIDE, _GAP, _LEFT, _TOP, _FOOT = 2.9, 0.15, 0.35, 0.95, 0.3
_ROW = 0.26
# Inches: longest side of a panel, gaps, margins, height of a legend row.
_DEGREE = 111_320.0
"""Metres of a degree on the equator; enough for a label and the shape of a panel."""


class Place(NamedTuple):
    """One row of the figure; all arrays cover the same ground."""

    name: str
    grid: Grid
    first: NDArray[np.uint8]
    """Codes of the first map, uint8, (y, x), 0 nodata."""
    second: NDArray[np.uint8]
    """Codes of the second, read by the same legend."""
    bands: NDArray[np.int16] | None
    """B04, B03, B02 as stored, int16, (3, y, x), −32768 nodata; None without a composite."""
    causes: NDArray[np.uint8] | None = None
    """Why the maps differ, uint8, (y, x), codes of CAUSES; None where that is not known."""


def draw_comparison(
    places: Sequence[Place],
    legend: Sequence[LegendClass],
    path: Path,
    title: str,
    names: tuple[str, str],
    *,
    is_simulated: bool = False,
) -> None:
    """Draw the figure: a row per place, both maps in the same colours.

    Args:
        places: The region first, then the places in it.
        legend: Classes of both maps.
        path: PNG to write; the same arrays and words give the same bytes.
        title: Headline.
        names: What stands above the first and the second map.
        is_simulated: Says so under the headline.
    """
    has_colour = any(place.bands is not None for place in places)
    has_causes = any(place.causes is not None for place in places)
    heads = [*names, *["natural colours"] * has_colour, *["why they differ"] * has_causes]
    sizes = [_size(place.grid) for place in places]
    per_row = len(heads)
    shown: list[LegendClass | None] = [e for e in legend if _occurs(places, e.code)]
    if has_causes:
        # Causes begin a row of their own.
        shown += [None] * (-len(shown) % per_row) + list(CAUSES)
    n_rows = -(-len(shown) // per_row)
    across = 2 * _LEFT + len(heads) * _SIDE + (len(heads) - 1) * _GAP
    tall = _TOP + sum(h for _, h in sizes) + _GAP * len(places) + n_rows * _ROW + _FOOT
    ends = _ends(places)
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(across, tall), dpi=_DPI, facecolor=draw.PAPER)
        FigureCanvasAgg(figure)
        style: dict[str, Any] = {"x": _LEFT / across, "va": "top"}
        figure.text(y=1 - 0.14 / tall, s=title, fontsize=12, weight="bold", color=draw.INK, **style)
        if is_simulated:
            said = "SIMULATED DATA, not a real place."
            figure.text(y=1 - 0.42 / tall, s=said, fontsize=8.5, color=draw.ALARM, **style)
        top = _TOP
        for place, (wide, high) in zip(places, sizes, strict=True):
            pictures = [paint(place.first, legend), paint(place.second, legend)]
            if has_colour:
                pictures.append(_natural(place, ends))
            if place.causes is not None:
                pictures.append(paint(place.causes, CAUSES))
            for number, picture in enumerate(pictures):
                left = _LEFT + number * (_SIDE + _GAP) + (_SIDE - wide) / 2
                axes = figure.add_axes(
                    (left / across, 1 - (top + high) / tall, wide / across, high / tall)
                )
                axes.set_facecolor(draw.EMPTY)
                axes.imshow(picture, interpolation="nearest", aspect="auto")
                axes.set_xticks([])
                axes.set_yticks([])
                for spine in axes.spines.values():
                    spine.set_color(draw.LINE)
                if top == _TOP:
                    axes.set_title(heads[number], fontsize=9.5, color=draw.INK, weight="bold")
                if number == 0:
                    metres = place.grid.width * place.grid.pixel * _unit(place.grid)
                    label = f"{place.name}, {draw.length_label(round(metres))} wide"
                    axes.set_ylabel(label, fontsize=7.5, color=draw.QUIET)
            top += high + _GAP
        for number, entry in enumerate(shown):
            if entry is None:
                continue
            row, column = divmod(number, per_row)
            x = (_LEFT + column * (across - 2 * _LEFT) / per_row) / across
            y = 1 - (top + (row + 0.7) * _ROW) / tall
            swatch = Rectangle(
                (x, y), 0.22 / across, 0.15 / tall, facecolor=entry.colour, edgecolor="#00000055",
                linewidth=0.6, transform=figure.transFigure,
            )  # fmt: skip
            figure.add_artist(swatch)
            figure.text(
                x + 0.3 / across, y + 0.075 / tall, entry.title, fontsize=8, color=draw.INK,
                va="center",
            )  # fmt: skip
        figure.savefig(path, format="png", metadata={"Software": None})


def _size(grid: Grid) -> tuple[float, float]:
    # A degree of longitude is shorter than one of latitude.
    wide = grid.width * (_unit(grid) / _DEGREE if grid.crs == "EPSG:4326" else 1.0)
    longest = max(wide, grid.height)
    return _SIDE * wide / longest, _SIDE * grid.height / longest


def _unit(grid: Grid) -> float:
    """Give the metres of a unit of the grid from west to east, at its middle."""
    if grid.crs != "EPSG:4326":
        return 1.0
    middle = grid.uly - grid.height * grid.pixel / 2
    return _DEGREE * float(np.cos(np.radians(middle)))


def _occurs(places: Sequence[Place], code: int) -> bool:
    return any((p.first == code).any() or (p.second == code).any() for p in places)


def _ends(places: Sequence[Place]) -> NDArray[np.float64] | None:
    """Find one stretch for all places: that of the region."""
    bands = next((place.bands for place in places if place.bands is not None), None)
    return None if bands is None else brightness_range(bands, (bands == NODATA).any(axis=0))


def _natural(place: Place, ends: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    if place.bands is None:
        return np.full((*place.grid.shape, 3), 243, dtype=np.uint8)
    return stretch(place.bands, (place.bands == NODATA).any(axis=0), ends)
