"""Mask filter, median and upsampling of arrays: beside scipy, numpy and bottleneck."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work, digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NODATA = -32768
CLOUD_SHARE = 0.3
"""Of the pixels of each product that are masked, as in a spring on the coast."""


def disk_gb(request: Request) -> float:
    """Say that nothing is written."""
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Measure the kernels of prepare on random arrays of a tile's shape; one thread each.

    Medians of numpy and bottleneck are of float32 whose masked pixels are NaN already: turning
    integers and masks into that is not counted to them.
    """
    pixels = request.pixels_or(2196) // 6 * 6
    repeats = request.repeats_or(3)
    rows: list[Row] = []
    known = {"pixels": pixels, "seed": request.seed}
    for times in (request.products,) if request.products else (2, 5, 15):
        engines = ["ours", "np.nanmedian"]
        if find_spec("bottleneck"):
            engines.insert(1, "bottleneck")
        # A stack of whole bands of float32 would be tens of gigabytes: they get a part of it.
        size = {**known, "pixels": min(pixels, 2196), "times": times}
        cases = [Case(e, f"{__name__}:median", {**size, "engine": e}) for e in engines]
        rows += side_by_side(f"median of {times}, {size['pixels']} px", cases, repeats, progress)
    for title, name, engines in (
        ("600 m filter at 20 m", "growth", ["ours", "scipy uniform_filter", "scipy fftconvolve"]),
        ("20 to 10 m, nearest", "upsampling", ["ours", "np.kron", "scipy zoom"]),
    ):
        cases = [Case(e, f"{__name__}:{name}", {**known, "engine": e}) for e in engines]
        rows += side_by_side(f"{title}, {pixels} px", cases, repeats, progress)
    return Report("kernels", {"pixels": pixels, "threads": 1}, rows, _notes(rows))


def _notes(rows: list[Row]) -> list[str]:
    found = ["All engines of a case give the same pixels."]
    for row in rows:
        if row.ratio is None and row.case.startswith("median"):
            side = int(row.case.split()[-2])
            found.append(f"{row.case}: {1e9 * row.cost.cpu_seconds / side**2:.1f} ns per pixel.")
    if find_spec("bottleneck") is None:
        found.append("bottleneck is not installed and left out.")
    return found


def median(pixels: int, times: int, seed: int, engine: str) -> Work:
    """Take the masked median of int16 numbers along time."""
    import numpy as np

    from landcover.raster.composite import masked_median

    if engine == "ours":
        values, hidden = _numbers(pixels, times, seed)
        masked_median(values[:, :8, :8], hidden[:, :8, :8])  # loads compiled code
        return _later(lambda: masked_median(values, hidden)[0])
    nanmedian, floats = _nanmedian(engine), _floats(pixels, times, seed)

    def rounded() -> NDArray[np.int16]:
        found = np.rint(nanmedian(floats, axis=0))
        return np.where(np.isnan(found), NODATA, found).astype(np.int16)

    return _later(rounded)


def _numbers(pixels: int, times: int, seed: int) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    import numpy as np

    rng = np.random.default_rng(seed)
    values = rng.integers(-500, 10_000, (times, pixels, pixels), dtype=np.int16)
    return values, rng.random(values.shape, dtype=np.float32) < CLOUD_SHARE


def _floats(pixels: int, times: int, seed: int) -> NDArray[np.float32]:
    import numpy as np

    values, hidden = _numbers(pixels, times, seed)
    return np.where(hidden, np.float32(np.nan), values.astype(np.float32))


def growth(pixels: int, seed: int, engine: str) -> Work:
    """Filter a cloud mask of a tile at 20 m: masked where over 7.5 % of 30 x 30 px are."""
    import numpy as np
    from scipy import ndimage, signal

    from landcover import api

    rng = np.random.default_rng(seed)
    side = pixels // 2
    coarse = rng.random((side // 30 + 2, side // 30 + 2)) < 0.1
    mask = np.kron(coarse, np.ones((30, 30), dtype=np.bool_))[:side, :side]
    mask = np.ascontiguousarray(mask) & (rng.random(mask.shape) < 0.9)
    kernel = 30
    limit = 0.075 * kernel**2

    def filtered() -> NDArray[np.bool_]:
        # scipy's even window reaches one pixel further up and left than ours.
        counts = ndimage.uniform_filter(
            mask.astype(np.float32), kernel, mode="reflect", origin=-1
        ) * (kernel**2)
        return np.asarray(np.rint(counts) > limit)

    def convolved() -> NDArray[np.bool_]:
        before, after = (kernel - 1) // 2, kernel // 2
        padded = np.pad(mask.astype(np.float32), (before, after), mode="symmetric")
        window = np.ones((kernel, kernel), dtype=np.float32)
        return np.asarray(np.rint(signal.fftconvolve(padded, window, mode="valid")) > limit)

    engines = {
        "ours": lambda: api.expand_cloud_mask(mask, 20.0),
        "scipy uniform_filter": filtered,
        "scipy fftconvolve": convolved,
    }
    return _later(engines[engine])


def upsampling(pixels: int, seed: int, engine: str) -> Work:
    """Repeat each pixel of a 20 m mask two by two times."""
    import numpy as np
    from scipy import ndimage

    from landcover.raster.clouds import upsample_nearest

    mask = np.random.default_rng(seed).random((pixels // 2, pixels // 2)) < CLOUD_SHARE
    ones = np.ones((2, 2), dtype=np.bool_)
    engines = {
        "ours": lambda: upsample_nearest(mask, 2),
        "np.kron": lambda: np.kron(mask, ones),
        "scipy zoom": lambda: ndimage.zoom(mask, 2, order=0, grid_mode=True, mode="nearest"),
    }
    return _later(engines[engine])


def _later(make: Any) -> Work:
    """Digest what was made after the clock has stopped."""

    def work() -> Work:
        made = make()
        return lambda: digest(made)

    return work


def _nanmedian(engine: str) -> Any:
    import warnings

    import numpy as np

    warnings.simplefilter("ignore", RuntimeWarning)  # pixels that nobody saw
    if engine == "np.nanmedian":
        return np.nanmedian
    import bottleneck

    return bottleneck.nanmedian
