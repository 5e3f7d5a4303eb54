"""The quality map as a PNG: tiles in their places, coloured by the pixels that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path as Outline

from landcover.publish import cartography as draw
from landcover.publish.quality import (
    BAD_PERCENT,
    BASES,
    GOOD_PERCENT,
    STATUSES,
    UNKNOWN,
    TileQuality,
    bases_of,
    safe_quality_colour,
    worst_first,
)
from landcover.publish.quality_svg import Places, lay_out, middle_of

HATCHES = {"ok": None, "degraded": "///", "empty": "xx"}
"""How a status is told apart without its colour."""
MEANINGS = {
    "ok": "two full products or more in every season",
    "degraded": "fewer full products or layers than asked in a season",
    "empty": "a season without a composite",
}
MOST_LISTED = 12
"""Tiles that are listed beside the map."""

_DPI = 130
_LEFT, _MAP, _GAP, _WORDS, _RIGHT = 0.45, 7.2, 0.25, 2.75, 0.1
_TOP, _BOTTOM = 0.8, 0.45
_TALLEST, _FLATTEST, _NARROWEST = 7.5, 4.2, 2.5
_LARGEST_TILE, _MARGIN = 1.15, 0.12
# Inches: margins and parts of the sheet, and how large a single tile may become.


def draw_quality_map(
    tiles: Sequence[TileQuality],
    path: Path,
    title: str,
    subtitle: str = "",
    *,
    is_simulated: bool = False,
) -> None:
    """Draw whole tiles, coloured by the pixels missing in their worst season.

    A picture has no switch, so its colours are those that colour-blind readers tell apart.

    Args:
        tiles: At least one tile.
        path: PNG to write; the same tiles and words give the same bytes.
        title: Headline.
        subtitle: Second line.
        is_simulated: Says so under the headline.
    """
    places = lay_out(tiles)
    west, south, east, north = places.bounds
    widest = max(_width(parts) for parts in places.rings)
    scale = min(_MAP / (east - west), _TALLEST / (north - south), _LARGEST_TILE / widest)
    width = max(scale * (east - west) + _MARGIN, _NARROWEST)
    tall = scale * (north - south) + _MARGIN
    height = max(tall, _FLATTEST)
    across = _LEFT + width + _GAP + _WORDS + _RIGHT
    lines = wrap(title, int(7.8 * across))
    top = _TOP + 0.24 * (len(lines) - 1)
    total = top + height + _BOTTOM
    with rc_context(rcParamsDefault | {"hatch.linewidth": 0.7}):
        figure = Figure(figsize=(across, total), dpi=_DPI, facecolor=draw.PAPER)
        FigureCanvasAgg(figure)
        bottom = _BOTTOM + height - tall
        axes = figure.add_axes((_LEFT / across, bottom / total, width / across, tall / total))
        words = figure.add_axes(
            ((_LEFT + width + _GAP) / across, _BOTTOM / total, _WORDS / across, height / total)
        )
        style: dict[str, Any] = {"va": "top", "x": 0.12 / across}
        headline = "\n".join(lines)
        figure.text(
            y=1 - 0.14 / total, s=headline, fontsize=13, weight="bold", color=draw.INK, **style
        )
        second = f"SIMULATED DATA, not a real place.  {subtitle}" if is_simulated else subtitle
        colour = draw.ALARM if is_simulated else draw.QUIET
        figure.text(y=1 - (top - 0.38) / total, s=second, fontsize=8.5, color=colour, **style)
        _draw_tiles(axes, tiles, places, scale)
        _frame(axes, places, width / scale, tall / scale)
        _draw_words(words, tiles, height)
        figure.savefig(path, format="png", metadata={"Software": None})


def _draw_tiles(
    axes: Axes, tiles: Sequence[TileQuality], places: Places, inches_per_unit: float
) -> None:
    for tile, parts in zip(tiles, places.rings, strict=True):
        vertices = [point for ring in parts for point in ring]
        codes = [
            Outline.MOVETO if number == 0 else Outline.LINETO
            for ring in parts
            for number in range(len(ring))
        ]
        axes.add_patch(
            PathPatch(
                Outline(vertices, codes), facecolor=tile.safe_colour, edgecolor=draw.INK,
                linewidth=0.6, hatch=HATCHES[tile.status], zorder=2,
            )
        )  # fmt: skip
        size = 72 * inches_per_unit * _width(parts) / 6.5
        if size < 4.5:
            continue
        x, y = middle_of(parts)
        share = "none" if tile.nodata_percent is None else f"{tile.nodata_percent:.1f} %"
        text: dict[str, Any] = {
            "ha": "center", "va": "center", "color": draw.INK, "zorder": 3, "linespacing": 1.25,
            "fontsize": min(size, 8.5),
            "bbox": {"boxstyle": "square,pad=0.1", "facecolor": "#ffffffdd", "linewidth": 0},
        }  # fmt: skip
        axes.text(x, y, f"{tile.tile}\n{share}", **text)


def _frame(axes: Axes, places: Places, width: float, height: float) -> None:
    west, south, east, north = places.bounds
    left, bottom = (west + east - width) / 2, (south + north - height) / 2
    axes.set_xlim(left, left + width)
    axes.set_ylim(bottom, bottom + height)
    axes.set_facecolor("#fbfbfc")
    for spine in axes.spines.values():
        spine.set_color(draw.LINE)
    axes.tick_params(length=3, width=0.6, color=draw.LINE, labelcolor=draw.QUIET, labelsize=7)
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 45) if max(width, height) / s <= 8)
    lons = _multiples(left / places.squeeze, (left + width) / places.squeeze, step)
    axes.set_xticks([lon * places.squeeze for lon in lons], [_degrees(v, "EW") for v in lons])
    lats = _multiples(bottom, bottom + height, step)
    axes.set_yticks(lats, [_degrees(v, "NS") for v in lats], rotation=90, va="center")
    axes.grid(color="#e3e7eb", linewidth=0.6)
    axes.set_axisbelow(True)


def _draw_words(axes: Axes, tiles: Sequence[TileQuality], inches: float) -> None:
    axes.set_axis_off()
    axes.set_xlim(0, _WORDS)
    axes.set_ylim(inches, 0)
    small: dict[str, Any] = {"fontsize": 8, "color": draw.INK, "va": "top"}
    quiet = {**small, "color": draw.QUIET}
    axes.text(0, 0, "Missing pixels in the worst season", **quiet)
    n_steps, bar = 100, 1.9
    for step in range(n_steps):
        percent = 25.0 * (step + 0.5) / n_steps
        axes.add_patch(
            Rectangle(
                (bar * step / n_steps, 0.24), 1.05 * bar / n_steps, 0.17,
                facecolor=safe_quality_colour(percent), linewidth=0,
            )
        )  # fmt: skip
    for percent in (0.0, GOOD_PERCENT, 10.0, BAD_PERCENT):
        place = bar * percent / 25.0
        axes.text(place, 0.46, f"{percent:g}", ha="center" if percent else "left", **small)
    axes.text(bar, 0.46, "% and more", ha="left", **small)
    axes.add_patch(Rectangle((2.1, 0.24), 0.17, 0.17, facecolor=UNKNOWN, linewidth=0))
    axes.text(2.32, 0.245, "none", **small)
    y = 0.84
    for status in STATUSES:
        count = sum(tile.status == status for tile in tiles)
        patch = Patch(facecolor="#ffffff", edgecolor=draw.INK, hatch=HATCHES[status], linewidth=0.6)
        box = Rectangle((0, y), 0.26, 0.2, linewidth=0.6)
        box.update_from(patch)
        axes.add_patch(box)
        axes.text(0.36, y + 0.02, f"{status}: {count} of {len(tiles)}", **small)
        axes.text(0.36, y + 0.17, MEANINGS[status], **{**quiet, "fontsize": 7})
        y += 0.37
    _list_worst(axes, tiles, y + 0.08, inches)
    found = [BASES[basis] for basis in bases_of(tiles)]
    notes = [f"Shares {origin.word} {origin.how.partition(';')[0]}." for origin in found]
    text = "\n".join(line for note in notes for line in wrap(note, 50))
    axes.text(0, inches, text, fontsize=7, color=draw.QUIET, va="bottom")


def _list_worst(axes: Axes, tiles: Sequence[TileQuality], y: float, inches: float) -> None:
    worst = [t for t in worst_first(tiles) if t.status != "ok" or (t.nodata_percent or 0) > 5]
    room = floor((inches - y - 0.85) / 0.17)
    listed = worst[: max(0, min(MOST_LISTED, room))]
    if not listed:
        return
    small: dict[str, Any] = {"fontsize": 7.5, "color": draw.INK, "va": "top"}
    axes.text(0, y, "Look at these first", **{**small, "color": draw.QUIET, "fontsize": 8})
    for tile in listed:
        y += 0.17
        share = "none" if tile.nodata_percent is None else f"{tile.nodata_percent:.1f} %"
        axes.text(0, y, tile.tile, **small)
        axes.text(0.6, y, tile.status, **small)
        axes.text(1.85, y, share, ha="right", **small)
    if len(worst) > len(listed):
        text = f"and {len(worst) - len(listed)} more"
        axes.text(0, y + 0.17, text, **{**small, "color": draw.QUIET})


def _width(parts: Sequence[Sequence[tuple[float, float]]]) -> float:
    return max(max(x for x, _ in ring) - min(x for x, _ in ring) for ring in parts)


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [n * step for n in range(ceil(low / step), floor(high / step) + 1)]


def _degrees(value: float, letters: str) -> str:
    turned = (value + 180) % 360 - 180 if letters == "EW" else value
    letter = "" if turned == 0 else letters[turned < 0]
    return f"{abs(turned):g}°{letter}"
