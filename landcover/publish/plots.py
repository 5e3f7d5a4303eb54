"""Pictures: the class map and the true-colour composite as PNG.

Bytes depend on the arrays and the words only: no date, no display, no settings of the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.colour import rgb_of
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish import cartography as draw
from landcover.publish.zone_files import OUTSIDE

STRETCH_PERCENT = (1.0, 99.0)
"""Percentiles of the clear pixels that become black and full brightness."""
NODATA = -32768

_DPI = 160
_LEFT, _MAP, _GAP, _LEGEND = 0.5, 6.6, 0.3, 2.5
_TOP, _BOTTOM = 0.75, 0.95
_TALLEST, _FLATTEST, _NARROWEST = 8.0, 3.3, 7.2
# Inches: margins and parts of a sheet, and how far the shape of a map may bend it.


class _Sheet(NamedTuple):
    figure: Figure
    map: Axes
    legend: Axes
    legend_inches: float


def draw_map(
    classes: NDArray[np.uint8],
    legend: Sequence[LegendClass],
    grid: Grid,
    path: Path,
    title: str,
    subtitle: str = "",
    *,
    pixels: Mapping[int, int] | None = None,
    is_simulated: bool = False,
    is_validated: bool = True,
) -> None:
    """Draw a class map with its legend.

    Args:
        classes: Class codes, uint8, (y, x), 0 nodata; may be coarser than ``grid``.
        legend: Classes of the map.
        grid: Grid of the whole map, which gives the extent.
        path: PNG to write.
        title: Headline.
        subtitle: Second line.
        pixels: Pixels of each code on ``grid``, for the shares; counted in ``classes`` if None.
        is_simulated: Stamps the map.
        is_validated: False says on the map that its accuracy is unknown.

    Raises:
        InputError: A code is not in the legend.
    """
    counts = dict(pixels) if pixels is not None else count_codes(classes)
    _require_known(set(counts) | set(np.unique(classes).tolist()), legend, path)
    total = max(1, sum(counts.values()))
    classified = max(1, total - counts.get(0, 0))
    rows = [
        draw.LegendRow(entry.title, entry.colour, 100 * counts.get(entry.code, 0) / classified)
        for entry in legend
    ]
    if counts.get(0, 0):
        rows.append(draw.LegendRow("No data", "", 100 * counts[0] / total, is_hatched=True))
    notes = ["No data: share of the whole map"] if counts.get(0) else []
    notes += [] if is_validated else ["Accuracy not measured"]
    with rc_context(rcParamsDefault | {"hatch.linewidth": 0.5}):
        sheet = _sheet(grid, title, subtitle, is_simulated)
        draw.empty_ground(sheet.map, grid)
        _show(sheet.map, paint(classes, legend), grid)
        draw.legend(sheet.legend, "Share of the classified area", rows, sheet.legend_inches)
        _finish(sheet, grid, path, ". ".join(notes), is_simulated)


def draw_true_colour(
    red: NDArray[np.int16],
    green: NDArray[np.int16],
    blue: NDArray[np.int16],
    grid: Grid,
    path: Path,
    title: str,
    subtitle: str = "",
    *,
    is_simulated: bool = False,
) -> None:
    """Draw a composite in its natural colours, with red where nothing clear was seen.

    Args:
        red: B04 as stored, int16 reflectance × 1e-4, (y, x), -32768 nodata, -32767 where a run
            with a region did not look.
        green: B03, likewise.
        blue: B02, likewise.
        grid: Grid of the whole composite, which gives the extent.
        path: PNG to write.
        title: Headline.
        subtitle: Second line.
        is_simulated: Stamps the picture.
    """
    bands = np.stack([red, green, blue])
    is_nodata = (bands == NODATA).any(axis=0)
    is_outside = (bands == OUTSIDE).any(axis=0)
    rgb = stretch(bands, is_nodata | is_outside)
    rgb[is_nodata] = rgb_of(draw.ALARM)
    shown = np.dstack([rgb, np.where(is_outside, np.uint8(0), np.uint8(255))])
    percent = 100 * float(is_nodata.sum()) / max(1, int((~is_outside).sum()))
    rows = [draw.LegendRow("No clear observation", draw.ALARM, percent)]
    with rc_context(rcParamsDefault):
        sheet = _sheet(grid, title, subtitle, is_simulated)
        if is_outside.any():
            draw.empty_ground(sheet.map, grid)
        _show(sheet.map, shown if is_outside.any() else rgb, grid)
        draw.legend(sheet.legend, "Share of the picture", rows, sheet.legend_inches)
        low, high = STRETCH_PERCENT
        note = f"Bands B04, B03, B02, each stretched between its percentiles {low:g} and {high:g}"
        _finish(sheet, grid, path, note, is_simulated)


def paint(classes: NDArray[np.uint8], legend: Sequence[LegendClass]) -> NDArray[np.uint8]:
    """Turn class codes into colours: uint8 (y, x, 4), transparent where the code is 0."""
    table = np.zeros((256, 4), dtype=np.uint8)
    for entry in legend:
        table[entry.code] = [*rgb_of(entry.colour), 255]
    return np.asarray(table[classes])


def brightness_range(bands: NDArray[np.int16], is_nodata: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Find the values that become black and full brightness, band by band.

    Each band has its own range, which takes the blue haze away.

    Args:
        bands: int16, (3, y, x).
        is_nodata: True where a pixel takes no part, bool, (y, x).

    Returns:
        (black and full, band); black and full are equal where no pixel takes part.
    """
    seen = bands[:, ~is_nodata]
    if seen.size == 0:
        return np.zeros((2, len(bands)))
    return np.asarray(np.percentile(seen.astype(np.float32), STRETCH_PERCENT, axis=1))


def stretch(
    bands: NDArray[np.int16],
    is_nodata: NDArray[np.bool_],
    ends: NDArray[np.float64] | None = None,
) -> NDArray[np.uint8]:
    """Stretch three bands for the eye.

    Args:
        bands: int16, (3, y, x).
        is_nodata: True where a pixel takes no part, bool, (y, x).
        ends: What becomes black and full brightness; the picture's own range if None.

    Returns:
        uint8, (y, x, 3); 0 where nodata.
    """
    shown = np.zeros((*bands.shape[1:], 3), dtype=np.uint8)
    seen = bands[:, ~is_nodata].astype(np.float32)
    if seen.size == 0:
        return shown
    low, high = brightness_range(bands, is_nodata) if ends is None else ends
    span = np.maximum(high - low, 1.0)
    light = np.clip((seen - low[:, None]) / span[:, None], 0, 1) ** 0.85
    shown[~is_nodata] = np.round(255 * light).astype(np.uint8).T
    return shown


def count_codes(classes: NDArray[np.uint8]) -> dict[int, int]:
    """Count the pixels of each code that occurs."""
    counts = np.bincount(classes.ravel(), minlength=256)
    return {int(code): int(counts[code]) for code in np.flatnonzero(counts)}


def _require_known(codes: set[int], legend: Sequence[LegendClass], path: Path) -> None:
    strangers = sorted(codes - {0} - {entry.code for entry in legend})
    if strangers:
        raise InputError(
            f"{path.name}: the map holds the codes {strangers}, which its legend does not know. "
            "Draw it with the legend of its model."
        )


def _sheet(grid: Grid, title: str, subtitle: str, is_simulated: bool) -> _Sheet:
    aspect = grid.height / grid.width
    # A long map gets narrower; a flat one keeps room for the legend beside it.
    width = min(_MAP, _TALLEST / aspect)
    height = max(width * aspect, _FLATTEST)
    across = max(_LEFT + width + _GAP + _LEGEND + 0.1, _NARROWEST)
    lines = wrap(title, int(7.8 * across))
    top = _TOP + 0.24 * (len(lines) - 1)
    total = top + height + _BOTTOM
    figure = Figure(figsize=(across, total), dpi=_DPI, facecolor=draw.PAPER)
    FigureCanvasAgg(figure)

    def place(x: float, y: float, w: float, h: float) -> Axes:
        return figure.add_axes((x / across, y / total, w / across, h / total))

    axes = place(_LEFT, _BOTTOM + height - width * aspect, width, width * aspect)
    words = place(_LEFT + width + _GAP, _BOTTOM, _LEGEND, height)
    bar = 0.5 * width
    draw.scale_bar(place(_LEFT + 0.05, 0.22, bar, 0.36), 0.5 * grid.width * grid.pixel)
    draw.north_arrow(place(_LEFT + width - 0.3, 0.2, 0.3, 0.42))
    style: dict[str, Any] = {"va": "top", "x": _LEFT / across}
    figure.text(
        y=1 - 0.16 / total, s="\n".join(lines), fontsize=13, weight="bold", color=draw.INK, **style
    )
    text = f"SIMULATED DATA, not a real place.  {subtitle}" if is_simulated else subtitle
    colour = draw.ALARM if is_simulated else draw.QUIET
    figure.text(y=1 - (top - 0.31) / total, s=text, fontsize=8.5, color=colour, **style)
    return _Sheet(figure, axes, words, height)


def _show(axes: Axes, picture: NDArray[np.uint8], grid: Grid) -> None:
    left, bottom, right, top = grid.bounds
    axes.imshow(
        picture,
        extent=(left, right, bottom, top),
        interpolation="nearest",
        origin="upper",
        zorder=1,
    )


def _finish(sheet: _Sheet, grid: Grid, path: Path, note: str, is_simulated: bool) -> None:
    draw.frame(sheet.map, grid)
    if is_simulated:
        draw.stamp(sheet.map)
    foot = "\n".join([f"{grid.crs}, pixels of {draw.length_label(grid.pixel)}", *wrap(note, 44)])
    sheet.legend.text(0, sheet.legend_inches, foot, fontsize=7, color=draw.QUIET, va="bottom")
    sheet.figure.savefig(path, format="png", metadata={"Software": None})
