"""The report as one HTML page that opens from disk: nothing is fetched, nothing is executed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from landcover.nouns.accuracy import AccuracyReport
from landcover.publish.notes import notes_of, side_label, small_percent, whole_tile_percent
from landcover.publish.page import Page
from landcover.publish.sketch import sketch

TEMPLATE = "report.html"
DECISIONS: Mapping[str, str] = {
    "metadata": "the product's own metadata",
    "provider": "the provider says it is applied",
    "baseline": "the baseline, metadata missing",
    "sniffed": "a look at the pixels",
}
"""How a radiometric offset was decided, in words."""


def render(page: Page) -> str:
    """Lay out a report.

    Args:
        page: What it says.

    Returns:
        HTML; the pictures and downloads are named relative to the page. The same page gives the
        same bytes.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=percent, number=number, size=size, area=area, baseline=baseline, side=side_label,
        tile_percent=lambda grid: small_percent(whole_tile_percent(grid)),
    )  # fmt: skip
    return environment.get_template(TEMPLATE).render(
        page=page,
        notes=notes_of(page),
        sketch=sketch(page.tiles) if len(page.tiles) > 1 else None,
        totals=_totals(page.accuracy),
        decisions=DECISIONS,
    )


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share of 0-100; a dash where there is none."""
    if share is None:
        return "–"
    smallest = 10.0**-digits
    return f"< {smallest:g} %" if 0 < share < smallest / 2 else f"{share:,.{digits}f} %"


def number(value: float) -> str:
    """Write a number with its thousands apart."""
    return f"{value:,.10g}"


def size(count: int) -> str:
    """Write a number of bytes in the unit that suits it."""
    amount = float(count)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:,.3g} {unit}"
        amount /= 1000
    return f"{amount:,.3g} GB"


def area(hectares: float) -> str:
    """Write an area: hectares, from 100 km² on square kilometres."""
    if hectares >= 10_000:
        return f"{hectares / 100:,.0f} km²"
    return f"{hectares:,.1f} ha" if hectares < 1000 else f"{hectares:,.0f} ha"


def baseline(value: int) -> str:
    """Write a processing baseline as the archive does: 509 → 05.09."""
    return f"{value // 100:02d}.{value % 100:02d}"


def _totals(report: AccuracyReport | None) -> dict[str, list[int]]:
    if report is None:
        return {}
    return {
        "rows": [sum(row) for row in report.matrix],
        "columns": [sum(column) for column in zip(*report.matrix, strict=True)],
    }
