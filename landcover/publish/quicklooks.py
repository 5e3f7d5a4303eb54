"""What a quicklook shows: a product, its mask before and after growth, and both composites.

Arrays only; drawing them is the business of ``quicklook_picture``, so that whoever fills a
quicklook does not load a plotting library.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid

NODATA = -32768
CLEAR, CLOUD, SHADOW, SNOW, DEFECTIVE, GROWN, DROPPED, UNSEEN = range(8)
"""What a pixel of a mask panel is: ``GROWN`` by the filter only, ``DROPPED`` by it as isolated,
``UNSEEN`` where the product has no data."""
MASKED = (CLOUD, SHADOW, SNOW, DEFECTIVE, GROWN)
"""Kinds of pixels that the composite leaves out, beside nodata."""


class QuicklookView(Noun):
    """A quicklook as the page shows it."""

    picture: str
    """PNG beside the page."""
    tile: str
    period: str
    product: str
    """Name of the product in its first panel."""
    date: str
    side_m: float
    """Longer side of the ground that it shows, metres."""
    original_percent: float
    """Pixels that the classification masks in that product, % of its valid pixels."""
    grown_percent: float
    """Pixels masked after growth, likewise."""
    empty_original_percent: float
    """Pixels of the composite that the original masks leave empty, %."""
    empty_grown_percent: float
    """Pixels of the composite that the grown masks leave empty, %."""


@dataclass(frozen=True)
class Quicklook:
    """One window of a tile and season, small enough for a page."""

    tile: str
    period: str
    """Period with its year."""
    product: str
    """The cloudiest product that the composite uses."""
    date: str
    n_products: int
    """Products in the composites."""
    grid: Grid
    """Grid of all panels."""
    scene: NDArray[np.int16]
    """B04, B03, B02 of that product, reflectance × 1e-4, (3, y, x), -32768 nodata."""
    original: NDArray[np.uint8]
    """What the classification says of it: a code of this module, (y, x)."""
    grown: NDArray[np.uint8]
    """The same after growth, (y, x)."""
    by_original: NDArray[np.int16]
    """Composite with the original masks, as ``scene``."""
    by_grown: NDArray[np.int16]
    """Composite with the grown masks, as ``scene``."""

    def view(self, picture: str) -> QuicklookView:
        """Give the numbers that stand beside the picture."""
        return QuicklookView(
            picture=picture,
            tile=self.tile,
            period=self.period,
            product=self.product,
            date=self.date,
            side_m=max(self.grid.shape) * self.grid.pixel,
            original_percent=masked_percent(self.original),
            grown_percent=masked_percent(self.grown),
            empty_original_percent=empty_percent(self.by_original),
            empty_grown_percent=empty_percent(self.by_grown),
        )


def masked_percent(kinds: NDArray[np.uint8]) -> float:
    """Give the share of masked pixels among those that the product has, %."""
    n_seen = int((kinds != UNSEEN).sum())
    return round(100 * int(np.isin(kinds, MASKED).sum()) / max(1, n_seen), 2)


def empty_percent(bands: NDArray[np.int16]) -> float:
    """Give the share of pixels without a value in some band, %."""
    return round(100 * float((bands == NODATA).any(axis=0).mean()), 2)
