"""Models as they are asked for: by folder, id, run or ``latest``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landcover.learn.models import Model
from landcover.ledger import outputs
from landcover.ledger.models import ModelEntry, card_of, find_entry
from landcover.nouns.model import ModelCard
from landcover.parts.training.run_model import open_model
from landcover.parts.training.second_level import open_second
from landcover.stores.models import ARRAYS, folder_of, read_card
from landcover.stores.workspace import Workspace


@dataclass(frozen=True)
class LoadedModel:
    """A model that was read and checked: its card beside its arrays."""

    card: ModelCard
    """How it was made and what it reads."""
    model: Model
    """Its arrays."""
    second: Mapping[int, Model] = field(default_factory=dict)
    """Class code → model of its second level; empty where there is none."""

    def predict(
        self, features: pd.DataFrame | ArrayLike
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Classify rows.

        Args:
            features: Table with the features by name, others may be among them; or an array
                (n, d) in the order of ``card.features``. Physical units: reflectance 0-1, metres,
                degrees; NaN where nodata.

        Returns:
            Class codes, uint8, (n,), 0 where a feature is not finite; and the probability of that
            class, float64, (n,), NaN where the code is 0.

        Raises:
            InputError: A feature is missing.
        """
        return self.model.predict(features)


def load_model(workspace: Callable[[], Workspace], text: str | Path) -> LoadedModel:
    """Read a model and check it against its card (see :func:`landcover.api.load_model`)."""
    folder = folder_of(text)
    if folder is not None:
        card = read_card(folder)
        second = {one.code: open_second(folder, card, one) for one in card.second}
        return LoadedModel(card, open_model(folder, card), second)
    opened = workspace()
    entry = find_entry(opened, str(text))
    card = card_of(opened, entry)
    second = {}
    for one in card.second:
        with outputs.local_at(opened, entry.key, one.arrays) as path:
            second[one.code] = open_second(path.parent, card, one)
    with outputs.local_at(opened, entry.key, ARRAYS) as path:
        return LoadedModel(card, open_model(path.parent, card), second)


def find_card(workspace: Callable[[], Workspace], text: str) -> tuple[ModelCard, ModelEntry | None]:
    """Read the card of a model, and what the registry says of it.

    Args:
        workspace: Opens the workspace; only asked where the text is no folder.
        text: Folder of a model, or a name (:mod:`landcover.ledger.lookup`).

    Returns:
        The card, and the entry; None where the text is a folder.
    """
    folder = folder_of(text)
    if folder is not None:
        return read_card(folder), None
    opened = workspace()
    entry = find_entry(opened, text)
    return card_of(opened, entry), entry
