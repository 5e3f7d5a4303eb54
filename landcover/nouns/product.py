"""One acquisition delivered for one tile."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid

OffsetDecision = Literal["metadata", "provider", "baseline", "sniffed", "given"]


class ProductFile(Noun):
    """One raster of a product and what its numbers mean."""

    layer: str
    """``B02`` … ``B12``, ``AOT``, ``WVP`` or ``SCL``."""
    href: str
    """Where the file is: an absolute path, or a path that GDAL opens."""
    grid: Grid
    """Grid of the raster, as the file itself declares it."""
    block: tuple[int, int]
    """Block (rows, columns) that the file declares: the unit of decoding."""
    scale: float
    """Physical value = (digital number + offset) / scale. 1 for SCL."""
    offset: int
    """Added to each digital number before scaling; 0 for AOT, WVP and SCL."""
    band: int | None = None
    """Band of the file that holds the layer, counted from 1, where a person or the file says
    which; None where the file holds the layer alone, as its name tells."""
    nodata: int | None = None
    """Number that means nodata in a file of such bands; None where it is 0, as ESA writes it."""

    @property
    def band_number(self) -> int:
        """Band to read, counted from 1."""
        return self.band or 1


class Product(Noun):
    """One Sentinel-2 L2A product: what it is, where its rasters lie, how they are read."""

    name: str
    """Product name without ``.SAFE``."""
    path: str
    """Folder of the product."""
    tile: str
    """Tile id, ``31UDS``."""
    spacecraft: str
    """``S2A`` … ``S2D``."""
    datatake: datetime
    """Sensing start of the datatake, UTC."""
    relative_orbit: int
    """1 … 143; 0 where unknown."""
    baseline: int
    """Processing baseline as an integer, 05.09 → 509."""
    generated: datetime
    """Generation time, UTC."""
    discriminator: str
    """Last field of the name: tells products of one datatake and tile apart."""
    cloud_percent: float
    """Medium, high and cirrus cloud, % of valid pixels."""
    nodata_percent: float
    """Nodata, % of all pixels."""
    sun_zenith: float | None
    """Mean solar zenith angle, degrees."""
    sun_azimuth: float | None
    """Mean solar azimuth, degrees clockwise from north."""
    view_zenith: float | None = None
    """Mean viewing zenith angle of all bands, degrees, where no grid of angles tells more."""
    view_azimuth: float | None = None
    """Mean viewing azimuth, degrees clockwise from north."""
    offset_decision: OffsetDecision
    """How the radiometric offset was decided: product metadata, the provider's word, the
    baseline because metadata were missing, a look at the pixels, or a person's word."""
    files: tuple[ProductFile, ...]
    """Rasters at the best resolution of each layer."""
    warnings: tuple[str, ...] = ()
    """What looked odd while reading, one sentence each."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order of the files."""
        return tuple(file.layer for file in self.files)

    def file(self, layer: str) -> ProductFile | None:
        """Find the raster of a layer; None where the product lacks it."""
        return next((file for file in self.files if file.layer == layer), None)

    @property
    def useful_percent(self) -> float:
        """Share of all pixels that are neither nodata nor cloud, %.

        Method: docs/methods/products.md#metadata.
        """
        return (100 - self.nodata_percent) * (100 - self.cloud_percent) / 100

    @property
    def acquisition(self) -> tuple[str, datetime, int, str]:
        """What makes two products copies of one acquisition.

        To the second: metadata carry milliseconds, product names do not.
        """
        second = self.datatake.replace(microsecond=0)
        return self.spacecraft, second, self.relative_orbit, self.tile
