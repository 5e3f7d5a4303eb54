"""Read a netCDF file of images along time, as openEO, Earth Engine tools and xarray write them."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.stores.rasters.reading import GDAL_OPTIONS, Array, reading

_UNITS = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1000,
          "milliseconds": 1}  # fmt: skip
# Rows as they are stored: GDAL would turn those of files whose place it does not know.
_OPTIONS = {**GDAL_OPTIONS, "GDAL_NETCDF_BOTTOMUP": "NO"}
_SINCE = re.compile(r"(\w+) since (\S+)(?:[ T](\S+))?.*")
_TOLERANCE = 1e-3
"""Most that centres of pixels may differ from even steps, in steps."""


@dataclass(frozen=True)
class ImageSeries:
    """A netCDF file with images along time on one grid."""

    path: Path
    grid: Grid
    """Grid of every image, from the coordinates x and y, the centres of the pixels."""
    times: NDArray[np.datetime64]
    """Time of each image, UTC."""
    images: tuple[str, ...]
    """Variables (time, y, x)."""
    tags: Mapping[str, str]
    """Attributes of the file."""
    is_south_up: bool
    """Whether the file stores the southernmost row first."""

    def read(self, image: str, number: int) -> tuple[Array, float | None]:
        """Read an image as it is stored: no scale is applied.

        Args:
            image: Name of the variable.
            number: Which time, counted from 0.

        Returns:
            (y, x) in the file's own type, and the number that means nodata, if any.

        Raises:
            InputError: It cannot be read.
        """
        with _variable(self.path, image) as dataset:
            pixels = reading(str(self.path), lambda: dataset.read(number + 1))
            return np.ascontiguousarray(pixels[:: -1 if self.is_south_up else 1]), dataset.nodata

    def is_wrapped(self, image: str) -> bool:
        """Tell whether unsigned numbers are stored in signed integers (``_Unsigned``)."""
        with _variable(self.path, image) as dataset:
            return str(dataset.tags(1).get("_Unsigned", "")).lower() == "true"

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """Read a variable of one number a time, such as a mean angle.

        Returns:
            (time), NaN where nothing is known; None where there is no such variable.
        """
        found = _numbers(self.path, name)
        return found if found is not None and len(found) == len(self.times) else None


def read_netcdf(path: str | Path) -> ImageSeries:
    """Read what a netCDF file of images holds, without their pixels.

    Args:
        path: A file with coordinates x and y (metres), and variables of the dimensions (time, y,
            x), whatever the first one is called. The reference system stands in a grid mapping, or
            as attribute ``crs`` or ``epsg``.

    Raises:
        InputError: It is absent or no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file.")
    with _opened(str(file)) as dataset:
        names = [name.rpartition(":")[2] for name in dataset.subdatasets]
        attributes = dataset.tags()
    if not names:
        raise InputError(
            f"{file}: holds no two variables over x and y. Expected one variable a band, each "
            "(time, y, x)."
        )
    tags = {k.rpartition("#")[2]: v for k, v in attributes.items() if k.startswith("NC_GLOBAL#")}
    x, y = _numbers(file, "x"), _numbers(file, "y")
    if x is None or y is None:
        raise InputError(f"{file}: has no coordinates x and y, so nobody knows where it lies.")
    with _variable(file, names[0]) as dataset:
        axis = dataset.tags().get("NETCDF_DIM_EXTRA", "").strip("{}")
        crs = dataset.crs.to_epsg() if dataset.crs else tags.get("epsg")
    if not crs:
        raise InputError(f"{file}: names no reference system. Add the attribute epsg = 32631.")
    times = _times(file, axis)
    is_south_up = y[-1] > y[0]
    return ImageSeries(
        path=file,
        grid=_grid(file, f"EPSG:{crs}", x, y[::-1] if is_south_up else y),
        times=times,
        images=tuple(names),
        tags=tags,
        is_south_up=bool(is_south_up),
    )


def _times(path: Path, axis: str) -> NDArray[np.datetime64]:
    if not axis or "," in axis:
        raise InputError(
            f"{path}: expected variables of the dimensions (time, y, x), found {axis or 'no time'}."
        )
    values, unit = _numbers(path, axis), ""
    if values is not None:
        with _variable(path, axis) as dataset:
            unit = dataset.tags(1).get("units", "")
    match = _SINCE.fullmatch(unit)
    if values is None or match is None or match[1].lower() not in _UNITS:
        raise InputError(
            f"{path}: {axis}: expected units such as 'days since 2018-01-01', found {unit!r}."
        )
    try:
        start = np.datetime64(f"{match[2]}T{(match[3] or '00:00:00')[:8]}", "ms")
    except ValueError as error:
        raise InputError(f"{path}: {axis}: {unit!r} names no date ({error}).") from error
    steps = np.rint(values * _UNITS[match[1].lower()])
    times: NDArray[np.datetime64] = start + steps.astype("timedelta64[ms]")
    return times


def _numbers(path: Path, name: str) -> NDArray[np.float64] | None:
    """Read a variable of one dimension; None where there is none."""
    try:
        with _silent(), _variable(path, name) as dataset:
            if dataset.count != 1 or dataset.height != 1:
                return None
            numbers = dataset.read(1)[0].astype(np.float64)
            numbers[numbers == dataset.nodata] = np.nan
            return np.asarray(numbers, np.float64)
    except (InputError, RasterioError):
        return None


def _grid(path: Path, crs: str, x: NDArray[np.float64], y: NDArray[np.float64]) -> Grid:
    if len(x) < 2 or len(y) < 2:
        raise InputError(f"{path}: {len(y)}x{len(x)} px, expected 2 or more along both sides.")
    pixel = (x[-1] - x[0]) / (len(x) - 1)
    right = np.abs(np.diff(x) - pixel).max() <= _TOLERANCE * abs(pixel)
    down = np.abs(np.diff(y) + pixel).max() <= _TOLERANCE * abs(pixel)
    if not (pixel > 0 and right and down):
        raise InputError(
            f"{path}: x and y are not the centres of square pixels in even steps, x from west to "
            "east. Resample the images first."
        )
    return Grid(
        crs=crs, ulx=float(x[0] - pixel / 2), uly=float(y[0] + pixel / 2), pixel=float(pixel),
        width=len(x), height=len(y),
    )  # fmt: skip


@contextmanager
def _silent() -> Iterator[None]:
    """Let GDAL not warn of a variable that is only asked for."""
    log = logging.getLogger("rasterio._env")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@contextmanager
def _variable(path: Path, name: str) -> Iterator[DatasetReader]:
    with _opened(f'NETCDF:"{path}":{name}') as dataset:
        yield dataset


@contextmanager
def _opened(text: str) -> Iterator[DatasetReader]:
    with rasterio.Env(**_OPTIONS), warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(text, driver="netCDF")
        except RasterioError as error:
            raise InputError(f"{text}: cannot be read as netCDF ({error}).") from error
        with dataset:
            yield dataset
