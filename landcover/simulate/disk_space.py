"""Room on disk: said before the first byte is written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from landcover.errors import InputError
from landcover.simulate.acquisitions import Acquisition
from landcover.simulate.site import Site
from landcover.simulate.site_simulator import is_whole

PRODUCT_BYTES = 6.5
"""Bytes of all rasters of a product per 10 m pixel, encoded."""
PLAIN_BYTES = 15.8
"""The same while they wait to be encoded: 6 rasters at 10 m, 6 and one byte at 20 m, 2 at 60 m."""
GROUND_BYTES = 5.0
"""Bytes of the classes and heights of a large region per 10 m pixel."""
SEASON_BYTES = 11.2
"""Bytes of its reflectance in one season."""
_OTHER_BYTES = 100_000_000
"""Elevation cells, truth and labels of a tile."""


def bytes_needed(sites: Sequence[Site], plan: Sequence[Acquisition]) -> int:
    """Estimate the most bytes that a region takes on disk while it is written."""
    seasons = {acquisition.season for acquisition in plan}
    seasons |= {"summer" for acquisition in plan if acquisition.to_summer}
    kept, passing = 0.0, 0.0
    for site in sites:
        windows = [window.width * window.height for window in site.windows.values()]
        kept += sum(windows) * PRODUCT_BYTES * len(plan) + _OTHER_BYTES * len(windows)
        ground = 0.0
        if not is_whole(site):
            area = min(site.hull.width * site.hull.height, 2 * sum(windows))
            ground = area * (GROUND_BYTES + SEASON_BYTES * len(seasons))
        passing = max(passing, ground + max(windows) * PLAIN_BYTES)
    return round(kept + passing)


def check_disk_space(folder: Path, sites: Sequence[Site], plan: Sequence[Acquisition]) -> None:
    """Refuse a region for which the disk has no room.

    Raises:
        InputError: Less is free than needed.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    needed, free = bytes_needed(sites, plan), shutil.disk_usage(there).free
    if needed > free:
        raise InputError(
            f"{folder}: this region needs {needed / 1e9:.1f} GB of disk and {free / 1e9:.1f} GB "
            "are free; take fewer pixels, products or tiles, or another disk."
        )
