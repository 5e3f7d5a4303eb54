"""What all parts of a recipe have in common."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationInfo, field_validator

from landcover.nouns.base import Noun


class Section(Noun):
    """A part of the recipe: a switch (``yes``, ``on``, ``true`` in YAML) is no number in it."""

    @field_validator("*", mode="before")
    @classmethod
    def _a_switch_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if isinstance(value, bool) and annotation is not bool:
            raise ValueError(f"expected no switch, found {str(value).lower()}")
        return value


def hint(name: str, known: Sequence[str]) -> str:
    """Say which known name is nearest to a wrong one, as the end of a sentence."""
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}."
