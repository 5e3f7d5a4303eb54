"""What features may be read from, by name only; :mod:`landcover.features.readers` opens it."""

from __future__ import annotations

from dataclasses import dataclass

from landcover.nouns.grid import Grid


@dataclass(frozen=True)
class Layer:
    """A layer of a composite, in physical units, repeated to the work grid: float32, (y, x)."""

    period: str
    """Label of its period, ``spring``."""
    name: str
    """``B04``, ``AOT``, ``ndvi_p05``."""


@dataclass(frozen=True)
class LayerOfFewestGaps:
    """A layer of the season that has the fewest gaps in the tile; otherwise as :class:`Layer`.

    Gaps are those of the composite, before any are filled. Of seasons alike it is the first.
    """

    periods: tuple[str, ...]
    """Labels of the periods that may be taken, in order of time."""
    name: str
    """``B08``."""


@dataclass(frozen=True)
class Terrain:
    """A layer of the tile's terrain, float32, (y, x)."""

    name: str
    """``slope``, ``aspect`` (degrees) or ``dem`` (metres)."""


@dataclass(frozen=True)
class OwnGridRaster:
    """A raster on a grid of its own, float32, (y, x): of each pixel's centre, the nearest pixel.

    What lies outside the raster, and its nodata, is NaN.
    """

    href: str
    """Where GDAL opens it."""
    grid: Grid
    """Its grid, in any CRS."""
    band: int = 1
    """Band, counted from 1."""
    nodata: float | None = None
    """Value that is nodata."""


@dataclass(frozen=True)
class Observations:
    """A band of every product of a period, in the order of their dates: float32, (time, y, x).

    NaN where the recipe's mask leaves the observation out; their days come with the block.
    """

    period: str
    """Label of the period, ``spring``."""
    band: str
    """``B04``."""


Read = Layer | LayerOfFewestGaps | Terrain | OwnGridRaster | Observations
"""Anything that a file holds."""
