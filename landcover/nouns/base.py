"""What every noun is: frozen, strict about its fields, JSON both ways."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from landcover.errors import InputError
from landcover.nouns.shown import Shown


class Noun(Shown, BaseModel):
    """A value that crosses a boundary: between stages, processes or stores."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, ser_json_inf_nan="strings"
    )

    def to_json(self) -> str:
        """Write the noun as JSON."""
        return self.model_dump_json()

    def to_document(self) -> dict[str, Any]:
        """Write the noun as a document of JSON types, for a record store.

        Numbers that JSON lacks are written as text (``"NaN"``, ``"Infinity"``); a field that is
        a number reads them back.
        """
        document: dict[str, Any] = json.loads(self.model_dump_json())
        return document

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the noun from JSON.

        Raises:
            InputError: The text is not this noun.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise InputError(explain(error, cls.__name__)) from error

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """Read the noun from a document of JSON types.

        Raises:
            InputError: The document is not this noun.
        """
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            raise InputError(explain(error, cls.__name__)) from error


def explain(error: ValidationError, what: str) -> str:
    """Say the first problem of a validation in one sentence."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or what
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    found = repr(first.get("input"))
    found = found if len(found) <= 60 else found[:57] + "..."
    return f"{what}: {where}: {first['msg']}, found {found}{more}."
