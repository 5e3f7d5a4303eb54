"""A product on disk: the SAFE folder with its JPEG 2000 files and metadata."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from shapely import MultiPoint, get_coordinates

from landcover.nouns.grid import Grid
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.files import write_jp2
from landcover.simulate.granule_xml import write_granule_xml
from landcover.simulate.noise import Field
from landcover.simulate.product_xml import ProductIdentity, shares_of, write_product_xml
from landcover.simulate.scene import Scene
from landcover.simulate.site import Site
from landcover.simulate.sky import Mask, Sun
from landcover.simulate.spectra import RESOLUTION

Numbers = npt.NDArray[np.uint16]


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
    scene: Scene,
    sun: Sun,
    *,
    odd_name: bool = False,
) -> Path:
    """Write one tile's part of a scene as a SAFE folder.

    Args:
        products: Folder to make it in.
        identity: Names and times.
        site: Windows of the tiles.
        scene: What the sensor saw over the hull.
        sun: Mean angles.
        odd_name: Write ``MTD_MSIL2a.xml``, as some mirrors do.

    Returns:
        The SAFE folder.
    """
    window = site.windows[identity.tile]
    folder = products / f"{identity.name}.SAFE"
    images = Path("GRANULE", identity.granule, "IMG_DATA")
    stem = f"T{identity.tile}_{identity.acquisition.datatake:%Y%m%dT%H%M%S}"
    written: list[str] = []
    for resolution in (10, 20, 60):
        (folder / images / f"R{resolution}m").mkdir(parents=True)
        transform = (float(resolution), 0.0, window.ulx, 0.0, -float(resolution), window.uly)
        cut = site.slices(identity.tile, resolution // 10)
        for layer, numbers in _layers(scene, resolution, cut, identity.offset):
            image = images / f"R{resolution}m" / f"{stem}_{layer}_{resolution}m"
            write_jp2(folder / f"{image}.jp2", numbers, window.crs, transform)
            written.append(image.as_posix())
    cut = site.slices(identity.tile, 2)
    shares = shares_of(scene.scl[cut])
    ring = _footprint(~scene.sky.is_nodata[cut], window, site)
    name = "MTD_MSIL2a.xml" if odd_name else "MTD_MSIL2A.xml"
    write_product_xml(folder / name, identity, written, shares, ring)
    granule = folder / "GRANULE" / identity.granule
    write_granule_xml(granule / "MTD_TL.xml", identity, window, sun, shares)
    return folder


def digital_numbers(reflectance: Field, is_nodata: Mask, offset: int) -> Numbers:
    """Turn reflectance into digital numbers: 0 is nodata, 1-32,767 are values.

    Args:
        reflectance: Reflectance 0-1, float32.
        is_nodata: True outside the swath.
        offset: What a reader will add; it is taken off here.
    """
    numbers = np.rint(reflectance * np.float32(10_000)) - offset
    return np.where(is_nodata, 0, np.clip(numbers, 1, 32_767)).astype(np.uint16)


def _layers(
    scene: Scene, resolution: int, cut: tuple[slice, slice], offset: int
) -> Iterator[tuple[str, Numbers | npt.NDArray[np.uint8]]]:
    is_nodata = scene.is_nodata(resolution)[cut]
    for band, reflectance in scene.bands.items():
        if RESOLUTION[band] == resolution:
            yield band, digital_numbers(reflectance[cut], is_nodata, offset)
    if resolution == 10:
        for layer, field in (("AOT", scene.aot), ("WVP", scene.wvp)):
            numbers = np.rint(field[cut] * np.float32(1_000))
            yield layer, np.where(is_nodata, 0, numbers).astype(np.uint16)
    if resolution == 20:
        yield "SCL", scene.scl[cut]


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
