"""Labels for training, an independent sample for validation, and the truth itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.simulate.files import write_tiff_by_strips
from landcover.simulate.landscape import CLASS_NAMES
from landcover.simulate.layers import Block, Layers
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

STRIP_PIXELS = 360
"""Rows that are looked at together in a large region."""

Mask = npt.NDArray[np.bool_]
Choice = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Point:
    """A place with its true class."""

    longitude: float
    """Degrees, seven decimals: a centimetre."""
    latitude: float
    """Degrees, seven decimals."""
    code: int
    """Map code 1-9."""


def write_truth(site: Site, layers: Layers, folder: Path) -> dict[str, Path]:
    """Write the class map of each window, uint8 on its 10 m grid, with the names as tags."""
    names = {f"CLASS_{code}": name for code, name in CLASS_NAMES.items()}
    paths = {}
    for tile, window in site.windows.items():
        paths[tile] = folder / f"{tile}.tif"
        rows, columns = site.slices(tile)
        whole = Block(rows.start, columns.start, window.height, window.width)
        write_tiff_by_strips(
            paths[tile],
            ((b.row - whole.row, layers.get("classes", b)) for b in _strips(whole)),
            window.shape,
            np.dtype(np.uint8),
            window.crs,
            window.transform,
            nodata=0,
            tags=names,
            colormap=COLOURS,
        )
    return paths


def choose_labels(seed: int, site: Site, layers: Layers, points_per_class: int) -> list[Point]:
    """Choose as many points of each class, inside its patches where it has such pixels.

    A pixel is inside when its 3 × 3 pixels are of one class: the centre is 15 m inside.
    """
    rng = stream(seed, "labels")
    inside, any_where = _Tally(), _Tally()
    for strip in _strips(Block(0, 0, *site.hull.shape)):
        for code, of_class, is_pure in _candidates(site, layers, strip):
            inside.count(code, of_class & is_pure)
            any_where.count(code, of_class)
    wanted: dict[int, tuple[bool, Choice]] = {}
    for code in CLASS_NAMES:
        is_enough = inside.total[code] >= points_per_class
        total = (inside if is_enough else any_where).total[code]
        chosen = rng.choice(total, min(points_per_class, total), replace=False)
        wanted[code] = is_enough, np.asarray(chosen, dtype=np.int64)
    found: list[Choice] = []
    passed: Counter[int] = Counter()
    for strip in _strips(Block(0, 0, *site.hull.shape)):
        for code, of_class, is_pure in _candidates(site, layers, strip):
            needs_pure, chosen = wanted[code]
            here = np.flatnonzero(of_class & is_pure if needs_pure else of_class)
            mine = chosen[(chosen >= passed[code]) & (chosen < passed[code] + len(here))]
            found.append(here[mine - passed[code]] + strip.row * site.hull.width)
            passed[code] += len(here)
    return _points(site, layers, np.sort(np.concatenate(found)))


def choose_independent_labels(seed: int, site: Site, layers: Layers, points: int) -> list[Point]:
    """Choose a simple random sample of all pixels: a probability sample of the region."""
    strips = _strips(Block(0, 0, *site.hull.shape))
    totals = [int(_is_inside(site, strip).sum()) for strip in strips]
    rng = stream(seed, "independent labels")
    chosen = rng.choice(sum(totals), min(points, sum(totals)), replace=False)
    found, passed = [], 0
    for strip, total in zip(strips, totals, strict=True):
        mine = chosen[(chosen >= passed) & (chosen < passed + total)] - passed
        here = np.flatnonzero(_is_inside(site, strip))
        found.append(here[mine] + strip.row * site.hull.width)
        passed += total
    return _points(site, layers, np.sort(np.concatenate(found)))


class _Tally:
    def __init__(self) -> None:
        self.total: Counter[int] = Counter()

    def count(self, code: int, mask: Mask) -> None:
        self.total[code] += int(mask.sum())


def _strips(whole: Block) -> list[Block]:
    last = whole.row + whole.height
    return [
        Block(row, whole.column, min(STRIP_PIXELS, last - row), whole.width)
        for row in range(whole.row, last, STRIP_PIXELS)
    ]


def _candidates(site: Site, layers: Layers, strip: Block) -> Iterator[tuple[int, Mask, Mask]]:
    """Tell for each class which pixels of a strip are of it, away from rims, and which are pure."""
    spare = EDGE_PIXELS + 1
    wide = strip.grown(spare)
    inner = (slice(spare, -spare), slice(spare, -spare))
    eroded = ndimage.binary_erosion(_is_inside(site, wide), np.ones((3, 3), np.bool_), EDGE_PIXELS)
    classes = layers.get("classes", wide)
    pure = (ndimage.minimum_filter(classes, 3) == ndimage.maximum_filter(classes, 3))[inner]
    for code in CLASS_NAMES:
        yield code, (eroded & (classes == code))[inner], pure


def _is_inside(site: Site, block: Block) -> Mask:
    """Find the pixels of a block that lie in a window."""
    inside = np.zeros((block.height, block.width), dtype=np.bool_)
    for tile in site.tiles:
        rows, columns = site.slices(tile)
        top, left = max(rows.start - block.row, 0), max(columns.start - block.column, 0)
        bottom, right = max(rows.stop - block.row, 0), max(columns.stop - block.column, 0)
        inside[top:bottom, left:right] = True
    return inside


def _points(site: Site, layers: Layers, pixels: Choice) -> list[Point]:
    rows, columns = np.unravel_index(pixels, site.hull.shape)
    lon, lat = site.to_degrees.transform(
        site.hull.ulx + 10.0 * columns + 5.0, site.hull.uly - 10.0 * rows - 5.0
    )
    codes = [
        int(layers.get("classes", Block(int(row), int(column), 1, 1))[0, 0])
        for row, column in zip(rows, columns, strict=True)
    ]
    return [
        Point(round(float(x), 7), round(float(y), 7), code)
        for x, y, code in zip(lon, lat, codes, strict=True)
    ]
