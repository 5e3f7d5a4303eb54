"""Whether a run would compute anything, from the ledger and from what the sources list now.

Every id follows from the recipe, the arguments, the versions of the stages and the content of what
comes from outside. A run that ended well keeps a fingerprint of these. Where another run would
have the same one, and everything that the first one made is still there, nothing is to do, and
nothing needs to be started to find that out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from landcover.errors import LandcoverError
from landcover.ledger import outputs, runs, units
from landcover.ledger.models import find_entry
from landcover.ledger.outputs import sha256_of
from landcover.nouns.output import hash_of
from landcover.nouns.run import UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.nouns.stages import TABLE
from landcover.parts.training import ground_truth
from landcover.parts.training.ground_truth import parts_of_all
from landcover.products.flat_description import description_files
from landcover.products.naming import parse_name
from landcover.recipe import Recipe
from landcover.sources.addresses import open_source
from landcover.sources.dem import open_dem
from landcover.sources.local import LocalSource
from landcover.stores.workspace import Workspace

VERSION = 1
"""Raised when a fingerprint is made of other things."""
MOST_HASHED = 1 << 30
"""Bytes of elevation that are read whole; larger folders are known by names, sizes and times."""


def fingerprint(
    workspace: Workspace,
    recipe: Recipe,
    arguments: RunArguments,
    folders: Iterable[Path] | None = None,
) -> str:
    """Name everything that decides what a run computes.

    Args:
        workspace: Where models are registered.
        recipe: The resolved recipe.
        arguments: The resolved arguments.
        folders: Product folders of a source of this machine, where they were listed already.

    Returns:
        16 hex digits.

    Raises:
        LandcoverError: A source does not answer, or an input is not there.
    """
    return hash_of(
        {
            "fingerprint": VERSION,
            "versions": {row.name: row.version for row in TABLE.values()},
            "label_version": ground_truth.VERSION,
            "recipe": recipe.to_document(),
            # A model may be named by a beginning of its id, or by its whole id later.
            "arguments": arguments.model_copy(update={"model": None}).to_document(),
            "products": _products(recipe, arguments, folders),
            "dem": _elevation(arguments.dem),
            "model": _model(workspace, arguments.model),
            "labels": _contents(parts_of_all(arguments.labels)) if arguments.labels else None,
            "region": _contents(_paths(arguments.region)),
            "samples": _contents(_paths(arguments.samples)),
            **({"label_map": _contents([Path(m)])} if (m := arguments.label_map) else {}),
            "test_labels": _contents(parts_of_all(arguments.test_labels))
            if arguments.test_labels
            else None,
        }
    )


def find_same_run(workspace: Workspace, recipe: Recipe, arguments: RunArguments) -> str | None:
    """Find a run that ended well with the same inputs and whose outputs are all there.

    Returns:
        Its id; None where something is to be computed, or where a source cannot be asked: the
        run itself will say what is wrong with it.
    """
    if not workspace.records.count_documents("runs", {"state": "done"}):
        return None
    try:
        name = fingerprint(workspace, recipe, arguments)
        same = {"fingerprint": name, "state": "done"}
        for document in workspace.records.find("runs", same, sort=runs.NEWEST_FIRST):
            if is_whole(workspace, units.states(workspace.records, document["_id"])):
                return str(document["_id"])
    except (LandcoverError, OSError):
        return None
    return None


def is_whole(workspace: Workspace, states: Sequence[UnitState]) -> bool:
    """Tell whether there is an output, and all outputs of some units are there in their sizes."""
    ids = list(dict.fromkeys(output_id for state in states for output_id in state.outputs))
    for first in range(0, len(ids), outputs.AT_ONCE):
        wanted = ids[first : first + outputs.AT_ONCE]
        found = workspace.records.find(outputs.COLLECTION, {"_id": {"$in": wanted}})
        if len(found) < len(wanted) or not all(outputs.is_there(workspace, d) for d in found):
            return False
    return bool(ids)


def _products(recipe: Recipe, arguments: RunArguments, folders: Iterable[Path] | None) -> Any:
    source = open_source(arguments.products)
    if isinstance(source, LocalSource):
        known = sorted(source.paths() if folders is None else folders)
        paths = [path for path in known if _is_of(path, arguments.tiles)]
        # What describes a product may lie beside it or above.
        return [_listing(part) for path in paths for part in (path, *description_files(path))]
    periods = [p for span in recipe.spans(arguments.year, arguments.season) for p in span.periods]
    starts, ends = zip(*(period.hull for period in periods), strict=True)
    return [
        found.to_document()
        for tile in arguments.tiles
        for found in source.search(tile, min(starts), max(ends))
    ]


def _is_of(path: Path, tiles: Sequence[str]) -> bool:
    """Tell whether a product may be of one of the tiles: its name does not always say so."""
    name = parse_name(path.name)
    return name is None or name.tile in tiles


def _elevation(dem: str | None) -> Any:
    if dem is None or open_dem(dem) is not None:
        return dem
    path = Path(dem)
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    if sum(file.stat().st_size for file in files) > MOST_HASHED:
        return _listing(path)
    return _contents(files)


def _model(workspace: Workspace, model: str | None) -> Any:
    """Give id, bytes and status of the model that classifies: a retired one makes no map."""
    if model is None:
        return None
    entry = find_entry(workspace, model)
    return [entry.id, entry.status, entry.card_sha256]


def _paths(given: str | None) -> list[Path]:
    return [Path(path) for path in (given or "").split(",") if path]


def _contents(files: Iterable[Path]) -> list[list[str]]:
    return [[part.name, sha256_of(part)] for part in files]


def _listing(path: Path) -> str:
    """Name a folder by the names, sizes and times of its files, without reading them."""
    digest = hashlib.sha256(path.name.encode())
    for name, size, time in sorted(_walk(str(path))):
        digest.update(f"\n{name}\t{size}\t{time}".encode())
    return digest.hexdigest()


def _walk(folder: str) -> Iterator[tuple[str, int, int]]:
    if not os.path.isdir(folder):
        status = os.stat(folder)
        yield folder, status.st_size, status.st_mtime_ns
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_size, status.st_mtime_ns
