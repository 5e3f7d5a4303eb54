"""A product on disk: the SAFE folder with its JPEG 2000 files and metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from shapely import MultiPoint, get_coordinates

from landcover.nouns.grid import Grid
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.files import Canvas, small_cache
from landcover.simulate.granule_xml import write_granule_xml
from landcover.simulate.noise import Field
from landcover.simulate.product_xml import ProductIdentity, shares_of, write_product_xml
from landcover.simulate.site import Site
from landcover.simulate.site_simulator import Part
from landcover.simulate.sky import Mask, Sun
from landcover.simulate.spectra import RESOLUTION

Numbers = npt.NDArray[np.uint16]

MARK = "SIMULATED.txt"
"""Name of the note that marks a product, or a folder of products, as simulated."""
_NOTE = "This product is simulated: no satellite has seen it. Its file names and metadata follow\n"
_NOTE += "ESA's, its pixels are made up. Keep this note beside them.\n"
_PAINTING = 0.4
"""Share of the work that is done when all rasters are painted but none is encoded, about."""
PIXEL = {**RESOLUTION, "AOT": 10, "WVP": 10, "SCL": 20}
"""Pixel of each layer that is written, m."""


def identify(acquisition: Acquisition, site: Site, tile: str, baseline: int) -> ProductIdentity:
    """Name a product: processed five hours after the pass, tiles a few seconds apart."""
    place = site.tiles.index(tile)
    return ProductIdentity(
        acquisition=acquisition,
        tile=tile,
        baseline=baseline,
        generated=acquisition.datatake + timedelta(hours=5, minutes=12 + place, seconds=17),
        sensed=acquisition.seen + timedelta(seconds=2 * place),
    )


def write_safe(
    products: Path,
    identity: ProductIdentity,
    site: Site,
    parts: Iterable[Part],
    sun: Sun,
    *,
    tell: Callable[[float], None] = lambda _done: None,
    odd_name: bool = False,
) -> Path:
    """Write one tile's part of a scene as a SAFE folder.

    Args:
        products: Folder to make it in.
        identity: Names and times.
        site: Windows of the tiles.
        parts: Blocks that together are what the sensor saw of the tile's window.
        sun: Mean angles.
        tell: Called with the share done, 0-1.
        odd_name: Write ``MTD_MSIL2a.xml``, as some mirrors do.

    Returns:
        The SAFE folder.
    """
    window = site.windows[identity.tile]
    folder = products / f"{identity.name}.SAFE"
    images = _image_names(identity)
    scl = np.zeros((window.height // 2, window.width // 2), dtype=np.uint8)
    seen = 0
    with ExitStack() as stack:
        stack.enter_context(small_cache())
        canvases = {
            layer: stack.enter_context(_canvas(folder / f"{image}.jp2", window, layer))
            for layer, image in images.items()
        }
        for part in parts:
            for layer, numbers in _layers(part, identity.offset):
                rows, columns = part.place.slices(PIXEL[layer] // 10)
                canvases[layer].write(numbers, rows.start, columns.start)
                if layer == "SCL":
                    scl[rows, columns] = numbers
            seen += part.place.height * part.place.width
            tell(_PAINTING * seen / (window.height * window.width))
        for number, canvas in enumerate(canvases.values()):
            canvas.encode()
            tell(_PAINTING + (1 - _PAINTING) * (number + 1) / len(canvases))
    (folder / MARK).write_text(_NOTE, encoding="utf-8")
    shares = shares_of(scl)
    ring = _footprint(scl != 0, window, site)
    name = "MTD_MSIL2a.xml" if odd_name else "MTD_MSIL2A.xml"
    write_product_xml(folder / name, identity, list(images.values()), shares, ring)
    granule = folder / "GRANULE" / identity.granule
    write_granule_xml(granule / "MTD_TL.xml", identity, window, sun, shares)
    return folder


def _image_names(identity: ProductIdentity) -> dict[str, str]:
    """Name the image files by layer, relative to the product, without ``.jp2``."""
    folder = f"GRANULE/{identity.granule}/IMG_DATA"
    stem = f"T{identity.tile}_{identity.acquisition.datatake:%Y%m%dT%H%M%S}"
    return {
        layer: f"{folder}/R{pixel}m/{stem}_{layer}_{pixel}m"
        for layer, pixel in sorted(PIXEL.items(), key=lambda item: item[1])
    }


def _canvas(path: Path, window: Grid, layer: str) -> Canvas:
    pixel = PIXEL[layer]
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (window.height * 10 // pixel, window.width * 10 // pixel)
    kind = np.dtype(np.uint8 if layer == "SCL" else np.uint16)
    transform = (float(pixel), 0.0, window.ulx, 0.0, -float(pixel), window.uly)
    return Canvas(path, shape, kind, window.crs, transform)


def digital_numbers(reflectance: Field, is_nodata: Mask, offset: int) -> Numbers:
    """Turn reflectance into digital numbers: 0 is nodata, 1-32,767 are values.

    Args:
        reflectance: Reflectance 0-1, float32.
        is_nodata: True outside the swath.
        offset: What a reader will add; it is taken off here.
    """
    numbers = np.rint(reflectance * np.float32(10_000)) - offset
    return np.where(is_nodata, 0, np.clip(numbers, 1, 32_767)).astype(np.uint16)


def _layers(part: Part, offset: int) -> Iterator[tuple[str, Numbers | npt.NDArray[np.uint8]]]:
    scene = part.scene
    outside = {
        pixel: scene.is_nodata(pixel)[part.inner.slices(pixel // 10)] for pixel in (10, 20, 60)
    }
    for layer, pixel in PIXEL.items():
        cut = part.inner.slices(pixel // 10)
        if layer == "SCL":
            yield layer, scene.scl[cut]
        elif layer in scene.bands:
            yield layer, digital_numbers(scene.bands[layer][cut], outside[pixel], offset)
        else:
            field = scene.aot if layer == "AOT" else scene.wvp
            numbers = np.rint(field[cut] * np.float32(1_000))
            yield layer, np.where(outside[pixel], 0, numbers).astype(np.uint16)


def _footprint(is_valid: Mask, window: Grid, site: Site) -> Sequence[tuple[float, float]]:
    """Draw the closed ring of longitude and latitude around the valid 20 m pixels."""
    rows = np.flatnonzero(is_valid.any(axis=1))
    first = is_valid[rows].argmax(axis=1)
    last = is_valid.shape[1] - is_valid[rows, ::-1].argmax(axis=1)
    corners = [
        (column, row + below)
        for edge in (first, last)
        for row, column in zip(rows, edge, strict=True)
        for below in (0, 1)
    ]
    ring = get_coordinates(MultiPoint(corners).convex_hull.simplify(1.5))
    lon, lat = site.to_degrees.transform(
        window.ulx + 20.0 * ring[:, 0], window.uly - 20.0 * ring[:, 1]
    )
    return list(zip(lon.tolist(), lat.tolist(), strict=True))
