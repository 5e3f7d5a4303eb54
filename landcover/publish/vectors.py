"""Class maps as polygons: GeoPackage and GeoParquet, written in batches.

This file alone of its room knows pyogrio: a GeoPackage is a database of which the layout is
GDAL's. Readers of ground truth know it too (``sources``), which must not be asked to write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
from numpy.typing import NDArray
from pyproj import CRS

from landcover.errors import UnavailableError
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish.areas import SQUARE_METRES_PER_HECTARE
from landcover.publish.class_polygons import class_polygons
from landcover.raster.outline_bytes import pixel_areas, well_known_binary
from landcover.raster.outlines import Outlines, joined

AT_ONCE = 20_000
"""Polygons that are written together."""
_CLOCK = "OGR_CURRENT_DATE"
"""GDAL's option for the date that a GeoPackage carries; the bytes shall not depend on a clock."""


Encoded = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Well-known binary of some polygons, and where each begins, and the end."""


class _Sink(Protocol):
    def write(self, table: Mapping[str, Any], polygons: Encoded) -> None: ...

    def close(self) -> None: ...


def write_vectors(
    folder: Path,
    name: str,
    grid: Grid,
    legend: Sequence[LegendClass],
    formats: Sequence[str],
    simplify: float,
    check: Callable[[], None] = lambda: None,
) -> list[str]:
    """Write the polygons of a class map, one feature for each, in the CRS of the map.

    Attributes are ``code``, ``name`` and ``title`` of the class and, where the map is in metres,
    ``hectares`` on its grid. A map is passed strip by strip; no more than a strip's polygons and
    those that reach into it are held.

    Args:
        folder: Folder of the report.
        name: The map in it; the files are called like it.
        grid: Grid of the map.
        legend: Its classes.
        formats: Some of ``gpkg`` and ``parquet``.
        simplify: As in :func:`class_polygons`.
        check: Called between batches; it may raise to stop.

    Returns:
        Names of the files; none where no pixel has a class.

    Raises:
        UnavailableError: A file cannot be written.
    """
    paths = {kind: (folder / name).with_suffix(f".{kind}") for kind in formats}
    sinks = [_SINKS[kind](path, grid.crs) for kind, path in paths.items()]
    found = class_polygons(folder / name, grid, simplify)
    try:
        with _without_clock():
            for batch in _batches(found):
                check()
                table = _table(batch, grid, legend)
                polygons = well_known_binary(batch, grid.ulx, grid.uly, grid.pixel)
                for sink in sinks:
                    sink.write(table, polygons)
            for sink in sinks:
                sink.close()
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.FeatureError) as error:
        raise UnavailableError(
            f"{name}: its polygons cannot be written ({error}). Is the disk full?"
        ) from error
    return [path.name for path in paths.values() if path.is_file()]


class _GeoPackage:
    def __init__(self, path: Path, crs: str) -> None:
        self._path, self._crs = path, crs

    def write(self, table: Mapping[str, Any], polygons: Encoded) -> None:
        written, offsets = polygons[0].tobytes(), polygons[1].tolist()
        geometry = np.empty(len(offsets) - 1, dtype=object)
        geometry[:] = [written[start:end] for start, end in pairwise(offsets)]
        pyogrio.raw.write(
            str(self._path),
            geometry=geometry,
            field_data=[np.asarray(column) for column in table.values()],
            fields=list(table),
            layer=self._path.stem,
            driver="GPKG",
            geometry_type="Polygon",
            crs=self._crs,
            append=self._path.exists(),
        )

    def close(self) -> None:
        """Nothing is open between two batches."""


class _GeoParquet:
    """GeoParquet 1.1.0: WKB, and the CRS as PROJJSON."""

    def __init__(self, path: Path, crs: str) -> None:
        column = {
            "encoding": "WKB",
            "geometry_types": ["Polygon"],
            "crs": CRS.from_user_input(crs).to_json_dict(),
        }
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        self._path, self._metadata = path, {"geo": json.dumps(geo)}
        self._writer: Any = None

    def write(self, table: Mapping[str, Any], polygons: Encoded) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        written, offsets = pa.py_buffer(polygons[0]), pa.py_buffer(polygons[1].astype(np.int32))
        n = len(polygons[1]) - 1
        geometry = pa.Array.from_buffers(pa.binary(), n, [None, offsets, written])
        columns = {**table, "geometry": geometry}
        rows = pa.table(columns).replace_schema_metadata(self._metadata)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._writer.write_table(rows)

    def close(self) -> None:
        """Write the footer, without which the file is none."""
        if self._writer is not None:
            self._writer.close()


_SINKS: Mapping[str, Any] = {"gpkg": _GeoPackage, "parquet": _GeoParquet}


def _table(batch: Outlines, grid: Grid, legend: Sequence[LegendClass]) -> dict[str, NDArray[Any]]:
    names, titles = np.full(256, "", dtype=object), np.full(256, "", dtype=object)
    for entry in legend:
        names[entry.code], titles[entry.code] = entry.name, entry.title
    table: dict[str, NDArray[Any]] = {
        "code": batch.codes.astype(np.int32),
        "name": names[batch.codes],
        "title": titles[batch.codes],
    }
    if CRS.from_user_input(grid.crs).is_projected:
        table["hectares"] = pixel_areas(batch) * grid.pixel**2 / SQUARE_METRES_PER_HECTARE
    return table


def _batches(found: Iterable[Outlines]) -> Iterator[Outlines]:
    """Give polygons ``AT_ONCE`` at a time: the layout of a file hangs on it."""
    waiting: list[Outlines] = []
    n_waiting = 0
    for outlines in found:
        waiting.append(outlines)
        n_waiting += len(outlines)
        if n_waiting >= AT_ONCE:
            whole = joined(waiting)
            for start in range(0, n_waiting - AT_ONCE + 1, AT_ONCE):
                yield whole.take(np.arange(start, start + AT_ONCE))
            n_waiting %= AT_ONCE
            waiting = [whole.take(np.arange(len(whole) - n_waiting, len(whole)))]
    if n_waiting:
        yield joined(waiting)


@contextmanager
def _without_clock() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(_CLOCK)
    pyogrio.set_gdal_config_options({_CLOCK: "2000-01-01T00:00:00Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({_CLOCK: before})
