"""Rasters of a product as its own files declare them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.nouns.product import ProductFile


def product_file(
    layer: str, path: Path, *, scale: float, offset: int, place: Grid | None = None
) -> ProductFile:
    """Describe one raster of a product.

    Args:
        layer: What it holds.
        path: The file.
        scale: Physical value = (digital number + offset) / scale.
        offset: Radiometric offset, DN.
        place: Extent to use where the file has no georeference; the pixel size is then the
            extent over the raster's own size, whatever the place says of it.

    Raises:
        InputError: The file is damaged, or has no georeference and none is known.
    """
    # A folder is known for a product by its names; who reads no raster imports no GDAL.
    from landcover.stores.rasters import describe

    info = describe(path)
    grid = info.grid
    if grid is None:
        if info.has_georeference:
            raise InputError(f"{path}: {info.trouble}")
        if place is None:
            raise InputError(
                f"{path}: the raster has no georeference, and nothing beside it says where it "
                "lies. Deliver it with one, or its item with proj:code, proj:transform, proj:shape."
            )
        rows, columns = info.shape
        pixel = place.width * place.pixel / columns
        if abs(place.height * place.pixel / rows - pixel) > 1e-6 * pixel:
            raise InputError(
                f"{path}: {columns}x{rows} px do not fill {place.describe()} with square pixels."
            )
        grid = place.model_copy(update={"pixel": pixel, "width": columns, "height": rows})
    return ProductFile(
        layer=layer, href=str(path), grid=grid, block=info.block, scale=scale, offset=offset
    )


def work_grid(files: Sequence[ProductFile]) -> Grid:
    """Name the grid of the finest band."""
    return min((file.grid for file in files), key=lambda grid: grid.pixel)


def agree(path: Path, files: Sequence[ProductFile]) -> None:
    """Refuse rasters of one product that do not nest.

    Raises:
        InputError: A raster does not share corner and extent with the finest one.
    """
    finest = work_grid(files)
    for file in files:
        try:
            file.grid.ratio_to(finest)
        except InputError as error:
            raise InputError(f"{path}: {file.layer}: {error}") from error
