"""Read rasters by window, each on its own grid."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, local
from typing import Any, Literal, TypeVar

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.session import DummySession
from rasterio.windows import Window as RasterioWindow

from landcover.errors import DamagedError, InputError
from landcover.nouns.grid import Grid, Window
from landcover.stores import vsi
from landcover.stores.rasters.block_checksums import NAMESPACE, BlockChecksums
from landcover.stores.rasters.opening import DRIVERS, open_named

Array = NDArray[Any]
T = TypeVar("T")


# One job owns the memory contract: GDAL gets a small cache (bytes) and no threads of its own.
GDAL_OPTIONS: Mapping[str, Any] = {"GDAL_CACHEMAX": 128 * 2**20, "GDAL_NUM_THREADS": 1}
_FILTERS = Lock()
_THREAD = local()
_COMPARED: dict[str, tuple[int, int]] = {}


@dataclass(frozen=True)
class RasterInfo:
    """What a raster file says of itself."""

    grid: Grid | None
    """Its grid; None where the file has no georeference or its pixels are not square."""
    shape: tuple[int, int]
    """(rows, columns)."""
    bands: int
    """Number of bands."""
    dtype: str
    """Data type of the first band."""
    nodata: float | None
    """Declared nodata value."""
    block: tuple[int, int]
    """Block (rows, columns) of the first band."""
    has_crs: bool
    """Whether the file says in which coordinates it lies."""
    unit: str
    """Unit of the first band's values, as the file names it; empty where it does not."""
    trouble: str
    """Why there is no grid, one sentence; empty where there is one."""
    has_georeference: bool
    """Whether the file says where it lies, be it on such a grid or not."""
    has_alpha: bool
    """Whether the last band says which pixels are valid."""
    descriptions: tuple[str | None, ...]
    """What each band is called; None where the file does not say."""
    scalings: tuple[tuple[float, float], ...]
    """Scale and offset of each band, as the file declares them: (1, 0) where it does not."""
    tags: Mapping[str, str]
    """Metadata tags of the file."""


class RasterReader:
    """An open raster: read windows of it from one thread."""

    def __init__(self, path: str, dataset: DatasetReader) -> None:
        self._path = path
        self.dataset = dataset
        """rasterio's own object, for this room only."""
        self._checksums = _checksums(dataset)

    @property
    def info(self) -> RasterInfo:
        """What the file says of itself."""
        return _info(self.dataset)

    def read(self, window: Window | None = None, band: int | None = None) -> Array:
        """Read pixels.

        Args:
            window: The rectangle; the whole raster if None.
            band: One band, counted from 1; all bands if None.

        Returns:
            (y, x) for one band, else (band, y, x), in the file's own type.

        Raises:
            InputError: The file cannot be read.
            DamagedError: A block holds other pixels than were written.
        """
        if self._checksums is None:
            return self._read(window, band)
        place = window or Window.whole(self.dataset.shape)
        bands = range(self.dataset.count) if band is None else (band - 1,)
        if self._checksums.is_compared(place, bands):
            return self._read(window, band)
        whole = self._checksums.widened(place)
        pixels = self._read(whole, band)
        stack = pixels[None] if pixels.ndim == 2 else pixels
        where = self._checksums.differing(stack, whole, bands)
        if where is not None:
            raise other_pixels(self._path, where)
        if whole == place:
            return pixels
        rows, columns = place._replace(
            row=place.row - whole.row, column=place.column - whole.column
        ).slices
        return np.ascontiguousarray(pixels[..., rows, columns])

    def _read(self, window: Window | None, band: int | None) -> Array:
        rectangle = rasterio_window(window)
        # GDAL's options are those of a thread; a raster may stay open beyond the block that set
        # them, so each reading sets its own.
        with _environment(self._path):
            return np.asarray(
                reading(self._path, lambda: self.dataset.read(band, window=rectangle))
            )

    @property
    def has_checksums(self) -> bool:
        """Whether the file carries a checksum of each block."""
        return self._checksums is not None

    def compare_all(self) -> None:
        """Compare every block with its checksum, where the file carries them.

        Raises:
            DamagedError: A block holds other pixels than were written.
        """
        if self._checksums is not None:
            height, width = self.dataset.shape
            step = int(self.dataset.block_shapes[0][0])
            for top in range(0, height, step):
                self.read(Window(top, 0, min(step, height - top), width))

    def compare_once(self) -> None:
        """Compare every block, unless this process has done so since the file was written.

        For readers that hand the file to GDAL's warper, which decodes blocks by itself.

        Raises:
            DamagedError: A block holds other pixels than were written.
        """
        if self._checksums is None:
            return
        state = _state_of(self._path)
        if _COMPARED.get(self._path) != state:
            self.compare_all()
            _COMPARED[self._path] = state

    def read_mask(self, window: Window | None = None) -> NDArray[np.bool_]:
        """Tell which pixels of the first band are valid: by mask, alpha band or nodata, (y, x).

        Raises:
            InputError: The file is damaged.
        """
        rectangle = rasterio_window(window)
        with _environment(self._path):
            mask = reading(self._path, lambda: self.dataset.read_masks(1, window=rectangle))
        return np.asarray(mask, dtype=np.uint8) > 0

    def close(self) -> None:
        """Close the file."""
        self.dataset.close()

    def tags(self) -> dict[str, str]:
        """Give the file's metadata tags."""
        return dict(self.dataset.tags())


def _state_of(path: str) -> tuple[int, int]:
    """Give size and time of a local file; what lies on a server is published once and stays."""
    if path.startswith("/vsi"):
        return 0, 0
    status = Path(path).stat()
    return status.st_size, status.st_mtime_ns


def _checksums(dataset: DatasetReader) -> BlockChecksums | None:
    if dataset.driver != "GTiff" or not dataset.count:
        return None
    block = dataset.block_shapes[0]
    tags = dataset.tags(ns=NAMESPACE)
    return BlockChecksums.of_tags(tags, dataset.shape, block, dataset.count)


@contextmanager
def open_raster(path: str | Path, drivers: Sequence[str] = DRIVERS) -> Iterator[RasterReader]:
    """Open a raster for reading.

    Args:
        path: The file.
        drivers: GDAL drivers that may read it.

    Raises:
        InputError: The file is absent or no raster, or refers to other files.
    """
    with _environment(str(path)), reading(str(path), lambda: _opened(path, drivers)) as dataset:
        yield RasterReader(str(path), dataset)


def open_for_long(path: str | Path) -> RasterReader:
    """Open a raster that the caller closes, in the thread that reads it.

    Raises:
        InputError: The file is absent or no raster.
    """
    with _environment(str(path)):
        return RasterReader(str(path), reading(str(path), lambda: _opened(path)))


@contextmanager
def holding_options() -> Iterator[None]:
    """Keep GDAL's options for local files set in this thread.

    Setting them anew for each reading takes a third of a millisecond, most of it to look for the
    data files of GDAL and PROJ.
    """
    was_holding = getattr(_THREAD, "is_holding", False)
    with rasterio.Env(session=DummySession(), **GDAL_OPTIONS):
        _THREAD.is_holding = True
        try:
            yield
        finally:
            _THREAD.is_holding = was_holding


def _environment(path: str) -> rasterio.Env | nullcontext[None]:
    options = vsi.options(path)
    if not options and getattr(_THREAD, "is_holding", False):
        return nullcontext()
    # GDAL finds the credentials of a server itself; rasterio would look for them at each opening.
    found: rasterio.Env = rasterio.Env(session=DummySession(), **{**GDAL_OPTIONS, **options})
    return found


def _opened(path: str | Path, drivers: Sequence[str] = DRIVERS) -> DatasetReader:
    # Some deliveries carry their georeference beside the file only. Python's filters of warnings
    # are those of all threads, so they are changed by one thread at a time.
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return open_named(path, drivers)


def describe(path: str | Path, drivers: Sequence[str] = DRIVERS) -> RasterInfo:
    """Read what a raster says of itself, without its pixels."""
    with open_raster(path, drivers) as raster:
        return raster.info


def read_array(path: str | Path, window: Window | None = None) -> tuple[Array, Grid]:
    """Read a raster or a window of it.

    Returns:
        The pixels (band, y, x) and the grid of the whole file.

    Raises:
        InputError: The file is damaged or has no georeference.
    """
    with open_raster(path) as raster:
        grid = raster.info.grid
        if grid is None:
            raise InputError(f"{path}: {raster.info.trouble}")
        return raster.read(window), grid


def read_overview(
    path: str | Path,
    longest_side: int,
    band: int = 1,
    resampling: Literal["nearest", "mode", "average"] = "nearest",
) -> Array:
    """Read a band small enough for a picture, from the file's overviews where it has them.

    Args:
        path: The raster.
        longest_side: Most rows or columns of the result; a smaller raster is read as it is.
        band: Band, counted from 1.
        resampling: ``nearest`` or ``mode`` for classes, ``average`` for continuous values.
            Nodata takes no part unless nothing else is there.

    Returns:
        (y, x) in the file's own type, over the extent of the whole raster.

    Raises:
        InputError: The file is absent or damaged, or ``longest_side`` is below 1.
    """
    if longest_side < 1:
        raise InputError(f"{path}: expected a longest side of 1 pixel or more, got {longest_side}.")
    with open_raster(path) as raster:
        dataset = raster.dataset
        factor = max(1.0, max(dataset.shape) / longest_side)
        shape = tuple(max(1, round(side / factor)) for side in dataset.shape)
        chosen = Resampling[resampling]
        array = reading(str(path), lambda: dataset.read(band, out_shape=shape, resampling=chosen))
    return np.asarray(array)


def reading(path: str, read: Callable[[], T]) -> T:
    """Read from a raster, and again where it lies on a server that was away meanwhile.

    Raises:
        InputError: The file is absent or damaged.
        UnavailableError: The server did not come back.
    """
    try:
        return vsi.patiently(path, read, RasterioError)
    except RasterioError as error:
        raise damaged(path, error) from error


def other_pixels(path: str, where: str) -> DamagedError:
    """Say that a raster holds other pixels than were written into it."""
    return DamagedError(
        f"{path}: {where} holds other pixels than were written (its CRC-32C differs): the file was "
        "damaged or changed. `landcover verify` sets it aside, and the command that made it makes "
        "it again.",
        path,
    )


def damaged(path: str, error: Exception) -> InputError:
    """Say that a raster cannot be read."""
    exists = Path(path).exists() or path.startswith("/vsi")
    if not exists:
        return InputError(f"{path}: no such raster file. Check the path or deliver it again.")
    reason = str(error.__cause__ or error).splitlines()[0].rstrip(".")
    return InputError(
        f"{path}: cannot be read as a raster, it is damaged or truncated ({reason}). "
        "Deliver the file again."
    )


def rasterio_window(window: Window | None) -> RasterioWindow | None:
    """Say a window in rasterio's words; None stays None: the whole raster."""
    if window is None:
        return None
    return RasterioWindow(window.column, window.row, window.width, window.height)


def _info(dataset: DatasetReader) -> RasterInfo:
    transform = dataset.transform
    if dataset.crs is not None and (transform.b or transform.d):
        raise InputError(f"{dataset.name}: the raster is not north-up. Warp it first.")
    grid, trouble = None, _trouble(dataset)
    if not trouble:
        epsg = dataset.crs.to_epsg()
        grid = Grid(
            crs=f"EPSG:{epsg}" if epsg else dataset.crs.to_wkt(),
            ulx=transform.c,
            uly=transform.f,
            pixel=transform.a,
            width=dataset.width,
            height=dataset.height,
        )
    block = dataset.block_shapes[0]
    return RasterInfo(
        grid=grid,
        shape=(dataset.height, dataset.width),
        bands=dataset.count,
        dtype=str(dataset.dtypes[0]),
        nodata=dataset.nodata,
        block=(int(block[0]), int(block[1])),
        has_crs=dataset.crs is not None,
        unit=dataset.units[0] or "",
        trouble=trouble,
        has_georeference=dataset.crs is not None and not transform.is_identity,
        has_alpha=dataset.colorinterp[-1] == ColorInterp.alpha,
        descriptions=dataset.descriptions,
        scalings=tuple(zip(dataset.scales, dataset.offsets, strict=True)),
        tags=dataset.tags(),
    )


def _trouble(dataset: DatasetReader) -> str:
    """Say why a raster lies on no grid of square pixels, north up; empty where it does."""
    transform, remedy = dataset.transform, "Warp it first, for example with gdalwarp."
    if dataset.crs is None or transform.is_identity:
        return "the raster has no georeference; one is needed here."
    if transform.e > 0:
        return f"its rows run from south to north; expected north up. {remedy}"
    if transform.a < 0:
        return f"its columns run from east to west; expected west to east. {remedy}"
    if abs(transform.a + transform.e) > 1e-6 * abs(transform.a):
        size = f"{transform.a:g} x {-transform.e:g}"
        return f"its pixels of {size} are not square; square ones are expected. {remedy}"
    return ""
