"""Quicklooks of masks in a report: the tiles in which growth took most."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from landcover.errors import LandcoverError
from landcover.nouns.output import Output
from landcover.parts.preparation.quicklooks import quicklook_of_composite
from landcover.parts.reporting.run_outputs import RunOutputs
from landcover.parts.task import Task
from landcover.publish.quicklooks import QuicklookView

MOST_QUICKLOOKS = 4
"""Tiles whose masks are shown on a page; the others by ``landcover quality --quicklook``."""

log = logging.getLogger(__name__)


def write_quicklooks(task: Task, found: RunOutputs, path: Path) -> Iterator[QuicklookView]:
    """Show the masks of the tiles in which growth took most, each in its most telling season."""
    best: dict[str, tuple[float, Output]] = {}
    for season in found.seasons:
        if season.composite is not None and season.composite.wanted.inputs.get("masks"):
            gain = _grown_percent(season.composite)
            if season.tile not in best or gain > best[season.tile][0]:
                best[season.tile] = (gain, season.composite)
    ranked = sorted(best.items(), key=lambda entry: (-entry[1][0], entry[0]))
    for tile, (_, composite) in ranked[:MOST_QUICKLOOKS]:
        task.job.check()
        task.job.progress(0.9, f"masks of {tile}")
        view = _write_quicklook(task, composite, path)
        if view is not None:
            yield view


def _write_quicklook(task: Task, composite: Output, path: Path) -> QuicklookView | None:
    from landcover.publish.quicklook_picture import draw_quicklook

    try:
        quicklook = quicklook_of_composite(task, composite)
    except LandcoverError as error:
        if error.family not in ("input", "missing"):
            raise
        # Products may have been moved since they were used; the report is worth having without.
        log.warning("%s: its masks are not shown: %s", composite.unit, error)
        return None
    name = f"masks_{quicklook.tile}_{quicklook.period}.png"
    title = f"Cloud masks of {quicklook.tile}, {quicklook.period}"
    draw_quicklook(quicklook, path / name, title, is_simulated=task.run.simulated)
    return quicklook.view(name)


def _grown_percent(composite: Output) -> float:
    """Give what growth adds to the mask of the cloudiest product, % of its valid pixels."""
    cloudiest = max(composite.stats["products"], key=lambda p: (p["cloud_percent"], p["name"]))
    shares = cloudiest["mask"]
    detected = shares.get("cloud_percent", 0.0) + shares.get("shadow_percent", 0.0)
    return float(shares.get("grown_percent", 0.0) - detected)
