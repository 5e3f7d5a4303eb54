"""Which products a season uses: chosen, fetched, and chosen again without those that are wrong."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from landcover.errors import InputError
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.parts.preparation.fetching import AvailableProducts, fetch_product
from landcover.parts.preparation.product_records import record_product
from landcover.parts.preparation.radiometry import Refusal, wrong_products
from landcover.parts.task import Task
from landcover.sources.selection import Candidate, Selected, select_products

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Choice:
    """What a season uses."""

    selected: Selected
    """Every candidate, and what became of it."""
    ids: tuple[str, ...]
    """Records of the products that are used."""


def choose_products(
    task: Task,
    available: AvailableProducts,
    periods: Sequence[Period],
    refused: dict[str, Candidate],
) -> dict[Period, Choice]:
    """Choose until no product of the span is out of step with the others.

    Args:
        task: The task.
        available: What there is; what turns out to be unusable is taken out of it.
        periods: Seasons of the span.
        refused: Filled with the products that are out of step.

    Raises:
        InputError: The chosen products do not share one grid, or two of them differ by a
            radiometric offset and nothing says which is wrong.
    """
    while True:
        choices: dict[Period, Choice] = {}
        products: dict[str, Product] = {}
        for period in periods:
            selected, chosen = _choose(task, available, period)
            _require_one_grid(task, chosen)
            ids = tuple(record_product(task, product, available.checksums) for product in chosen)
            choices[period] = Choice(_with(selected, refused, period), ids)
            products.update(zip(ids, chosen, strict=True))
        refusals = wrong_products(task, products)
        if not refusals:
            return choices
        for refusal in refusals:
            _refuse(task, available, refusal, refused)


def _refuse(
    task: Task, available: AvailableProducts, refusal: Refusal, refused: dict[str, Candidate]
) -> None:
    product = available.products.pop(refusal.name)
    found = available.found.pop(refusal.name, None)
    refused[refusal.name] = _refused(product, refusal)
    log.warning(
        "%s: %s (%s) is left out: %s; %s.",
        task.unit.label,
        refusal.name,
        found.href if found else product.path,
        refusal.reason,
        refusal.evidence,
    )


def _refused(product: Product, refusal: Refusal) -> Candidate:
    return Candidate(
        name=product.name,
        date=product.datatake,
        cloud_percent=product.cloud_percent,
        nodata_percent=product.nodata_percent,
        is_used=False,
        reason=refusal.reason,
    )


def _with(selected: Selected, refused: Mapping[str, Candidate], period: Period) -> Selected:
    """List the refused products of a period among its candidates, by date as the others are."""
    mine = [candidate for candidate in refused.values() if period.has(candidate.date)]
    both = sorted((*selected.candidates, *mine), key=lambda c: (c.date, c.name))
    return selected.model_copy(update={"candidates": tuple(both)})


def _choose(
    task: Task, available: AvailableProducts, period: Period
) -> tuple[Selected, list[Product]]:
    while True:
        selected = select_products(list(available.products.values()), period, task.recipe.selection)
        # What turns out to be unusable when it is fetched is left out, and the choice made again.
        fetched = [
            fetch_product(task, available, name)
            for name in selected.names
            if name in available.products
        ]
        chosen = [product for product in fetched if product is not None]
        if len(chosen) == len(selected.names):
            return selected, chosen


def _require_one_grid(task: Task, products: list[Product]) -> None:
    finest = {min((f.grid for f in p.files), key=lambda g: g.pixel) for p in products}
    if len(finest) > 1:
        places = "; ".join(grid.describe() for grid in sorted(finest, key=lambda g: g.describe()))
        raise InputError(
            f"{task.unit.label}: the products lie on different grids ({places}). "
            "Deliver products of one extent."
        )


def why_empty(
    task: Task,
    period: Period,
    selected: Selected,
    refused: Mapping[str, Candidate],
    notes: list[str],
) -> str:
    """Say in one sentence why a season has no usable product, and what to do."""
    recipe = task.recipe
    has_none = recipe.restore is None or recipe.restore.fill is None
    can_be_filled = len(recipe.seasons) > 2 and has_none and recipe.composite.statistics is None
    # What a person can put right comes first.
    candidates = sorted(selected.candidates, key=lambda c: c.name not in refused)
    reasons = [f"{c.name[:26]} {c.reason}" for c in candidates] + notes
    why = "; ".join(reasons[:3]) + ("; …" if len(reasons) > 3 else "")
    if why:
        said = f" ({why}). Add products or raise selection.max_cloud_percent."
    else:
        first, end = period.hull
        said = (
            f" in {task.run.arguments.products}: none was taken from {first:%Y-%m-%d} to before "
            f"{end:%Y-%m-%d}. Check --year, or add products."
        )
    return (
        # Where a year is prepared at once, the unit's label does not say which month it is.
        f"{task.unit.tile} {period.name}: no usable product{said}"
        + (" A section restore fills a season from the others." if can_be_filled else "")
    )
