"""What a run is asked for: one noun that makes command line, form and ``start_run``.

An argument is added by a field here: its docstring is the help, its ``Asked`` the rest that people
see. What is done with it stands where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.fields import FieldInfo

from landcover.nouns.area import Design
from landcover.nouns.base import Noun
from landcover.nouns.label_formats import listed as formats_listed
from landcover.nouns.product_kinds import listed as products_listed
from landcover.nouns.source_kinds import listed as sources_listed
from landcover.nouns.stages import Stage

Section = Literal["", "Region and recipe", "How it runs"]
WHICH: Section = "Region and recipe"
HOW: Section = "How it runs"
RUN_ID = re.compile(r"^[A-Za-z0-9_.:+-]{1,120}$")
"""What a run may be called."""
Kind = Literal["text", "path", "file", "paths", "list", "pairs", "flag"]


@dataclass(frozen=True)
class Asked:
    """How people are asked for an argument, beside its help."""

    title: str
    """Name of the field in the form."""
    kind: Kind = "text"
    """What is written there: a text, number or choice as the field's type says; a ``path`` or
    ``file`` that exists, ``paths`` with commas between them; a ``list`` of words; ``pairs``, each
    ``key=value``; a ``flag`` that is set or not."""
    metavar: str | None = None
    """What stands for the value in the help of the command line."""
    example: str = ""
    """A value."""
    empty: str = ""
    """What happens without a value."""
    section: Section = ""
    """Part of the form; without one the field is open when the form opens."""
    option: str | None = None
    """Its name on the command line, where that is not the name of the field."""
    is_first: bool = False
    """True where it comes first in its section."""
    listed: Callable[[], str] | None = None
    """Lists what there is, from a table."""


_TILES = Asked(
    "Tiles",
    kind="list",
    example="30SUF,31UDS",
    empty="all that have products",
    section=WHICH,
    is_first=True,
)


class RunArguments(Noun):
    """Where, when and with what a recipe is applied."""

    tiles: Annotated[tuple[str, ...], _TILES] = Field(min_length=1)
    """Tile ids."""
    year: Annotated[int, Asked("Year")] = Field(ge=2015, le=2100, examples=[2021])
    """Year of the seasons."""
    products: Annotated[
        str,
        Asked(
            "Products",
            metavar="FOLDER|ADDRESS",
            is_first=True,
            listed=lambda: (
                f"A product is {products_listed()}; a source is one of {sources_listed()}."
            ),
        ),
    ]
    """Folder with products, as the workers see it, or the address of a source."""
    labels: Annotated[
        str | None, Asked("Labels", kind="paths", listed=lambda: f"Read are {formats_listed()}.")
    ] = None
    """Ground truth: files or folders, the most trusted first; without it, samples or a model the
    run ends with composites and their mosaic."""
    dem: Annotated[
        str | None, Asked("DEM", metavar="FILE|FOLDER|ADDRESS", empty="no terrain features")
    ] = None
    """DEM file of any CRS, folder of degree cells, or a source: `glo30`,
    `aster+https://…/{name}`."""
    model: Annotated[str | None, Asked("Model", metavar="MODEL", section=WHICH)] = None
    """Trained model to classify with instead of training one: its id or the beginning of it, a run,
    `latest`, or its folder."""
    samples: Annotated[str | None, Asked("Samples", metavar="FILE[,FILE]", section=WHICH)] = None
    """Tables of other runs (`landcover samples --export`) that train beside the labels, or without
    them, with commas between several; they are never held out."""
    test_labels: Annotated[str | None, Asked("Test points", kind="path", section=WHICH)] = None
    """Reference points that judge the map and never train: a file of labels, or a field sheet of
    `landcover design`."""
    test_design: Annotated[
        Design | None,
        Asked(
            "Design of the test points",
            empty="as the field sheet says, else unknown",
            section=WHICH,
        ),
    ] = None
    """How those points were drawn."""
    until: Annotated[Stage, Asked("Until", section=HOW)] = "publish"
    """Last stage."""
    only: Annotated[Stage | None, Asked("Only", empty="every stage", section=HOW)] = None
    """The one stage that may compute something: what the earlier ones made must exist, later ones
    do not run."""
    region: Annotated[str | None, Asked("Region", kind="file", section=WHICH, is_first=True)] = None
    """Polygons in any format of labels: of their tiles what they touch or what holds a label is
    worked on, and the published map ends with them."""
    label_map: Annotated[
        str | None, Asked("Label map", kind="file", metavar="FILE", section=WHICH)
    ] = None
    """Existing land-cover map that training points are drawn from, where the recipe's sampling says
    so."""

    season: Annotated[
        str | None, Asked("Season", example="spring", empty="all of the recipe", section=WHICH)
    ] = None
    """The one season that is prepared: the run ends with its composites."""

    @model_serializer(mode="wrap")
    def _without_what_is_not_given(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what came later and is not given: records of other runs stay as they were."""
        late = ("region", "label_map", "season")
        return {k: v for k, v in write(self).items() if k not in late or v is not None}


class RunRequest(RunArguments):
    """What a person fills in: the arguments of a run before they are resolved, and how it runs."""

    tiles: Annotated[tuple[str, ...], _TILES] = ()
    """Tile ids."""
    whole_tiles: Annotated[bool, Asked("Whole tiles", kind="flag", section=WHICH)] = False
    """Work on whole tiles and publish them: the region only names them."""
    recipe: Annotated[str, Asked("Recipe", kind="file", section=WHICH)] = (
        "recipes/mediterranean-rf.yaml"
    )
    """YAML file: what is computed."""
    overrides: Annotated[
        tuple[str, ...],
        Asked(
            "Overrides",
            kind="pairs",
            option="--set",
            metavar="KEY=VALUE",
            example="model.trees=500",
            section=WHICH,
        ),
    ] = ()
    """Values that win over the recipe."""
    memory_gb: Annotated[
        float | None, Asked("Memory (GB)", empty="that of the settings", section=HOW)
    ] = Field(default=None, gt=0)
    """Memory of one job, GB."""
    threads: Annotated[int | None, Asked("Threads", empty="those of the settings", section=HOW)] = (
        Field(default=None, ge=1)
    )
    """Threads of one job."""


NOT_OF_THE_RUN = ("recipe", "memory_gb", "threads")
"""Fields of the request that ``start_run`` takes otherwise or not at all: how a run runs is no part
of its record."""


@dataclass(frozen=True)
class Question:
    """An argument as people meet it, on the command line and in the form."""

    name: str
    asked: Asked
    field: FieldInfo

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that may be chosen; empty where anything may be written."""
        kinds = (self.field.annotation, *get_args(self.field.annotation))
        found = (get_args(kind) for kind in kinds if kind is not None)
        return next((c for c in found if c and all(isinstance(w, str) for w in c)), ())

    def has_type(self, kind: type) -> bool:
        """Tell whether the value is of a type, or absent."""
        return kind in (self.field.annotation, *get_args(self.field.annotation))

    def sentences(self, quote: str = "") -> str:
        """Say what is asked for, with an example and what there is to choose from."""
        said = " ".join((self.field.description or "").split()).removesuffix(".")
        if self.asked.example:
            said += f", such as {quote}{self.asked.example}{quote}"
        return f"{said}. {self.asked.listed()}" if self.asked.listed else f"{said}."


def questions() -> list[Question]:
    """List the arguments as they are asked: by section, those of a newcomer first."""
    found = [
        Question(name, next(m for m in field.metadata if isinstance(m, Asked)), field)
        for name, field in RunRequest.model_fields.items()
    ]
    order: tuple[Section, ...] = ("", WHICH, HOW)
    return sorted(found, key=lambda q: (order.index(q.asked.section), not q.asked.is_first))
