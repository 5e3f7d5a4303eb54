"""The fields of a recipe that say how the tiles' maps are joined."""

from __future__ import annotations

from math import isclose
from typing import Literal

from pydantic import Field, model_validator

from landcover.recipe.section import Section

TargetGrid = Literal["utm", "EPSG:3035", "EPSG:6933", "EPSG:4326"]
CELL_SIDE = {"EPSG:3035": 100_000.0, "EPSG:6933": 100_000.0, "EPSG:4326": 1.0}
"""Side of a file of a target grid, in the unit of its CRS: 100 km, or one degree."""
ZONE_CELL_M = 100_000.0
"""Side of a file of a UTM zone, m."""
MOST_TILES_IN_A_FILE = 4
"""Tiles of a zone that ``mosaic.cells=auto`` joins in one file."""
DEFAULT_PIXELS = {"EPSG:3035": 10_000, "EPSG:6933": 10_000, "EPSG:4326": 12_000}
"""Pixels along that side: 10 m, or 1/12000 degree (docs/methods/mosaics.md#target-grids)."""


class MosaicRecipe(Section):
    """How the tiles' maps are joined (docs/methods/mosaics.md)."""

    blend: Literal["primary", "feather"] = "primary"
    """``primary``: each pixel from the tile in which it lies deepest; ``feather``: calibrated
    probabilities averaged, each tile's weight falling towards its edge, across zones too."""
    grid: TargetGrid = "utm"
    """``utm``: a map of each zone, not resampled; or a CRS that all tiles are warped to, in files
    of 100 km (EPSG:4326: of one degree)."""
    cells: Literal["auto", "zone", "100km"] = "auto"
    """Files of a zone of ``utm``: ``zone``, one; ``100km``, one for each 100 km; ``auto``, one for
    up to four tiles."""
    pixel: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Pixel of such a grid, metres or degrees; null: 10 m, or 1/12000 degree."""
    smooth: float = Field(0, ge=0, le=1000, allow_inf_nan=False)
    """Smoothness σ² by which each tile's calibrated probabilities follow those around, before
    tiles are joined: the larger, the more their neighbours count; 0 leaves them."""
    smooth_window: int = Field(5, ge=3, le=21)
    """Side of the window that is looked at for it, odd."""
    majority: int = Field(1, ge=1, le=15)
    """Side of the window whose commonest class a pixel takes, odd; 1 leaves the map."""
    min_pixels: int = Field(1, ge=1, le=250)
    """Patches of fewer pixels go to the class that surrounds them most; 1 leaves the map."""

    @model_validator(mode="after")
    def _it_can_be_made(self) -> MosaicRecipe:
        if self.majority % 2 == 0:
            raise ValueError(f"mosaic.majority: expected an odd window, found {self.majority}")
        if self.smooth_window % 2 == 0:
            raise ValueError(
                f"mosaic.smooth_window: expected an odd window, found {self.smooth_window}"
            )
        if self.cells != "auto" and self.grid != "utm":
            raise ValueError(
                f"mosaic.cells: expected 'auto', found {self.cells!r}: it is of the zones of "
                f"'utm'; {self.grid} always comes in cells"
            )
        if self.pixel is not None and self.grid == "utm":
            raise ValueError("mosaic.pixel: the zones of 'utm' keep the tiles' pixels; choose a "
                             "mosaic.grid or leave the pixel null")  # fmt: skip
        if self.pixel is not None:
            count = CELL_SIDE[self.grid] / self.pixel
            if round(count) < 1 or not isclose(count, round(count), rel_tol=1e-6):
                raise ValueError(
                    f"mosaic.pixel: expected a whole number of pixels in {CELL_SIDE[self.grid]:g} "
                    f"{'degree' if self.grid == 'EPSG:4326' else 'm'}, found {count:g}"
                )
        return self

    @property
    def cell_pixels(self) -> int:
        """Pixels along one side of a file of the target grid."""
        if self.pixel is None:
            return DEFAULT_PIXELS[self.grid]
        return round(CELL_SIDE[self.grid] / self.pixel)

    @property
    def needs_probabilities(self) -> bool:
        """Whether the tiles' maps must come with the probabilities of all classes."""
        return self.blend == "feather" or self.smooth > 0

    @property
    def is_cleaned(self) -> bool:
        """Whether the joined map is smoothed, filtered or sieved."""
        return self.smooth > 0 or self.majority > 1 or self.min_pixels > 1
