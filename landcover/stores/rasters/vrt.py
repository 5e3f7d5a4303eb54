"""Virtual rasters over files that lie beside them, with relative names: a folder can be moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.stores.rasters.reading import RasterInfo, open_raster


def write_vrt(path: Path, names: Sequence[str]) -> None:
    """Write a virtual raster over files of one lattice, type and nodata.

    Args:
        path: The virtual raster, ``.vrt``.
        names: Names of the files, in the same folder, with as many bands each; where two overlap,
            the later one lies on top.

    Raises:
        InputError: There is no file, or one has another CRS, pixel, type, nodata or number
            of bands.
    """
    if not names:
        raise InputError(f"{path.name}: a virtual raster needs at least one file.")
    infos, colours = [], None
    titles: tuple[str | None, ...] = ()
    for name in names:
        with open_raster(path.parent / name) as raster:
            infos.append(raster.info)
            if colours is None and raster.dataset.colorinterp[0].name == "palette":
                colours = raster.dataset.colormap(1)
            crs, titles = raster.dataset.crs, raster.dataset.descriptions
    grids = [_grid(path, name, info, infos[0]) for name, info in zip(names, infos, strict=True)]
    first = grids[0]
    left, top = min(g.ulx for g in grids), max(g.uly for g in grids)
    right, bottom = max(g.bounds[2] for g in grids), min(g.bounds[1] for g in grids)
    root = ElementTree.Element(
        "VRTDataset",
        rasterXSize=str(round((right - left) / first.pixel)),
        rasterYSize=str(round((top - bottom) / first.pixel)),
    )
    ElementTree.SubElement(root, "SRS").text = crs.to_wkt()
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(
        repr(float(number)) for number in (left, first.pixel, 0, top, 0, -first.pixel)
    )
    kind = {"uint8": "Byte"}.get(infos[0].dtype, infos[0].dtype.capitalize())
    for number, title in enumerate(titles, 1):
        band = ElementTree.SubElement(root, "VRTRasterBand", dataType=kind, band=str(number))
        if title:
            ElementTree.SubElement(band, "Description").text = title
        if infos[0].nodata is not None:
            ElementTree.SubElement(band, "NoDataValue").text = f"{infos[0].nodata:g}"
        if colours is not None:
            _add_colours(band, colours)
        for name, grid in zip(names, grids, strict=True):
            _add_source(band, number, name, grid, (left, top))
    path.write_text(ElementTree.tostring(root, encoding="unicode"), encoding="utf-8")


def _add_colours(band: ElementTree.Element, colours: Mapping[int, tuple[int, ...]]) -> None:
    ElementTree.SubElement(band, "ColorInterp").text = "Palette"
    table = ElementTree.SubElement(band, "ColorTable")
    for code in sorted(colours):
        shades = zip(("c1", "c2", "c3", "c4"), map(str, colours[code]), strict=True)
        ElementTree.SubElement(table, "Entry", dict(shades))


def _add_source(
    band: ElementTree.Element, number: int, name: str, grid: Grid, corner: tuple[float, float]
) -> None:
    left, top = corner
    part = ElementTree.SubElement(band, "SimpleSource")
    ElementTree.SubElement(part, "SourceFilename", relativeToVRT="1").text = name
    ElementTree.SubElement(part, "SourceBand").text = str(number)
    x, y = round((grid.ulx - left) / grid.pixel), round((top - grid.uly) / grid.pixel)
    for rectangle, column, row in (("SrcRect", 0, 0), ("DstRect", x, y)):
        at = ElementTree.SubElement(part, rectangle, xOff=str(column), yOff=str(row))
        at.set("xSize", str(grid.width))
        at.set("ySize", str(grid.height))


def _grid(path: Path, name: str, info: RasterInfo, first: RasterInfo) -> Grid:
    if info.grid is None or first.grid is None:
        raise InputError(f"{path.name}: {name} has no georeference.")
    kind = (info.grid.crs, info.dtype, info.nodata, info.bands)
    same = kind == (first.grid.crs, first.dtype, first.nodata, first.bands)
    if not same or abs(info.grid.pixel - first.grid.pixel) > 1e-9 * first.grid.pixel:
        raise InputError(
            f"{path.name}: {name} ({info.grid.describe()}) and the first file "
            f"({first.grid.describe()}) differ in CRS, pixel, type, nodata or bands."
        )
    return info.grid
