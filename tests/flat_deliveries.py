"""Flat GeoTIFF products with every pixel known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import yaml
from rasterio import Affine

CORNERS = {"31UDS": ("EPSG:32631", 501_360, 5_629_680), "33LXH": ("EPSG:32733", 610_020, 8_790_000)}
"""Tile → reference system and a corner within it."""


def write_geotiff(
    path: Path,
    bands: Sequence[np.ndarray],
    names: Sequence[str] = (),
    *,
    tile: str = "31UDS",
    pixel: int = 10,
    dtype: str = "uint16",
    tags: Mapping[str, Any] | None = None,
    scaling: tuple[float, float] = (1.0, 0.0),
    **profile: Any,
) -> Path:
    """Write bands into one file, described where names are given."""
    crs, ulx, uly = CORNERS[tile]
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"crs": crs, "transform": Affine(pixel, 0, ulx, 0, -pixel, uly)}
    rows, columns = bands[0].shape
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=len(bands), dtype=dtype,
        **{**place, **profile},
    ) as raster:  # fmt: skip
        raster.write(np.stack(bands).astype(dtype))
        for number, name in enumerate(names, start=1):
            raster.set_band_description(number, name)
        if scaling != (1.0, 0.0):
            raster.scales, raster.offsets = ([x] * len(bands) for x in scaling)
        raster.update_tags(**(tags or {}))
    return path


def write_description(folder: Path, name: str = "flat-products.yaml", **said: Any) -> None:
    """Write what is known of the products beside their pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump(said))
