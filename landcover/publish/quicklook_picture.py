"""The mask quicklook as a PNG: a product, its mask before and after growth, both composites."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid
from landcover.publish import cartography as draw
from landcover.publish.plots import brightness_range, stretch
from landcover.publish.quicklooks import (
    CLEAR,
    CLOUD,
    DEFECTIVE,
    DROPPED,
    GROWN,
    NODATA,
    SHADOW,
    SNOW,
    UNSEEN,
    Quicklook,
    empty_percent,
    masked_percent,
)

KINDS = {
    CLOUD: ("cloud", "#F0E442"),
    SHADOW: ("cloud shadow", "#0072B2"),
    SNOW: ("snow or ice", "#56B4E9"),
    DEFECTIVE: ("defective", "#000000"),
    GROWN: ("added by growth", "#CC79A7"),
    DROPPED: ("dropped as isolated", "#009E73"),
    UNSEEN: ("no data", "#D9D9D9"),
}
"""What a colour of a mask panel means: colours that colour-blind readers can tell apart (Okabe
and Ito, Color Universal Design, 2008), over the product in grey."""

_DPI = 120
_SIDE, _GAP, _LEFT, _TOP, _HEAD, _FOOT = 3.1, 0.22, 0.2, 0.62, 0.45, 0.15
# Inches: side of a panel, gaps and margins, room for the words over each panel.


class _Panel(NamedTuple):
    title: str
    note: str
    picture: NDArray[np.uint8]


def draw_quicklook(
    quicklook: Quicklook, path: Path, title: str, *, is_simulated: bool = False
) -> None:
    """Draw a quicklook of five panels and a legend, nodata in red.

    All pictures in natural colours have one stretch, that of the composite with the grown masks,
    so that what differs between them differs on the ground.

    Args:
        quicklook: What it shows.
        path: PNG to write; the same quicklook and words give the same bytes.
        title: Headline.
        is_simulated: Says so under the headline.
    """
    panels = _panels(quicklook)
    rows, columns = quicklook.grid.shape
    wide = _SIDE * min(1.0, columns / rows)
    tall = _SIDE * min(1.0, rows / columns)
    across = 2 * _LEFT + 3 * wide + 2 * _GAP
    across = max(across, 7.0)
    total = _TOP + 2 * (_HEAD + tall) + _FOOT
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(across, total), dpi=_DPI, facecolor=draw.PAPER)
        FigureCanvasAgg(figure)
        style: dict[str, Any] = {"va": "top", "x": _LEFT / across}
        headline = wrap(title, int(7.8 * across))[0]
        figure.text(
            y=1 - 0.14 / total, s=headline, fontsize=13, weight="bold", color=draw.INK, **style
        )
        figure.text(
            y=1 - 0.46 / total,
            s=_second_line(quicklook, is_simulated),
            fontsize=8.5,
            color=draw.ALARM if is_simulated else draw.QUIET,
            **style,
        )
        for number, panel in enumerate(panels):
            row, column = divmod(number, 3)
            left = _LEFT + column * (wide + _GAP)
            top = _TOP + row * (_HEAD + tall)
            place = (left / across, 1 - (top + _HEAD + tall) / total, wide / across, tall / total)
            axes = figure.add_axes(place)
            _draw_panel(axes, panel)
        left, top = _LEFT + 2 * (wide + _GAP), _TOP + _HEAD + tall
        place = (
            left / across, 1 - (top + _HEAD + tall) / total,
            min(wide, across - left - 0.1) / across, (tall + _HEAD) / total,
        )  # fmt: skip
        _draw_key(figure.add_axes(place), quicklook, wide, tall + _HEAD)
        figure.savefig(path, format="png", metadata={"Software": None})


def mask_picture(kinds: NDArray[np.uint8], grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay the colours of a mask over a picture in grey: uint8 (y, x, 3)."""
    picture = np.repeat(grey[..., None], 3, axis=2)
    for kind, (_, colour) in KINDS.items():
        picture[kinds == kind] = rgb_of(colour)
    return picture


def _panels(quicklook: Quicklook) -> list[_Panel]:
    is_empty = (quicklook.by_grown == NODATA).any(axis=0)
    chosen = quicklook.by_grown if not is_empty.all() else quicklook.scene
    ends = brightness_range(chosen, (chosen == NODATA).any(axis=0))
    scene, original, grown = (
        _coloured(bands, ends)
        for bands in (quicklook.scene, quicklook.by_original, quicklook.by_grown)
    )
    # Grey between a quarter and three quarters, so that no colour of the mask is lost in it.
    grey = (64 + scene.mean(axis=2) / 2).astype(np.uint8)
    before, after = masked_percent(quicklook.original), masked_percent(quicklook.grown)
    return [
        _Panel(
            "Product in natural colours", f"{quicklook.date}, the cloudiest that is used", scene
        ),
        _Panel("Original mask", f"{before:.1f} % masked", mask_picture(quicklook.original, grey)),
        _Panel("Grown mask", f"{after:.1f} % masked", mask_picture(quicklook.grown, grey)),
        _Panel("Composite with original masks", _holes(quicklook.by_original), original),
        _Panel("Composite with grown masks", _holes(quicklook.by_grown), grown),
    ]


def _coloured(bands: NDArray[np.int16], ends: NDArray[np.float64]) -> NDArray[np.uint8]:
    is_nodata = (bands == NODATA).any(axis=0)
    picture = stretch(bands, is_nodata, ends)
    picture[is_nodata] = rgb_of(draw.ALARM)
    return picture


def _holes(bands: NDArray[np.int16]) -> str:
    percent = empty_percent(bands)
    return f"no clear observation: {draw.percent_label(percent)}" if percent else "no holes"


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    axes.imshow(panel.picture, interpolation="nearest", aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(draw.LINE)
    place: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(
        panel.title, (0, 1), xytext=(0, 14), fontsize=9.5, color=draw.INK, weight="bold", **place
    )
    axes.annotate(panel.note, (0, 1), xytext=(0, 4), fontsize=8, color=draw.QUIET, **place)


def _draw_key(axes: Axes, quicklook: Quicklook, wide: float, inches: float) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, max(wide, 1.9))
    axes.set_ylim(inches, 0)
    shown = set(np.unique(quicklook.original).tolist()) | set(np.unique(quicklook.grown).tolist())
    rows = [KINDS[kind] for kind in KINDS if kind in shown - {CLEAR}]
    rows.append(("no clear observation", draw.ALARM))
    pitch = min(0.26, (inches - 1.2) / len(rows))
    for number, (name, colour) in enumerate(rows):
        y = _HEAD + number * pitch
        axes.add_patch(
            Rectangle(
                (0, y), 0.22, 0.65 * pitch, facecolor=colour, edgecolor="#00000055", linewidth=0.6
            )
        )
        axes.text(0.32, y + 0.32 * pitch, name, fontsize=8.5, color=draw.INK, va="center")
    metres = quicklook.grid.width * quicklook.grid.pixel
    length = draw.nice_length(0.45 * metres)
    bar = wide * length / metres
    y = inches - 0.3
    axes.plot([0, 0, bar, bar], [y, y + 0.07, y + 0.07, y], color=draw.INK, linewidth=1)
    axes.text(0, y - 0.06, draw.length_label(length), fontsize=8, color=draw.INK, va="bottom")


def _second_line(quicklook: Quicklook, is_simulated: bool) -> str:
    word = "product" if quicklook.n_products == 1 else "products"
    text = (
        f"{quicklook.n_products} {word}; {draw.length_label(_side(quicklook.grid))} a side, "
        f"pixels of {draw.length_label(quicklook.grid.pixel)} in {quicklook.grid.crs}"
    )
    return f"SIMULATED DATA, not a real place.  {text}" if is_simulated else text


def _side(grid: Grid) -> float:
    return round(max(grid.shape) * grid.pixel)
