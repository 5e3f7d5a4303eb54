"""The commonest class around each pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from landcover.compiled import compiled
from landcover.errors import InputError
from landcover.raster.lookup import without_gaps

Codes = npt.NDArray[np.uint8]


def majority(classes: Codes, window: int) -> Codes:
    """Give each pixel the commonest class of the square window around it.

    Nodata does not vote and stays; at the edge of the image the window is cut off. A part of an
    image needs a halo of ``window // 2`` pixels for the same result as the whole.

    Args:
        classes: Class codes, uint8, (y, x), 0 nodata.
        window: Side of the window, px, odd; 1 changes nothing.

    Returns:
        Class codes, uint8, (y, x); of equally common classes the pixel's own, then the lowest.

    Raises:
        InputError: The window is not odd.
    """
    if window < 1 or window % 2 == 0:
        raise InputError(f"A majority filter needs an odd window of 1 px or more, found {window}.")
    # Numbers without gaps: work follows the classes there are, not the largest code.
    codes, numbers = without_gaps(classes)
    filtered = np.zeros_like(classes)
    _vote(numbers, window // 2, np.zeros(codes.size, dtype=np.int64), filtered)
    return codes[filtered]


@compiled()
def _vote(classes: Any, reach: int, votes: Any, filtered: Any) -> None:
    height, width = classes.shape
    for y in range(height):
        top, bottom = max(0, y - reach), min(height, y + reach + 1)
        votes[:] = 0
        # The votes move along the row: a column leaves, a column comes.
        for x in range(min(reach, width)):
            for row in range(top, bottom):
                votes[classes[row, x]] += 1
        for x in range(width):
            if x + reach < width:
                for row in range(top, bottom):
                    votes[classes[row, x + reach]] += 1
            if x - reach > 0:
                for row in range(top, bottom):
                    votes[classes[row, x - reach - 1]] -= 1
            own = classes[y, x]
            if own == 0:
                continue
            winner, most = int(own), votes[own]
            for code in range(1, votes.size):
                if votes[code] > most:
                    winner, most = code, votes[code]
            filtered[y, x] = winner
