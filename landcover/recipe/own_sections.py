"""Sections of the recipe that belong to one kind of classifier, made from the table of kinds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, create_model

from landcover.nouns.classifiers import CLASSIFIERS, ClassifierRow
from landcover.recipe.section import Section


def sections_of(rows: Iterable[ClassifierRow]) -> dict[str, Any]:
    """Make the section of each kind that has one, with its parameters and their defaults.

    Args:
        rows: Kinds of classifier.

    Returns:
        Section → type and default, as ``pydantic.create_model`` takes them.
    """
    found = {}
    for row in rows:
        if row.section is not None:
            section = create_model(
                f"{row.parameters.__name__}Section",
                __base__=(Section, row.parameters),
                __module__=__name__,
                __doc__=f"Parameters of the kind {row.name}.",
            )
            what = f"Parameters of {row.name}, which other kinds do not read."
            found[row.section] = (section, Field(section(), description=what))
    return found


def lists_of(rows: Iterable[ClassifierRow]) -> dict[str, Any]:
    """Make the section of each kind that has one, with lists of values that a search combines.

    Args:
        rows: Kinds of classifier.

    Returns:
        Section → type and default, as ``pydantic.create_model`` takes them.
    """
    found = {}
    for row in rows:
        if row.section is not None:
            fields: dict[str, Any] = {}
            for name, one in row.parameters.model_fields.items():
                value: Any = one.annotation
                if one.metadata:
                    value = Annotated[(one.annotation, *one.metadata)]
                fields[name] = (
                    tuple[value, ...],
                    Field(row.grid.get(name, ()), description=f"Values of {name} to try."),
                )
            section = create_model(
                f"{row.parameters.__name__}Grid",
                __base__=Section,
                __module__=__name__,
                __doc__=f"Values that a search tries for the kind {row.name}.",
                **fields,
            )
            what = f"Values to try where {row.name} is among the kinds."
            found[row.section] = (section, Field(section(), description=what))
    return found


def without_unused(
    section: BaseModel, document: Mapping[str, Any], kinds: Iterable[str]
) -> dict[str, Any]:
    """Leave out sections of kinds that play no part, so that a new kind changes no id.

    Args:
        section: What was written.
        document: The document of it.
        kinds: Kinds that play a part.
    """
    used = {CLASSIFIERS[kind].section for kind in kinds if kind in CLASSIFIERS}
    unused = {row.section for row in CLASSIFIERS.values()} - used - {None}
    fields = type(section).model_fields
    return {
        name: value
        for name, value in document.items()
        if name not in unused or getattr(section, name) != fields[name].default
    }
