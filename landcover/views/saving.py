"""A model that was fitted in Python as the folder that ``landcover run --model`` takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.learn.classifiers import feature_matrix
from landcover.learn.models import save_arrays
from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS
from landcover.nouns.model import ModelCard, feature_set
from landcover.nouns.output import hash_of
from landcover.stores.models import ARRAYS, CARD

if TYPE_CHECKING:
    from landcover.views.models import OpenedModel

_NOTE = "Fitted in Python; its accuracy was not measured by a run."


@dataclass(frozen=True)
class Fit:
    """What a model was fitted on, and how."""

    table: Any
    """Table or array of samples."""
    codes: NDArray[Any]
    """Class code of each row."""
    groups: NDArray[Any] | None
    """Group of each row."""
    parameters: Noun | Mapping[str, Any] | None
    """As they were given."""
    seed: int
    """Seed of the fit."""
    index_variant: str | None
    """Variant of the spectral indices, where the table tells."""


def write_fitted(fit: Fit, model: OpenedModel, folder: Path) -> ModelCard:
    """Write card and arrays of a model that was fitted here.

    Raises:
        InputError: Nothing tells where its features are read from.
    """
    known = {} if model.features is None else {one.name: one for one in model.features.features}
    lacking = [name for name in model.feature_names if name not in known]
    if lacking:
        raise InputError(
            f"Model: nothing tells which layers {', '.join(lacking[:3])} are read from. Fit it on "
            "a table of api.sample_at, or give save(…, features=api.open_features(…))."
        )
    features = feature_set(known[name] for name in model.feature_names)
    arrays = save_arrays(model)
    rows = feature_matrix(fit.table, model.feature_names)
    codes, counts = np.unique(fit.codes, return_counts=True)
    how = CLASSIFIERS[model.kind].parameters
    given = fit.parameters if isinstance(fit.parameters, Noun) else how(**(fit.parameters or {}))
    document: dict[str, Any] = {
        "kind": model.kind,
        "features": features,
        "codes": tuple(int(code) for code in codes),
        "names": tuple(model.names[int(code)] for code in codes),
        "colours": tuple(model.colours[int(code)] for code in codes),
        "parameters": given.to_document(),
        "prior": () if model.prior is None else tuple(float(factor) for factor in model.prior),
        "seed": fit.seed,
        "sample_set_id": hashlib.sha256(rows.tobytes() + fit.codes.tobytes()).hexdigest()[:16],
        "n_train_rows": len(rows),
        "n_train_groups": len(rows) if fit.groups is None else int(np.unique(fit.groups).size),
        "class_counts": {int(c): int(n) for c, n in zip(codes, counts, strict=True)},
        "arrays_sha256": hashlib.sha256(arrays).hexdigest(),
        "versions": {name: version(name) for name in ("landcover", "scikit-learn", "numpy")},
        "index_variant": fit.index_variant,
        "notes": (_NOTE,),
    }
    named = {**document, "features": features.id, "codes": list(document["codes"])}
    card = ModelCard(id=hash_of({key: str(value) for key, value in named.items()}), **document)
    _write(folder, card, arrays)
    return card


def write_again(model: OpenedModel, folder: Path) -> ModelCard:
    """Write card and arrays of a model that was read.

    Raises:
        InputError: It has models of the second level, which are not read with it.
    """
    card = model.card
    if card is None or card.second:
        raise InputError(
            f"Model {card.id if card else ''}: its models of the second level are not written; "
            "copy its folder instead."
        )
    _write(folder, card, save_arrays(model))
    return card


def _write(folder: Path, card: ModelCard, arrays: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARRAYS).write_bytes(arrays)
    (folder / CARD).write_text(card.to_text(), encoding="utf-8")
