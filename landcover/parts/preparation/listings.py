"""What a folder of products holds, listed once when a run starts, divided among its tiles.

Every unit of collect needs the products of its own tile. Were each to list the folder, a run of
450 tiles would look into every product some thousand times.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from landcover.nouns.run import Run
from landcover.parts.task import Task
from landcover.sources.local import Listing, listing_for
from landcover.stores.workspace import Workspace

COLLECTION = "listings"


def keep_listings(workspace: Workspace, run: Run, found: Mapping[str | None, Listing]) -> None:
    """Write down what lies in the folder of a run, tile by tile; an earlier listing is replaced.

    Args:
        workspace: Where.
        run: The run.
        found: What :meth:`landcover.sources.local.LocalSource.by_tile` gave.
    """
    for tile in run.arguments.tiles:
        mine = listing_for(found, tile)
        workspace.records.replace_one(
            COLLECTION,
            {
                "_id": f"{run.id}/{tile}",
                "products": run.arguments.products,
                "paths": [str(path) for path in mine.paths],
                "packed": [str(path) for path in mine.packed],
            },
        )


def kept_listing(task: Task, tile: str) -> Listing | None:
    """Read what was listed for a tile when the run started; None where nothing was.

    What is gone since is left out: a run is not stopped by a product that was withdrawn.
    """
    document = task.workspace.records.get(COLLECTION, f"{task.run.id}/{tile}")
    if document is None or document["products"] != task.run.arguments.products:
        return None
    paths, packed = (tuple(map(Path, document[name])) for name in ("paths", "packed"))
    return Listing(tuple(path for path in paths if path.exists()), packed)
