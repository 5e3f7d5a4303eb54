"""What the labels of a source mean, from a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from landcover.errors import InputError
from landcover.labels.features import read_text
from landcover.nouns.legend import normalise_label
from landcover.recipe.documents import load_words

LabelMapping = Mapping[str, str | None]


def read_mapping(path: str | Path) -> dict[str, str | None]:
    """Read a mapping from labels to classes.

    Args:
        path: CSV with two columns, label and class, below a header line; or YAML, a table of
            ``label: class``. An empty class (``null`` in YAML) drops the label. Labels and classes
            are words as written: ``010``, ``no`` and ``1_1`` are no number and no truth value.
            UTF-8.

    Returns:
        Label → class, or None to drop it.

    Raises:
        InputError: The file is absent or no mapping, or a label appears twice.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such mapping file; check labels.mapping.")
    suffix = file.suffix.lower()
    if suffix in (".yaml", ".yml", ".json"):
        return _from_yaml(file)
    if suffix in (".csv", ".tsv", ".txt"):
        return _from_csv(file)
    raise InputError(f"{file.name}: a mapping is a .csv or a .yaml file, found {suffix or 'none'}.")


def _from_yaml(file: Path) -> dict[str, str | None]:
    try:
        document = load_words(read_text(file))
    except ValueError as error:
        raise InputError(f"{file.name}: not valid YAML ({error}).") from error
    if not isinstance(document, dict):
        raise InputError(
            f"{file.name}: expected a table of 'label: class', found {type(document).__name__}."
        )
    return _checked(file, [(k, v, f"key {k!r}") for k, v in document.items()])


def _from_csv(file: Path) -> dict[str, str | None]:
    text = read_text(file)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{file.name}: a row cannot be read ({error}).") from error
    pairs: list[tuple[str, object, str]] = []
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != 2:
            raise InputError(
                f"{file.name}: row {number} has {len(row)} fields; expected two, label and class."
            )
        pairs.append((row[0], row[1].strip() or None, f"row {number}"))
    if not pairs:
        raise InputError(f"{file.name}: no rows below the header; expected label and class.")
    return _checked(file, pairs)


def _checked(file: Path, pairs: list[tuple[str, object, str]]) -> dict[str, str | None]:
    mapping: dict[str, str | None] = {}
    for label, name, where in pairs:
        if isinstance(name, dict | list):
            raise InputError(
                f"{file.name}: {where}: expected the name of a class, found a "
                f"{'table' if isinstance(name, dict) else 'list'}."
            )
        key, target = normalise_label(label), None if name is None else str(name)
        if mapping.setdefault(key, target) != target:
            raise InputError(
                f"{file.name}: {where}: {key!r} leads to {mapping[key]!r} and to {target!r}."
            )
    return mapping
