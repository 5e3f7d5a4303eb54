"""The formats of ground truth: one row a format, whose module is imported when a file has it.

A format is added by a file with its reader and a row here: command line, form, messages and docs
list what this table lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath
from typing import Any


@dataclass(frozen=True)
class Format:
    """A row of the table."""

    name: str
    """What people call it."""
    suffixes: tuple[str, ...]
    """Endings of its files, lower case, with the dot."""
    module: str
    """Where its reader is."""
    reader: str
    """Name of the function: (path, ``FileRule``) → ``LabelFeatures``; of a raster, see
    ``landcover.labels.rasters.draw_from_raster``."""
    is_raster: bool = False
    """True where a file holds pixels to draw from, not features."""
    has_polygons: bool = True
    """True where its features may be polygons, in which a map can be summed up."""
    only_named: tuple[str, ...] = ()
    """Endings that in a folder are more often notes and metadata than labels: such files count
    only where they are named."""

    @property
    def read(self) -> Any:
        """The reader; its module is imported now."""
        return getattr(import_module(self.module), self.reader)

    def describe(self) -> str:
        """Name it with its endings."""
        return f"{self.name} ({' '.join(self.suffixes)})"


_HERE = "landcover.labels."
FORMATS: tuple[Format, ...] = (
    Format("CSV", (".csv", ".tsv", ".txt"), _HERE + "csv", "read_csv", has_polygons=False,
           only_named=(".txt",)),
    Format("GeoJSON", (".geojson", ".json"), _HERE + "geojson", "read_geojson",
           only_named=(".json",)),
    Format("KML", (".kml",), _HERE + "kml", "read_kml"),
    Format("KMZ", (".kmz",), _HERE + "kml", "read_kmz"),
    Format("shapefile", (".shp",), _HERE + "vectors", "read_shapefile"),
    Format("zipped shapefile", (".zip",), _HERE + "vectors", "read_zipped_shapefile"),
    Format("GeoPackage", (".gpkg",), _HERE + "vectors", "read_geopackage"),
    Format("GeoParquet", (".parquet", ".geoparquet"), _HERE + "geoparquet", "read_parquet"),
    Format("GeoTIFF", (".tif", ".tiff"), _HERE + "rasters", "draw_from_raster", is_raster=True,
           has_polygons=False),
)  # fmt: skip


def suffixes() -> tuple[str, ...]:
    """List the endings of files that can be read."""
    return tuple(suffix for row in FORMATS for suffix in row.suffixes)


def format_of(file: PurePath) -> Format | None:
    """Find the format of a file by the ending of its name; None where there is none."""
    suffix = file.suffix.lower()
    return next((row for row in FORMATS if suffix in row.suffixes), None)


def listed() -> str:
    """List the formats with their endings, as messages and help do."""
    described = [row.describe() for row in FORMATS]
    return f"{', '.join(described[:-1])} and {described[-1]}"
