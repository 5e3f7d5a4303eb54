"""Class probabilities of the tiles' maps, as files for programs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landcover.ledger.outputs import require_unchanged
from landcover.parts.task import Task
from landcover.stores.rasters import write_cog

SOURCE = "probabilities.tif"


def write_probabilities(task: Task, tags: Mapping[str, str], path: Path) -> list[str]:
    """Write the probability of every class of each tile as a COG, where the recipe says so.

    Args:
        task: The task.
        tags: Metadata of the files.
        path: Folder of the report.

    Returns:
        Names of the files: ``probabilities_{tile}.tif``, uint8, a band a class named after it,
        value / 254, nodata 255.
    """
    written: list[str] = []
    if not task.recipe.publish.probabilities:
        return written
    for unit, output in task.all_outputs("classify"):
        if any(file.name == SOURCE for file in output.files):
            name = f"probabilities_{unit.tile}.tif"
            with task.local(output) as folder:
                require_unchanged(output, folder)
                write_cog(folder / SOURCE, path / name, resampling="AVERAGE", tags=tags)
            written.append(name)
    return written
