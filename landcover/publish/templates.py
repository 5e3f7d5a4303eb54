"""What every page is laid out with: the templates of this folder, and how numbers are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template


def template(name: str, **filters: Callable[..., Any]) -> Template:
    """Open a template.

    Args:
        name: Its file in this folder, such as ``report.html``.
        filters: What it writes values with beside ``number`` and ``percent``.

    Returns:
        The template. Text is escaped; a name that nobody gave is an error.
    """
    # The library of templates takes a while to load, which only who writes a page should pay.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, percent=percent, **filters)
    return environment.get_template(name)


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
