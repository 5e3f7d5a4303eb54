"""Choose the products of a tile and season by the paper's rule.

Method: docs/methods/products.md#products-of-a-season.

A season of several months is none of the paper's: it takes the best products of each month.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from landcover.nouns.base import Noun
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.recipe import Selection

Status = Literal["ok", "degraded", "empty"]
SPLIT_NODATA_PERCENT = 1.0


class Candidate(Noun):
    """A product that was looked at, and what became of it."""

    name: str
    date: datetime
    cloud_percent: float
    nodata_percent: float
    is_used: bool
    reason: str
    """Why it was used or not, in a few words."""


class Selected(Noun):
    """The choice for one tile and period."""

    names: tuple[str, ...]
    """Chosen products, best first."""
    status: Status
    """``ok``: two full products or more; ``degraded``: fewer; ``empty``: none."""
    candidates: tuple[Candidate, ...]
    """Every product that was looked at, by date."""


def select_products(products: Sequence[Product], period: Period, rule: Selection) -> Selected:
    """Choose products for one period.

    Args:
        products: All products of the tile, copies of an acquisition included.
        period: The season, with its fallback month or of several months.
        rule: Limits on cloud, nodata and number; of several months each has ``max_products``.

    Returns:
        The choice with the reason for every candidate. Products outside the months are not
        candidates.
    """
    unique, reasons = _newest_copies(products, period)
    choose = _by_month if period.is_long else _by_fallback
    used = sorted(choose(unique, period, rule, reasons), key=lambda p: _rank(p, rule))
    names = tuple(product.name for product in used)
    return Selected(
        names=names,
        status="empty" if not used else "ok" if _n_full(used, rule) >= 2 else "degraded",
        candidates=_candidates(products, names, reasons),
    )


def gaps(period: Period, used: Sequence[Product]) -> tuple[str, ...]:
    """Say which months of a long period no used product is of; nothing where all have one."""
    months = period.months_without(product.datatake for product in used)
    return (f"No product of {', '.join(months)} is used.",) if months else ()


def _by_fallback(
    unique: Sequence[Product], period: Period, rule: Selection, reasons: dict[str, str]
) -> list[Product]:
    """Take the best of the primary month, filled up from the fallback month; fills ``reasons``."""
    chosen: list[Product] = []
    for product in (p for p in unique if period.start <= p.datatake < period.end):
        if product.cloud_percent <= rule.max_cloud_percent:
            chosen.append(product)
            reasons[product.name] = "primary month"
        else:
            reasons[product.name] = _too_cloudy(product, rule)
    fallback = [p for p in unique if period.is_fallback(p.datatake)]
    for product in _by_nearness(fallback, period.fallback_descending):
        if product.cloud_percent > rule.max_cloud_percent:
            reasons[product.name] = _too_cloudy(product, rule)
        elif _n_full(chosen, rule) >= rule.min_full_products:
            reasons[product.name] = "fallback month not needed"
        else:
            chosen.append(product)
            reasons[product.name] = "fallback month, to have enough full products"
    ordered = sorted(chosen, key=lambda p: _rank(p, rule))
    for product in ordered[rule.max_products :]:
        reasons[product.name] = f"beyond the best {rule.max_products}"
    return ordered[: rule.max_products]


def _by_month(
    unique: Sequence[Product], period: Period, rule: Selection, reasons: dict[str, str]
) -> list[Product]:
    """Take the best of each month, so that the dates are spread; fills ``reasons``."""
    chosen: list[Product] = []
    counts: Counter[str] = Counter()
    for product in sorted(unique, key=lambda p: _rank(p, rule)):
        month = f"{product.datatake:%Y-%m}"
        if product.cloud_percent > rule.max_cloud_percent:
            reasons[product.name] = _too_cloudy(product, rule)
        elif counts[month] >= rule.max_products:
            reasons[product.name] = f"beyond the best {rule.max_products} of {month}"
        else:
            counts[month] += 1
            chosen.append(product)
            reasons[product.name] = f"among the best {rule.max_products} of {month}"
    return chosen


def _rank(product: Product, rule: Selection) -> tuple[bool, float, datetime, str]:
    """Sort full products first, then by what they show, date and name."""
    return _is_partial(product, rule), -product.useful_percent, product.datatake, product.name


def _newest_copies(
    products: Sequence[Product], period: Period
) -> tuple[list[Product], dict[str, str]]:
    inside = [product for product in products if period.has(product.datatake)]
    copies: dict[tuple[object, ...], list[Product]] = {}
    for product in inside:
        copies.setdefault(product.acquisition, []).append(product)
    kept: list[Product] = []
    reasons: dict[str, str] = {}
    for group in copies.values():
        # Name and path only make the choice independent of the order of the input.
        group.sort(
            key=lambda p: (p.baseline, p.generated, p.discriminator, p.name, p.path), reverse=True
        )
        best = group[0]
        kept.append(best)
        for other in group[1:]:
            if _is_other_part(best, other):
                kept.append(other)
            else:
                reasons[other.name] = f"older copy of {best.name}"
    return sorted(kept, key=lambda p: (p.datatake, p.name)), reasons


def _is_other_part(best: Product, other: Product) -> bool:
    # Two granules of one datatake may share a tile between them
    # (docs/methods/products.md#names-and-copies).
    return (
        best.baseline == other.baseline
        and best.discriminator != other.discriminator
        and min(best.nodata_percent, other.nodata_percent) > SPLIT_NODATA_PERCENT
    )


def _by_nearness(products: Sequence[Product], is_before: bool) -> list[Product]:
    def key(product: Product) -> tuple[int, float, str]:
        day = product.datatake.toordinal()
        return (-day if is_before else day, -product.useful_percent, product.name)

    return sorted(products, key=key)


def _is_partial(product: Product, rule: Selection) -> bool:
    return product.nodata_percent > rule.partial_nodata_percent


def _n_full(products: Sequence[Product], rule: Selection) -> int:
    return sum(not _is_partial(product, rule) for product in products)


def _too_cloudy(product: Product, rule: Selection) -> str:
    return f"cloud {product.cloud_percent:.1f} % above {rule.max_cloud_percent:g} %"


def _candidates(
    products: Sequence[Product], names: Sequence[str], reasons: dict[str, str]
) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            name=product.name,
            date=product.datatake,
            cloud_percent=product.cloud_percent,
            nodata_percent=product.nodata_percent,
            is_used=product.name in names,
            reason=reasons[product.name],
        )
        for product in sorted(products, key=lambda p: (p.datatake, p.name))
        if product.name in reasons
    )
