"""Products and rasters as lazy xarray objects: what notebooks see of the library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import Product, ProductFile
from landcover.products.reading import read_product
from landcover.raster.clouds import upsample_nearest
from landcover.raster.layer_units import layer_values
from landcover.raster.reflectance import harmonise, stored_units, to_physical
from landcover.raster.windows import cover, cut
from landcover.stores.rasters import open_raster


class OpenedProduct:
    """A product whose pixels are read when somebody computes with them."""

    def __init__(self, path: Path) -> None:
        self._path = path

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
            One variable per layer over (y, x) with pixel centres as coordinates: reflectance,
            AOT and WVP (cm) float32 with NaN, SCL uint8 with 0 as nodata.

        Raises:
            InputError: The product lacks a layer, or a raster is finer than the resolution.
        """
        product = self.metadata
        wanted = product.layers if bands is None else [bands] if isinstance(bands, str) else bands
        files = [self._file(name) for name in wanted]
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
        variables = {
            file.layer: xarray.Variable(
                ("y", "x"), indexing.LazilyIndexedArray(_LayerArray(file, grid))
            )
            for file in files
        }
        return xarray.Dataset(
            variables,
            coords=coordinates(grid),
            attrs={"crs": grid.crs, "transform": grid.transform, "product": product.name},
        )

    def _file(self, layer: str) -> ProductFile:
        file = self.metadata.file(layer)
        if file is None:
            raise InputError(
                f"{self.metadata.name}: no layer {layer}; "
                f"the product has {', '.join(self.metadata.layers)}."
            )
        return file


def coordinates(grid: Grid) -> dict[str, NDArray[np.floating[Any]]]:
    """Give the pixel centres of a grid, CRS unit."""
    return {
        "y": grid.uly - (np.arange(grid.height) + 0.5) * grid.pixel,
        "x": grid.ulx + (np.arange(grid.width) + 0.5) * grid.pixel,
    }


class RasterArray(BackendArray):
    """One band of a raster that is read by window when it is indexed."""

    def __init__(self, path: str, grid: Grid, dtype: str) -> None:
        self.shape = grid.shape
        self.dtype = np.dtype(dtype)
        self._path = path

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        """Read what an index names."""
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.BASIC, self._read_basic
        )

    def _read_basic(self, key: tuple[int | slice, ...]) -> Any:
        ranges = [
            range(*part.indices(size)) if isinstance(part, slice) else range(part, part + 1)
            for part, size in zip(key, self.shape, strict=True)
        ]
        if not all(ranges):
            return np.empty([len(part) for part in ranges], self.dtype)
        rows, columns = ((min(part), max(part) + 1) for part in ranges)
        window = Window(rows[0], columns[0], rows[1] - rows[0], columns[1] - columns[0])
        pixels = self._read(window)
        picked = pixels[
            np.ix_([r - rows[0] for r in ranges[0]], [c - columns[0] for c in ranges[1]])
        ]
        drop = tuple(0 if isinstance(part, int | np.integer) else slice(None) for part in key)
        return picked[drop]

    def _read(self, window: Window) -> NDArray[Any]:
        with open_raster(self._path) as raster:
            return raster.read(window, band=1)


class StoredArray(RasterArray):
    """A raster of ours on a finer grid.

    Physical values of a composite's layer, or the codes of a map where the layer has no name.
    """

    def __init__(self, path: str, own: Grid, grid: Grid, layer: str) -> None:
        super().__init__(path, grid, "float32" if layer else "uint8")
        self._ratio = own.ratio_to(grid)
        self._layer = layer

    def _read(self, window: Window) -> NDArray[Any]:
        coarse = cover(window, self._ratio)
        values = super()._read(coarse)
        if self._layer:
            values = layer_values(values, self._layer)
        return cut(upsample_nearest(values, self._ratio), window, coarse, self._ratio)


class _LayerArray(RasterArray):
    def __init__(self, file: ProductFile, grid: Grid) -> None:
        super().__init__(file.href, grid, "uint8" if file.layer == "SCL" else "float32")
        self._file = file
        self._ratio = file.grid.ratio_to(grid)

    def _read(self, window: Window) -> NDArray[Any]:
        coarse = cover(window, self._ratio)
        numbers = super()._read(coarse)
        layer = self._file.layer
        if layer == "SCL":
            values: NDArray[Any] = numbers.astype(np.uint8)
        else:
            units = stored_units(layer)
            stored = harmonise(
                numbers, offset=self._file.offset, scale=self._file.scale, stored_per_unit=units
            )
            values = to_physical(stored, 1 / units)
        return cut(upsample_nearest(values, self._ratio), window, coarse, self._ratio)
