"""Elevation on disk: one file of any CRS, or a folder of degree cells.

Method: docs/methods/products.md#elevation-cells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path

from landcover.errors import InputError

_ASTER = re.compile(
    r"^ASTGTMV003_(?P<ns>[NS])(?P<lat>\d{2})(?P<ew>[EW])(?P<lon>\d{3})_dem\.tiff?$", re.IGNORECASE
)
_GLO30 = re.compile(
    r"^Copernicus_DSM_COG_10_(?P<ns>[NS])(?P<lat>\d{2})_00_(?P<ew>[EW])(?P<lon>\d{3})_00_DEM\.tiff?$",
    re.IGNORECASE,
)
ASTER, GLO30 = "ASTER GDEM v3", "Copernicus GLO-30"
FAMILIES = {ASTER: _ASTER, GLO30: _GLO30}
Cell = tuple[int, int]
"""(latitude, longitude) of the south-west corner, degrees."""
# ASTER observes from 83 degrees south to 83 degrees north.
_ASTER_LAT = range(-83, 83)
# Some cells of Armenia and Azerbaijan are withheld from the public set. Around them there is land
# and the Caspian Sea (28 m below 0), so an absent cell is never the sea at 0 m.
_WITHHELD_LAT, _WITHHELD_LON = range(38, 42), range(43, 51)
_FEET = ("ft", "foot", "feet", "us-ft", "us survey foot", "us survey feet", "ussurveyfoot", "ftus")


@dataclass(frozen=True)
class DegreeCells:
    """A folder of elevation cells of one degree, named by their south-west corners."""

    family: str
    """``ASTER GDEM v3`` or ``Copernicus GLO-30``: the two have different vertical datums."""
    cells: dict[Cell, Path]
    """(latitude, longitude) of the south-west corner → file."""

    def needed(self, box: tuple[float, float, float, float]) -> tuple[dict[Cell, Path], list[Cell]]:
        """Find the cells that a box touches.

        Args:
            box: (west, south, east, north), degrees.

        Returns:
            The cells that are present, and the corners of those that are not.
        """
        corners = cells_of(box)
        present = {corner: self.cells[corner] for corner in corners if corner in self.cells}
        return present, [corner for corner in corners if corner not in self.cells]


def cells_of(box: tuple[float, float, float, float]) -> list[Cell]:
    """List the south-west corners of the degree cells that a (west, south, east, north) touches.

    A box across the antimeridian has a west above its east, or an east above 180. No cell lies
    beyond a pole.
    """
    west, south, east, north = box
    if east < west:
        east += 360
    return [
        (lat, (lon + 180) % 360 - 180)
        for lat in range(max(floor(south), -90), min(ceil(north), 90))
        for lon in range(floor(west), ceil(east))
    ]


def may_be_sea(family: str, cell: Cell) -> bool:
    """Tell whether a cell that a family lacks can only be the sea.

    Not where the family does not reach, nor where cells are withheld from the public.
    """
    lat, lon = cell
    if family == ASTER:
        return lat in _ASTER_LAT
    return not (family == GLO30 and lat in _WITHHELD_LAT and lon in _WITHHELD_LON)


def name_of(cell: Cell) -> str:
    """Name a cell for people: (36, -5) → ``N36W005``."""
    lat, lon = cell
    return f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}{'E' if lon >= 0 else 'W'}{abs(lon):03d}"


def require_elevation(path: str | Path) -> None:
    """Look at a raster's description: can it be an elevation in metres?

    Raises:
        InputError: It is absent or damaged, has no CRS, or says that its heights are feet.
    """
    # Cells are known by their names; who reads no raster imports no GDAL.
    from landcover.stores.rasters import describe

    info = describe(path)
    if not info.has_crs:
        raise InputError(
            f"{path}: the elevation has no CRS, so its position is unknown. Assign the right "
            "one, for example with gdal_edit -a_srs."
        )
    if info.unit.lower() in _FEET:
        raise InputError(
            f"{path}: the heights are in {info.unit}, expected metres. Convert them first "
            "(1 ft = 0.3048 m)."
        )


def find_dem(path: Path) -> Path | DegreeCells:
    """Tell what an elevation argument is.

    Args:
        path: A raster file, or a folder (searched with its subfolders) of degree cells.

    Returns:
        The file, or the cells.

    Raises:
        InputError: The path does not exist, holds no cells, or mixes families.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise InputError(f"{path}: no such elevation file or folder. Check --dem.")
    found: dict[str, dict[Cell, Path]] = {}
    for file in sorted(path.rglob("*")):
        for family, pattern in FAMILIES.items():
            match = pattern.match(file.name)
            if match:
                lat = int(match["lat"]) * (1 if match["ns"].upper() == "N" else -1)
                lon = int(match["lon"]) * (1 if match["ew"].upper() == "E" else -1)
                found.setdefault(family, {}).setdefault((lat, lon), file)
    if not found:
        raise InputError(
            f"{path}: no elevation cell here. Expected names such as ASTGTMV003_N36W005_dem.tif "
            "or Copernicus_DSM_COG_10_N36_00_W005_00_DEM.tif, or give one raster file."
        )
    if len(found) > 1:
        raise InputError(
            f"{path}: cells of {' and '.join(found)} together; their vertical datums differ. "
            "Keep one family."
        )
    family, cells = found.popitem()
    return DegreeCells(family, cells)
