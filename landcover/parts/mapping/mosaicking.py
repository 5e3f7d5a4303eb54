"""Class maps at hand joined as the mosaic stage joins them: arrays or files in, arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError, UsageError
from landcover.nouns.grid import Grid
from landcover.nouns.shown import as_html, one_line
from landcover.parts.mapping.joining import FILES, Joining
from landcover.parts.mapping.lattices import snap
from landcover.parts.mapping.map_rasters import CLASSES, CONFIDENCE
from landcover.parts.mapping.tile_windows import CLASS_NODATA, Source
from landcover.parts.task import Job
from landcover.raster.feather import PROBABILITY_NODATA
from landcover.raster.mosaic import lattice_union
from landcover.stores.rasters import RasterStyle, describe, read_array, write_raster

PROBABILITIES = FILES[2]

Bytes = NDArray[np.uint8]


class ClassMap(NamedTuple):
    """The map of a tile."""

    classes: Bytes
    """Class codes, uint8, (y, x), 0 nodata."""
    grid: Grid
    """Where its pixels lie."""
    confidence: Bytes | None = None
    """Probability of the class as ⌊254·p + 0.5⌋, uint8, (y, x), 255 nodata; None: unknown."""
    probabilities: Bytes | None = None
    """The same of every class, uint8, (class, y, x), 255 nodata; None: unknown."""


class JoinedMap(NamedTuple):
    """Maps that were joined."""

    classes: Bytes
    """Class codes, uint8, (y, x), 0 where no map has a class."""
    grid: Grid
    """Where its pixels lie."""
    confidence: Bytes
    """Probability of the class as ⌊254·p + 0.5⌋, uint8, (y, x), 255 where unknown."""
    overlaps: tuple[dict[str, Any], ...]
    """Pairs of maps that overlap: ``first``, ``second``, ``pixels`` with a class in both,
    ``differing`` and ``percent`` before joining, ``classes`` (pixels by pair of codes), and what
    the joined map has of it, ``joined_not_first_percent`` and ``joined_not_second_percent``."""

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        return as_html(self)


def mosaic(
    maps: Mapping[str, ClassMap | str | Path],
    *,
    blend: Literal["primary", "feather"] = "primary",
    codes: Sequence[int] = (),
    grid: Grid | None = None,
) -> JoinedMap:
    """Join class maps as the mosaic stage joins those of tiles (docs/methods/mosaics.md).

    Args:
        maps: Name of a tile → its map: arrays, a raster of class codes, or a folder with
            ``classification.tif`` and, where there are such, ``confidence.tif`` and
            ``probabilities.tif``. Their order does not matter.
        blend: ``primary``: each pixel from the map in which it lies deepest; ``feather``:
            probabilities averaged, the weight of each map falling towards its edge.
        codes: Class codes of the bands of the probabilities, ascending.
        grid: Grid of the answer, of any CRS; maps of another CRS or pixel are warped to it
            (interpolated probabilities, else the nearest class). None: the smallest one that
            holds all maps, which need one CRS and pixel.

    Returns:
        Classes, confidence, grid, and how far the maps disagree where they overlap.

    Raises:
        UsageError: There is no map, an unknown blend, or probabilities without codes.
        InputError: A map is absent or no class map, lacks probabilities that are needed, has
            arrays of other shapes than its grid, or does not lie on one lattice with the others.
    """
    if not maps:
        raise UsageError("mosaic: expected at least one map, found none.")
    if blend not in ("primary", "feather"):
        raise UsageError(f"mosaic: expected blend 'primary' or 'feather', found {blend!r}.")
    with TemporaryDirectory(prefix="mosaic-") as folder:
        sources = [_source(name, maps[name], Path(folder) / str(n), codes, blend)
                   for n, name in enumerate(sorted(maps))]  # fmt: skip
        if grid is None:
            sources = [snap(source, sources[0].grid) for source in sources]
            grid = lattice_union([source.grid for source in sources])
        joining = Joining(
            sources=sources,
            neighbours=[],
            target=grid,
            codes=tuple(codes),
            is_feathered=blend == "feather",
        )
        joining.write(
            Job(),
            Path(folder),
            {
                CLASSES: RasterStyle("uint8", CLASS_NODATA),
                CONFIDENCE: RasterStyle("uint8", PROBABILITY_NODATA),
            },
        )
        (classes,), _ = read_array(Path(folder) / CLASSES)
        (confidence,), _ = read_array(Path(folder) / CONFIDENCE)
    return JoinedMap(classes, grid, confidence, tuple(joining.overlaps()))


def _source(
    name: str, given: ClassMap | str | Path, folder: Path, codes: Sequence[int], blend: str
) -> Source:
    folder.mkdir()
    source = _written(name, given, folder) if isinstance(given, ClassMap) else _filed(given, folder)
    has_all = PROBABILITIES in source.paths
    if blend == "feather" and not has_all:
        raise InputError(f"{name}: its map has no probabilities, which blend='feather' needs.")
    if has_all and not codes:
        raise UsageError(f"mosaic: expected the codes of {name}'s probabilities, found none.")
    n_bands = describe(source.paths[PROBABILITIES]).bands if has_all else len(codes)
    if n_bands != len(codes):
        raise InputError(f"{name}: expected probabilities of {len(codes)} codes, found {n_bands}.")
    return Source(name, source.paths, source.grid)


def _written(name: str, given: ClassMap, folder: Path) -> Source:
    layers = (given.classes, given.confidence, given.probabilities)
    paths = {}
    for file, values, n_axes in zip(FILES, layers, (2, 2, 3), strict=True):
        if values is None:
            continue
        shape = (*values.shape[: n_axes - 2], *given.grid.shape)
        if values.dtype != np.uint8 or values.shape != shape or values.ndim != n_axes:
            raise InputError(
                f"{name}: expected {file.removesuffix('.tif')} of uint8 and (y, x) "
                f"{given.grid.shape}, found {values.dtype} and {values.shape}."
            )
        nodata = CLASS_NODATA if file == CLASSES else PROBABILITY_NODATA
        bands = tuple(f"band {n}" for n in range(len(values))) if n_axes == 3 else ()
        write_raster(folder / file, values, given.grid, RasterStyle("uint8", nodata, bands))
        paths[file] = str(folder / file)
    return _completed(Source(name, paths, given.grid), folder)


def _filed(given: str | Path, folder: Path) -> Source:
    path = Path(given)
    found = {file: str(path / file) for file in FILES if (path / file).is_file()}
    paths = found if path.is_dir() else {CLASSES: str(path)}
    info = describe(paths.get(CLASSES, str(path / CLASSES)))
    if info.grid is None or info.dtype != "uint8":
        raise InputError(
            f"{path}: expected a class map (uint8 codes with a georeference), found {info.dtype}"
            f"{'' if info.grid else ' without a georeference'}."
        )
    return _completed(Source(path.name, paths, info.grid), folder)


def _completed(source: Source, folder: Path) -> Source:
    """Add a confidence that is unknown everywhere where a map has none."""
    if CONFIDENCE not in source.paths:
        unknown = np.full(source.grid.shape, PROBABILITY_NODATA, dtype=np.uint8)
        style = RasterStyle("uint8", PROBABILITY_NODATA)
        write_raster(folder / CONFIDENCE, unknown, source.grid, style)
        source.paths[CONFIDENCE] = str(folder / CONFIDENCE)
    return source
