"""What a record is in every store: its stamp, its id, its JSON, the filters that may be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from math import isfinite
from typing import Any

from landcover.errors import InputError, LandcoverError

Document = dict[str, Any]
SCHEMA = 1
RANGES = ("$gt", "$gte", "$lt", "$lte")
_FIELD = re.compile(r"\w+(\.\w+)*")


def stamped(document: Mapping[str, Any]) -> Document:
    """Add what every record carries: schema, creation time and software."""
    return {
        "schema": SCHEMA,
        # Readers take the newest of several, which may all have been made within a second.
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "software": _software(),
        **document,
    }


@cache
def _software() -> str:
    return f"landcover {version('landcover')}"


def key_of(document: Mapping[str, Any]) -> str:
    """Give the ``_id`` of a document.

    Raises:
        InputError: It has none, or one that is no text.
    """
    key = document.get("_id")
    if not isinstance(key, str) or not key:
        raise InputError(f"A record needs a text _id, found {key!r}.")
    return key


def as_json(body: Mapping[str, Any]) -> str:
    """Write a document as JSON; a number that JSON does not have becomes null.

    Raises:
        LandcoverError: A list lies directly in a list. Not every server of the MongoDB protocol
            keeps such a record (FerretDB refuses it), so no store does: it is a defect.
    """
    _refuse_nested_lists(body, "")
    try:
        return json.dumps(body, allow_nan=False)
    except ValueError:
        # JSON has no NaN, and one such record would spoil every search of its collection.
        return json.dumps(_without_nan(body), allow_nan=False)


def _refuse_nested_lists(value: Any, path: str) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            _refuse_nested_lists(inner, f"{path}.{name}" if path else str(name))
        return
    if not isinstance(value, list | tuple):
        return
    for inner in value:
        if isinstance(inner, list | tuple):
            raise LandcoverError(
                f"Record field {path!r} holds a list of lists, which not every record store "
                "keeps. Write a list of documents instead; please report this defect."
            )
        _refuse_nested_lists(inner, path)


def _without_nan(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(inner) for key, inner in value.items()}
    return [_without_nan(inner) for inner in value] if isinstance(value, list | tuple) else value


INDEXES: Mapping[str, Sequence[Sequence[str]]] = {
    "claims": [("output", "turn")],
    "models": [("created",)],
    "outputs": [("wanted.stage", "wanted.unit")],
    "products": [("path",)],
    "runs": [("started",), ("fingerprint",)],
    "units": [("run", "stage")],
}
"""Fields that are searched for, by collection, in every store; each ``_id`` is unique anyway."""


def check_changes(changes: Mapping[str, Any]) -> None:
    """Refuse changes that stores would understand differently.

    Raises:
        InputError: A name has a dot, or is the ``_id``.
    """
    for name in changes:
        if name == "_id" or "." in name:
            raise InputError(f"Record field {name!r} cannot be set; set whole fields, not the _id.")


def terms(where: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Take a filter apart: field, operator (``$in`` or a range), value; equality is ``$in``.

    Raises:
        InputError: A field, an operator or a value that stores would understand differently.
    """
    for name, wanted in where.items():
        _require_field(name)
        tests = wanted if isinstance(wanted, Mapping) else {"$in": [wanted]}
        for operator, value in tests.items():
            if operator == "$in":
                yield name, operator, [_plain(name, item) for item in value]
            elif operator in RANGES:
                yield name, operator, _plain(name, value)
            else:
                raise InputError(
                    f"Record filter {operator!r} is unknown; use $in, $gt, $gte, $lt or $lte."
                )


def orders(sort: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Take a sort order apart: field, and whether it descends; the ``_id`` decides at last.

    Raises:
        InputError: A name is no field.
    """
    names = [sort] if isinstance(sort, str) else list(sort)
    for name in names:
        _require_field(name.removeprefix("-"))
        yield name.removeprefix("-"), name.startswith("-")
    if not {"_id", "-_id"} & set(names):
        yield "_id", False


def _require_field(name: str) -> None:
    if not _FIELD.fullmatch(name):
        raise InputError(f"Record field {name!r} is not a plain name, such as wanted.stage.")


def _plain(name: str, value: Any) -> str | int | float | None:
    if value is None or isinstance(value, str | int | float):
        return value
    raise InputError(
        f"Record filter on {name!r}: expected text, a number or None, found {value!r}."
    )
