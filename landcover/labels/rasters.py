"""Points drawn from a raster of labels, spread over its fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from landcover.errors import InputError
from landcover.labels.classes import Translation, Translator
from landcover.labels.features import project_points
from landcover.labels.ids import stable_id
from landcover.labels.points import DrawnPoints
from landcover.labels.polygons import BLOCK
from landcover.nouns.grid import Grid
from landcover.nouns.legend import Legend
from landcover.stores.rasters import describe, read_array

POINTS_PER_CLASS = 200

Ints = NDArray[np.int64]

# Pixels that touch at a corner share pixels of their 3x3 blocks, so they are one field.
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)


def draw_from_raster(
    path: Path, translator: Translator, *, points_per_class: int | None, seed: int
) -> tuple[DrawnPoints, dict[str, int], tuple[str, ...]]:
    """Draw points of each class from a label raster.

    Args:
        path: One-band raster of whole numbers, in any CRS.
        translator: What the numbers mean; they are its labels, as text.
        points_per_class: Most points of a class; 200 if None.
        seed: Another seed, other points.

    Returns:
        Points at pixel centres, class by class; reason → pixels dropped; and warnings.

    Raises:
        InputError: The raster is damaged, has several bands or fractions, no pixel has a value,
            or one is unknown.
    """
    n = POINTS_PER_CLASS if points_per_class is None else points_per_class
    if n < 1:
        raise InputError(f"{path.name}: points_per_class must be at least 1, found {n}.")
    info = describe(path)
    if info.bands != 1 or not np.issubdtype(np.dtype(info.dtype), np.integer):
        raise InputError(
            f"{path.name}: a label raster has one band of whole numbers (uint8 or uint16), found "
            f"{info.bands} of {info.dtype}."
        )
    pixels, grid = read_array(str(path))
    values, counts = np.unique(pixels[0], return_counts=True)
    is_nodata = values == info.nodata if info.nodata is not None else np.zeros(len(values), bool)
    found = {
        str(int(value)): int(count)
        for value, count in zip(values[~is_nodata], counts[~is_nodata], strict=True)
    }
    if not found:
        raise InputError(f"{path.name}: every pixel is nodata; labels were expected.")
    meaning = translator.translate(path.name, found)
    dropped = dict(meaning.dropped)
    if is_nodata.any():
        dropped["nodata"] = int(counts[is_nodata].sum())
    return _draw(pixels[0], grid, meaning, translator.legend, n, seed), dropped, meaning.warnings


def _draw(
    values: NDArray[np.integer],
    grid: Grid,
    meaning: Translation,
    legend: Legend,
    n: int,
    seed: int,
) -> DrawnPoints:
    none = np.empty(0, dtype=np.int64)
    pixels, firsts, codes = [none], [none], [none]
    for class_code in legend.codes:
        of_class = [int(v) for v, known in meaning.code_by_label.items() if known == class_code]
        if of_class:
            pixel, first = spread_over_fields(values, of_class, n, seed)
            pixels.append(pixel)
            firsts.append(first)
            codes.append(np.full(len(pixel), class_code, dtype=np.int64))
    pixel, first, code = (np.concatenate(part) for part in (pixels, firsts, codes))
    lon, lat = _centres(grid, pixel)
    west, north = _centres(grid, first)
    group = [
        "f" + stable_id(f"{round(x * 1e7)}/{round(y * 1e7)}/{legend.name_of(c)}".encode())
        for x, y, c in zip(west.tolist(), north.tolist(), code.tolist(), strict=True)
    ]
    return DrawnPoints(
        lon, lat, code, np.zeros_like(code), np.array(group, dtype=object), pixel,
        np.full(len(code), BLOCK),
    )  # fmt: skip


def spread_over_fields(
    values: NDArray[np.integer], of_class: list[int], n: int, seed: int
) -> tuple[Ints, Ints]:
    """Draw pixels of a class at random, turn by turn from each of its fields.

    A field is a connected patch of one value (corners touch). Every field gives its first pixel
    before any gives its second; which pixels, and which fields come first, is decided by a hash
    of seed, row and column, so that nothing else plays a part.

    Args:
        values: Label raster, integer, (y, x).
        of_class: Values that mean the class.
        n: Most pixels to draw.
        seed: Seed of the hash.

    Returns:
        Flat index of each drawn pixel, ascending, and of its field's first pixel, int64.
    """
    pixels, fields = [], []
    n_fields = 0
    for value in of_class:
        labelled, n_found = ndimage.label(values == value, structure=_EIGHT_NEIGHBOURS)
        pixel = np.flatnonzero(labelled)
        pixels.append(pixel)
        fields.append(labelled.ravel()[pixel].astype(np.int64) - 1 + n_fields)
        n_fields += int(n_found)
    pixel, field = np.concatenate(pixels), np.concatenate(fields)
    width = values.shape[1]
    start = np.full(n_fields, values.size)
    np.minimum.at(start, field, pixel)
    order = np.lexsort((_hash(pixel, width, 2 * seed), field))
    size = np.bincount(field, minlength=n_fields)
    turn = np.arange(len(pixel)) - np.repeat(np.cumsum(size) - size, size)
    pixel, field = pixel[order], field[order]
    place = _hash(start, width, 2 * seed + 1)
    drawn = np.lexsort((place[field], turn))[:n]
    drawn = drawn[np.argsort(pixel[drawn])]
    return pixel[drawn], start[field[drawn]]


def _centres(grid: Grid, pixel: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    row, column = np.divmod(pixel, grid.width)
    x = grid.ulx + (column + 0.5) * grid.pixel
    y = grid.uly - (row + 0.5) * grid.pixel
    return project_points(x, y, grid.crs)


def _hash(pixel: Ints, width: int, seed: int) -> NDArray[np.uint64]:
    """Hash (seed, row, column) to 64 bits (finaliser of SplitMix64, Steele et al. 2014)."""
    row, column = np.divmod(pixel, width)
    bits = (row.astype(np.uint64) << np.uint64(32)) | column.astype(np.uint64)
    bits += np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
