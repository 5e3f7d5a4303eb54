"""The model of a run: the one that it was told to use, or the one that it trained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from landcover.errors import InputError
from landcover.ledger.models import read_entry, require_not_retired
from landcover.nouns.model import ModelCard
from landcover.parts.task import Task
from landcover.stores.models import CARD, arrays_path, read_card

if TYPE_CHECKING:
    from landcover.learn.models import Model


def load_model(task: Task) -> tuple[str, ModelCard]:
    """Find the model of the run: the one it was told to use, or the one it trained.

    Returns:
        Its key and its card.

    Raises:
        InputError: The model is not in the workspace, or it was retired.
    """
    named = task.run.arguments.model
    if named is None:
        key = next(o.key for o in task.outputs_of("train", "all") if o.unit == "model")
    else:
        key = require_not_retired(read_entry(task.workspace.records, named)).key
    with task.local_at(key, CARD) as path:
        return key, read_card(path.parent)


def open_model(folder: Path, card: ModelCard) -> Model:
    """Read the arrays of a model and check that they are those of its card.

    Raises:
        InputError: They are not, or they do not fit its features and classes.
    """
    # What fits models: who only reads cards needs none of it.
    from landcover.learn.models import load_arrays

    with arrays_path(folder, card).open("rb") as file:
        model = load_arrays(file, card.kind, card.prior)
    if model.feature_names != card.features.names or tuple(model.classes) != card.codes:
        raise InputError(
            f"Model {card.id}: features or classes of its arrays are not those of its card; train "
            "it again."
        )
    return model
