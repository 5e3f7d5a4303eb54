"""What the masks of a season hide, read once for all layers of a composite.

Layers of one grid are read by the same windows under the same masks. Each mask is opened, decoded
and compared with its checksums for the first of them; the others find what it hides as bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Window
from landcover.raster.clouds import is_excluded
from landcover.raster.windows import BYTES_PER_GB
from landcover.stores.rasters import Opened

MOST_SHARE = 0.03
"""Of a job's memory: of five products of a whole tile the bits take 27 MB. What does not fit is
read again for each layer."""


class HiddenPixels(NamedTuple):
    """What a mask hides in a window of its own grid."""

    pixels: NDArray[np.bool_]
    """bool, (y, x)."""
    is_all: bool
    """Whether that is all of it."""


class _Kept(NamedTuple):
    bits: NDArray[np.uint8]
    is_all: bool


class SharedMasks:
    """Masks of the observations of a unit; threads may ask at once."""

    def __init__(self, excluded: int, memory_gb: float) -> None:
        """Keep nothing yet.

        Args:
            excluded: Mask bits that exclude, added up.
            memory_gb: Memory of the job, GB.
        """
        self._excluded = excluded
        self._left = MOST_SHARE * memory_gb * BYTES_PER_GB
        self._kept: dict[tuple[str, Window], _Kept] = {}

    def hidden(self, opened: Opened, path: str, window: Window) -> HiddenPixels:
        """Tell what a mask hides in a window of its own grid.

        Args:
            opened: Gives the open raster of a path.
            path: The mask.
            window: Window of the mask.

        Raises:
            InputError: The mask is damaged.
        """
        kept = self._kept.get((path, window))
        if kept is not None:
            count = window.height * window.width
            pixels = np.unpackbits(kept.bits, count=count).view(np.bool_)
            return HiddenPixels(pixels.reshape(window.height, window.width), kept.is_all)
        pixels = is_excluded(opened(path).read(window, band=1), self._excluded)
        found = HiddenPixels(pixels, bool(pixels.all()))
        bits = np.packbits(pixels)
        if bits.nbytes <= self._left:
            self._left -= bits.nbytes
            self._kept[path, window] = _Kept(bits, found.is_all)
        return found
