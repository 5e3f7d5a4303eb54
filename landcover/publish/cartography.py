"""What surrounds a map on paper: frame, coordinates, scale bar, north arrow, legend, stamp.

Drawing into axes belongs here; what is drawn, and into which file, belongs to ``plots``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, log10
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.patches import Polygon, Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, MaxNLocator

from landcover.nouns.grid import Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#1f2933"
QUIET = "#66717d"
LINE = "#b8c0c8"
PAPER = "#ffffff"
EMPTY = "#f3f4f6"
HATCH = "#c3c9d0"
ALARM = "#d62728"


class LegendRow(NamedTuple):
    """One line of a legend."""

    name: str
    colour: str
    """``#RRGGBB``."""
    percent: float | None
    """Share that is written behind the name, %; nothing if None."""
    is_hatched: bool = False


def nice_length(metres: float) -> float:
    """Give the largest of 1, 2 or 5 times a power of ten that is not longer, metres."""
    power = 10.0 ** floor(log10(metres))
    return max(step * power for step in (1, 2, 5) if step * power <= metres * (1 + 1e-9))


def length_label(metres: float) -> str:
    """Write a length for people: metres below one kilometre."""
    return f"{metres:g} m" if metres < 1000 else f"{metres / 1000:,g} km"


def percent_label(percent: float) -> str:
    """Write a share so that what is there never reads as 0 %, and what is not there is a dash."""
    if percent == 0:
        return "–"
    if percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %"


def frame(axes: Axes, grid: Grid) -> None:
    """Draw a light frame with coordinates of the map's CRS."""
    left, bottom, right, top = grid.bounds
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    for spine in axes.spines.values():
        spine.set_color(LINE)
        spine.set_linewidth(0.8)
    axes.tick_params(length=3, width=0.6, color=LINE, labelcolor=QUIET, labelsize=7, pad=2)
    for axis, letter in ((axes.xaxis, "E"), (axes.yaxis, "N")):
        low, high = axis.get_view_interval()
        bins = max(2, round(5 * min(1.0, (high - low) / (right - left))))
        ticks = MaxNLocator(nbins=bins, steps=[1, 2, 5, 10]).tick_values(low, high)
        # A label at a corner would run out of the frame.
        edge = 0.05 * (high - low)
        axis.set_ticks([t for t in ticks if low + edge <= t <= high - edge])
        axis.set_major_formatter(FuncFormatter(_coordinate(letter)))
    for label in axes.get_yticklabels():
        label.set(rotation=90, verticalalignment="center")


def empty_ground(axes: Axes, grid: Grid) -> None:
    """Lay the hatching under a map that shows where it has no data."""
    left, bottom, right, top = grid.bounds
    axes.add_patch(
        Rectangle(
            (left, bottom), right - left, top - bottom,
            facecolor=EMPTY, edgecolor=HATCH, hatch="////", linewidth=0, zorder=0,
        )
    )  # fmt: skip


def scale_bar(axes: Axes, metres_wide: float) -> None:
    """Draw a scale bar of two halves into axes of its own.

    Args:
        axes: Empty axes.
        metres_wide: How many metres of the map the axes are wide.
    """
    axes.set_axis_off()
    axes.set_xlim(0, metres_wide)
    axes.set_ylim(0, 1)
    length = nice_length(0.7 * metres_wide)
    for part, fill in enumerate((INK, PAPER)):
        axes.add_patch(
            Rectangle(
                (part * length / 2, 0.1), length / 2, 0.22,
                facecolor=fill, edgecolor=INK, linewidth=0.8, clip_on=False,
            )
        )  # fmt: skip
    style: dict[str, Any] = {"fontsize": 7.5, "color": INK, "va": "bottom", "clip_on": False}
    axes.text(0, 0.48, "0", ha="center", **style)
    axes.text(length / 2, 0.48, length_label(length / 2), ha="center", **style)
    axes.text(length, 0.48, length_label(length), ha="center", **style)


def north_arrow(axes: Axes) -> None:
    """Draw an arrow that points to grid north, which is up on every map of ours."""
    axes.set_axis_off()
    axes.set_xlim(-1, 1)
    axes.set_ylim(-1, 1)
    axes.set_aspect("equal")
    style: dict[str, Any] = {"edgecolor": INK, "linewidth": 0.8, "clip_on": False}
    axes.add_patch(Polygon([(0, 0.45), (-0.55, -1), (0, -0.6)], facecolor=INK, **style))
    axes.add_patch(Polygon([(0, 0.45), (0.55, -1), (0, -0.6)], facecolor=PAPER, **style))
    axes.text(0, 0.55, "N", ha="center", va="bottom", fontsize=8, color=INK, weight="bold")


def legend(axes: Axes, heading: str, rows: Sequence[LegendRow], inches: float) -> None:
    """Write a legend into axes of its own, from the top down.

    Args:
        axes: Empty axes.
        heading: What the shares are shares of.
        rows: Lines, in order.
        inches: Height of the axes.
    """
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(inches, 0)
    axes.text(0, 0.0, heading, fontsize=8, color=QUIET, va="top")
    pitch = min(0.27, (inches - 0.3) / max(1, len(rows)))
    for number, row in enumerate(rows):
        y = 0.3 + number * pitch
        axes.add_patch(
            Rectangle(
                (0, y), 0.1, 0.62 * pitch,
                facecolor=EMPTY if row.is_hatched else row.colour,
                edgecolor=HATCH if row.is_hatched else "#00000055",
                hatch="//////" if row.is_hatched else None,
                linewidth=0.6,
            )
        )  # fmt: skip
        middle = y + 0.31 * pitch
        axes.text(0.14, middle, row.name, fontsize=8.5, color=INK, va="center")
        if row.percent is not None:
            text = percent_label(row.percent)
            axes.text(1, middle, text, fontsize=8.5, color=INK, va="center", ha="right")


def stamp(axes: Axes) -> None:
    """Write across a map that its data are simulated."""
    axes.text(
        0.5, 0.5, "SIMULATED DATA", transform=axes.transAxes, rotation=25, fontsize=28,
        weight="bold", color="#ffffff", alpha=0.55, ha="center", va="center", zorder=5,
        path_effects=[withStroke(linewidth=1.2, foreground=INK)],
    )  # fmt: skip


def _coordinate(letter: str) -> Callable[[float, int], str]:
    def write(value: float, _: int) -> str:
        return f"{value / 1000:,.10g} km {letter}".replace(",", "\u202f")

    return write
