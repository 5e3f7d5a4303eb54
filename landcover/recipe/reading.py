"""Read recipes from YAML, and say in one sentence what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from landcover.errors import UsageError
from landcover.recipe.documents import load_document
from landcover.recipe.fields import Recipe
from landcover.recipe.section import hint


def read_recipe(path: str | Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe from YAML.

    Args:
        path: The file. A section may be a file of its own: ``mask: mask.yaml``, relative to it.
        overrides: ``key=value`` pairs that win over the file; a key has dots, a value is YAML.

    Returns:
        The recipe.

    Raises:
        UsageError: The file is no recipe; the sentence names the key and the nearest known one.

    Examples:
        >>> from landcover import api
        >>> [season.name for season in api.read_recipe("recipes/mediterranean-rf.yaml").seasons]
        ['spring', 'summer', 'autumn']
    """
    document = _read_table(Path(path), str(path), "a recipe")
    whole = _with_files(document, Path(path).parent, str(path))
    return make_recipe(_with_files(override(whole, overrides), Path(), "--set"), str(path))


def _read_table(path: Path, where: str, what: str) -> dict[str, Any]:
    try:
        document = load_document(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{where}: the recipe cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: not UTF-8 text; a recipe is a YAML file.") from error
    except ValueError as error:
        raise UsageError(f"{where}: not valid YAML ({error}).") from error
    if not isinstance(document, dict):
        raise UsageError(f"{where}: {what} is a table of keys, found {type(document).__name__}.")
    return document


def _with_files(document: Mapping[str, Any], folder: Path, where: str) -> dict[str, Any]:
    """Put the sections in that stand in files of their own."""
    found = dict(document)
    for name, value in document.items():
        field = Recipe.model_fields.get(name)
        is_section = field is not None and any(_models(field.annotation))
        if is_section and isinstance(value, str) and value.endswith((".yaml", ".yml")):
            found[name] = _read_table(folder / value, f"{where}: {name}: {value}", "a section")
    return found


def make_recipe(document: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """Make a recipe of a document, with one clear sentence where it is wrong.

    Raises:
        UsageError: A key is unknown or a value is wrong.
    """
    try:
        return Recipe.model_validate(document)
    except ValidationError as error:
        raise UsageError(f"{where}: {_first_problem(error)}") from error


def override(document: Mapping[str, Any], pairs: Sequence[str]) -> dict[str, Any]:
    """Set keys of a recipe's document.

    Args:
        document: The document; it is not changed.
        pairs: ``key=value`` each; a key has dots, a value is YAML.

    Returns:
        A copy with the keys set.

    Raises:
        UsageError: A pair is no such pair.
    """
    copy = deepcopy(dict(document))
    for pair in pairs:
        _override(copy, pair)
    return copy


_UNKNOWN_KEY = ("extra_forbidden", "invalid_key")


def _first_problem(error: ValidationError) -> str:
    problems = error.errors()
    # A misspelt key makes the right one missing as well: tell the cause, not the consequence.
    unknown = [problem for problem in problems if problem["type"] in _UNKNOWN_KEY]
    problem = (unknown or problems)[0]
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] in _UNKNOWN_KEY:
        *parents, key = problem["loc"]
        known = _fields_at(parents)
        return f"unknown key {location!r}{hint(str(key), known)}"
    if problem["type"] == "missing":
        return f"the key {location!r} is missing."
    if problem["type"] == "model_type":
        return f"{location}: expected a table of keys, found {problem.get('input')!r}."
    if problem["type"] == "tuple_type":
        return f"{location}: expected a list, found {problem.get('input')!r}."
    message = problem["msg"].removeprefix("Value error, ")
    found = "" if problem["type"] == "value_error" else f", found {problem.get('input')!r}"
    sentence = f"{location + ': ' if location else ''}{message}{found}"
    return sentence if sentence.endswith(("?", ".")) else f"{sentence}."


def _fields_at(parents: Sequence[str | int]) -> list[str]:
    models: list[Any] = [Recipe]
    for part in parents:
        if isinstance(part, str):
            fields = [model.model_fields[part] for model in models if part in model.model_fields]
            models = [model for field in fields for model in _models(field.annotation)]
    return list(dict.fromkeys(name for model in models for name in _keys_of(model)))


def _keys_of(model: Any) -> tuple[str, ...]:
    """List the keys of a table: its fields, and what it says of itself beyond them."""
    known = getattr(model, "known_keys", None)
    return tuple(known() if known else model.model_fields)


def _models(annotation: Any) -> list[Any]:
    """List the tables of keys that an annotation allows."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _override(document: dict[str, Any], pair: str) -> None:
    key, sign, text = pair.partition("=")
    if not sign or not re.fullmatch(r"[A-Za-z_][\w.]*", key):
        raise UsageError(f"--set {pair}: expected key=value, such as model.trees=50.")
    try:
        value = load_document(text)
    except ValueError as error:
        raise UsageError(f"--set {pair}: the value is not valid YAML ({error}).") from error
    *parents, last = key.split(".")
    inner = document
    for parent in parents:
        following = inner.get(parent)
        following = inner[parent] = {} if following is None else following
        if not isinstance(following, dict):
            raise UsageError(f"--set {pair}: {parent!r} is not a table of keys.")
        inner = following
    inner[last] = value
