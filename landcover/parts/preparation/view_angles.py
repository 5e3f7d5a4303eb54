"""From where each product was seen: what brings its reflectance to a view from above."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.ledger.outputs import sha256_of
from landcover.nouns.grid import Grid, Window
from landcover.nouns.output import hash_of
from landcover.nouns.product import Product
from landcover.parts.preparation.product_records import described_angles
from landcover.parts.task import Task
from landcover.products.angles import ProductAngles, granule_file, mean_angles, read_angles
from landcover.raster.brdf import NBAR_PARAMETERS
from landcover.raster.view_angle import AngleGrids, merge_detectors, normalise_view, window_factor


@dataclass(frozen=True)
class View:
    """The angles of one product."""

    checksum: str
    """SHA-256 of the file that they were read from, or of the means that the product names."""
    angles: ProductAngles
    """As the file has them."""
    bands: Mapping[str, AngleGrids]
    """Band → angles, detectors merged."""

    def from_above(
        self, layer: str, values: NDArray[np.int16], grid: Grid, window: Window
    ) -> NDArray[np.int16]:
        """Bring a window of a layer to a view from above.

        Args:
            layer: Layer name; one that has no parameters (B09, AOT, WVP) stays as it is.
            values: Harmonised numbers, int16, (y, x), −32768 where nodata.
            grid: Grid of the layer.
            window: Window of the grid.

        Returns:
            The numbers, int16, (y, x), −32768 where nodata or where no node near is seen.
        """
        if layer not in self.bands:
            return values
        factor = window_factor(
            layer,
            self.bands[layer],
            window,
            grid.pixel,
            step_m=self.angles.step_m,
            corner_m=(self.angles.uly - grid.uly, grid.ulx - self.angles.ulx),
        )
        return normalise_view(values, factor)


def read_view(task: Task, product: Product) -> View:
    """Read the angles of a product.

    Raises:
        InputError: The product has no granule metadata, or they are damaged.
    """
    means = mean_angles(product)
    if means is not None:
        angles, checksum = means, hash_of(described_angles(product))
    else:
        with _granule_metadata(task, product) as path:
            angles, checksum = read_angles(path), sha256_of(path)
    sun_zenith, sun_azimuth = angles.sun
    bands = {
        band: AngleGrids(
            sun_zenith,
            sun_azimuth,
            merge_detectors(zenith),
            merge_detectors(azimuth, is_azimuth=True),
        )
        for band, (zenith, azimuth) in angles.views.items()
        if band in NBAR_PARAMETERS
    }
    lost = [layer for layer in product.layers if layer in NBAR_PARAMETERS and layer not in bands]
    if lost:
        raise InputError(
            f"{product.name}: its granule metadata have no view angles of {', '.join(lost)}, which "
            "composite.view_angle needs. Deliver the product again, or set it to null."
        )
    return View(checksum, angles, bands)


@contextmanager
def _granule_metadata(task: Task, product: Product) -> Iterator[Path]:
    """Yield a local path of a product's granule metadata, wherever the product lies."""
    store = task.workspace.objects
    if Path(product.path).is_dir():
        folder = Path(product.path)
        name = granule_file([str(path.relative_to(folder)) for path in folder.rglob("*.xml")])
        if name is not None:
            yield folder / name
            return
    elif product.path.startswith(f"{store.address}/"):
        # A product that was fetched is a folder under its own key.
        key, _, folder_name = product.path.removeprefix(f"{store.address}/").rpartition("/")
        names = [name for name in store.sizes(key) if name.startswith(f"{folder_name}/")]
        name = granule_file(names)
        if name is not None:
            with store.local(key, name) as path:
                yield path
            return
    raise InputError(
        f"{product.name}: MTD_TL.xml (granule_metadata.xml beside a STAC item) is missing in "
        f"{product.path}, so composite.view_angle has no angles. Deliver the product with it, or "
        "set composite.view_angle to null."
    )


def views_of(task: Task, products: Iterable[Product]) -> dict[str, View]:
    """Read the angles of every product where the recipe asks for them."""
    if task.recipe.composite.view_angle is None:
        return {}
    return {product.name: read_view(task, product) for product in products}
