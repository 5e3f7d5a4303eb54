"""Textures of a band of one season (kernels: :mod:`landcover.raster.texture`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import JsonValue

from landcover.errors import InputError
from landcover.features.contract import (
    Asked,
    Block,
    Border,
    Computation,
    Input,
    Kind,
    Origin,
    Plane,
    Tile,
)
from landcover.features.reads import Layer, LayerOfFewestGaps
from landcover.features.season_index import season_of
from landcover.nouns.feature_sections import AUTO, TEXTURES, Texture
from landcover.nouns.model import Feature
from landcover.recipe import Recipe

if TYPE_CHECKING:
    from landcover.features.contract import Values


@dataclass(frozen=True)
class DenseTextures(Computation):
    """The textures of the window around every pixel; beyond the tile the pixels are mirrored."""

    band: Layer | LayerOfFewestGaps
    levels: int
    halo: int
    """Half the window."""
    border: Border = "reflect"

    @property
    def n_planes(self) -> int:
        """One of each texture."""
        return len(TEXTURES)

    @property
    def reads(self) -> tuple[Input, ...]:
        """The band."""
        return (self.band,)

    @property
    def bytes_per_pixel(self) -> float:
        """The textures, grey levels and their floats, and the cells of four angles."""
        return 4.0 * len(TEXTURES) + 2 + 24 + 16

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Compute the textures."""
        # Compiled loops: who only names features needs none.
        from landcover.raster.texture import grey_levels, textures_inside

        levels = grey_levels(block.planes[0], self.levels)
        return list(textures_inside(levels, 2 * self.halo + 1, self.levels))


@dataclass(frozen=True)
class SparseTextures(Computation):
    """The textures of squares from the tile's corner, as the HRLC deck's code makes them.

    The band is scaled between the tile's extremes, each square has one matrix, and a cubic spline
    brings the squares to the size of the tile: extremes and spline come of the first pass.
    """

    band: Layer | LayerOfFewestGaps
    side: int

    @property
    def n_planes(self) -> int:
        """One of each texture."""
        return len(TEXTURES)

    @property
    def bytes_of_tile(self) -> float:
        """The splines, float64, one node a square."""
        return 8.0 * len(TEXTURES) / self.side**2

    @property
    def bytes_per_pixel(self) -> float:
        """Places in the grid of squares, and one plane of float64."""
        return 48.0

    @property
    def reads(self) -> tuple[Input, ...]:
        """The band."""
        return (self.band,)

    def first_pass(self, tile: Tile) -> Mapping[str, Any]:
        """Find the extremes, the textures of all squares, and the splines through them."""
        from scipy.ndimage import spline_filter

        from landcover.raster.texture import levels_of_range, textures_of_squares

        low, high = np.inf, -np.inf
        for block, _ in tile.blocks():
            known = block.planes[0][np.isfinite(block.planes[0])]
            low = min(low, float(known.min(initial=np.inf)))
            high = max(high, float(known.max(initial=-np.inf)))
        rows, columns = (size // self.side for size in tile.shape)
        if min(rows, columns) < 1:
            raise InputError(
                f"features.texture: a tile of {tile.shape[0]} x {tile.shape[1]} px holds no "
                f"square of {self.side} px. Lower features.texture.window."
            )
        squares = np.empty((len(TEXTURES), rows, columns))
        for block, origin in tile.blocks(multiple=self.side):
            found = textures_of_squares(levels_of_range(block.planes[0], low, high), self.side)
            top, left = int(origin.row) // self.side, int(origin.column) // self.side
            height, width = found.shape[1:]
            squares[:, top : top + height, left : left + width] = found
        splines = [spline_filter(plane, order=3, mode="mirror") for plane in squares]
        return {"shape": tile.shape, "splines": np.stack(splines)}

    def compute(self, block: Block, origin: Origin) -> Sequence[Values]:
        """Ask the splines; what has no band has no texture."""
        from scipy.ndimage import map_coordinates

        splines, shape = block.document["splines"], block.document["shape"]
        height, width = block.planes[0].shape[-2:]
        y, x = (
            at * ((cells - 1) / max(1, size - 1))
            for at, cells, size in zip(
                (origin.rows(height), origin.columns(width)), splines.shape[1:], shape, strict=True
            )
        )
        places = np.stack(np.broadcast_arrays(y, x))
        is_known = np.isfinite(block.planes[0])
        return [
            np.where(
                is_known,
                map_coordinates(spline, places, order=3, prefilter=False, mode="mirror"),
                np.nan,
            ).astype(np.float32)
            for spline in splines
        ]


class TextureKind(Kind):
    """The six textures of the recipe's section ``texture``."""

    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        """List them."""
        section = recipe.features.section("texture")
        if not isinstance(section, Texture):
            return
        how: dict[str, JsonValue] = {
            "variant": section.variant, "band": section.band, "window": section.window,
        }  # fmt: skip
        if section.variant == "dense":
            how["levels"] = section.levels
        period: str | None = season_of(section, recipe)
        if period == AUTO:
            # It has no season before its tile is known: the card names those that it may be of.
            period, how["seasons"] = None, [season.name for season in recipe.seasons]
        for place, name in enumerate(TEXTURES):
            yield Asked(f"GLCM{name}", place, {**how, "texture": name}, period)

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        """Compute it as its parameters say."""
        told = feature.parameters
        name, window = str(told["band"]), int(str(told["window"]))
        if feature.period is None:
            band: Layer | LayerOfFewestGaps = LayerOfFewestGaps(feature.periods, name)
        else:
            band = Layer(feature.period, name)
        number = TEXTURES.index(str(told["texture"]))
        if told["variant"] == "dense":
            return Plane(DenseTextures(band, int(str(told["levels"])), window // 2), number)
        return Plane(SparseTextures(band, window), number)


KIND = TextureKind()
