"""Class maps as polygons: GeoPackage and GeoParquet, written in batches.

This file alone of its room knows pyogrio: a GeoPackage is a database of which the layout is
GDAL's. Readers of ground truth know it too (``sources``), which must not be asked to write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyogrio
import pyogrio.errors
import pyogrio.raw
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from landcover.errors import UnavailableError
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish.areas import SQUARE_METRES_PER_HECTARE
from landcover.publish.class_polygons import Shape, class_polygons

AT_ONCE = 20_000
"""Polygons that are written together."""
_CLOCK = "OGR_CURRENT_DATE"
"""GDAL's option for the date that a GeoPackage carries; the bytes shall not depend on a clock."""


class _Sink(Protocol):
    def write(self, table: Mapping[str, Any], polygons: NDArray[np.object_]) -> None: ...

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
    shapes = class_polygons(folder / name, grid, simplify)
    try:
        with _without_clock():
            for batch in _batches(shapes):
                check()
                table, polygons = _table(batch, grid, legend), _placed(batch, grid)
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

    def write(self, table: Mapping[str, Any], polygons: NDArray[np.object_]) -> None:
        pyogrio.raw.write(
            str(self._path),
            geometry=shapely.to_wkb(polygons),
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

    def write(self, table: Mapping[str, Any], polygons: NDArray[np.object_]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        columns = {**table, "geometry": pa.array(shapely.to_wkb(polygons), type=pa.binary())}
        rows = pa.table(columns).replace_schema_metadata(self._metadata)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._path, rows.schema, compression="zstd")
        self._writer.write_table(rows)

    def close(self) -> None:
        """Write the footer, without which the file is none."""
        if self._writer is not None:
            self._writer.close()


_SINKS: Mapping[str, Any] = {"gpkg": _GeoPackage, "parquet": _GeoParquet}


def _table(
    batch: Sequence[Shape], grid: Grid, legend: Sequence[LegendClass]
) -> dict[str, NDArray[Any]]:
    known = {entry.code: entry for entry in legend}
    entries = [known.get(shape.code) for shape in batch]
    table: dict[str, NDArray[Any]] = {
        "code": np.array([shape.code for shape in batch], dtype=np.int32),
        "name": np.array([entry.name if entry else "" for entry in entries], dtype=object),
        "title": np.array([entry.title if entry else "" for entry in entries], dtype=object),
    }
    if CRS.from_user_input(grid.crs).is_projected:
        pixels = shapely.area([shape.polygon for shape in batch])
        table["hectares"] = pixels * grid.pixel**2 / SQUARE_METRES_PER_HECTARE
    return table


def _placed(batch: Sequence[Shape], grid: Grid) -> NDArray[np.object_]:
    """Move polygons from pixels to the CRS of the map; outer rings counter-clockwise."""
    corner = np.array([grid.ulx, grid.uly])
    step = np.array([grid.pixel, -grid.pixel])
    polygons = np.array([shape.polygon for shape in batch], dtype=object)
    placed = shapely.transform(polygons, lambda xy: corner + xy * step)
    return np.asarray(shapely.orient_polygons(placed), dtype=object)


def _batches(shapes: Iterator[Shape]) -> Iterator[list[Shape]]:
    while batch := list(islice(shapes, AT_ONCE)):
        yield batch


@contextmanager
def _without_clock() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option(_CLOCK)
    pyogrio.set_gdal_config_options({_CLOCK: "2000-01-01T00:00:00Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({_CLOCK: before})
