"""A sample set in the columns of the deck."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.ledger import outputs
from landcover.nouns.deck_table import FEATURES, found_in
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.work_grid import work_grid
from landcover.stores.workspace import Workspace


class DeckTable(NamedTuple):
    """The columns of the deck."""

    columns: dict[str, Any]
    """Column → values, identity first."""
    empty: tuple[str, ...]
    """Features that the set lacks."""


def deck_table(
    workspace: Workspace, sample_set: Output, table: pd.DataFrame, features: list[str]
) -> DeckTable:
    """Lay a sample set out as the deck does, in physical units.

    Args:
        workspace: Where the set is.
        sample_set: The set.
        table: Its rows.
        features: Its features, in order.

    Raises:
        InputError: It has none of the deck's features.
    """
    found = found_in(features)
    if not found:
        raise InputError(
            f"Samples {sample_set.id}: none of their {len(features)} features is in the deck's "
            "table (months m01 … m12); export without --layout deck."
        )
    x, y = _centres(workspace, sample_set, table)
    columns: dict[str, Any] = {
        "x": x,
        "y": y,
        "ground_truth_index": table["code"],
        "ground_truth_label": table["label"],
        "split": np.where(table["is_train"], "train", "test"),
    }
    nothing = np.full(len(table), np.nan, np.float32)
    for name in FEATURES:
        columns[name] = table[found[name]] if name in found else nothing
    return DeckTable(columns, tuple(name for name in FEATURES if name not in found))


def _centres(workspace: Workspace, sample_set: Output, table: pd.DataFrame) -> tuple[Any, Any]:
    """Give x and y of the pixels' centres; NaN for rows whose tile is not of this workspace."""
    grids: dict[str, Grid] = {}
    for sample_id in sample_set.wanted.inputs.get("samples", ()):
        sampled = outputs.find(workspace, sample_id)
        for composite in sampled.wanted.inputs["composites"][:1] if sampled else ():
            made = outputs.find(workspace, composite)
            if sampled is not None and made is not None:
                grids[sampled.unit] = work_grid(made)
    x, y = (np.full(len(table), np.nan) for _ in range(2))
    is_own = (table["library"] == "").to_numpy()
    for tile, grid in grids.items():
        mine = is_own & (table["tile"] == tile).to_numpy()
        x[mine] = grid.ulx + (table["column"].to_numpy()[mine] + 0.5) * grid.pixel
        y[mine] = grid.uly - (table["row"].to_numpy()[mine] + 0.5) * grid.pixel
    return x, y
