"""Elevation on disk: one file of any CRS, or a folder of degree cells (spec: sentinel2 §8)."""

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
FAMILIES = {"ASTER GDEM v3": _ASTER, "Copernicus GLO-30": _GLO30}


@dataclass(frozen=True)
class DegreeCells:
    """A folder of elevation cells of one degree, named by their south-west corners."""

    family: str
    """``ASTER GDEM v3`` or ``Copernicus GLO-30``: the two have different vertical datums."""
    cells: dict[tuple[int, int], Path]
    """(latitude, longitude) of the south-west corner → file."""

    def needed(
        self, box: tuple[float, float, float, float]
    ) -> tuple[dict[tuple[int, int], Path], list[tuple[int, int]]]:
        """Find the cells that a box touches.

        Args:
            box: (west, south, east, north), degrees.

        Returns:
            The cells that are present, and the corners of those that are not.
        """
        corners = cells_of(box)
        present = {corner: self.cells[corner] for corner in corners if corner in self.cells}
        return present, [corner for corner in corners if corner not in self.cells]


def cells_of(box: tuple[float, float, float, float]) -> list[tuple[int, int]]:
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
    found: dict[str, dict[tuple[int, int], Path]] = {}
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
