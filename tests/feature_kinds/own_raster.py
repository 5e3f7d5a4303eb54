"""A raster of the user's own, on another grid and in another CRS, named by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from landcover.features.contract import Asked, Input, Kind
from landcover.features.reads import OwnGridRaster
from landcover.nouns.base import Noun
from landcover.nouns.model import Feature
from landcover.recipe import Recipe
from landcover.stores.rasters import describe


class OwnRasterSection(Noun):
    """A raster of the user's own."""

    path: str
    """The file."""


class OwnRasterKind(Kind):
    def asked(self, recipe: Recipe, season: str | None) -> Iterable[Asked]:
        section = recipe.features.section("own_raster")
        if isinstance(section, OwnRasterSection):
            checksum = hashlib.sha256(Path(section.path).read_bytes()).hexdigest()
            yield Asked(Path(section.path).stem, 0, {"path": section.path, "sha256": checksum})

    def source(self, feature: Feature, recipe: Recipe) -> Input:
        path = str(feature.parameters["path"])
        info = describe(path)
        assert info.grid is not None
        return OwnGridRaster(path, info.grid, nodata=info.nodata)


KIND = OwnRasterKind()
