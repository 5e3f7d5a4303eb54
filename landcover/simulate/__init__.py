"""Realistic Sentinel-2 products, elevation, labels and truth where no real data are at hand.

For demonstrations and tests. Nothing in here may share code with the rest of the library for
radiometry, masks, indices, grids or terrain: what the simulator writes is what they are tested by.
"""

from __future__ import annotations

from landcover.simulate.region import DEFAULT_TILES, SimulatedRegion, simulate
from landcover.simulate.relinked import relink_product

__all__ = ["DEFAULT_TILES", "SimulatedRegion", "relink_product", "simulate"]
