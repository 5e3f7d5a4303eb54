"""Simulated scenes whose clouds are hard to tell, read back from their products with their truth.

`landcover simulate --hard-masks` writes them. Shadow models are fitted on them, and masks judged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError

if TYPE_CHECKING:
    from landcover.nouns.product import Product

NODATA = -32768


@dataclass(frozen=True)
class Scene:
    """One product on the grid of its classification, 20 m."""

    name: str
    quarter: str
    sun: tuple[float | None, float | None]
    """Zenith and azimuth, degrees."""
    blue: NDArray[np.int16]
    infrared: NDArray[np.int16]
    shortwave: NDArray[np.int16]
    scl: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    """0 clear, 1 thick cloud, 2 thin cloud, 3 shadow."""


def read_scenes(region: Path) -> Iterator[Scene]:
    """Read the products of a simulated region that has the truth of its clouds.

    Raises:
        InputError: It has no truth.
    """
    from landcover.products.reading import read_product
    from landcover.stores.rasters import read_array

    for path in sorted((region / "products").iterdir()):
        product = read_product(path)
        name = f"{product.datatake:%Y%m%dT%H%M%S}_{product.tile}.tif"
        truth = region / "truth" / "masks" / name
        if not truth.is_file():
            raise InputError(
                f"{truth}: the truth of clouds is missing. Simulate the region with --hard-masks."
            )
        scl = product.file("SCL")
        assert scl is not None
        yield Scene(
            product.name,
            f"{product.datatake.year}-q{(product.datatake.month - 1) // 3 + 1}",
            (product.sun_zenith, product.sun_azimuth),
            _band(product, "B02"),
            _band(product, "B08"),
            _band(product, "B11"),
            read_array(scl.href)[0][0].astype(np.uint8),
            read_array(str(truth))[0][0],
        )


def _band(product: Product, layer: str) -> NDArray[np.int16]:
    from landcover.raster.cloud_sign import average_of
    from landcover.raster.reflectance import harmonise
    from landcover.stores.rasters import read_array

    file, scl = product.file(layer), product.file("SCL")
    if file is None or scl is None:
        raise InputError(f"{product.name}: {layer} or SCL is missing.")
    values = harmonise(
        read_array(file.href)[0][0].astype(np.uint16), offset=file.offset, scale=file.scale
    )
    return average_of(values, scl.grid.ratio_to(file.grid))
