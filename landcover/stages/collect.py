"""Collect: find the products of a tile, choose those of each season, record what they are."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from landcover.errors import InputError, LandcoverError, MissingDataError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.output import Wanted, hash_of
from landcover.nouns.period import Period
from landcover.nouns.product import Product
from landcover.parts.preparation.fetching import Offer, bring, look
from landcover.parts.preparation.radiometry import Refusal, wrong_products
from landcover.parts.task import Task
from landcover.sources.selection import Candidate, Selected, select_products

VERSION = 1

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
        version=VERSION,
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


def record_product(task: Task, product: Product, checksums: Mapping[str, str] | None = None) -> str:
    """Write the record of a product and name it by its files' checksums.

    The checksums of files that have not changed (size and time) are taken from the last record.
    Offset and scale are part of the name: metadata may be corrected without touching a raster.

    Args:
        task: The task.
        product: What is recorded.
        checksums: href → SHA-256 of files in the object store, which knows them.
    """
    known = _checksums(task, product)
    given = checksums or {}
    files: list[dict[str, Any]] = []
    content: list[tuple[str, str, int, float]] = []
    for file in product.files:
        state, checksum = _state(file.href, known, given)
        files.append({"href": file.href, "state": state, "sha256": checksum})
        content.append((Path(file.href).name, checksum, file.offset, file.scale))
        task.job.check()
    product_id = hash_of([product.name, sorted(content)])
    document = {"_id": product_id, "path": product.path, "product": product.to_document()}
    task.workspace.records.replace_one("products", {**document, "files": files})
    return product_id


def _state(
    href: str, known: Mapping[str, tuple[list[int], str]], given: Mapping[str, str]
) -> tuple[list[int], str]:
    if href in given:
        return [], given[href]
    status = Path(href).stat()
    state = [status.st_size, status.st_mtime_ns]
    before = known.get(href)
    return state, before[1] if before and before[0] == state else sha256_of(Path(href))


def load_product(task: Task, product_id: str) -> Product:
    """Load a recorded product."""
    document = task.workspace.records.get("products", product_id)
    if document is None:
        raise InputError(f"Product {product_id} is not in the records. Run collect again.")
    return Product.from_document(document["product"])


def _checksums(task: Task, product: Product) -> dict[str, tuple[list[int], str]]:
    found = task.workspace.records.find("products", {"path": product.path})
    return {f["href"]: (f["state"], f["sha256"]) for document in found for f in document["files"]}


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
