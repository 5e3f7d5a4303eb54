"""Flat GeoTIFF products: what exports and other processors leave, described by a person.

One file with a band a layer, or a folder with several; names of bands or an order given, offset
given (docs/methods/products.md#layouts-on-disk). What a name or a tag does not tell stands in
``flat-products.yaml`` (:mod:`landcover.products.flat_description`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from landcover.errors import InputError
from landcover.nouns.product import Product, ProductFile
from landcover.products.flat_bands import layers_of
from landcover.products.flat_description import (
    DESCRIPTION,
    FlatDescription,
    geotiffs,
    read_description,
)
from landcover.products.flat_description import is_flat as is_flat
from landcover.products.flat_naming import date_in, spacecraft_in, tile_in
from landcover.products.naming import parse_name, parse_time
from landcover.products.rasters import agree, work_grid
from landcover.products.safe import FIRST_BASELINE_WITH_OFFSET
from landcover.tiling import tile_grid

if TYPE_CHECKING:
    from landcover.nouns.grid import Grid
    from landcover.stores.rasters import RasterInfo

_SCALES = {"SCL": 1.0, "AOT": 1000.0, "WVP": 1000.0}
_BOA_SCALE = 10000.0
_KINDS = ("uint8", "uint16", "int16")


class _Band(NamedTuple):
    """A band of a file that holds a layer."""

    layer: str
    path: Path
    number: int
    info: RasterInfo


def read_flat(path: Path) -> Product:
    """Read what a described folder or GeoTIFF is, without its pixels.

    Shares of cloud and nodata that nobody says are counted in a thinned-out SCL.

    Raises:
        InputError: A raster is damaged or of another kind than expected, or tile, date, layers or
            offset are told neither by names and tags nor by the description.
    """
    files = geotiffs(path) if path.is_dir() else [path]
    infos = {file: _info(file) for file in files}
    tags = {k.lower(): value for info in infos.values() for k, value in info.tags.items()}
    said = read_description(path, tags)
    bands, warnings = _bands(path, infos, said)
    name = name_of(path)
    parsed = parse_name(name)
    tile = _tile(path, name, said, tags)
    rasters = tuple(_file(band, said, path) for band in bands)
    agree(path, rasters)
    _require_on_tile(path, work_grid(rasters), tile)
    cloud, nodata, more = _shares(rasters, said)
    datatake = _date(path, name, said, tags)
    return Product(
        name=name,
        path=str(path),
        tile=tile,
        spacecraft=said.spacecraft or spacecraft_in(name) or "S2",
        datatake=datatake,
        relative_orbit=said.relative_orbit or (parsed.relative_orbit if parsed else 0),
        baseline=_baseline(said) or (parsed.baseline if parsed else 0),
        generated=parse_time(parsed.discriminator) if parsed else datatake,
        discriminator=parsed.discriminator if parsed else "",
        cloud_percent=cloud,
        nodata_percent=nodata,
        sun_zenith=said.sun_zenith,
        sun_azimuth=said.sun_azimuth,
        view_zenith=said.view_zenith,
        view_azimuth=said.view_azimuth,
        offset_decision="given",
        files=rasters,
        warnings=(*warnings, *more),
    )


def name_of(path: Path) -> str:
    """Name a product by its folder or file."""
    return path.name.removesuffix(".SAFE") if path.is_dir() else path.stem


def told_outside(path: Path) -> tuple[str | None, datetime | None]:
    """Give tile and date of a product as far as they are known without opening a raster."""
    try:
        said, name = read_description(path), name_of(path)
        tile = said.tile or tile_in(name)
        return tile, parse_time(said.date) if said.date else date_in(name)
    except (InputError, ValueError, OverflowError):
        return None, None  # what is wrong is said where the product is read


def _info(path: Path) -> RasterInfo:
    # A folder is known for a product by its names; who reads no raster imports no GDAL.
    from landcover.stores.rasters import TIFF_ONLY, describe

    info = describe(path, TIFF_ONLY)
    if info.grid is None:
        raise InputError(f"{path}: {info.trouble}")
    if info.dtype not in _KINDS:
        raise InputError(
            f"{path}: pixels are {info.dtype}, expected digital numbers as {', '.join(_KINDS)}. "
            "Convert reflectance, for example with gdal_translate -ot UInt16 -scale 0 1 0 10000."
        )
    return info


def _bands(
    path: Path, infos: Mapping[Path, RasterInfo], said: FlatDescription
) -> tuple[list[_Band], tuple[str, ...]]:
    """Find the finest band of each layer, in the order of the layers."""
    best: dict[str, _Band] = {}
    unused: list[str] = []
    for file, info in infos.items():
        layers, rest = layers_of(file, info.descriptions, said)
        unused += rest
        for number, layer in layers.items():
            band = _Band(layer, file, number, info)
            other = best.setdefault(layer, band)
            if other is not band and _pixel(other) == _pixel(band):
                raise InputError(
                    f"{path}: {layer} is there twice, as band {other.number} of {other.path.name} "
                    f"and band {number} of {file.name}. Keep one, or name them in {DESCRIPTION}."
                )
            best[layer] = min(other, band, key=_pixel)
    if not best:
        raise InputError(
            f"{path}: no band is named as a layer (found {', '.join(unused) or 'no names'}). Give "
            f"their order as bands: [B02, …] in {DESCRIPTION}, or names: {{name: B02}}."
        )
    warning = f"bands that are no layers are not used: {', '.join(unused)}."
    return [best[layer] for layer in sorted(best)], (warning,) if unused else ()


def _pixel(band: _Band) -> float:
    assert band.info.grid is not None  # _info has refused others
    return band.info.grid.pixel


def _file(band: _Band, said: FlatDescription, path: Path) -> ProductFile:
    assert band.info.grid is not None
    scale, offset = _SCALES.get(band.layer), 0
    if scale is None:
        scale, offset = _radiometry(band, said, path)
    nodata = said.nodata if said.nodata is not None else band.info.nodata
    if nodata is not None and (nodata != nodata or int(nodata) != nodata):
        raise InputError(f"{band.path}: nodata {nodata:g}, expected a whole number.")
    return ProductFile(
        layer=band.layer,
        href=str(band.path),
        grid=band.info.grid,
        block=band.info.block,
        scale=scale,
        offset=offset,
        band=band.number,
        nodata=None if nodata is None else int(nodata),
    )


def _radiometry(band: _Band, said: FlatDescription, path: Path) -> tuple[float, int]:
    """Decide scale and offset: the description, the band's own, or a baseline without one."""
    own_scale, own_offset = band.info.scalings[band.number - 1]
    has_own = (own_scale, own_offset) != (1.0, 0.0)
    if has_own and not 0 < own_scale < float("inf"):
        raise InputError(f"{band.path}: its bands say scale {own_scale:g}, expected above 0.")
    scale = said.scale or (round(1 / own_scale, 6) if has_own else _BOA_SCALE)
    if said.offset is not None:
        return scale, said.offset
    if has_own:
        return scale, round(own_offset / own_scale)
    parsed = parse_name(path.name)
    baseline = _baseline(said) or (parsed.baseline if parsed else None)
    if baseline is not None and baseline < FIRST_BASELINE_WITH_OFFSET:
        return scale, 0
    raise InputError(
        f"{path}: nothing says the radiometric offset of its bands. Write offset: 0 or "
        f"offset: -1000 into {DESCRIPTION}: products since baseline 04.00 (January 2022) and "
        "reprocessed older ones have -1000 unless it was taken off."
    )


def _baseline(said: FlatDescription) -> int | None:
    return None if said.baseline is None else round(100 * float(said.baseline))


def _tile(path: Path, name: str, said: FlatDescription, tags: Mapping[str, str]) -> str:
    tile = said.tile or tile_in(name) or tile_in(tags.get("tile", ""))
    if tile is None:
        raise InputError(
            f"{path}: neither its name nor {DESCRIPTION} names a tile. Write tile: 31UDS there."
        )
    return tile


def _date(path: Path, name: str, said: FlatDescription, tags: Mapping[str, str]) -> datetime:
    text = said.date
    try:
        found = parse_time(text) if text else date_in(name)
        if found is None and (text := tags.get("date")):
            found = parse_time(text)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: expected a date, found {text or name!r} ({error}).") from error
    if found is None:
        raise InputError(
            f"{path}: neither its name nor a tag nor {DESCRIPTION} tells the date. Put it into the "
            "name, as 20180605 or 2018-06-05."
        )
    return found


def _require_on_tile(path: Path, grid: Grid, tile: str) -> None:
    expected = tile_grid(tile)
    if grid.crs != expected.crs:
        raise InputError(
            f"{path}: lies in {grid.crs[:60]}, tile {tile} in {expected.crs}. Warp it there, for "
            f"example with gdalwarp -t_srs {expected.crs}."
        )
    left, bottom, right, top = grid.bounds
    west, south, east, north = expected.bounds
    if right <= west or left >= east or top <= south or bottom >= north:
        raise InputError(
            f"{path}: {grid.describe()} lies outside tile {tile}. Correct tile or georeference."
        )


def _shares(
    files: Sequence[ProductFile], said: FlatDescription
) -> tuple[float, float, tuple[str, ...]]:
    """Give cloud and nodata, %, as they are said or counted in SCL."""
    known = said.cloud_percent, said.nodata_percent
    if known[0] is not None and known[1] is not None:
        return known[0], known[1], ()
    scl = next((file for file in files if file.layer == "SCL"), None)
    if scl is None:
        text = "neither SCL nor cloud_percent and nodata_percent are there; 0 is taken."
        return known[0] or 0.0, known[1] or 0.0, (text,)
    cloud, nodata = _counted(scl)
    return (
        cloud if known[0] is None else known[0],
        nodata if known[1] is None else known[1],
        (),
    )


def _counted(scl: ProductFile) -> tuple[float, float]:
    import numpy as np

    from landcover.products.numbers import as_classes
    from landcover.products.stac_item import LOOK_PX
    from landcover.stores.rasters import read_overview

    codes = as_classes(scl, read_overview(scl.href, LOOK_PX, scl.band_number))
    n_valid = int((codes > 0).sum())
    n_cloud = int(np.isin(codes, (8, 9, 10)).sum())
    return round(100 * n_cloud / max(1, n_valid), 4), round(100 * (1 - n_valid / codes.size), 4)
