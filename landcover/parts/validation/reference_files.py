"""Files of reference points, named without reading what they hold."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.labels.files import names_of
from landcover.ledger.outputs import sha256_of
from landcover.nouns.area import Design
from landcover.nouns.output import hash_of
from landcover.parts.training.ground_truth import VERSION, files_of, parts_of_all
from landcover.recipe import Recipe
from landcover.stores.workspace import Workspace


def require_there(path: Path) -> None:
    """Refuse a file or folder of reference points that does not exist.

    Raises:
        InputError: There is none.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file of reference points.")


def files_name(recipe: Recipe, path: Path, design: Design | None) -> str:
    """Name all that decides which reference points are read: bytes of the files and how.

    Args:
        recipe: How labels are read.
        path: A file or folder.
        design: How the points were drawn; None where the file says so.

    Returns:
        16 hex digits.

    Raises:
        InputError: A file is absent or of no known kind.
    """
    require_there(path)
    names = names_of(files_of(str(path)))
    content = [sha256_of(part) for part in parts_of_all(str(path))]
    labels = recipe.labels.to_document()
    return hash_of([VERSION, names, content, labels, recipe.model.seed, design])


def name_reference(workspace: Workspace, recipe: Recipe, path: Path, design: Design | None) -> str:
    """Name the reference points of a plan without reading them.

    Args:
        workspace: Where earlier runs kept theirs; it is only read.
        recipe: How labels are read.
        path: A file or folder.
        design: How the points were drawn; None where the file says so.

    Returns:
        The name of the same files where a run has read them; else a name that nothing has yet.

    Raises:
        InputError: A file is absent or of no known kind.
    """
    files = files_name(recipe, path, design)
    known = workspace.records.find("labels", {"files_name": files})
    return str(known[0]["_id"]) if known else files
