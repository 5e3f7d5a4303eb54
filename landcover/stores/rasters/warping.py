"""Read rasters onto another grid, and join rasters of one kind without resampling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.stores.rasters.reading import Array, open_raster, rasterio_window

ResamplingName = Literal["nearest", "bilinear", "cubic"]


def read_warped(
    path: str | Path, grid: Grid, *, resampling: ResamplingName, window: Window | None = None
) -> Array:
    """Read the first band of a raster, warped onto another grid.

    Args:
        path: The raster, in any CRS.
        grid: The wanted grid.
        resampling: How values between pixels are found. Any nodata neighbour with a weight makes
            the result nodata.
        window: A part of the wanted grid; all of it if None.

    Returns:
        float32 (y, x), NaN where the source has no data.
    """
    with open_raster(path) as raster:
        source = raster.dataset
        if source.crs is None:
            raise InputError(f"{path}: the raster has no CRS, so it cannot be warped.")
        raster.compare_once()
        with WarpedVRT(
            source,
            crs=CRS.from_user_input(grid.crs),
            transform=Affine(*grid.transform),
            width=grid.width,
            height=grid.height,
            resampling=Resampling[resampling],
            src_nodata=source.nodata,
            nodata=float("nan"),
            dtype="float32",
            warp_mem_limit=64,
        ) as warped:
            return np.asarray(warped.read(1, window=rasterio_window(window)), dtype=np.float32)


def by_pixel_size(paths: Sequence[Path]) -> list[list[Path]]:
    """Sort rasters into groups of equal pixel size, for :func:`joined`."""
    groups: dict[tuple[float, float], list[Path]] = {}
    for path in paths:
        with open_raster(path) as raster:
            transform = raster.dataset.transform
        groups.setdefault((round(transform.a, 12), round(transform.e, 12)), []).append(path)
    return list(groups.values())


def joined(paths: Sequence[Path]) -> str | Path:
    """Join rasters of one CRS and pixel size without resampling, as a virtual raster.

    Where two overlap, the first valid one in the given order is used.

    Returns:
        What :func:`read_warped` opens: the path itself for one raster, else the text of a VRT.
    """
    if len(paths) == 1:
        return paths[0]
    boxes = []
    for path in paths:
        with open_raster(path) as raster:
            source = raster.dataset
            boxes.append((path, source.transform, source.shape, source.nodata, source.crs))
    _, first, _, nodata, crs = boxes[0]
    left = min(t.c for _, t, _, _, _ in boxes)
    top = max(t.f for _, t, _, _, _ in boxes)
    places = [(round((t.c - left) / t.a), round((t.f - top) / t.e)) for _, t, _, _, _ in boxes]
    width = max(x + shape[1] for (x, _), (_, _, shape, _, _) in zip(places, boxes, strict=True))
    height = max(y + shape[0] for (_, y), (_, _, shape, _, _) in zip(places, boxes, strict=True))
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    ElementTree.SubElement(root, "SRS").text = crs.to_wkt()
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(
        repr(number) for number in (left, first.a, 0.0, top, 0.0, first.e)
    )
    fill = -32768.0 if nodata is None else nodata
    band = ElementTree.SubElement(root, "VRTRasterBand", dataType="Float32", band="1")
    ElementTree.SubElement(band, "NoDataValue").text = repr(fill)
    # Later sources of a VRT lie on top, so the first one comes last.
    for (x, y), (path, _, shape, own, _) in reversed(list(zip(places, boxes, strict=True))):
        part = ElementTree.SubElement(band, "ComplexSource")
        ElementTree.SubElement(part, "SourceFilename").text = str(path)
        ElementTree.SubElement(part, "SourceBand").text = "1"
        for name, column, row in (("SrcRect", 0, 0), ("DstRect", x, y)):
            rect = ElementTree.SubElement(part, name, xOff=str(column), yOff=str(row))
            rect.set("xSize", str(shape[1]))
            rect.set("ySize", str(shape[0]))
        if own is not None:
            ElementTree.SubElement(part, "NODATA").text = repr(own)
    return ElementTree.tostring(root, encoding="unicode")
