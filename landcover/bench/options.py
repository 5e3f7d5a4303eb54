"""Kernels of options: trust, spectra, smoothing, statistics, polygons, cleaning; and plain ones.

``plain`` is the same kernel as one would write it down, compiled too, a pixel at a time; for
polygons GDAL's polygonizer and a geometry each. Both must give the same bytes. One thread each.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import FULL_PIXELS, Progress, Report, Request, Row, Work, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from landcover.nouns.grid import Grid

FEATURES = 72
"""Features of a pixel, as many as the recipe has."""
LAYERS = 15
"""Drawn layers that the features are mixtures of: bands, indices and seasons hang together."""
SAMPLES = 5000
PERCENTILES = (5, 25, 50, 75, 95)
CLOUD_SHARE = 0.3
"""Of the pixels of each product that are masked."""
BLOCK = 4096
"""Pixels that the trust layer is asked about at a time, as by ``classify``."""


def disk_gb(request: Request) -> float:
    """Say that nothing is written."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Measure each kernel beside the plain one, on made-up ground.

    Raises:
        InputError: A byte of ours differs.
    """
    pixels, repeats = request.pixels_or(720) // 60 * 60, request.repeats_or(1)
    known = {"pixels": pixels, "seed": request.seed}
    rows: list[Row] = []
    for title, (kernel, arguments) in CASES.items():
        cases = [
            Case(engine, f"{__name__}:{kernel}", {**known, **arguments, "engine": engine})
            for engine in ("ours", "plain")
        ]
        rows += side_by_side(title, cases, repeats, progress)
    notes = _notes(rows, pixels)
    cases = [
        Case(f"codes {first} to {first + 8}", f"{__name__}:cleaning", {**known, "first": first})
        for first in (1, 247)
    ]
    rows += side_by_side("majority of 3 x 3 px and sieve of 9 px", cases, repeats, progress)
    for wrong in (0.03, 0.2):
        work = {**known, "wrong": wrong}
        cases = [Case("ours", f"{__name__}:geopackage", work)]
        rows += side_by_side(f"GeoPackage, {100 * wrong:g} % of single pixels", cases, repeats,
                             progress)  # fmt: skip
    return Report("options", {"pixels": pixels, "threads": 1}, rows, notes)


CASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "trust, pixels like the samples": ("trust", {"shift": 0.0}),
    "trust, half of them unlike": ("trust", {"shift": 1.0}),
    "geometric median, 5 dates, 10 bands": ("geomedian", {"times": 5}),
    "geometric median, 15 dates, 10 bands": ("geomedian", {"times": 15}),
    "percentiles and spread, 24 dates": ("statistics", {"kind": "masked_statistics"}),
    "the same of an index": ("statistics", {"kind": "series_statistics"}),
    "smoothing, 9 classes, 9 x 9 px": ("smoothing", {}),
    "polygons, parcels and 3 % of single pixels": ("polygons", {"wrong": 0.03}),
    "polygons, parcels and 20 % of single pixels": ("polygons", {"wrong": 0.2}),
}
"""What is done → its work function and its arguments."""


def _notes(rows: list[Row], pixels: int) -> list[str]:
    scale = (FULL_PIXELS / pixels) ** 2
    found = ["Both engines of a case give the same bytes."]
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return found + [
        f"{ours.case}: {scale * ours.cost.cpu_seconds:.0f} CPU s for a whole tile by the number of "
        f"pixels, plain {scale * plain.cost.cpu_seconds:.0f}."
        for ours, plain in pairs
    ]


def _later(make: Callable[[], Any]) -> Work:
    """Digest what was made after the clock has stopped."""

    def work() -> Work:
        made = make()
        arrays = made if isinstance(made, tuple) else (made,)
        return lambda: digest(*arrays)

    return work


def trust(pixels: int, seed: int, shift: float, engine: str) -> Work:
    """Tell where the pixels of a tile resemble no sample."""
    import numpy as np

    from landcover.bench.plain import trust as plain
    from landcover.learn import applicability

    samples, features = _features(pixels, seed)
    groups = np.arange(len(samples))
    known = applicability.fit_applicability(samples, groups, seed=seed)
    features[: len(features) // 2] += np.float32(shift) * samples.std(axis=0)
    ask = applicability.is_outside if engine == "ours" else plain.is_outside
    ask(known, features[:64])

    def whole() -> NDArray[np.bool_]:
        parts = range(0, len(features), BLOCK)
        return np.concatenate([ask(known, features[start : start + BLOCK]) for start in parts])

    return _later(whole)


def geomedian(pixels: int, seed: int, times: int, engine: str) -> Work:
    """Take the geometric median of ten bands."""
    import numpy as np

    from landcover.bench.plain import geomedian as plain
    from landcover.raster.geomedian import geometric_median

    rng = np.random.default_rng(seed)
    # A plane of 60 rows at a time, as composites are made by windows.
    around = rng.integers(300, 4000, (10, 60, pixels), dtype=np.int16)
    noise = rng.normal(0, 150, (times, 10, 60, pixels)).astype(np.int16)
    values, hidden = around + noise, rng.random((times, 60, pixels)) < CLOUD_SHARE
    take = geometric_median if engine == "ours" else plain.geometric_median
    take(values[:, :, :2].copy(), hidden[:, :2].copy())

    def whole() -> tuple[NDArray[Any], ...]:
        found = [take(values, np.roll(hidden, 7 * n, axis=2)) for n in range(pixels // 60)]
        return tuple(array for pair in found for array in pair)

    return _later(whole)


def statistics(pixels: int, seed: int, kind: str, engine: str) -> Work:
    """Take five percentiles and the spread of a band, or of an index."""
    import numpy as np

    from landcover.bench.plain import statistics as plain
    from landcover.raster import statistics as ours

    rng = np.random.default_rng(seed)
    values = rng.integers(-500, 10_000, (24, pixels, pixels), dtype=np.int16)
    hidden = rng.random(values.shape, dtype=np.float32) < CLOUD_SHARE
    given: tuple[NDArray[Any], ...] = (values, hidden)
    if kind == "series_statistics":
        given = (np.where(hidden, np.float32(np.nan), values.astype(np.float32) / 10_000),)
    take = getattr(ours if engine == "ours" else plain, kind)
    take(*(array[:, :4].copy() for array in given), PERCENTILES)
    return _later(lambda: take(*given, PERCENTILES))


def smoothing(pixels: int, seed: int, engine: str) -> Work:
    """Smooth the probabilities of nine classes: votes of 100 trees in parcels."""
    import numpy as np

    from landcover.bench import ground
    from landcover.bench.plain import smoothing as plain
    from landcover.raster.smoothing import smooth_probabilities

    rng = np.random.default_rng(seed)
    side = ground.PARCEL_M // 10
    parcels = rng.integers(0, ground.CLASSES, (pixels // side + 1, pixels // side + 1))
    classes = parcels.repeat(side, axis=0).repeat(side, axis=1)[:pixels, :pixels]
    # Some classes look alike, most do not: these get no votes.
    alike = rng.dirichlet(np.full(ground.CLASSES, 0.3), ground.CLASSES) + 2 * np.eye(ground.CLASSES)
    shares = alike / alike.sum(axis=1, keepdims=True)
    votes = np.stack([rng.multinomial(100, shares[row]) for row in classes]).transpose(2, 0, 1)
    # In rows, as both kernels were compiled for: else the plain one is compiled while timed.
    probabilities = np.ascontiguousarray(np.floor(254 * votes / 100 + 0.5), dtype=np.uint8)
    smooth = smooth_probabilities if engine == "ours" else plain.smooth_probabilities
    smooth(probabilities[:, :20, :20].copy(), 20.0, 9)
    return _later(lambda: smooth(probabilities, 20.0, 9))


def cleaning(pixels: int, seed: int, first: int) -> Work:
    """Filter and sieve a map of nine classes whose codes begin with ``first``."""
    import numpy as np

    from landcover.raster.majority import majority
    from landcover.raster.sieve import sieve

    classes = _classes(pixels, seed, 0.2, 6) + np.uint8(first)
    sieve(majority(classes[:9, :9].copy(), 3), 9)

    def work() -> Work:
        cleaned = sieve(majority(classes, 3), 9)
        return lambda: digest(cleaned - np.uint8(first))

    return work


def polygons(pixels: int, seed: int, wrong: float, engine: str) -> Work:
    """Draw the polygons of a class map, as well-known binary, in strips as high as a tile's."""
    import numpy as np
    import shapely

    from landcover.bench.plain import polygons as plain
    from landcover.publish.class_polygons import STRIP_PIXELS, class_polygons
    from landcover.raster.outline_bytes import well_known_binary

    path, grid = _map(pixels, seed, wrong)
    strip = STRIP_PIXELS * pixels // FULL_PIXELS

    def ours() -> tuple[NDArray[np.uint8], ...]:
        parts = list(class_polygons(path, grid, 0, strip_pixels=strip))
        encoded = [well_known_binary(part, grid.ulx, grid.uly, grid.pixel)[0] for part in parts]
        return np.concatenate([part.codes for part in parts]), np.concatenate(encoded)

    def theirs() -> tuple[NDArray[np.uint8], ...]:
        shapes = list(plain.class_polygons(path, grid, 0, strip_pixels=strip))
        encoded = b"".join(shapely.to_wkb(plain.placed(shapes, grid)))
        codes = np.array([shape.code for shape in shapes], np.uint8)
        return codes, np.frombuffer(encoded, np.uint8)

    work = ours if engine == "ours" else theirs
    work()
    return _later(work)


def geopackage(pixels: int, seed: int, wrong: float) -> Work:
    """Write the polygons of a class map to a GeoPackage."""
    from landcover.nouns.legend import LegendClass
    from landcover.publish.vectors import write_vectors

    path, grid = _map(pixels, seed, wrong)
    legend = [
        LegendClass(code=n, name=f"class{n}", title=f"Class {n}", colour="#808080")
        for n in range(1, 10)
    ]

    def write() -> None:
        write_vectors(path.parent, path.name, grid, legend, ["gpkg"], 0)

    write()
    path.with_suffix(".gpkg").unlink()
    return write


def _map(pixels: int, seed: int, wrong: float) -> tuple[Path, Grid]:
    import numpy as np

    from landcover.bench.layers import grid_of
    from landcover.stores.rasters import RasterStyle, write_raster

    folder = Path(tempfile.mkdtemp(prefix="polygons-"))
    atexit.register(shutil.rmtree, folder)
    path, grid = folder / "map.tif", grid_of(pixels, 10)
    classes = _classes(pixels, seed, wrong, 18) + np.uint8(1)
    write_raster(path, classes, grid, RasterStyle("uint8", 0, ("class",)))
    return path, grid


def _classes(pixels: int, seed: int, wrong: float, side: int) -> NDArray[np.uint8]:
    """Draw classes 0 to 8 in parcels, with single pixels that are wrong."""
    import numpy as np

    rng = np.random.default_rng(seed)
    parcels = rng.integers(0, 9, (pixels // side + 1, pixels // side + 1))
    classes = parcels.repeat(side, axis=0).repeat(side, axis=1)[:pixels, :pixels].astype(np.uint8)
    is_wrong = rng.random(classes.shape) < wrong
    classes[is_wrong] = rng.integers(0, 9, int(is_wrong.sum()), dtype=np.uint8)
    return classes


def _features(pixels: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw features of samples and of all pixels, (n, d), the latter in columns as stacks are."""
    import numpy as np

    from landcover.bench import ground
    from landcover.bench.layers import grid_of

    grid = grid_of(pixels, 10)
    classes = ground.random(seed, "samples").integers(0, ground.CLASSES, SAMPLES)
    mixing = ground.random(seed, "mixing").normal(0, 1, (FEATURES, LAYERS)).astype(np.float32)
    samples = np.empty((LAYERS, SAMPLES), np.float32)
    stack = np.empty((LAYERS, pixels, pixels), np.float32)
    for number in range(LAYERS):
        samples[number] = ground.sample_values(seed, f"layer {number}", classes, 0.2, 0.05)
        for window, values in ground.layer_strips(seed, f"layer {number}", grid, 0.2, 0.05):
            stack[number][window.slices] = values
    return (mixing @ samples).T.copy(), (mixing @ stack.reshape(LAYERS, -1)).T
