"""Masks without labels as a picture: departure in time over the share of pixels kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landcover.publish.mask_plot import COLOURS


class SmoothPoint(NamedTuple):
    """One mask at one threshold, or pixels dropped at random."""

    name: str
    """``family, threshold``, or a single mask."""
    kept_percent: float
    departure: float
    """Mean |B8A - line between clear neighbours|, reflectance x 10,000."""
    interval: tuple[float, ...]
    """95 % over dates."""
    called_cloud: Mapping[str, float]
    """Kind of ground -> share called cloud or shadow, %."""


def draw_smoothness(points: Sequence[SmoothPoint], path: Path, title: str) -> None:
    """Draw curves of masks with several thresholds, marks of others; bars of ground at the right.

    Args:
        points: The masks.
        path: PNG to write.
        title: Line above.
    """
    families: dict[str, list[SmoothPoint]] = {}
    for point in points:
        families.setdefault(_family(point.name), []).append(point)
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(10.0, 4.8), dpi=140, layout="constrained")
        FigureCanvasAgg(figure)
        curves, bars = figure.subplots(1, 2, width_ratios=(3, 2))
        for number, (name, own) in enumerate(families.items()):
            colour = COLOURS[number % len(COLOURS)]
            own = sorted(own, key=lambda point: point.kept_percent)
            kept = [point.kept_percent for point in own]
            curves.plot(kept, [p.departure for p in own], "o-", color=colour, ms=4, label=name)
            if len(own) > 1:
                low, high = ([p.interval[side] for p in own] for side in (0, 1))
                curves.fill_between(kept, low, high, color=colour, alpha=0.12, linewidth=0)
            else:
                curves.vlines(kept, *own[0].interval, color=colour, linewidth=1)
        curves.set_xlabel("kept: share of what was seen that is called clear, %")
        curves.set_ylabel("mean departure from the line in time, reflectance x 10,000")
        curves.legend(fontsize=8)
        curves.set_title(title, fontsize=10)
        _bars(bars, families)
        figure.savefig(path, metadata={"Software": None})


def _family(name: str) -> str:
    if " at random" in name:
        return "SCL, pixels dropped at random"
    return "B02 below a limit" if name.startswith("B02 below") else name.partition(",")[0]


def _bars(axes: Axes, families: Mapping[str, Sequence[SmoothPoint]]) -> None:
    """Draw how much of each kind of ground the middle point of each family calls cloud."""
    chosen = {name: own[len(own) // 2] for name, own in families.items()}
    kinds = list(next(iter(chosen.values())).called_cloud)
    height = 0.8 / len(chosen)
    for number, point in enumerate(chosen.values()):
        places = [place - 0.4 + height * (number + 0.5) for place in range(len(kinds))]
        colour = COLOURS[number % len(COLOURS)]
        axes.barh(places, [point.called_cloud[kind] for kind in kinds], height, color=colour)
    axes.set_yticks(range(len(kinds)), kinds)
    axes.invert_yaxis()
    axes.set_xlabel("of it called cloud or shadow, %")
    axes.set_title("Ground that masks take for cloud", fontsize=10)
