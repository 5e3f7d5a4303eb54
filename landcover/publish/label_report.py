"""The label report: ground truth as one HTML page that opens from disk."""

from __future__ import annotations

import pandas as pd

from landcover.nouns.label_summary import LabelSummary
from landcover.publish.label_map import label_map
from landcover.publish.templates import template

TEMPLATE = "label_report.html"
DRAWN_TILES = 400
"""With more tiles the outlines would hide the points; they are left out."""

CLOSE_UP = 3.0
"""Where the points fill so small a part of their tiles, they are drawn again without them."""


def render_labels(summary: LabelSummary, points: pd.DataFrame) -> str:
    """Lay out a label report.

    Args:
        summary: What it says.
        points: ``point_id``, ``lon``, ``lat`` (degrees) and ``code``, for the map.

    Returns:
        HTML; nothing is fetched, nothing is executed. The same labels give the same bytes.
    """
    tiles = [entry.tile for entry in summary.tiles]
    tiles = tiles if len(tiles) <= DRAWN_TILES else []
    whole, close = (label_map(points, summary.classes, drawn) for drawn in (tiles, []))
    return template(TEMPLATE, metres=metres).render(
        summary=summary,
        present=[entry for entry in summary.classes if entry.points],
        titles={entry.name: entry.title for entry in summary.classes},
        colours={entry.name: entry.colour for entry in summary.classes},
        map=whole,
        close=close if close.scale > CLOSE_UP * whole.scale else None,
    )


def metres(distance: float) -> str:
    """Write a distance in the unit that suits it."""
    if distance >= 10_000:
        return f"{distance / 1000:,.0f} km"
    return f"{distance / 1000:.2f} km" if distance >= 1000 else f"{distance:.3g} m"
