"""A product as a lazy xarray dataset."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.core import indexing

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import Product, ProductFile
from landcover.nouns.shown import Shown
from landcover.products.numbers import as_classes, as_numbers
from landcover.products.reading import read_product
from landcover.raster.clouds import upsample_nearest
from landcover.raster.reflectance import harmonise, stored_units, to_physical
from landcover.raster.windows import cut
from landcover.views.conventions import coordinates, layer_attributes, placed
from landcover.views.rasters import RasterArray


class OpenedProduct(Shown):
    """A product whose pixels are read when somebody computes with them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _shown(self) -> dict[str, object]:
        known = self.metadata
        return {
            "name": known.name,
            "tile": known.tile,
            "datatake": f"{known.datatake:%Y-%m-%d %H:%M}",
            "cloud_percent": known.cloud_percent,
            "layers": " ".join(known.layers),
        }

    @cached_property
    def metadata(self) -> Product:
        """What the product is."""
        return read_product(self._path)

    def dataset(
        self, bands: Sequence[str] | None = None, resolution: float | None = None
    ) -> xarray.Dataset:
        """Give the pixels as a lazy dataset; nothing is read before ``.compute()``.

        Args:
            bands: Layers, such as ``["B02", "SCL"]``, or one; all of the product if None.
            resolution: Pixel size in metres; that of the finest band if None. Coarser rasters
                are repeated (nearest neighbour), finer ones are refused.

        Returns:
            One variable per layer over (y, x) with pixel centres as coordinates and the
            acquisition as ``time``: reflectance, AOT and WVP (cm) float32 with NaN, SCL uint8
            with 0 as nodata. ``xarray.concat(datasets, "time")`` makes a series.

        Raises:
            InputError: The product lacks a layer, or a raster is finer than the resolution.
        """
        product = self.metadata
        wanted = product.layers if bands is None else [bands] if isinstance(bands, str) else bands
        files = [self._file(name) for name in wanted]
        grid = self._grid(files, resolution)
        time = np.datetime64(product.datatake.replace(tzinfo=None), "ns")
        return xarray.Dataset(
            {file.layer: _variable(file, grid) for file in files},
            coords={**coordinates(grid), "time": time},
            attrs={"crs": grid.crs, "transform": grid.transform, "product": product.name},
        )

    def _grid(self, files: Sequence[ProductFile], resolution: float | None) -> Grid:
        """Find the grid of a resolution, and refuse rasters that are finer."""
        product = self.metadata
        pixel = min(f.grid.pixel for f in product.files) if resolution is None else resolution
        grid = next((f.grid for f in product.files if f.grid.pixel == pixel), None)
        if grid is None:
            known = ", ".join(f"{p:g}" for p in sorted({f.grid.pixel for f in product.files}))
            raise InputError(f"{product.name}: no raster of {pixel:g} m; there are {known} m.")
        finer = [f"{f.layer} ({f.grid.pixel:g} m)" for f in files if f.grid.pixel < pixel]
        if finer:
            raise InputError(
                f"{product.name}: {', '.join(finer)} finer than {pixel:g} m. Leave them out or ask "
                "for a finer resolution; rasters are repeated, not averaged."
            )
        return grid

    def _file(self, layer: str) -> ProductFile:
        file = self.metadata.file(layer)
        if file is None:
            raise InputError(
                f"{self.metadata.name}: no layer {layer}; "
                f"the product has {', '.join(self.metadata.layers)}."
            )
        return file


def _variable(file: ProductFile, grid: Grid) -> xarray.Variable:
    array = indexing.LazilyIndexedArray(_LayerArray(file, grid))
    return placed(xarray.Variable(("y", "x"), array, layer_attributes(file.layer)))


class _LayerArray(RasterArray):
    def __init__(self, file: ProductFile, grid: Grid) -> None:
        dtype = "uint8" if file.layer == "SCL" else "float32"
        super().__init__(file.href, grid, dtype, file.band_number)
        self._file = file
        self._ratio = file.grid.ratio_to(grid)

    def read(self, window: Window) -> NDArray[Any]:
        """Read a window, (y, x)."""
        coarse = window.coarsened(self._ratio)
        pixels = super().read(coarse)
        layer = self._file.layer
        if layer == "SCL":
            values: NDArray[Any] = as_classes(self._file, pixels)
        else:
            units = stored_units(layer)
            stored = harmonise(
                as_numbers(self._file, pixels),
                offset=self._file.offset,
                scale=self._file.scale,
                stored_per_unit=units,
            )
            values = to_physical(stored, 1 / units)
        return cut(upsample_nearest(values, self._ratio), window, coarse, self._ratio)
