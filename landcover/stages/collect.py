"""Collect: find the products of a tile, choose those of each season, record what they are."""

from __future__ import annotations

import logging
from typing import Any

from landcover.errors import LandcoverError, MissingDataError
from landcover.nouns.output import Wanted
from landcover.nouns.period import Period
from landcover.nouns.stages import version_of
from landcover.parts.preparation.fetching import find_products
from landcover.parts.preparation.product_choice import Choice, choose_products, why_empty
from landcover.parts.task import Task
from landcover.sources.selection import Candidate

log = logging.getLogger(__name__)


def collect(task: Task) -> None:
    """Choose and record the products of the unit's tile and span.

    Raises:
        MissingDataError: No usable product for a season; the reasons are in the record.
        InputError: The chosen products do not share one grid, or two of them differ by a
            radiometric offset and nothing says which is wrong.
    """
    tile, span = str(task.unit.tile), str(task.unit.span)
    periods = next(s for s in task.spans if s.name == span).periods
    available = find_products(task, tile, periods)
    refused: dict[str, Candidate] = {}
    choices = choose_products(task, available, periods, refused)
    has_any = any(choice.selected.status != "empty" for choice in choices.values())
    for period, choice in choices.items():
        damaged = available.damaged
        _record_selection(task, period, choice, damaged)
        for name, error in damaged:
            log.warning("%s: %s is left out: %s", task.unit.label, name, error)
        if choice.selected.status == "empty" and not (has_any and _is_filled(task)):
            notes = [f"{name}: {error}" for name, error in damaged]
            raise MissingDataError(why_empty(task, period, choice.selected, refused, notes))


def _is_filled(task: Task) -> bool:
    """Tell whether a season without products is filled from the others."""
    restore = task.recipe.restore
    return restore is not None and restore.fill is not None


def _record_selection(
    task: Task,
    period: Period,
    choice: Choice,
    damaged: list[tuple[str, LandcoverError]],
) -> None:
    """Write which products a season uses; where it has none, what was looked at."""
    selected = choice.selected
    wanted = Wanted(
        stage="collect",
        version=version_of("collect"),
        unit=f"{task.unit.tile}/{period.name}",
        inputs={"products": choice.ids},
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
    if selected.status == "empty" and not _is_filled(task):
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
