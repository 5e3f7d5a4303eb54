"""Collect: find the products of a tile, choose those of each season, record what they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.nouns.output import Wanted
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.nouns.stages import version_of
from landcover.parts.preparation.fetching import Offer, bring, look
from landcover.parts.preparation.product_records import record_product
from landcover.parts.preparation.radiometry import Refusal, wrong_products
from landcover.parts.task import Task
from landcover.sources.selection import Candidate, Selected, select_products

log = logging.getLogger(__name__)


def collect(task: Task) -> None:
    """Choose and record the products of the unit's tile and span.

    Raises:
        MissingDataError: No usable product for a season; the reasons are in the record.
        InputError: The chosen products do not share one grid, or two of them differ by a
            radiometric offset and nothing says which is wrong.
    """
    tile, span = str(task.unit.tile), str(task.unit.span)
    periods = next(s for s in task.recipe.spans(task.run.arguments.year) if s.name == span).periods
    offer = look(task, tile, periods)
    refused: dict[str, Candidate] = {}
    for period, (selected, ids) in _choose_sound(task, offer, periods, refused).items():
        damaged = offer.damaged
        _record_selection(task, period, selected, ids, damaged)
        for name, error in damaged:
            log.warning("%s: %s is left out: %s", task.unit.label, name, error)
        if selected.status == "empty":
            notes = [f"{name}: {error}" for name, error in damaged]
            raise MissingDataError(_why_empty(task, selected, refused, notes))


def _choose_sound(
    task: Task, offer: Offer, periods: Sequence[Period], refused: dict[str, Candidate]
) -> dict[Period, tuple[Selected, tuple[str, ...]]]:
    """Choose until no product of the span is out of step with the others; fills ``refused``."""
    while True:
        choices: dict[Period, tuple[Selected, tuple[str, ...]]] = {}
        products: dict[str, Product] = {}
        for period in periods:
            selected, chosen = _choose(task, offer, period)
            _require_one_grid(task, chosen)
            ids = tuple(record_product(task, product, offer.checksums) for product in chosen)
            choices[period] = (_with(selected, refused, period), ids)
            products.update(zip(ids, chosen, strict=True))
        refusals = wrong_products(task, products)
        if not refusals:
            return choices
        for refusal in refusals:
            product = offer.products.pop(refusal.name)
            found = offer.found.pop(refusal.name, None)
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


def _choose(task: Task, offer: Offer, period: Period) -> tuple[Selected, list[Product]]:
    while True:
        selected = select_products(list(offer.products.values()), period, task.recipe.selection)
        # What turns out to be unusable when it is fetched is left out, and the choice made again.
        brought = [bring(task, offer, name) for name in selected.names if name in offer.products]
        chosen = [product for product in brought if product is not None]
        if len(chosen) == len(selected.names):
            return selected, chosen


def _record_selection(
    task: Task,
    period: Period,
    selected: Selected,
    ids: tuple[str, ...],
    damaged: list[tuple[str, LandcoverError]],
) -> None:
    wanted = Wanted(
        stage="collect",
        version=version_of("collect"),
        unit=f"{task.unit.tile}/{period.name}",
        inputs={"products": ids},
        params={
            "selection": task.recipe.selection.to_document(),
            "candidates": [candidate.to_document() for candidate in selected.candidates],
            # Names only: where the data lie must not name what is made of them.
            "unreadable": sorted(name for name, _ in damaged),
        },
    )
    stats: dict[str, Any] = {
        "status": selected.status,
        "period": period.to_document(),
        "unreadable": [f"{name}: {error}" for name, error in damaged],
    }
    if selected.status == "empty":
        task.workspace.records.replace_one(
            "selections",
            {
                "_id": wanted.id,
                "run": task.run.id,
                "tile": task.unit.tile,
                "period": period.name,
                "unreadable": stats["unreadable"],
                **selected.to_document(),
            },
        )
        return
    task.need(wanted, "", None, stats)


def _require_one_grid(task: Task, products: list[Product]) -> None:
    finest = {min((f.grid for f in p.files), key=lambda g: g.pixel) for p in products}
    if len(finest) > 1:
        places = "; ".join(grid.describe() for grid in sorted(finest, key=lambda g: g.describe()))
        raise InputError(
            f"{task.unit.label}: the products lie on different grids ({places}). "
            "Deliver products of one extent."
        )


def _why_empty(
    task: Task, selected: Selected, refused: Mapping[str, Candidate], notes: list[str]
) -> str:
    # What a person can put right comes first.
    candidates = sorted(selected.candidates, key=lambda c: c.name not in refused)
    reasons = [f"{c.name[:26]} {c.reason}" for c in candidates] + notes
    why = "; ".join(reasons[:3]) + ("; …" if len(reasons) > 3 else "")
    return (
        f"{task.unit.label}: no usable product"
        + (f" ({why})" if why else f" in {task.run.arguments.products}")
        + ". Add products or raise selection.max_cloud_percent."
    )
