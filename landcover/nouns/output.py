"""What a stage wants to exist, and the record of it once it does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from landcover.nouns.base import Noun
from landcover.nouns.work_windows import WINDOWS

ID_LENGTH = 16


def hash_of(document: Any) -> str:
    """Name a document by its content: first 16 hex digits of SHA-256 over canonical JSON."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]


class Wanted(Noun):
    """One output that a stage wants: everything its id is made of, and nothing else.

    Run id, paths, window sizes, threads and memory never enter, so the same inputs name the same
    output in every run and on every machine.
    """

    stage: str
    """Stage that makes it."""
    version: int
    """Version of the stage; raised when its bytes change."""
    unit: str
    """What it is about: ``31UDS/2018-spring``."""
    inputs: Mapping[str, tuple[str, ...]]
    """Ids of the inputs by role."""
    params: Mapping[str, Any]
    """Parameters of the recipe that decide the result."""

    @cached_property
    def id(self) -> str:
        """Name of the output."""
        return hash_of(
            {
                "stage": self.stage,
                "version": self.version,
                "unit": self.unit,
                "inputs": {role: list(ids) for role, ids in self.inputs.items()},
                "params": self.params,
            }
        )

    @cached_property
    def whole(self) -> Wanted | None:
        """The same of the whole tile; None where it is of the whole tile already."""
        if WINDOWS not in self.params:
            return None
        params = {name: value for name, value in self.params.items() if name != WINDOWS}
        # A copy would keep the id that was computed already.
        return Wanted(
            stage=self.stage,
            version=self.version,
            unit=self.unit,
            inputs=self.inputs,
            params=params,
        )


class FileRecord(Noun):
    """One published file."""

    name: str
    """Name within the output's key; empty where the key is the file."""
    bytes: int
    """Size."""
    sha256: str
    """Checksum, hex."""
    has_block_checksums: bool = False
    """Whether the file is a raster that carries a checksum of each block."""


class Output(Noun):
    """The record of an output: the commit. Where it exists, the bytes are whole."""

    id: str
    """Name, made of all inputs."""
    wanted: Wanted
    """What was asked for."""
    key: str
    """Where the bytes are; empty where the record is all there is."""
    files: tuple[FileRecord, ...]
    """The bytes, file by file."""
    stats: dict[str, Any]
    """What was measured while it was made."""

    @property
    def unit(self) -> str:
        """What the output is about."""
        return self.wanted.unit
