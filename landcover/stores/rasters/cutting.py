"""Parts of rasters on geographic grids: found, named by their content, cut out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.errors import RasterioError

from landcover.errors import InputError
from landcover.nouns.grid import Window
from landcover.stores import vsi
from landcover.stores.rasters.reading import GDAL_OPTIONS, Array, RasterReader, open_raster
from landcover.stores.rasters.writing import unwritable

_DIGITS = 9
"""Decimals of a degree that tell grids apart: 0.1 mm."""


@dataclass(frozen=True)
class Part:
    """A rectangle of a raster."""

    path: str
    """What GDAL opens."""
    window: Window
    digest: str
    """16 hex digits of the SHA-256 over pixels, their type, nodata and place: the same part has
    the same name in whatever file it lies."""


def find_part(path: str | Path, box: tuple[float, float, float, float], margin: int) -> Part | None:
    """Find the part of a raster that a box touches.

    Args:
        path: A raster on a geographic grid, north up; its first band counts.
        box: (west, south, east, north), degrees.
        margin: Pixels added on each side, as far as the raster goes.

    Returns:
        The part; None where the raster does not touch the box.

    Raises:
        InputError: The raster is damaged or truncated, or its CRS is not geographic.
    """
    with open_raster(path) as raster:
        window = _window(raster, box, margin)
        if window is None:
            return None
        source = raster.dataset
        pixels = raster.read(window, band=1)
        place = _moved(source.transform, window)
        return Part(str(path), window, _digest(pixels, place, source.nodata))


def write_part(part: Part, path: Path) -> None:
    """Write a part as a GeoTIFF of its own, with the pixels, type, nodata and lattice it has.

    Raises:
        InputError: The raster is absent, damaged or truncated.
        UnavailableError: The disk is full, or the server of the raster is away.
    """
    with open_raster(part.path) as raster:
        _write_window(raster, part.window, path)


def write_box(
    source: str | Path, box: tuple[float, float, float, float], margin: int, path: Path
) -> None:
    """Write the part of a raster that a box touches; of a COG, only its blocks are read.

    Args:
        source: A raster on a geographic grid.
        box: (west, south, east, north), degrees.
        margin: Pixels added on each side, as far as the raster goes.
        path: Where the part goes.

    Raises:
        InputError: The raster is absent, damaged or truncated, or does not touch the box.
        UnavailableError: The disk is full, or the server of the raster is away.
    """

    def write() -> None:
        with open_raster(source) as raster:
            window = _window(raster, box, margin)
            if window is None:
                raise InputError(
                    f"{source}: the raster does not lie where its name says. Deliver it again."
                )
            _write_window(raster, window, path)

    # What broke off in the middle of an answer stays in the memory of an open file: open it anew.
    vsi.patiently(str(source), write, InputError)


def write_level(like: str | Path, shift: tuple[int, int], path: Path) -> None:
    """Write a raster of zeros on the lattice of another one, moved by whole degrees.

    Args:
        like: The other raster: an elevation cell of one degree.
        shift: Degrees to the north and to the east.
        path: Where the zeros go.
    """
    with open_raster(like) as raster:
        source = raster.dataset
        north, east = shift
        place = source.transform
        moved = Affine(place.a, 0.0, place.c + east, 0.0, place.e, place.f + north)
        zeros = np.zeros(source.shape, np.dtype(source.dtypes[0]))
        _write(path, zeros, source.crs, moved, source.nodata)


def _window(
    raster: RasterReader, box: tuple[float, float, float, float], margin: int
) -> Window | None:
    crs, place = raster.dataset.crs, raster.dataset.transform
    if crs is None or not crs.is_geographic or place.a <= 0 or place.e >= 0 or place.b or place.d:
        found = "no CRS" if crs is None else f"{crs.to_string()} with pixel {place.a} x {place.e}"
        raise InputError(
            f"{raster.dataset.name}: expected an elevation cell in degrees, north up, found "
            f"{found}. Deliver the cell as its provider publishes it, or give one raster instead "
            "of a folder."
        )
    west, south, east, north = box
    rows, columns = raster.dataset.shape
    # A box across the antimeridian counts beyond 180 degrees, a cell behind it from -180.
    turns = 360 * round(((west + east) / 2 - (place.c + place.a * columns / 2)) / 360)
    window = Window.between(
        floor((north - place.f) / place.e),
        floor((west - turns - place.c) / place.a),
        ceil((south - place.f) / place.e),
        ceil((east - turns - place.c) / place.a),
    ).widened(margin, (rows, columns))
    return None if window.is_empty else window


def _moved(transform: Affine, window: Window) -> Affine:
    return Affine(
        transform.a,
        0.0,
        transform.c + window.column * transform.a,
        0.0,
        transform.e,
        transform.f + window.row * transform.e,
    )


def _digest(pixels: NDArray[np.generic], place: Affine, nodata: float | None) -> str:
    head = {
        "dtype": pixels.dtype.newbyteorder("<").str,
        "shape": list(pixels.shape),
        "nodata": repr(nodata),
        "place": [f"{number:.{_DIGITS}f}" for number in (place.a, place.c, place.e, place.f)],
    }
    digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    little = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False)
    digest.update(np.ascontiguousarray(little).tobytes())
    return digest.hexdigest()[:16]


def _write_window(raster: RasterReader, window: Window, path: Path) -> None:
    source = raster.dataset
    pixels = raster.read(window, band=1)
    _write(path, pixels, source.crs, _moved(source.transform, window), source.nodata)


def _write(path: Path, pixels: Array, crs: object, place: Affine, nodata: float | None) -> None:
    profile = {
        "driver": "GTiff",
        "dtype": pixels.dtype,
        "count": 1,
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "crs": crs,
        "transform": place,
        "nodata": nodata,
        "compress": "ZSTD",
        "zstd_level": 1,
    }
    with rasterio.Env(**GDAL_OPTIONS):
        try:
            with rasterio.open(path, "w", **profile) as dataset:
                dataset.write(pixels, 1)
        except RasterioError as error:
            raise unwritable(str(path), error) from error
