"""What the classifier sees: the features section of a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from landcover.nouns.base import Noun
from landcover.nouns.feature_kind import FEATURE_KINDS
from landcover.nouns.feature_sections import AUTO, OfOneSeason
from landcover.nouns.spectral_index import PAPER_INDICES, SPECTRAL_INDICES
from landcover.recipe.section import Section, hint
from landcover.recipe.temporal import LogShape

TERRAIN: tuple[Literal["slope", "aspect", "dem"], ...] = ("slope", "aspect", "dem")
Size = Literal[3, 5, 7, 9]
NEIGHBOURHOOD_SIZES: tuple[Size, ...] = (3, 5, 7, 9)
"""Sides of the squares that a mean may be taken over, pixels."""


class Neighbourhood(Section):
    """Means of layers over the square around each pixel.

    Method: docs/methods/features.md#neighbourhood-means.
    """

    layers: tuple[str, ...] = Field(("B04", "B08", "B11"), min_length=1)
    """Layers of the composite, statistics among them."""
    sizes: tuple[Size, ...] = Field((3,), min_length=1)
    """Sides of the squares in pixels of the work grid: ``{season}_{layer}_mean3``."""

    def names(self) -> tuple[str, ...]:
        """Name the means, ``B04_mean3``, by layer."""
        return tuple(neighbourhood_name(n, size) for n in self.layers for size in self.sizes)


def neighbourhood_name(layer: str, size: int) -> str:
    """Name the mean of a layer over a square of some pixels, ``B04_mean3``."""
    return f"{layer}_mean{size}"


class Features(Section):
    """What the classifier sees (docs/methods/features.md).

    Beside these fields, the section of every kind in the table of kinds is accepted where it is
    given; one that is not leaves no trace.
    """

    model_config = ConfigDict(extra="allow")

    indices: tuple[str, ...] = PAPER_INDICES
    """Spectral indices of each season."""
    index_variant: Literal["paper", "literature"] = "paper"
    """Formulas as the paper prints them, or as their authors published them."""
    terrain: tuple[Literal["slope", "aspect", "dem"], ...] = TERRAIN
    """Terrain layers; without a DEM they leave the feature set."""
    neighbourhood: Neighbourhood | None = None
    """Means around each pixel as further features of each season."""
    log_shape: LogShape | None = None
    """Bands by the shape of their spectrum as further features of each season."""
    order: Literal["paper", "deck"] = "paper"
    """``paper``: what the tile has once (terrain, textures …), then season after season; ``deck``:
    the seasons first."""

    @classmethod
    def known_keys(cls) -> tuple[str, ...]:
        """List the keys: the fields, and the sections of the kinds that are no field."""
        return (*cls.model_fields, *_sections())

    @property
    def of_one_season(self) -> dict[str, OfOneSeason]:
        """Give key → section of the kinds that are computed of one season."""
        found = ((key, getattr(self, key, None)) for key in _sections())
        return {key: one for key, one in found if isinstance(one, OfOneSeason)}

    def section(self, kind: str) -> Noun | None:
        """Give the section of a kind in the table; None where the recipe does not ask for it."""
        found = getattr(self, FEATURE_KINDS[kind].section, None)
        return found if isinstance(found, Noun) else None

    @model_validator(mode="before")
    @classmethod
    def _sections_are_of_the_table(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        sections, found = _sections(), {}
        problems: list[InitErrorDetails] = []
        for key, value in data.items():
            if key in cls.model_fields:
                found[key] = value
            elif key not in sections:
                problems.append({"type": "extra_forbidden", "loc": (str(key),), "input": value})
            elif value is not None:
                try:
                    found[key] = sections[key].model_validate(value)
                except ValidationError as error:
                    problems += [_within(key, problem) for problem in error.errors()]
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        return found


def require_known(sections: Mapping[str, OfOneSeason], known: Mapping[str, Sequence[str]]) -> None:
    """Refuse sections that name a season, band or index that is not there.

    Args:
        sections: Key → section.
        known: ``season`` and ``band`` → names of the recipe.

    Raises:
        ValueError: A section names another one, or an index twice.
    """
    indices = tuple(SPECTRAL_INDICES)
    all_known = {**known, "index": indices, "indices": indices}
    for key, section in sections.items():
        for field, names in all_known.items():
            given = getattr(section, field, None)
            listed = given if isinstance(given, tuple) else () if given is None else (given,)
            if field == "season" and section.may_choose and given == AUTO:
                continue
            for name in listed:
                if name not in names:
                    raise ValueError(
                        f"features.{key}.{field}: {name!r} is unknown{hint(name, names)}"
                    )
            if len(set(listed)) != len(listed):
                raise ValueError(f"features.{key}.{field}: a name appears twice")


def _sections() -> dict[str, type[Noun]]:
    """Give key → type of the sections that the table of kinds adds."""
    rows = FEATURE_KINDS.values()
    return {row.section: row.parameters for row in rows if row.parameters is not None}


def _within(key: str, problem: Any) -> InitErrorDetails:
    """Say a problem of a section with the section's key before its own."""
    if problem["type"] in ("extra_forbidden", "missing"):
        kind: Any = problem["type"]
    else:
        kind = PydanticCustomError(problem["type"], problem["msg"])
    return {"type": kind, "loc": (key, *problem["loc"]), "input": problem["input"]}
