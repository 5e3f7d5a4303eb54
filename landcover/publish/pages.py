"""The report as one HTML page that opens from disk: nothing is fetched, nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landcover.nouns.validation import SplitName
from landcover.publish.cautions import notes_of, side_label, small_percent, whole_tile_percent
from landcover.publish.page import Page, QualityPage
from landcover.publish.quality import (
    BASES,
    TileQuality,
    bases_of,
    describe,
    lost_share,
    worst_first,
)
from landcover.publish.quality_svg import sketch
from landcover.publish.templates import area, baseline, size, template

MOST_SHOWN = 24
"""Tiles up to which every season of every tile has its row; of more, those to look at first."""
MOST_LISTED = 48
"""Tiles whose products are listed on the page; those of the others are in a table beside it."""
MOST_OPENED = 3
"""Empty tiles up to which their products are open from the start."""
DECISIONS: Mapping[str, str] = {
    "metadata": "the product's own metadata",
    "provider": "the provider says it is applied",
    "baseline": "the baseline, metadata missing",
    "sniffed": "a look at the pixels",
}
"""How a radiometric offset was decided, in words."""
SPLIT_TITLES: Mapping[SplitName, str] = {
    "rows": "Random pixels",
    "held-out": "Held-out groups",
    "groups": "Groups",
    "blocks": "Spatial blocks",
    "tiles": "Tiles left out",
    "sources": "Files left out",
    "independent": "This map, independent points",
}
"""Splits in words."""
SPLIT_USES: Mapping[SplitName, str] = {
    "rows": "for nothing: papers quote it",
    "held-out": "to compare models of the same labels",
    "groups": "to compare settings; flatters where labels lie close together",
    "blocks": "for what to expect at new places of the same region",
    "tiles": "for what to expect in a neighbouring tile without labels",
    "sources": "for what to expect where somebody else labels",
    "independent": "to quote as the accuracy of this map, and for areas, if it is a probability "
    "sample",
}
"""What the number of each split is good for."""


DECK_ROWS = (
    ("HRLC deck: pairs, not calibrated", (0.80, 0.77, 0.77, 0.78)),
    ("HRLC deck: pairs, isotonic", (0.80, 0.71, 0.70, 0.74)),
    ("HRLC deck: one against all", (0.81, 0.69, 0.67, 0.76)),
)
"""Overall accuracy, macro F1, macro recall and macro precision that the deck's slides give."""


def render(page: Page) -> str:
    """Lay out a report.

    Args:
        page: What it says.

    Returns:
        HTML; the pictures and downloads are named relative to the page. The same page gives the
        same bytes.
    """
    return _laid_out(
        "report.html",
        page,
        notes=notes_of(page),
        split_titles=SPLIT_TITLES,
        split_uses=SPLIT_USES,
        deck_rows=DECK_ROWS,
    )


def render_quality(page: QualityPage) -> str:
    """Lay out the page of a region that is not processed yet; see :func:`render`."""
    return _laid_out("quality.html", page)


def _laid_out(name: str, page: Page | QualityPage, **more: Any) -> str:
    laid = template(
        name, size=size, area=area, baseline=baseline, side=side_label,
        tile_percent=lambda grid: small_percent(whole_tile_percent(grid)), line=describe,
    )  # fmt: skip
    return laid.render(page=page, decisions=DECISIONS, words=BASES, **_limits(page.tiles), **more)


def _limits(tiles: Sequence[TileQuality]) -> dict[str, Any]:
    """Decide what a page of so many tiles shows at once, and what it folds away."""
    ranked = worst_first(tiles)
    shown = list(tiles) if len(tiles) <= MOST_SHOWN else ranked[:MOST_SHOWN]
    empty = [tile.tile for tile in tiles if tile.status == "empty"]
    opened = empty if len(empty) <= MOST_OPENED else []
    return {
        "shown": shown,
        "listed": {tile.tile for tile in ranked[:MOST_LISTED]},
        "opened": [tile.tile for tile in tiles] if len(tiles) == 1 else opened,
        "bases": list(bases_of(tiles)),
        "lost": lost_share(tiles),
        "sketch": sketch(tiles) if len(tiles) > 1 else None,
    }
