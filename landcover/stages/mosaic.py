"""Mosaic: the tiles' maps and composites joined, by UTM zone or by cells of it or another grid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from landcover.ledger import outputs
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.parts.mapping.extent import Extent, extent_of
from landcover.parts.mapping.lattices import lattices_of, shifts_of
from landcover.parts.mapping.true_colour import clearest
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.stores import layout


def mosaic(task: Task) -> None:
    """Join the class maps and the composites of the unit's zone or cell.

    Raises:
        MissingDataError: No tile of it was prepared, or none has a mapped pixel there.
        InputError: The maps are of several models, or the composites of several years.
    """
    extent = extent_of(task)
    period, composites = clearest(task, extent.whole)
    lattices = lattices_of(extent, composites)
    shifts = shifts_of(lattices) if extent.part is not None else {}
    neighbours = tuple(output.id for _, output in sorted(extent.neighbours.items()))
    wanted = Wanted(
        stage="mosaic",
        version=version_of("mosaic"),
        unit=str(task.unit.cell),
        inputs={
            "maps": tuple(output.id for _, output in sorted(extent.maps.items())),
            "composites": tuple(composites[tile].id for tile in extent.tiles),
            **({"neighbours": neighbours} if neighbours else {}),
        },
        # What stands at its default is not named, so that new options leave the ids of old maps.
        params={
            "period": period,
            **({"levels": 2} if extent.maps and load_model(task)[1].second else {}),
            **({"lattice": shifts} if shifts else {}),
            **({"probabilities": True} if task.recipe.publish.probabilities else {}),
            # How many files a zone has is told by the unit.
            **task.recipe.mosaic.model_dump(exclude_defaults=True, exclude={"cells"}),
        },
    )
    key = layout.mosaic(str(task.unit.cell), wanted.id)
    own = {tile: outputs.load(task.workspace, composites[tile].id) for tile in extent.tiles}
    task.need(wanted, key, partial(_write, task, extent, own, lattices), {"period": period})


def _write(
    task: Task,
    extent: Extent,
    composites: Mapping[str, Output],
    lattices: Mapping[str, Grid],
    path: Path,
) -> dict[str, Any]:
    # Compiled loops: who only plans needs none.
    from landcover.parts.mapping.mosaic_files import write_mosaic

    return write_mosaic(task, extent, composites, lattices, path)
