"""A recipe as YAML with the meaning of every key beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel

from landcover.recipe.fields import Recipe

WIDTH = 100
_KEPT = ("legend",)
"""Tables that are written without their meaning: what they hold is data, not settings."""


def explained(recipe: Recipe, section: str | None = None) -> str:
    """Write a recipe, or one section of it, with what each key means above it.

    Args:
        recipe: The recipe.
        section: One of its sections; all of it if None.

    Returns:
        YAML: read again it is the same recipe, or the file of a section.
    """
    document = recipe.to_document()
    if section is None:
        return "\n".join(_lines(recipe, document, "", is_whole=True)).lstrip("\n") + "\n"
    value, written = getattr(recipe, section), document[section]
    if not isinstance(value, BaseModel):
        return f"# {section} is not a table of keys, it has no file of its own\n"
    return "\n".join([*_comment(_first(type(value)), ""), *_lines(value, written, "")]) + "\n"


def section_names() -> tuple[str, ...]:
    """List the sections of a recipe."""
    return tuple(name for name in Recipe.model_fields if name not in ("name", "title"))


def _lines(
    value: object, document: Mapping[str, Any], indent: str, *, is_whole: bool = False
) -> Iterator[str]:
    """Write a table key by key; what the document leaves out leaves no trace here either."""
    fields = type(value).model_fields if isinstance(value, BaseModel) else {}
    for name, written in document.items():
        found = getattr(value, name, None)
        is_table = isinstance(found, BaseModel) and isinstance(written, dict) and name not in _KEPT
        is_section = is_table and is_whole
        if is_section:
            yield ""
        known = fields[name].description or "" if name in fields else ""
        yield from _comment(_first(type(found)) if is_section or not known else known, indent)
        if is_table and written:
            yield f"{indent}{name}:"
            yield from _lines(found, written, indent + "  ")
        else:
            yield from textwrap.indent(_dumped(name, written), indent).split("\n")


def _first(model: type) -> str:
    """Give the docstring of a section without its layout; nothing of other types."""
    return " ".join((model.__doc__ or "").split()) if issubclass(model, BaseModel) else ""


def _comment(text: str, indent: str) -> list[str]:
    words = " ".join(text.replace("``", "").split())
    width = max(40, WIDTH - len(indent) - 2)
    return [f"{indent}# {line}" for line in textwrap.wrap(words, width, break_on_hyphens=False)]


def _dumped(name: str, value: Any) -> str:
    flow: bool | None = None if isinstance(value, dict | list) else False
    text = yaml.safe_dump(
        {name: value}, sort_keys=False, allow_unicode=True, default_flow_style=flow, width=WIDTH
    )
    # A table of one scalar alone would be written on one line, in braces.
    is_braced = text.startswith("{") and text.endswith("}\n")
    return (text[1:-2] if is_braced else text).rstrip("\n")
