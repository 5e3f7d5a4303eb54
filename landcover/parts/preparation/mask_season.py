"""The images of one quarter of a tile: their background, and their masks refined against it.

Blue and scene classification of every image are decoded once, window by window, in a first pass
that makes the background and counts how each image deviates from it. Infrared bands are decoded
only of images whose shadows are looked for, once. What a second look needs is kept in local
scratch as plain numbers and removed at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.nouns.grid import Grid, Window
from landcover.nouns.product import Product, ProductFile
from landcover.parts.preparation.composite_files import layer_file
from landcover.parts.preparation.mask_scratch import WindowFile
from landcover.parts.preparation.observations import (
    BYTES_PER_OBSERVATION,
    SHARE_OF_WINDOWS,
    harmonised,
)
from landcover.parts.task import Task
from landcover.products.numbers import as_classes
from landcover.raster.cloud_sign import average_of
from landcover.raster.clouds import upsample_nearest
from landcover.raster.refinement import (
    ClipLimits,
    Deviations,
    Halves,
    Place,
    Shorts,
    background_window,
)
from landcover.raster.refinement_kernel import CLOUD, NONE, SHADOW, SNOW, WATER
from landcover.raster.reflectance import NODATA
from landcover.raster.windows import cut, plan_windows
from landcover.recipe import Mask
from landcover.stores import scratch
from landcover.stores.rasters import Opened, ReadingPool, open_raster

log = logging.getLogger(__name__)
BLUE = "B02"
BYTES_PER_FURTHER = 4
"""Of an image that no thread is decoding: its numbers and what is known of them."""
FILE = "background"


def _kinds_table() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[[8, 9, 10]], table[3], table[6], table[11] = CLOUD, SHADOW, WATER, SNOW
    return table


KINDS = _kinds_table()
"""SCL code → bits of `landcover.raster.refinement_kernel`."""


@dataclass
class SeasonImage:
    """One image of the quarter while its masks are refined."""

    product: Product
    scl: ProductFile
    found: Deviations
    codes: NDArray[np.uint8]
    """Its scene classification; pages of the scratch file are read where they are looked at."""
    values: WindowFile
    """Its blue, harmonised."""
    limits: ClipLimits | None = None
    """What its blue is clipped to for the background; None: nothing."""


class MaskSeason:
    """The images of one quarter, decoded once; a context that removes its scratch."""

    def __init__(self, task: Task, quarter: str, products: Sequence[Product]) -> None:
        self.task, self.quarter, self.products = task, quarter, tuple(products)
        self.rule: Mask = task.recipe.mask
        self._held = ExitStack()
        self._images: list[SeasonImage] = []
        self.background: WindowFile | None = None
        """Twice the background, in half steps."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._held.close()

    @property
    def grid(self) -> Grid:
        """Grid that masks are refined on: that of blue, or that of the classification (ours)."""
        layer = "SCL" if self.rule.variant == "ours" else BLUE
        return _needed(self.products[0], layer, self.rule).grid

    def windows(self) -> list[Window]:
        """Cover the grid with whole blocks of blue that fit into the job's memory, with scratch."""
        files = [_needed(product, BLUE, self.rule) for product in self.products]
        found = {file.grid for file in files}
        found |= {_needed(product, "SCL", self.rule).grid for product in self.products}
        if len(found) > 2 or len({file.grid for file in files}) > 1:
            places = "; ".join(sorted(grid.describe() for grid in found))
            raise InputError(
                f"{self.task.unit.label}: {BLUE} or SCL of {self.quarter} lies on different grids "
                f"({places}), so it has no background. Deliver one extent."
            )
        job = self.task.job
        busy = min(len(files), max(2, job.threads))
        ratio = self.grid.ratio_to(files[0].grid) if self.grid.pixel > files[0].grid.pixel else 1
        bytes_per_pixel = ratio**2 * BYTES_PER_OBSERVATION * busy + BYTES_PER_FURTHER * len(files)
        return plan_windows(
            *self.grid.shape,
            bytes_per_pixel=bytes_per_pixel,
            memory_gb=SHARE_OF_WINDOWS * job.memory_gb,
            block=(
                max(1, max(f.block[0] for f in files) // ratio),
                max(1, max(f.block[1] for f in files) // ratio),
            ),
        )

    def prepare(self, beside: Path) -> None:
        """Decode blue and classification of every image, once.

        Args:
            beside: A scratch path of the store: this scratch lies beside it.

        Raises:
            InputError: A product lacks a band, or a file is damaged.
        """
        if self.background is not None:
            return
        place = beside.with_name(f"{beside.name}-season")
        folder = self._held.enter_context(scratch.held(place))
        folder.mkdir(parents=True)
        windows = self.windows()
        self._images = [
            self._image(folder, number, product, windows)
            for number, product in enumerate(self.products)
        ]
        self.background = self._first_pass(folder, windows)

    def image(self, product: Product) -> SeasonImage:
        """Find the image of a product."""
        return next(image for image in self._images if image.product.name == product.name)

    def write_background(self, path: Path) -> dict[str, Any]:
        """Write the background, reflectance × 10,000, int16, −32768 where nothing was clear.

        Args:
            path: Folder to make.

        Returns:
            Products, clear share and what each image's cloud and shadow shares are.
        """
        self.prepare(path)
        assert self.background is not None
        path.mkdir()
        n_empty = 0
        with layer_file(path, FILE, self.grid) as raster:
            for number, window in enumerate(self.background.windows):
                twice = self.background.read(number)
                is_empty = twice == NONE
                n_empty += int(np.count_nonzero(is_empty))
                stored = np.rint(twice / 2).astype(np.int16)
                stored[is_empty] = NODATA
                raster.write(stored, window)
        size = self.grid.width * self.grid.height
        return {
            "quarter": self.quarter,
            "layers": {FILE: self.grid.to_document()},
            "images": len(self.products),
            "without_background_percent": round(100 * n_empty / size, 4),
        }

    def read_band(
        self, opened: Opened, image: SeasonImage, band: str, window: Window
    ) -> NDArray[np.int16]:
        """Read a band of an image on the grid of the season: nearest neighbour, or averaged."""
        file = _needed(image.product, band, self.rule)
        if file.grid.pixel < self.grid.pixel:
            ratio = self.grid.ratio_to(file.grid)
            fine = window.refined(ratio).meet(Window.whole(file.grid.shape))
            return average_of(_read(opened, file, image.product, fine), ratio)
        ratio = file.grid.ratio_to(self.grid)
        coarse = window.coarsened(ratio)
        values = _read(opened, file, image.product, coarse)
        if ratio == 1:
            return values
        return np.ascontiguousarray(cut(upsample_nearest(values, ratio), window, coarse, ratio))

    def kinds_of(self, image: SeasonImage, window: Window) -> tuple[NDArray[np.uint8], Place]:
        """Give what the classification says of a window, and how the window lies on it."""
        ratio = image.scl.grid.ratio_to(self.grid)
        coarse = window.coarsened(ratio)
        inner = window.within(coarse.refined(ratio))
        return KINDS[image.codes[coarse.slices]], Place(ratio, inner.row, inner.column)

    def _image(
        self, folder: Path, number: int, product: Product, windows: Sequence[Window]
    ) -> SeasonImage:
        scl = _needed(product, "SCL", self.rule)
        with open_raster(scl.href) as raster:
            codes = as_classes(scl, raster.read(band=scl.band_number))
        name = folder / f"{number}.npy"
        np.save(name, codes)
        percent = self.rule.used_refinement.clip_percent
        return SeasonImage(
            product,
            scl,
            Deviations(self.rule.used_refinement.positive_only),
            np.load(name, mmap_mode="r"),
            WindowFile(folder / f"{number}.blue", windows, np.int16),
            None if percent is None else ClipLimits(percent),
        )

    def _first_pass(self, folder: Path, windows: Sequence[Window]) -> WindowFile:
        background = WindowFile(folder / FILE, windows, np.int32)
        task, images = self.task, self._images
        with ReadingPool(task.job.threads) as pool:
            # What an image is clipped to is known when all of it is decoded.
            is_clipped = any(image.limits for image in images)
            for window in windows if is_clipped else ():
                task.job.check()
                for image, values in zip(images, self._decode(pool, window), strict=True):
                    assert image.limits is not None
                    image.limits.add(values)
                    image.values.append(values)
            for number, window in enumerate(windows):
                task.job.check()
                told = f"{task.unit.label} background of {self.quarter}"
                task.job.progress(0.5 * number / len(windows), told)
                if is_clipped:
                    values = np.stack([image.values.read(number) for image in images])
                else:
                    values = self._decode(pool, window)
                    for image, own in zip(images, values, strict=True):
                        image.values.append(own)
                background.append(self._compare(images, values, window))
        return background

    def _decode(self, pool: ReadingPool, window: Window) -> Shorts:
        """Decode the blue of all images in a window, int16, (time, y, x)."""
        reads = [
            pool.submit(partial(self.read_band, image=image, band=BLUE, window=window))
            for image in self._images
        ]
        values = np.empty((len(reads), window.height, window.width), np.int16)
        for own, read in zip(values, reads, strict=True):
            own[:] = read.result()
        return values

    def _compare(self, images: Sequence[SeasonImage], values: Shorts, window: Window) -> Halves:
        """Make the background of a window, and count how each image deviates from it."""
        known = [self.kinds_of(image, window) for image in images]
        kinds, place = np.stack([kinds for kinds, _ in known]), known[0][1]
        shown = values
        if any(image.limits for image in images):
            pairs = zip(images, values, strict=True)
            shown = np.stack([image.limits.clip(own) for image, own in pairs if image.limits])
        twice = background_window(shown, kinds, place)
        for image, own, kind in zip(images, values, kinds, strict=True):
            image.found.add(own, kind, twice, place)
        return twice


def quarter_of(product: Product) -> str:
    """Name the calendar quarter of a product, ``2021-q1``."""
    return f"{product.datatake.year}-q{(product.datatake.month - 1) // 3 + 1}"


def _read(opened: Opened, file: ProductFile, product: Product, window: Window) -> Shorts:
    try:
        return harmonised(file, opened(file.href).read(window, band=file.band_number))
    except InputError as error:
        rows = f"{window.row} to {window.bottom - 1}"
        columns = f"{window.column} to {window.right - 1}"
        raise InputError(
            f"{product.name} {file.layer}, rows {rows}, columns {columns}: {error}"
        ) from error


def _needed(product: Product, layer: str, rule: Mask) -> ProductFile:
    file = product.file(layer)
    if file is None:
        raise InputError(
            f"{product.name}: {layer} is missing, which mask.variant {rule.variant} needs. "
            "Deliver the product with it, or choose another variant."
        )
    return file
