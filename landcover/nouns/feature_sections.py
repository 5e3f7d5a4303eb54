"""Sections of a recipe that kinds of features of one season have (docs/methods/features.md)."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from landcover.nouns.base import Noun

DECK_INDICES = (
    "ndvi", "gndvi", "ndvi705", "gli", "evi2", "savi", "ndyi", "ndli", "ndmi", "ndwi", "ndsi",
    "ndbi", "bsi",
)  # fmt: skip
"""The spectral indices among the HRLC deck's 14 additional features, in its order."""

TEXTURES = ("contrast", "dissimilarity", "homogeneity", "energy", "correlation", "ASM")
"""The six textures of a band, in the order in which they are given."""


AUTO = "auto"
"""In place of a season: of each tile the one with the fewest gaps."""


class OfOneSeason(Noun):
    """What is computed of one season, so that the tile has it once and its name has no season."""

    may_choose: ClassVar[bool] = False
    """Whether ``season`` may be :data:`AUTO`."""

    season: str | None = None
    """The season; null for the recipe's first."""


class Texture(OfOneSeason):
    """Six textures from grey-level co-occurrence: ``GLCMcontrast`` … ``GLCMASM``."""

    may_choose: ClassVar[bool] = True

    season: str | None = None
    """The season; null for the recipe's first; ``auto``: of each tile the season whose composite
    has the fewest gaps before they are filled, the earlier of two alike."""
    variant: Literal["dense", "deck"] = "dense"
    """``dense``: of the window around every pixel, the mean of four angles, fixed limits;
    ``deck``: of squares that do not overlap, one angle, 256 levels between the tile's extremes,
    brought back to its size by a spline."""
    band: str = "B08"
    """The band."""
    window: int = Field(7, ge=3, le=31)
    """Side of the window, or of a square, px; odd."""
    levels: int = Field(32, ge=2, le=256)
    """Grey levels between reflectance 0 and 0.5; of ``dense`` only."""

    @model_validator(mode="after")
    def _window_has_a_middle(self) -> Texture:
        if self.window % 2 == 0:
            raise ValueError(f"the window must be odd, found {self.window}")
        return self


class SeasonIndices(OfOneSeason):
    """Spectral indices of one season, under their own names: ``NDVI``."""

    indices: tuple[str, ...] = Field(DECK_INDICES, min_length=1)
    """The indices, by ``features.index_variant``."""


class Edges(OfOneSeason):
    """The length of the Sobel gradient of an index: ``Sobel``."""

    index: str = "ndvi"
    """The index, by ``features.index_variant``."""
