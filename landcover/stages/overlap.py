"""Overlap: the composites of a tile held against its neighbours', where they share ground.

Where all products of a tile and season carry a wrong offset, only its neighbours see it. Which of
two is wrong is told when the next group is planned, from what was counted of all
(:mod:`landcover.pipeline.neighbours`).
"""

from __future__ import annotations

from landcover.errors import InputError
from landcover.ledger import outputs
from landcover.nouns.output import Wanted
from landcover.nouns.stages import version_of
from landcover.parts.preparation.overlaps import count_pixels, shared_ground
from landcover.parts.task import Task


def overlap(task: Task) -> None:
    """Compare the unit's tile with those of its neighbours that come after it.

    Raises:
        InputError: A composite cannot be read; the other pairs are compared nevertheless.
    """
    troubles = []
    for shared in shared_ground(task, str(task.unit.tile)):
        place = f"{'/'.join(shared.tiles)}/{shared.period}"
        wanted = Wanted(
            stage="overlap",
            version=version_of("overlap"),
            unit=place,
            inputs={"composites": tuple(output.id for output in shared.composites)},
            params={},
        )
        try:
            is_known = outputs.find(task.workspace, wanted.id) is not None
            task.need(wanted, "", None, {} if is_known else count_pixels(task, shared))
        except InputError as error:
            troubles.append(f"{place} is not compared: {error}")
    if troubles:
        # Who needs a damaged file sets it aside, for its own unit.
        raise InputError(f"{task.unit.label}: {'; '.join(troubles)}")
