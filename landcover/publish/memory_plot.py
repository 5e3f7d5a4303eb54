"""Memory of all processes over time, as a picture: one line a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landcover.publish.mask_plot import COLOURS

GB_PER_MB = 2**20 / 1e9
STYLES = ("-", "--", ":", "-.")


def draw_memory(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    published_gb: Mapping[str, float],
    path: Path,
    title: str,
) -> None:
    """Draw runs; published figures stand in words, since they would flatten the curves.

    Args:
        curves: Name ``case, run N`` → seconds and MB (2²⁰ bytes); runs of a case share a colour.
        published_gb: Name → largest memory, GB.
        path: PNG to write.
        title: Line above.
    """
    with rc_context(rcParamsDefault):
        figure = Figure(figsize=(7.0, 4.2), dpi=160)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.1, 0.16, 0.87, 0.74))
        cases = list(dict.fromkeys(name.rpartition(", ")[0] for name in curves))
        runs = dict.fromkeys(cases, 0)
        for name, (seconds, mb) in curves.items():
            case = name.rpartition(", ")[0]
            colour = COLOURS[cases.index(case) % len(COLOURS)]
            style = STYLES[runs[case] % len(STYLES)]
            runs[case] += 1
            gb = [GB_PER_MB * one for one in mb]
            axes.plot(seconds, gb, style, color=colour, linewidth=1.2, label=name)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("seconds from the beginning of the work")
        axes.set_ylabel("resident memory of all processes, GB")
        axes.set_title(title, fontsize=10)
        axes.grid(color="#dddddd", linewidth=0.5)
        axes.legend(fontsize=7, loc="lower right", framealpha=0.9)
        told = "; ".join(f"{name} {gb:.1f} GB" for name, gb in published_gb.items())
        figure.text(0.1, 0.02, f"Published, other machine: {told}" if told else "", fontsize=6.5)
        figure.savefig(path, metadata={"Software": None})
