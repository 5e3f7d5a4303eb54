"""Seasons of a run that were made of less than the recipe asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from landcover.ledger import outputs
from landcover.nouns.run import UnitState
from landcover.publish.quality import why_degraded
from landcover.stores.workspace import Workspace

_AT_ONCE = 500
"""Records that are asked for at once."""


def degraded_seasons(workspace: Workspace, states: Sequence[UnitState]) -> Iterator[str]:
    """Say of each degraded season what it lacks: ``31UDS/2018-spring: no product has B09``.

    Args:
        workspace: Where the records are; no raster is opened.
        states: What became of a run's units.

    Raises:
        UnavailableError: A record is malformed.
    """
    ids = [i for s in states if s.stage == "composite" and s.is_finished for i in s.outputs]
    for start in range(0, len(ids), _AT_ONCE):
        where = {"_id": {"$in": ids[start : start + _AT_ONCE]}}
        for document in workspace.records.find(outputs.COLLECTION, where, sort=["wanted.unit"]):
            found = outputs.read(document)
            why = why_degraded(found.stats)
            if why:
                yield f"{found.unit}: {'; '.join(why)}"
