"""Trained models on disk: the card is checked before the arrays are used."""

from __future__ import annotations

import hashlib
from pathlib import Path

from landcover.errors import InputError
from landcover.nouns.model import ModelCard, SecondModel

CARD = "card.json"
ARRAYS = "arrays.npz"
TRUST = "trust.npz"
ANSWERS = "out_of_fold.parquet"


def read_card(folder: str | Path) -> ModelCard:
    """Read the card of a model.

    Raises:
        InputError: There is no model, or its card is damaged.
    """
    path = Path(folder) / CARD
    try:
        return ModelCard.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: no model here ({error.strerror}). Train one first.") from error
    except (InputError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: the card is damaged ({error}); train the model again."
        ) from error


def arrays_path(folder: str | Path, card: ModelCard) -> Path:
    """Find the arrays of a model and check that they are those of its card.

    Raises:
        InputError: There are none, or they are not those that the card was written for.
    """
    return _checked(Path(folder) / ARRAYS, card.arrays_sha256)


def second_arrays_path(folder: str | Path, second: SecondModel) -> Path:
    """Find the arrays of a model of the second level; errors are those of :func:`arrays_path`."""
    return _checked(Path(folder) / second.arrays, second.arrays_sha256)


def _checked(path: Path, expected: str) -> Path:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path}: the arrays of the model cannot be read ({error.strerror}). Train it again."
        ) from error
    if found != expected:
        raise InputError(
            f"{path}: its checksum {found[:12]} is not the card's {expected[:12]}. "
            "The model was changed or damaged; train it again."
        )
    return path


def folder_of(text: str | Path) -> Path | None:
    """Give the folder of a model that is named by path; None where the text is no such path."""
    path = Path(text)
    if path.is_file() and path.name in (CARD, ARRAYS):
        return path.parent
    # An empty text is the folder that one stands in: nobody means that.
    return path if str(text) and path.is_dir() else None
