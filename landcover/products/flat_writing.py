"""Write images along time as flat GeoTIFF products: a folder a date, a file a band."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.products.flat_bands import layer_named
from landcover.products.flat_checks import UNDECLARED, is_number, look_at, oddities
from landcover.products.flat_description import DESCRIPTION, FlatDescription
from landcover.stores.rasters import RasterStyle, write_raster
from landcover.stores.rasters.netcdf import ImageSeries, read_netcdf

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "sun_zenith": ("sun_zenith", "sunZenithAngles"),
    "sun_azimuth": ("sun_azimuth", "sunAzimuthAngles"),
    "view_zenith": ("view_zenith", "viewZenithMean"),
    "view_azimuth": ("view_azimuth", "viewAzimuthMean"),
    "cloud_percent": ("cloud_percent",),
    "nodata_percent": ("nodata_percent",),
}
"""Key of a description → variables of one number a date that tell it; others are what openEO
and Sentinel Hub call them."""
TYPES = ("uint8", "uint16", "int16")
Progress = Callable[[str, float], None]


def write_flat_products(
    files: Sequence[str | Path],
    folder: str | Path,
    *,
    tile: str,
    offset: int,
    scale: float = 10_000.0,
    names: Mapping[str, str] | None = None,
    progress: Progress = lambda what, share: None,
    tell: Callable[[str], None] = lambda sentence: None,
    are_composites: bool = False,
) -> list[Path]:
    """Write the dates of netCDF files as products that ``landcover run --products`` takes.

    Args:
        files: netCDF files of one place and the same dates, such as one a resolution. Variables
            (time, y, x) that are called as layers become bands, as they are stored; variables of
            mean angles become tags of the date.
        folder: Where the products and their description go; it must not have any.
        tile: Tile that the images are of.
        offset: Radiometric offset of the numbers, 0 or −1000.
        scale: Reflectance = (number + offset) / scale.
        names: Variable → layer, where they are called otherwise.
        progress: Is told what is written and the share that is done.
        tell: Is told what is odd about the images, a sentence each.
        are_composites: The images are cloud-free composites: an SCL is written that says clear
            where any band has a number.

    Returns:
        The folders of the products, by date.

    Raises:
        InputError: The images are composites and have an SCL, the files differ in dates, a layer
            is there twice or in none of them, numbers are of another type than digital numbers, or
            the folder has products already.
    """
    target = Path(folder)
    if (target / DESCRIPTION).exists():
        raise InputError(f"{target}: has products already ({DESCRIPTION}). Name another folder.")
    series = [read_netcdf(file) for file in files]
    times = _same_times(series)
    layers = _layers(series, FlatDescription(names=names or {}))
    told = _told(series)
    if are_composites and "SCL" in layers:
        raise InputError(f"{files[0]}: composites have no SCL, and there is one. Leave one out.")
    nodata_percent, undeclared = _look(layers, times, tell)
    if "nodata_percent" not in told and nodata_percent is not None:
        told["nodata_percent"] = nodata_percent
    written = []
    for number, time in enumerate(times):
        name = f"{tile}_{np.datetime_as_string(time, unit='s').replace('-', '').replace(':', '')}"
        progress(name, number / len(times))
        if target / name in written:
            raise InputError(f"{files[0]}: two images of {time}. Keep one.")
        (target / name).mkdir(parents=True)
        tags = {k: f"{v[number]:.6g}" for k, v in told.items() if np.isfinite(v[number])}
        for layer, (one, image) in layers.items():
            path = target / name / f"{layer}.tif"
            _write(path, layer, one, image, number, tags, is_undeclared=layer in undeclared)
        if are_composites:
            _write_clear(target / name, layers, number, tags)
        written.append(target / name)
    said = {"product": "folder", "tile": tile, "scale": scale, "offset": offset}
    (target / DESCRIPTION).write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return written


def _write(
    path: Path,
    layer: str,
    one: ImageSeries,
    image: str,
    number: int,
    tags: Mapping[str, str],
    *,
    is_undeclared: bool,
) -> None:
    pixels, nodata = one.read(image, number)
    nodata = UNDECLARED if is_undeclared else nodata
    if pixels.dtype.name not in TYPES:
        raise InputError(
            f"{one.path}: {image} is {pixels.dtype}, expected digital numbers as "
            f"{', '.join(TYPES)}. Write reflectance x 10000, rounded, as uint16."
        )
    style = RasterStyle(dtype=pixels.dtype.name, nodata=nodata, descriptions=(layer,), tags=tags)
    write_raster(path, pixels, one.grid, style)


def _write_clear(
    folder: Path,
    layers: Mapping[str, tuple[ImageSeries, str]],
    number: int,
    tags: Mapping[str, str],
) -> None:
    """Write an SCL of a composite: clear (4) where any band has a number, 0 elsewhere."""
    bands = [(*where, layer) for layer, where in layers.items() if layer.startswith("B")]
    if not bands:
        raise InputError(f"{folder.name}: no band, so nobody knows where the composite is clear.")
    coarsest = max(bands, key=lambda band: band[0].grid.pixel)[0].grid
    is_known = np.zeros(coarsest.shape, dtype=np.bool_)
    for one, image, _ in bands:
        if one.grid == coarsest:
            is_known |= is_number(*one.read(image, number))
    scl = np.where(is_known, 4, 0).astype(np.uint8)
    style = RasterStyle(dtype="uint8", nodata=None, descriptions=("SCL",), tags=tags)
    write_raster(folder / "SCL.tif", scl, coarsest, style)


def _look(
    layers: Mapping[str, tuple[ImageSeries, str]],
    times: NDArray[np.datetime64],
    tell: Callable[[str], None],
) -> tuple[NDArray[np.float64] | None, set[str]]:
    """Tell what is odd about the images.

    Returns:
        Nodata of each date by its first band, %, None where SCL tells it; and the layers whose
        nodata number is not declared.
    """
    bands = {layer: where for layer, where in layers.items() if layer.startswith("B")}
    looks = {
        layer: [look_at(time, *one.read(image, n)) for n, time in enumerate(times)]
        for layer, (one, image) in bands.items()
    }
    if not looks:
        return None, set()
    wrapped = [layer for layer, (one, image) in bands.items() if one.is_wrapped(image)]
    for sentence in oddities(looks, wrapped):
        tell(sentence)
    first = next(iter(looks.values()))
    nodata = None if "SCL" in layers else np.array([look.nodata_percent for look in first])
    undeclared = {n for n, of in looks.items() if any(look.undeclared_percent for look in of)}
    return nodata, undeclared


def _same_times(series: Sequence[ImageSeries]) -> NDArray[np.datetime64]:
    times = series[0].times
    for other in series[1:]:
        if not np.array_equal(other.times, times):
            raise InputError(
                f"{other.path}: {len(other.times)} dates, {series[0].path} has {len(times)} or "
                "others. Give files of the same dates."
            )
    return times


def _layers(
    series: Sequence[ImageSeries], said: FlatDescription
) -> dict[str, tuple[ImageSeries, str]]:
    """Find the layers among the variables of all files."""
    found: dict[str, tuple[ImageSeries, str]] = {}
    for one in series:
        for image in one.images:
            layer = layer_named(image, said)
            if layer is None:
                continue
            if layer in found:
                raise InputError(f"{one.path}: {layer} is in {found[layer][0].path} as well.")
            found[layer] = one, image
    if not found:
        names = ", ".join(image for one in series for image in one.images)
        raise InputError(f"{series[0].path}: no variable is called as a layer (found {names}).")
    return found


def _told(series: Sequence[ImageSeries]) -> dict[str, NDArray[np.float64]]:
    """Read what the files tell of each date beside its pixels."""
    told = {}
    for key, names in NUMBERS.items():
        asked = (one.numbers(name) for name in names for one in series)
        found = next((numbers for numbers in asked if numbers is not None), None)
        if found is not None:
            told[key] = found
    return told
