"""Spectral signatures of the classes as a picture: a panel a season, a line a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context, rcParamsDefault
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from landcover.nouns.model import Feature
from landcover.nouns.signature import Signatures

BY_WAVELENGTH = (
    "B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12",
)  # fmt: skip
"""Sentinel-2 bands, 443 to 2190 nm."""
_PANEL, _HEIGHT, _LEGEND = 3.6, 4.2, 2.2  # inches


def draw_signatures(
    signatures: Signatures, features: Sequence[Feature], path: Path, title: str, *, note: str = ""
) -> bool:
    """Draw the mean reflectance of each class, and the middle half of its samples.

    Args:
        signatures: The classes.
        features: Features of the sample set; bands are drawn.
        path: SVG to write; the bytes depend on the arguments only.
        title: Headline.
        note: Small line below it.

    Returns:
        False, and nothing is written, where no feature is a band.
    """
    panels = _panels(features)
    if not panels:
        return False
    width = _PANEL * len(panels) + _LEGEND
    style = {**rcParamsDefault, "svg.hashsalt": "signatures", "font.size": 8.0}
    with rc_context(style):
        figure = Figure(figsize=(width, _HEIGHT), layout="constrained")
        FigureCanvasSVG(figure)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for axis, (period, bands) in zip(axes, panels.items(), strict=True):
            places = list(range(len(bands)))
            for entry in signatures.classes:
                spreads = [entry.features[feature.name] for feature in bands]
                low, high = [s.p25 for s in spreads], [s.p75 for s in spreads]
                axis.fill_between(places, low, high, color=entry.colour, alpha=0.15, linewidth=0)
                line = axis.plot(places, [s.mean for s in spreads], color=entry.colour, lw=1.6)[0]
                # A thin dark rim keeps pale classes visible on white.
                line.set_path_effects([Stroke(linewidth=2.2, foreground="#404040"), Normal()])
            axis.set_xticks(places, [feature.layer for feature in bands], rotation=90)
            axis.set_title(period, loc="left", fontsize=9)
            axis.grid(axis="y", color="#e0e0e0", linewidth=0.6)
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("reflectance: mean, and middle half of the samples")
        handles = [Line2D([], [], color=c.colour, lw=3) for c in signatures.classes]
        words = [f"{c.name} ({c.n})" for c in signatures.classes]
        figure.legend(handles, words, loc="outside right upper", frameon=False)
        if note:
            figure.supxlabel(note, x=0.01, ha="left", fontsize=7)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    return True


def _panels(features: Sequence[Feature]) -> dict[str, list[Feature]]:
    """Group the bands by season, in the order of their wavelength."""
    panels: dict[str, list[Feature]] = {}
    for feature in features:
        if feature.period is not None and feature.layer in BY_WAVELENGTH:
            panels.setdefault(feature.period, []).append(feature)
    for bands in panels.values():
        bands.sort(key=lambda feature: BY_WAVELENGTH.index(feature.layer))
    return panels
