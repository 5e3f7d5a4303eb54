"""Six GLCM textures of the window around every pixel: beside Orfeo ToolBox and scikit-image."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.processes import Case, side_by_side
from landcover.bench.tables import Progress, Report, Request, Row, Work
from landcover.errors import LandcoverError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HARALICK = "otbcli_HaralickTextureExtraction"
WINDOW, LEVELS = 7, 32
OFFSETS = ((1, 0), (1, 1), (0, 1), (1, -1))
"""Steps (x, y) of the four angles."""
SMALL = 96
"""Side of the image that scikit-image computes window by window."""
LIMITS = (0.0, 0.5)
IMAGE = "texture.tif"
GREY = "grey.tif"
"""Grey levels of the image, which Orfeo reads: it spreads its bins from the minimum to the maximum
plus one, so reflectance of 0-0.5 would fall into a third of them (its
GreyLevelCooccurrenceIndexedList)."""


def disk_gb(request: Request) -> float:
    """Say how much band and Orfeo's textures take."""
    return 4e-9 * request.pixels_or(2196) ** 2 * 14


def measure(request: Request, progress: Progress) -> Report:
    """Measure a band of a simulated relief; one thread each.

    Ours computes four angles and averages them; Orfeo ToolBox is called once for each, with its set
    "simple" (energy, entropy, correlation, inverse difference moment, inertia …) and with the
    set "advanced" too, which has dissimilarity.
    """
    pixels, repeats = request.pixels_or(2196), request.repeats_or(3)
    folder = str(request.folder)
    write_image(request.folder / IMAGE, pixels, request.seed)
    known = {"folder": folder}
    rows: list[Row] = []
    notes = []
    cases = [Case("ours", f"{__name__}:ours", known)]
    if shutil.which(HARALICK):
        both = ("simple", "advanced")
        cases += [
            Case("Orfeo simple", f"{__name__}:orfeo", {**known, "sets": list(both[:1])}),
            Case("Orfeo simple + advanced", f"{__name__}:orfeo", {**known, "sets": list(both)}),
        ]
    else:
        notes.append("Orfeo ToolBox is not installed here (Debian: otb-bin).")
    rows += side_by_side(f"6 textures, {pixels} px", cases, repeats, progress, same=False)
    if len(cases) > 1:
        notes.append(_agreement(request.folder))
    write_image(request.folder / IMAGE, SMALL, request.seed)
    small = [Case(e, f"{__name__}:{f}", known) for e, f in
             (("ours", "ours"), ("scikit-image", "scikit_image"))]  # fmt: skip
    rows += side_by_side(f"6 textures, {SMALL} px", small, repeats, progress, same=False)
    notes.append(f"Largest difference to scikit-image, {SMALL} px: {_difference(folder):.1e}.")
    return Report("texture", {"pixels": pixels, "threads": 1}, rows, notes)


def write_image(path: Path, pixels: int, seed: int) -> None:
    """Write reflectance as of fields, forests and noise, float32."""
    import numpy as np
    from scipy.ndimage import gaussian_filter

    from landcover.bench.synthetic import grid_of
    from landcover.raster.texture import grey_levels
    from landcover.stores.rasters import RasterStyle, write_raster

    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal((pixels, pixels)), 5)
    fields = np.kron(rng.random((pixels // 24 + 1,) * 2), np.ones((24, 24)))[:pixels, :pixels]
    noise = rng.normal(0, 0.02, (pixels, pixels))
    band = np.clip(0.1 + 0.25 * fields + 0.05 * smooth / smooth.std() + noise, 0.001, 0.499)
    style, grid = RasterStyle("float32", None), grid_of(pixels, 10)
    write_raster(path, band.astype(np.float32), grid, style)
    levels = grey_levels(band.astype(np.float32), LEVELS, LIMITS).astype(np.float32)
    write_raster(path.with_name(GREY), levels, grid, style)


def ours(folder: str) -> Work:
    """Compute all six, averaged over four angles."""
    import numpy as np

    from landcover.raster.texture import glcm_textures

    band = _band(folder)
    glcm_textures(band[:16, :16], WINDOW, LEVELS)  # loads compiled code

    def work() -> Any:
        found = glcm_textures(band, WINDOW, LEVELS)
        return lambda: [round(float(np.nanmean(plane)), 6) for plane in found]

    return work


def scikit_image(folder: str) -> Work:
    """Compute the matrix of each window."""
    band = _band(folder)

    def work() -> Any:
        found = by_scikit_image(band)
        return lambda: [round(float(plane.mean()), 6) for plane in found]

    return work


def by_scikit_image(band: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute the six textures of the windows that lie inside, float64, (texture, y, x)."""
    import numpy as np
    from skimage import feature

    from landcover.nouns.feature_sections import TEXTURES
    from landcover.raster.texture import grey_levels

    glcm: Any = feature  # without types
    levels = grey_levels(band, LEVELS, LIMITS).astype(np.uint8)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    shape = (levels.shape[0] - WINDOW + 1, levels.shape[1] - WINDOW + 1)
    found = np.empty((len(TEXTURES), *shape))
    for row, column in np.ndindex(shape):
        square = levels[row : row + WINDOW, column : column + WINDOW]
        matrix = glcm.graycomatrix(square, [1], angles, LEVELS, symmetric=True, normed=True)
        found[:, row, column] = [glcm.graycoprops(matrix, name).mean() for name in TEXTURES]
    return found


def orfeo(folder: str, sets: list[str]) -> Work:
    """Let Orfeo ToolBox compute its sets, one offset after the other."""
    limit = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1", "OMP_NUM_THREADS": "1"}

    def work() -> None:
        for number, (x, y) in enumerate(OFFSETS):
            for name in sets:
                command = [
                    HARALICK, "-in", GREY, "-channel", "1", "-texture", name,
                    "-parameters.xrad", str(WINDOW // 2), "-parameters.yrad", str(WINDOW // 2),
                    "-parameters.xoff", str(x), "-parameters.yoff", str(y),
                    "-parameters.min", "0", "-parameters.max", str(LEVELS - 1),
                    "-parameters.nbbin", str(LEVELS), "-out", f"{name}{number}.tif", "float",
                ]  # fmt: skip
                done = subprocess.run(
                    command, cwd=folder, capture_output=True, text=True, env={**os.environ, **limit}
                )
                if done.returncode:
                    told = (done.stderr or done.stdout)[-300:]
                    raise LandcoverError(f"{HARALICK} ended with {done.returncode}: {told}")

    return work


def _band(folder: str) -> NDArray[np.float32]:
    import numpy as np

    from landcover.stores.rasters import read_array

    return np.asarray(read_array(Path(folder) / IMAGE)[0][0], np.float32)


def _agreement(folder: Path) -> str:
    """Say how far Orfeo's inertia is from our contrast, by its definition and by ours."""
    import numpy as np

    from landcover.raster.texture import glcm_textures
    from landcover.stores.rasters import read_array

    theirs = np.mean([read_array(folder / f"simple{n}.tif")[0][4] for n in range(4)], axis=0)
    levels = read_array(folder / GREY)[0][0]
    inside = (slice(8, -8), slice(8, -8))
    by_theirs = np.abs(theirs - inertia(levels))[inside]
    mine = glcm_textures(_band(str(folder)), WINDOW, LEVELS).contrast
    apart = np.abs(mine - theirs)[inside] / np.maximum(1, mine[inside])
    alike = float(np.corrcoef(mine[inside].ravel(), theirs[inside].ravel())[0, 1])
    return (
        f"Orfeo's inertia is the mean of (i - j)² over all {WINDOW**2} pixels of a window and "
        "their neighbours, also those outside it; ours over the pairs inside. Computed its way, "
        f"largest difference {by_theirs.max():.1e}; beside our contrast, averaged over the angles: "
        f"correlation {alike:.3f}, median difference {100 * float(np.median(apart)):.1f} %."
    )


def inertia(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute contrast as Orfeo ToolBox defines it, averaged over the four angles.

    Args:
        levels: Grey levels, (y, x).

    Returns:
        Mean of (i − j)² over the pixels of the window around each pixel and their neighbours,
        which may lie outside the window, float64, (y, x); at the image's edge it is another one.
    """
    import numpy as np
    from scipy.ndimage import uniform_filter

    grey = levels.astype(np.float64)
    steps = [(grey - np.roll(grey, (-y, -x), axis=(0, 1))) ** 2 for x, y in OFFSETS]
    return np.asarray(np.mean([uniform_filter(step, WINDOW) for step in steps], axis=0))


def _difference(folder: str) -> float:
    import numpy as np

    from landcover.raster.texture import glcm_textures

    band, radius = _band(folder), WINDOW // 2
    mine = np.stack(glcm_textures(band, WINDOW, LEVELS))[:, radius:-radius, radius:-radius]
    expected = by_scikit_image(band)
    return float((np.abs(mine - expected) / np.maximum(1, np.abs(expected))).max())
