"""A season's composite, 14 rasters: beside decoding alone, and whole bands with np.nanmedian."""

from __future__ import annotations

import tempfile
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import deliveries, season
from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work, digest
from landcover.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NODATA = -32768
EXCLUDED = 1 | 8 | 16 | 32
"""Mask bits nodata, snow, defective, grown: what the recipe leaves out by default."""
PLAIN_BYTES = 22
"""Of memory, by the plain way, for one pixel of one product: float32, its copies, a mask."""
STRIP = 1024


def disk_gb(request: Request) -> float:
    """Say what the season and three sets of composites take, GB."""
    pixels, products = request.pixels_or(1098), request.products or 5
    if request.deliveries:
        more = len(request.deliveries) * pixels**2 * season.OUTPUT_BYTES_PER_PIXEL * 2
        copies = pixels**2 * products * deliveries.BYTES_PER_PIXEL
        return season.disk_gb(pixels, products) + (more + copies) / 1e9
    return season.disk_gb(pixels, products) + 2 * pixels**2 * season.OUTPUT_BYTES_PER_PIXEL / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Composite a season by the stage, decode what it decodes, and composite it the plain way.

    Raises:
        InputError: A pixel of ours differs from the plain masked median.
    """
    products, threads = request.products or 5, request.threads or 2
    made = season.make_season(request, request.pixels_or(1098), progress)
    if products > season.MOST_SIMULATED:
        made = season.multiply(made, products, request.folder / "copies")
    if request.deliveries:
        return _deliveries(request, made, progress)
    known = {**season.to_arguments(made), "folder": str(request.folder), "count": products}
    strip = _strip(season.rasters(made), products)
    plain = "whole bands" if strip is None else f"strips of {strip} rows"
    cases = [
        Case("ours", f"{__name__}:ours", {**known, "threads": threads}),
        Case("decode alone, same blocks", f"{__name__}:decode_alone", known),
        Case(f"np.nanmedian, {plain}", f"{__name__}:plain", {**known, "strip": strip}),
    ]
    title = f"{products} products x 14 rasters"
    rows = side_by_side(title, cases, request.repeats_or(3), progress, same=False)
    pixels = max(season.blocks(str(path))[-1] for path in season.rasters(made))
    facts = {"pixels": pixels.row + pixels.height, "products": products, "threads": threads}
    return Report("composite", facts, rows, _notes(rows))


def _deliveries(request: Request, safe: season.Season, progress: Progress) -> Report:
    """Composite the same numbers from several deliveries, and decode each alone.

    Raises:
        InputError: A pixel of a composite differs.
    """
    products, threads = request.products or 5, request.threads or 2
    cases = []
    for kind in request.deliveries:
        made = safe if kind == "jp2" else deliveries.as_cogs(safe, request.folder / kind, progress)
        known = {**season.to_arguments(made), "folder": str(request.folder), "count": products}
        cases.append(Case(f"ours, {kind}", f"{__name__}:ours", {**known, "threads": threads}))
        cases.append(Case(f"decode alone, {kind}", f"{__name__}:decode_alone", known))
    title = f"{products} products x 14 rasters"
    rows = side_by_side(title, cases, request.repeats_or(3), progress, same=False)
    ours, alone = rows[::2], rows[1::2]
    if len({row.result["digest"] for row in ours}) > 1:
        raise InputError(f"Composites differ: {[row.result for row in ours]}.")
    notes = ["The composites of all deliveries are equal on every pixel."]
    for kind, mine, decoded in zip(request.deliveries, ours, alone, strict=True):
        ratio = mine.cost.cpu_seconds / decoded.cost.cpu_seconds
        first = mine.cost.cpu_seconds / ours[0].cost.cpu_seconds
        notes.append(
            f"{kind}: {ratio:.2f} times the CPU of its own decoding, {first:.3f} times that of "
            f"{request.deliveries[0]}."
        )
    pixels = max(season.blocks(str(path))[-1] for path in season.rasters(safe))
    facts = {"pixels": pixels.row + pixels.height, "products": products, "threads": threads}
    return Report("composite", facts, rows, notes)


def _notes(rows: list[Row]) -> list[str]:
    mine, decoded, numpys = (row.result for row in rows)
    if mine["digest"] != numpys["digest"]:
        raise InputError(f"Our composite {mine} differs from the masked median {numpys}.")
    return [
        "All pixels of all layers equal numpy's masked median, rounded half to even.",
        f"{decoded['skipped']} of {decoded['blocks']} blocks hold nothing that the masks leave; "
        "they are decoded neither by ours nor by `decode alone`.",
    ]


def ours(folder: str, count: int, threads: int, **made: Any) -> Work:
    """Composite by the stage; collecting and masking are done before."""
    import numpy as np

    from landcover.raster.composite import masked_median

    workspace = Path(tempfile.mkdtemp(prefix="ours-", dir=folder))
    unit = season.bring_to_masks(season.from_arguments(made), workspace, count)
    # Compiled code is loaded once a process, not once a tile.
    masked_median(np.zeros((2, 8, 8), np.int16), np.zeros((2, 8, 8), np.bool_))

    def work() -> Work:
        season.run_stage("composite", unit, threads=threads)
        return lambda: {"digest": _digest_of(workspace / "objects" / "composites")}

    return work


def decode_alone(folder: str, count: int, **made: Any) -> Work:
    """Decode the blocks that the composite needs and do nothing with them."""
    from landcover.stores.rasters import open_raster

    workspace = Path(tempfile.mkdtemp(prefix="decode-", dir=folder))
    season.bring_to_masks(season.from_arguments(made), workspace, count)
    needed, skipped = {}, 0
    for band in season.bands():
        windows = season.blocks(band.path)
        hidden = _masked(band)
        needed[band.path] = [w for w in windows if not hidden[w.slices].all()]
        skipped += len(windows) - len(needed[band.path])
    blocks = skipped + sum(map(len, needed.values()))

    def work() -> dict[str, int]:
        for path, windows in needed.items():
            with open_raster(path) as raster:
                for window in windows:
                    raster.read(window, band=1)
        return {"blocks": blocks, "skipped": skipped}

    return work


def plain(folder: str, count: int, strip: int | None, **made: Any) -> Work:
    """Composite as one would write it down: all products of a band at once, np.nanmedian."""
    workspace = Path(tempfile.mkdtemp(prefix="plain-", dir=folder))
    season.bring_to_masks(season.from_arguments(made), workspace, count)
    layers = {k: list(group) for k, group in groupby(season.bands(), key=lambda b: b.layer)}
    target = workspace / "plain"
    target.mkdir()

    def work() -> Work:
        for layer, bands in layers.items():
            _plain_layer(layer, bands, target / f"{layer}.tif", strip)
        return lambda: {"digest": _digest_of(target)}

    return work


def _plain_layer(layer: str, bands: list[season.Band], path: Path, strip: int | None) -> None:
    import warnings

    import numpy as np

    from landcover.stores.rasters import RasterStyle, create_raster, describe, open_raster

    grid = describe(bands[0].path).grid
    assert grid is not None
    units = 1000 if layer in ("AOT", "WVP") else 10_000
    hidden = [_masked(band) for band in bands]
    style = RasterStyle(dtype="int16", nodata=NODATA, descriptions=(layer,))
    with create_raster(path, grid, style) as out:
        for window in grid.windows(strip or grid.height, grid.width):
            stack = np.empty((len(bands), window.height, window.width), dtype=np.float32)
            for values, band, mask in zip(stack, bands, hidden, strict=True):
                with open_raster(band.path) as raster:
                    numbers = raster.read(window, band=1)
                values[:] = (numbers.astype(np.float32) + band.offset) * (units / band.scale)
                values[(numbers == 0) | (numbers == 65535) | mask[window.slices]] = np.nan
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # pixels that nobody saw
                median = np.rint(np.nanmedian(stack, axis=0))
            out.write(np.where(np.isnan(median), NODATA, median).astype(np.int16), window)


def _masked(band: season.Band) -> NDArray[np.bool_]:
    """Read where a band must not be used, on its own grid."""
    from landcover.stores.rasters import describe, open_raster

    with open_raster(band.mask) as raster:
        masked = (raster.read(band=1) & EXCLUDED) > 0
    height, width = describe(band.path).shape
    ratio = -(-height // masked.shape[0])
    return masked.repeat(ratio, axis=0).repeat(ratio, axis=1)[:height, :width]


def _digest_of(folder: Path) -> str:
    """Name the layers under a folder by their pixels."""
    from landcover.stores.rasters import read_array

    layers = sorted(p for p in folder.rglob("*.tif") if p.stem in season.LAYERS)
    return digest(*(read_array(path)[0] for path in sorted(layers, key=lambda p: p.name)))


def _strip(files: list[Path], products: int) -> int | None:
    """Say by how many rows the plain way works: all where the memory of this machine allows."""
    import psutil

    from landcover.stores.rasters import describe

    height, width = max(describe(path).shape for path in files)
    fits = psutil.virtual_memory().available > 1.3 * PLAIN_BYTES * products * height * width
    return None if fits else STRIP
