"""The Sentinel-2 tiling grid: tile ids, their grids, and which tiles a point or an area needs.

Here belongs what follows from a tile's id and from the list of tiles that exist; nothing that
opens a file of a user or knows a product.

* ``squares``: id to grid, and the packaged list of tiles.
* ``utm``: the one projection behind all zones.
* ``points``: point to tiles.
* ``areas``: area of interest to tiles; ``geometry`` reads it, ``cover`` thins the answer out.

The list, ``tiles.txt``, is read through ``importlib.resources`` on first use. Every line holds one
zone and latitude band, every word of it is ``ROWS:COLUMNS``: each row letter has a tile in each of
the column letters, a capital letter on land and a small one at sea. The file says only which
squares have a tile and whether they hold land; projection and corner are computed from the id.

Coordinates are (longitude, latitude) in degrees, EPSG:4326; 180 and -180 are the same meridian.
"""

from __future__ import annotations

from landcover.tiling.areas import footprint, tiles_intersecting
from landcover.tiling.points import (
    mgrs_tile,
    primary_tile,
    tiles_containing,
    tiles_containing_many,
)
from landcover.tiling.squares import neighbours_of, tile_grid

__all__ = [
    "footprint",
    "mgrs_tile",
    "neighbours_of",
    "primary_tile",
    "tile_grid",
    "tiles_containing",
    "tiles_containing_many",
    "tiles_intersecting",
]
