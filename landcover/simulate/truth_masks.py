"""Clouds and shadows as they are in simulated scenes, beside the products that show them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from landcover.simulate.files import write_tiff_by_strips
from landcover.simulate.hard_sky import CLEAR, CLOUD, SHADOW, THIN
from landcover.simulate.site import Site
from landcover.simulate.site_simulator import Part

NAMES = {CLEAR: "clear", CLOUD: "thick cloud", THIN: "thin cloud", SHADOW: "cloud shadow"}


def keep_masks(path: Path, site: Site, tile: str, parts: Iterator[Part]) -> Iterator[Part]:
    """Hand on the parts of a scene, and write what their sky holds when the last one is through.

    Args:
        path: File to write, uint8, codes of CloudSEN12, 20 m.
        site: Windows of the tiles.
        tile: Tile of the scene.
        parts: Its blocks.
    """
    window = site.windows[tile]
    shape = (window.height // 2, window.width // 2)
    found = np.zeros(shape, np.uint8)
    for part in parts:
        if part.scene.truth is not None:
            found[part.place.slices(2)] = part.scene.truth[part.inner.slices(2)]
        yield part
    path.parent.mkdir(parents=True, exist_ok=True)
    corner = (20.0, 0.0, window.ulx, 0.0, -20.0, window.uly)
    names = {f"CLASS_{code}": name for code, name in NAMES.items()}
    write_tiff_by_strips(
        path, [(0, found)], shape, np.dtype(np.uint8), window.crs, corner, nodata=255, tags=names
    )
