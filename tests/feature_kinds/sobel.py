"""Sobel edges of a spectral index, and their mean around a pixel: halos that add up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from landcover.features.contract import (
    Asked,
    Block,
    Border,
    Computation,
    Input,
    Kind,
    Origin,
    Plane,
)
from landcover.features.index import IndexOfBands
from landcover.features.neighbourhood import MeanAround
from landcover.nouns.base import Noun
from landcover.nouns.model import Feature
from landcover.recipe import Recipe


class SobelSection(Noun):
    """Edges of an index."""

    index: str = "ndvi"
    """The index."""
    mean: int = Field(3, ge=1)
    """Side of the square that edges are averaged over as well, pixels."""


@dataclass(frozen=True)
class Sobel(Computation):
    """√(Gx² + Gy²), unnormalised; beyond the edge of the tile the pixels are mirrored."""

    of: Input
    halo: int = 1
    border: Border = "reflect"

    @property
    def reads(self) -> tuple[Input, ...]:
        return (self.of,)

    def compute(self, block: Block, origin: Origin) -> Sequence[Any]:
        values = block.planes[0].astype(np.float64)
        left, middle, right = values[..., :-2], values[..., 1:-1], values[..., 2:]
        across = right - left
        along = left + 2 * middle + right
        gx = across[..., :-2, :] + 2 * across[..., 1:-1, :] + across[..., 2:, :]
        gy = along[..., 2:, :] - along[..., :-2, :]
        return [np.sqrt(gx * gx + gy * gy).astype(np.float32)]


class SobelKind(Kind):
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        section = recipe.features.section("sobel")
        if isinstance(section, SobelSection):
            how = {"index": section.index, "variant": recipe.features.index_variant}
            yield Asked(f"{section.index}_sobel", parameters={**how, "mean": 1})
            yield Asked(f"{section.index}_sobel_mean", 1, {**how, "mean": section.mean})

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        told = feature.parameters
        index = IndexOfBands(str(feature.period), str(told["index"]), str(told["variant"]))
        edges = Plane(Sobel(Plane(index)))
        radius = int(str(told["mean"])) // 2
        return Plane(MeanAround(edges, radius)) if radius else edges


KIND = SobelKind()
