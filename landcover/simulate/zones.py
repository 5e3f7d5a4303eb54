"""Windows on both sides of the border of two UTM zones, which show one piece of ground.

The ground is drawn once, in the western zone. What the eastern zone shows of it is resampled from
there onto its own pixels, as the products of two zones are resampled from one swath. Each zone
has its own clouds, haze and noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from scipy import ndimage

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.simulate.dem_cells import Upland
from landcover.simulate.ground import draw_ground
from landcover.simulate.landscape import Classes, Landscape, draw_landscape
from landcover.simulate.layers import Block, Layers
from landcover.simulate.noise import Field
from landcover.simulate.random_fields import RandomSource
from landcover.simulate.site import LATTICE_M, TILE_M, Site, corner_of, crs_of, place_sites
from landcover.simulate.site_simulator import WHOLE_PIXELS, is_whole
from landcover.simulate.spectra import RESOLUTION, Season

OVERLAP = 0.3
"""Share of a window that it has in common with the other zone; the zones' norths differ by some
degrees, so it is a third less at one end and a third more at the other."""
DEGREES = "EPSG:4326"


def place_across(tiles: Sequence[str], pixels: int) -> list[Site]:
    """Lay windows on both sides of the meridian between two zones, so that they overlap there.

    Not across the antimeridian.

    North and south they lie where they would without the other zone.

    Args:
        tiles: Different tiles: of each zone one, or two of one column that touch.
        pixels: Side of a window in 10 m pixels.

    Returns:
        The site of the western zone, then that of the eastern one.

    Raises:
        InputError: They are not of two neighbouring zones, or their windows do not meet.
    """
    if len(set(tiles)) != len(tiles):
        raise InputError(f"Tiles {', '.join(tiles)}: expected different tiles.")
    zones: dict[str, list[str]] = {}
    for tile in tiles:
        zones.setdefault(crs_of(tile), []).append(tile)
    west, east = _west_and_east(zones)
    border = 6.0 * int(west[-2:]) - 180.0
    sites = [_moved(zones[crs], pixels, border, is_west=crs == west) for crs in (west, east)]
    if not is_whole(ground_of(sites)):
        raise InputError(
            f"Tiles {', '.join(tiles)}: their windows of {pixels} pixels make a ground of more "
            f"than {WHOLE_PIXELS} pixels, more than one piece across zones; take fewer pixels."
        )
    return sites


def ground_of(sites: Sequence[Site]) -> Site:
    """Give the ground under all windows, in the zone of the first site."""
    first = sites[0].hull
    boxes = [first.bounds]
    for site in sites[1:]:
        project = Transformer.from_crs(site.hull.crs, first.crs, always_xy=True)
        boxes.append(project.transform_bounds(*site.hull.bounds, densify_pts=21))
    # Whole steps from the first site's corner, and one more for what is interpolated at the rim.
    left, bottom = (
        at + LATTICE_M * (floor((min(box[k] for box in boxes) - at) / LATTICE_M) - 1)
        for k, at in enumerate((first.ulx, first.uly))
    )
    right, top = (
        at + LATTICE_M * (ceil((max(box[k] for box in boxes) - at) / LATTICE_M) + 1)
        for k, at in ((2, first.ulx), (3, first.uly))
    )
    hull = Grid(
        crs=first.crs,
        ulx=left,
        uly=top,
        pixel=10,
        width=round(right - left) // 10,
        height=round(top - bottom) // 10,
    )
    return Site({}, hull)


class SharedGround:
    """The ground of several zones, drawn once."""

    def __init__(self, seed: int, sites: Sequence[Site]) -> None:
        self._seed, self._site = seed, ground_of(sites)
        self._land: Landscape = draw_landscape(seed, self._site.hull)

    @property
    def snow_line(self) -> float:
        """Height of the lowest snow in winter, m."""
        return self._land.snow_line

    @property
    def upland(self) -> Upland:
        """Its heights, for elevation models."""
        return Upland(self._site, self._land.relief)

    def put_ground(self, site: Site, layers: Layers, seasons: Sequence[Season]) -> None:
        """Lay classes, elevation and the reflectance of some seasons under a site.

        Classes are those of the nearest pixel, the others cubic splines; on the ground's own
        lattice both are the pixels themselves.
        """
        whole = Block(0, 0, *site.hull.shape)
        layers.put("classes", whole, self._on(self._land.classes, site, 1, order=0))
        layers.put("elevation", whole, self._on(self._land.elevation, site, 1, order=3))
        source = RandomSource(self._seed)
        for season in seasons:
            for band, values in draw_ground(source, self._land, season).items():
                factor = RESOLUTION[band] // 10
                seen = self._on(values, site, factor, order=3)
                layers.put(f"{season} {band}", whole, np.maximum(seen, values.min()), factor)

    def _on(
        self, values: Classes | Field, site: Site, factor: int, order: Literal[0, 3]
    ) -> npt.NDArray[Any]:
        hull, ground, size = site.hull, self._site.hull, 10 * factor
        rows, columns = hull.height // factor, hull.width // factor
        if hull.crs == ground.crs:
            down, right = round(ground.uly - hull.uly) // size, round(hull.ulx - ground.ulx) // size
            return values[down : down + rows, right : right + columns]
        x = hull.ulx + size * (np.arange(columns) + 0.5)
        y = hull.uly - size * (np.arange(rows) + 0.5)
        project = Transformer.from_crs(hull.crs, ground.crs, always_xy=True)
        east, north = project.transform(*np.meshgrid(x, y))
        at = np.stack([ground.uly - north, east - ground.ulx]) / size - 0.5
        found = ndimage.map_coordinates(values, at.astype(np.float64), order=order, mode="nearest")
        return np.asarray(found, dtype=values.dtype)


def _west_and_east(zones: dict[str, list[str]]) -> tuple[str, str]:
    codes = sorted(zones)
    for west in codes:
        east = f"EPSG:{int(west.removeprefix('EPSG:')) + 1}"
        if len(codes) == 2 and east in codes:
            return west, east
    raise InputError(
        f"Zones {', '.join(codes)}: expected tiles of two neighbouring UTM zones of one hemisphere."
    )


def _moved(tiles: Sequence[str], pixels: int, border: float, *, is_west: bool) -> Site:
    """Move the windows of a zone so that they reach across a meridian."""
    sites = place_sites(tiles, pixels)
    lefts = {corner_of(tile)[0] for tile in tiles}
    if len(sites) > 1 or len(lefts) > 1:
        raise InputError(
            f"Tiles {', '.join(tiles)}: expected one tile on each side of the border of two zones, "
            "or two, one north of the other."
        )
    (site,), (left,) = sites, lefts
    to_metres = Transformer.from_crs(DEGREES, site.hull.crs, always_xy=True)
    at, _ = to_metres.transform(border, site.centre[1])
    side = 10 * pixels
    reach = OVERLAP * side / 2
    wanted = at + reach - side if is_west else at - reach
    ulx = LATTICE_M * round(wanted / LATTICE_M)
    if not left <= ulx <= left + TILE_M - side:
        raise InputError(
            f"Tiles {', '.join(tiles)}: windows of {pixels} pixels at the border of the zone, "
            f"{border:g}° E, do not lie in them; take the tiles that reach across it."
        )
    windows = {t: w.model_copy(update={"ulx": float(ulx)}) for t, w in site.windows.items()}
    return Site(windows, site.hull.model_copy(update={"ulx": float(ulx)}))
