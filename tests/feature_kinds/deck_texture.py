"""GLCM textures as the HRLC deck's code makes them (spec of the variant ``deck``).

One band is scaled to 1-255 between the smallest and the largest value of the tile, cut into
squares of 7 px from the tile's corner, and each square has one co-occurrence matrix (distance 1,
angle 0, symmetric). A cubic spline brings the squares back to the size of the tile. Scale and
spline depend on the whole tile, so both come of the first pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter

from landcover.features.contract import (
    Asked,
    Block,
    Computation,
    Input,
    Kind,
    Origin,
    Plane,
    Tile,
)
from landcover.features.reads import Layer
from landcover.nouns.base import Noun
from landcover.nouns.model import Feature
from landcover.recipe import Recipe

NAMES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
STEP = 7


class TextureSection(Noun):
    """Textures of the deck."""

    band: str = "B04"
    """The band."""


@dataclass(frozen=True)
class DeckTexture(Computation):
    """Six planes of one band."""

    period: str
    band: str

    @property
    def n_planes(self) -> int:
        return len(NAMES)

    @property
    def bytes_of_tile(self) -> float:
        return 8.0 * len(NAMES) / STEP**2

    @property
    def reads(self) -> tuple[Input, ...]:
        return (Layer(self.period, self.band),)

    def first_pass(self, tile: Tile) -> Mapping[str, Any]:
        low, high = np.inf, -np.inf
        for block, _ in tile.blocks():
            known = block.planes[0][np.isfinite(block.planes[0])]
            low, high = min(low, known.min(initial=low)), max(high, known.max(initial=high))
        rows, columns = (size // STEP for size in tile.shape)
        squares = np.empty((len(NAMES), rows, columns))
        for block, origin in tile.blocks(multiple=STEP):
            levels = quantise(block.planes[0], low, high)
            top, left = int(origin.row) // STEP, int(origin.column) // STEP
            for row in range(levels.shape[0] // STEP):
                for column in range(levels.shape[1] // STEP):
                    y, x = row * STEP, column * STEP
                    square = levels[y : y + STEP, x : x + STEP]
                    squares[:, top + row, left + column] = textures(square)
        splines = [spline_filter(plane, order=3, mode="mirror") for plane in squares]
        return {"low": low, "high": high, "shape": tile.shape, "splines": np.stack(splines)}

    def compute(self, block: Block, origin: Origin) -> Sequence[Any]:
        splines, shape = block.document["splines"], block.document["shape"]
        height, width = block.planes[0].shape[-2:]
        y, x = (
            at * ((cells - 1) / (size - 1))
            for at, cells, size in zip(
                (origin.rows(height), origin.columns(width)), splines.shape[1:], shape, strict=True
            )
        )
        places = np.stack(np.broadcast_arrays(y, x))
        return [
            map_coordinates(s, places, order=3, prefilter=False, mode="mirror").astype(np.float32)
            for s in splines
        ]


def quantise(values: Any, low: float, high: float) -> Any:
    """Scale to 1-255 over the tile; 0 is nodata."""
    scaled = 1 + np.floor((values.astype(float) - low) / (high - low) * 254)
    return np.where(np.isfinite(values), scaled, 0).astype(np.int64)


def textures(square: Any) -> tuple[float, ...]:
    """Give the six properties of a square's symmetric matrix, from its pairs."""
    a, b = square[:, :-1].ravel(), square[:, 1:].ravel()
    i, j = np.concatenate([a, b]), np.concatenate([b, a])
    _, counts = np.unique(i * 256 + j, return_counts=True)
    asm = float(((counts / i.size) ** 2).sum())
    mean, spread = i.mean(), i.std()
    together = ((i - mean) * (j - mean)).mean()
    correlation = 1.0 if spread == 0 else float(together / spread**2)
    return (
        float(((i - j) ** 2).mean()), float(np.abs(i - j).mean()),
        float((1 / (1 + (i - j) ** 2)).mean()), float(np.sqrt(asm)), correlation, asm,
    )  # fmt: skip


class TextureKind(Kind):
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        section = recipe.features.section("texture")
        if isinstance(section, TextureSection):
            for place, name in enumerate(NAMES):
                yield Asked(f"GLCM{name}", place, {"band": section.band, "property": name})

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        made = DeckTexture(str(feature.period), str(feature.parameters["band"]))
        return Plane(made, NAMES.index(str(feature.parameters["property"])))


KIND = TextureKind()
