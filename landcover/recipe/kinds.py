"""The kinds of classifier as people read them: the table of kinds with the keys of a recipe."""

from __future__ import annotations

import json
from typing import Any

from pydantic import JsonValue

from landcover.nouns.base import Noun
from landcover.nouns.classifiers import CLASSIFIERS, DEFAULT, ClassifierRow

_HEAD = """# Kinds of classifier

`model.kind` of a recipe is one of these. This page is what `landcover recipe kinds` prints.
"""


class Setting(Noun):
    """A key of the recipe that a kind of classifier reads."""

    key: str
    """Key with dots, ``model.trees``."""
    default: JsonValue
    """Value where the recipe names none."""
    tried: tuple[JsonValue, ...]
    """Values that a search combines where the recipe names none; empty for the key's own."""
    meaning: str
    """One sentence."""


class KindDescription(Noun):
    """A kind of classifier with its settings."""

    name: str
    """Value of ``model.kind``."""
    title: str
    """What people read."""
    architecture: str
    """Name of the method in the STAC document of a model."""
    is_default: bool
    """True for the kind of a recipe that names none."""
    settings: tuple[Setting, ...]
    """Its keys."""


def describe_kinds() -> tuple[KindDescription, ...]:
    """List all kinds, the default first."""
    return tuple(
        KindDescription(
            name=row.name,
            title=row.title,
            architecture=row.architecture,
            is_default=row.name == DEFAULT,
            settings=_settings(row),
        )
        for row in CLASSIFIERS.values()
    )


def kinds_as_markdown() -> str:
    """Write all kinds as a page of the documentation."""
    return "\n".join([_HEAD, *(_chapter(kind) for kind in describe_kinds())])


def _settings(row: ClassifierRow) -> tuple[Setting, ...]:
    fields, defaults = row.parameters.model_fields, row.parameters().to_document()
    keys = row.fields or {name: name for name in fields}
    prefix = "model" if row.section is None else f"model.{row.section}"
    return tuple(
        Setting(
            key=f"{prefix}.{key}",
            default=defaults[name],
            tried=tuple(row.grid.get(name, ())),
            meaning=str(fields[name].description),
        )
        for key, name in keys.items()
    )


def _chapter(kind: KindDescription) -> str:
    first = "; the default" if kind.is_default else ""
    lines = [f"## `{kind.name}`: {kind.title}\n", f"{kind.architecture}{first}.\n"]
    if kind.settings:
        lines += ["| key | default | tried by a search | |", "|---|---|---|---|"]
        lines += [
            f"| `{one.key}` | {_shown(one.default)} | {', '.join(map(_shown, one.tried)) or '–'} "
            f"| {one.meaning} |"
            for one in kind.settings
        ]
    else:
        lines += ["It has no settings of its own."]
    return "\n".join(lines) + "\n"


def _shown(value: Any) -> str:
    return json.dumps(value)
