"""A comparison of two maps as one HTML page that opens from disk."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.nouns.comparison import Comparison
from landcover.publish.templates import template

TEMPLATE = "comparison.html"
MOST_LISTED = 20
"""Changes from class to class that the page lists; the table beside it has all."""


def render_comparison(
    result: Comparison, title: str, figure: str, picture: str, files: Sequence[str]
) -> str:
    """Lay out a comparison.

    Args:
        result: What it says.
        title: Headline.
        figure: Name of the figure beside the page.
        picture: Name of the picture of causes; of that of agreement where nothing is divided.
        files: Names of the other files beside the page.

    Returns:
        HTML; nothing is fetched, nothing is executed. The same comparison gives the same bytes.
    """
    present = [k for k, c in enumerate(result.classes) if c.first_hectares or c.second_hectares]
    listed = result.split.classes[:MOST_LISTED] if result.split else ()
    return template(TEMPLATE, hectares=hectares).render(
        result=result,
        title=title,
        figure=figure,
        picture=picture,
        files=files,
        present=present,
        titles={entry.name: entry.title for entry in result.classes},
        colours={entry.name: entry.colour for entry in result.classes},
        listed=listed,
    )


def hectares(area: float) -> str:
    """Write an area with as many digits as help."""
    return f"{area:,.0f}" if area >= 1000 else f"{area:,.1f}" if area >= 10 else f"{area:,.2f}"
