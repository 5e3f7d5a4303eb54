"""What a tile has in a window of a mosaic: copied on its lattice, or warped from another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Grid, Window
from landcover.parts.mapping.footprints import projection
from landcover.raster.feather import PROBABILITY_NODATA, Part
from landcover.raster.halos import smoothing_halo
from landcover.raster.levels import Codes, SecondPart, take_second
from landcover.raster.mosaic import margin_to_edge, overlap_of, paste
from landcover.raster.resample import Places, find_places, take_bilinear, take_nearest
from landcover.raster.smoothing import smooth_probabilities
from landcover.stores.rasters import Opened, RasterReader

CLASS_NODATA = 0


class Smoothing(NamedTuple):
    """How probabilities follow those around, see :mod:`landcover.raster.smoothing`."""

    smoothness: float
    window: int


@dataclass(frozen=True)
class Source:
    """One tile's rasters and the grid it takes in the mosaic."""

    tile: str
    paths: dict[str, str]
    """File name → where GDAL opens it."""
    grid: Grid
    smoothing: Smoothing | None = None
    """How its probabilities are smoothed; None leaves them."""


class Place:
    """Where a window of the mosaic lies on a tile."""

    def __init__(self, window: Window, at: Window | Places, source: Window, opened: Opened) -> None:
        self._shape = (window.height, window.width)
        self._opened = opened
        self._at = at
        self._source = source

    def take(self, path: str, nodata: float) -> NDArray[np.generic]:
        """Read the first band of a raster: copied, or the nearest pixel."""
        part: NDArray[np.generic] = self._opened(path).read(self._source, band=1)
        if isinstance(self._at, Places):
            return take_nearest(part, self._at, nodata)
        return paste(part, self._at, self._shape, nodata)

    def second(self, path: str, classes: Codes, parents: Codes) -> Codes:
        """Read codes of the second level: copied, or those near that belong to the class."""
        part: Codes = self._opened(path).read(self._source, band=1)
        if isinstance(self._at, Places):
            return take_second(part, self._at, classes, parents)
        return paste(part, self._at, self._shape, CLASS_NODATA)

    def probabilities(self, path: str, smoothing: Smoothing | None = None) -> Codes:
        """Read all bands of probabilities: smoothed if wanted, then copied or interpolated."""
        part = _read_smoothed(self._opened(path), self._source, smoothing)
        if isinstance(self._at, Places):
            return take_bilinear(part, self._at)
        return np.stack([paste(band, self._at, self._shape, PROBABILITY_NODATA) for band in part])

    @property
    def is_warped(self) -> bool:
        """True where the tile has another lattice."""
        return isinstance(self._at, Places)


def _read_smoothed(raster: RasterReader, window: Window, smoothing: Smoothing | None) -> Codes:
    if smoothing is None:
        part: Codes = raster.read(window)
        return part
    grid = raster.info.grid
    assert grid is not None  # the tile's map was written by us
    seen = window.widened(smoothing_halo(smoothing.window), grid.shape)
    smoothed = smooth_probabilities(raster.read(seen), *smoothing)
    rows, columns = window.within(seen).slices
    return smoothed[:, rows, columns]


def find_place(
    source: Source, target: Grid, window: Window, opened: Opened
) -> tuple[Place, NDArray[np.float32]] | None:
    """Find where a window of the mosaic lies on a tile.

    Args:
        source: The tile; on the lattice of the mosaic where CRS and pixel agree.
        target: Grid of the mosaic.
        window: Window of it.
        opened: Opens the tile's rasters.

    Returns:
        The place, and the distance of each pixel from the tile's edge, unit of the tile's CRS,
        negative outside; None where the tile has none of the pixels.
    """
    if (source.grid.crs, source.grid.pixel) == (target.crs, target.pixel):
        overlap = overlap_of(source.grid, target, window)
        if overlap is None:
            return None
        margin = margin_to_edge(source.grid, window, target)
        return Place(window, overlap.target, overlap.source, opened), margin
    project = projection(target.crs, source.grid.crs)
    places = find_places(source.grid, target, window, project)
    return places and (Place(window, places, places.source, opened), places.margin)


@dataclass(frozen=True)
class ClassPart:
    """Class and confidence of a tile in a window of the mosaic."""

    order: int
    tile: str
    place: Place
    margin: NDArray[np.float32]
    classes: NDArray[np.uint8]
    confidence: NDArray[np.uint8]
    probabilities: NDArray[np.uint8] | None
    """Read already where the class follows from them; None where they are read when needed."""

    def for_feather(self, path: str) -> Part:
        """Add the probabilities."""
        found = self.shares(path)
        return Part(self.order, self.classes, self.confidence, self.margin, found)

    def shares(self, path: str) -> NDArray[np.uint8]:
        """Give the probabilities of all classes, (class, y, x), read where they were not yet."""
        found = self.probabilities
        return self.place.probabilities(path) if found is None else found

    def for_second(self, path: str, parents: Codes) -> SecondPart:
        """Read the second level."""
        return SecondPart(self.order, self.place.second(path, self.classes, parents), self.margin)


def read_class_part(
    order: int,
    source: Source,
    target: Grid,
    window: Window,
    codes: tuple[int, ...],
    names: tuple[str, str, str],
    opened: Opened,
) -> ClassPart | None:
    """Read class and confidence of a tile in a window of the mosaic.

    Where probabilities are smoothed, or the tile is warped and has them, the class is the
    likeliest one; ties take the nearest pixel's class, then the lower code. Otherwise it is the
    nearest pixel's.

    Args:
        order: Place of the tile in the order of ids.
        source: The tile.
        target: Grid of the mosaic.
        window: Window of it.
        codes: Codes of the probabilities' bands.
        names: File names of classes, confidence and probabilities.
        opened: Opens the tile's rasters.

    Returns:
        The part; None where the tile has none of the pixels.
    """
    found = find_place(source, target, window, opened)
    if found is None:
        return None
    place, margin = found
    by_class, by_confidence, by_probability = names
    classes = np.asarray(place.take(source.paths[by_class], CLASS_NODATA), dtype=np.uint8)
    confidence = np.asarray(
        place.take(source.paths[by_confidence], PROBABILITY_NODATA), dtype=np.uint8
    )
    probabilities = None
    if (place.is_warped or source.smoothing) and by_probability in source.paths:
        probabilities = place.probabilities(source.paths[by_probability], source.smoothing)
        is_valid = classes != CLASS_NODATA
        best = probabilities.max(axis=0)
        confidence = np.where(is_valid, best, np.uint8(PROBABILITY_NODATA))
        likeliest = np.asarray(codes, dtype=np.uint8)[probabilities.argmax(axis=0)]
        for code, band in zip(codes, probabilities, strict=True):
            likeliest[(classes == code) & (band == best)] = code
        classes = np.where(is_valid, likeliest, np.uint8(CLASS_NODATA))
    return ClassPart(order, source.tile, place, margin, classes, confidence, probabilities)
