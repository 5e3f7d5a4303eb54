"""Labels for training, an independent sample for judging, and the truth itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.simulate.files import write_tiff
from landcover.simulate.landscape import CLASS_NAMES, Landscape
from landcover.simulate.noise import stream
from landcover.simulate.site import Site

COLOURS = {
    0: (0, 0, 0),
    1: (0, 120, 0),
    2: (100, 140, 0),
    3: (255, 187, 34),
    4: (255, 255, 76),
    5: (0, 150, 160),
    6: (180, 180, 180),
    7: (240, 150, 255),
    8: (250, 0, 0),
    9: (0, 50, 200),
}
"""Red, green and blue of each map code, as in the maps of the paper."""
EDGE_PIXELS = 2
"""Least distance of a label from the rim of all windows, pixels."""

Pixels = npt.NDArray[np.intp]


def write_truth(site: Site, land: Landscape, folder: Path) -> dict[str, Path]:
    """Write the class map of each window, uint8 on its 10 m grid, with the names as tags."""
    names = {f"CLASS_{code}": name for code, name in CLASS_NAMES.items()}
    paths = {}
    for tile, window in site.windows.items():
        paths[tile] = folder / f"{tile}.tif"
        write_tiff(
            paths[tile],
            land.classes[site.slices(tile)],
            window.crs,
            window.transform,
            nodata=0,
            tags=names,
            colormap=COLOURS,
        )
    return paths


def write_labels(seed: int, site: Site, land: Landscape, path: Path, points_per_class: int) -> None:
    """Write as many points of each class, inside its patches where it has such pixels.

    A pixel is inside when its 3 × 3 pixels are of one class: the centre is 15 m inside.
    """
    rng = stream(seed, "labels")
    allowed = ndimage.binary_erosion(site.is_inside, np.ones((3, 3), np.bool_), EDGE_PIXELS)
    pure = ndimage.minimum_filter(land.classes, 3) == ndimage.maximum_filter(land.classes, 3)
    chosen = []
    for code in CLASS_NAMES:
        of_class = allowed & (land.classes == code)
        inside, any_where = np.flatnonzero(of_class & pure), np.flatnonzero(of_class)
        enough = inside if len(inside) >= points_per_class else any_where
        chosen.append(rng.choice(enough, min(points_per_class, len(enough)), replace=False))
    _write_points(site, land, path, np.sort(np.concatenate(chosen)))


def write_independent_labels(
    seed: int, site: Site, land: Landscape, path: Path, points: int
) -> None:
    """Write a simple random sample of all pixels: a probability sample of the region."""
    rng = stream(seed, "independent labels")
    allowed = np.flatnonzero(site.is_inside)
    chosen = rng.choice(allowed, min(points, len(allowed)), replace=False)
    _write_points(site, land, path, np.sort(chosen))


def _write_points(site: Site, land: Landscape, path: Path, pixels: Pixels) -> None:
    rows, columns = np.unravel_index(pixels, land.hull.shape)
    lon, lat = site.to_degrees.transform(
        land.hull.ulx + 10.0 * columns + 5.0, land.hull.uly - 10.0 * rows - 5.0
    )
    codes = land.classes[rows, columns]
    features = [
        {
            "type": "Feature",
            "properties": {
                "point_id": f"{path.stem}-{number:05d}",
                "label": CLASS_NAMES[int(code)],
                "class": int(code),
            },
            "geometry": {"type": "Point", "coordinates": [round(x, 7), round(y, 7)]},
        }
        for number, (x, y, code) in enumerate(zip(lon, lat, codes, strict=True))
    ]
    collection = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(collection, indent=1) + "\n", encoding="utf-8")
