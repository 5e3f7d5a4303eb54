"""Everything that a map hangs on: what it was made of, by what, with which result."""

from __future__ import annotations

from typing import Any, Literal

from landcover.nouns.base import Noun
from landcover.nouns.output import FileRecord, Wanted

PATHS = ("products", "region", "labels", "dem", "samples", "label_map", "test_labels")
"""Arguments of a run that may name a folder of the machine it ran on."""


class ContentFile(Noun):
    """A file from outside, known by its content."""

    name: str
    """Name without its folder."""
    sha256: str
    """Checksum, hex."""


class UsedProduct(Noun):
    """A Sentinel-2 product behind the map."""

    id: str
    """Hash of its name, files and radiometry."""
    name: str
    tile: str
    baseline: int
    """Processing baseline as an integer, 05.09 → 509."""
    datatake: str
    """Sensing start, UTC, ISO 8601."""
    files: tuple[ContentFile, ...]


class UsedLabels(Noun):
    """Ground truth behind the map or its accuracy."""

    role: Literal["labels", "test_labels"]
    id: str
    """Hash of files, names and the recipe's section."""
    source: str
    """Names of the files."""
    files: tuple[ContentFile, ...]
    """The files; empty where they were gone when the receipt was written."""


class UsedModel(Noun):
    """The model behind the map."""

    id: str
    kind: str
    arrays_sha256: str
    seed: int
    versions: dict[str, str]
    """Libraries that fitted it."""


class Step(Noun):
    """One output on the way to the map."""

    id: str
    wanted: Wanted
    """Stage with its version, unit, inputs and parameters: all that the id is made of."""
    key: str
    """Where its bytes are in the store of its workspace; empty where it is a record only."""
    files: tuple[FileRecord, ...]


class Receipt(Noun):
    """Everything that a map hangs on."""

    schema_version: Literal[1] = 1
    """Version of this layout."""
    outputs: tuple[str, ...]
    """Ids of the outputs that the receipt is of."""
    run: str | None = None
    """Run that made them; None in a report, whose bytes do not depend on it."""
    arguments: dict[str, Any]
    """Arguments of the run; paths of its machine are shortened to their last part."""
    recipe_id: str
    recipe: dict[str, Any]
    """The recipe, whole."""
    simulated: bool
    products: tuple[UsedProduct, ...]
    labels: tuple[UsedLabels, ...]
    model: UsedModel | None
    steps: tuple[Step, ...]
    """Every output that the map is made of, by stage and unit, itself included."""
    outside: tuple[str, ...]
    """Inputs that are no output, product or ground truth of the records: hashes of content."""
    accuracy: str = ""
    """How accurate the maps of a report are, or that it is unknown; empty of anything else."""
    software: dict[str, str]
    """Python, libraries and machine of the process that wrote the receipt; in a report that is
    the process that made the map's files."""
