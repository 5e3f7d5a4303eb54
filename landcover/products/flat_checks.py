"""What images along time hide: undeclared nodata, empty and bright months, wrapped numbers.

Method: docs/methods/products.md#images-along-time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNDECLARED = 65_535
"""−1 of a signed number of 16 bits, read without its sign."""
EMPTY_PERCENT = 90.0
"""Nodata from which an image counts as empty, %."""
BRIGHT_TIMES = 2.0
"""An image is bright where its median blue is so many times that of all images."""


@dataclass(frozen=True)
class ImageLook:
    """What a look at one image found."""

    time: np.datetime64
    """Its time."""
    nodata_percent: float
    """Pixels without a number, %."""
    undeclared_percent: float
    """Pixels of the number 65,535, which nothing declares as nodata, %."""
    median: float
    """Median of the others; NaN where there are none."""


def look_at(time: np.datetime64, pixels: NDArray[Any], declared: float | None) -> ImageLook:
    """Look at an image of digital numbers.

    Args:
        time: Its time.
        pixels: Numbers as stored, (y, x).
        declared: Number that is declared to be nodata.
    """
    is_undeclared = (pixels == UNDECLARED) & (declared != UNDECLARED)
    known = pixels[is_number(pixels, declared)]
    return ImageLook(
        time,
        100 * (1 - known.size / pixels.size),
        100 * float(is_undeclared.mean()),
        float(np.median(known)) if known.size else float("nan"),
    )


def is_number(pixels: NDArray[Any], declared: float | None) -> NDArray[np.bool_]:
    """Tell where there is a number: neither 0, nor 65,535, nor what is declared as nodata."""
    is_known: NDArray[np.bool_] = (pixels != 0) & (pixels != UNDECLARED)
    return is_known if declared is None else is_known & (pixels != declared)


def oddities(looks: Mapping[str, Sequence[ImageLook]], wrapped: Collection[str]) -> list[str]:
    """Say what is odd about images along time, a sentence each.

    Args:
        looks: Band → a look at each image, in order of time; at least one band.
        wrapped: Bands whose unsigned numbers are stored in signed integers.
    """
    found = []
    undeclared = {layer: _mean(one) for layer, one in looks.items() if _mean(one)}
    if undeclared:
        found.append(
            f"{', '.join(undeclared)}: {UNDECLARED} (−1), which the file does not declare, is "
            f"{max(undeclared.values()):.1f} % of the numbers; it is taken as nodata."
        )
    if wrapped:
        found.append(
            f"{', '.join(wrapped)}: unsigned numbers lie in signed integers (_Unsigned), so those "
            "above 32767 are wrapped; they are read without sign."
        )
    first = next(iter(looks.values()))
    empty = [look for look in first if look.nodata_percent >= EMPTY_PERCENT]
    if empty:
        listed = ", ".join(f"{_day(look)} ({look.nodata_percent:.1f} % nodata)" for look in empty)
        found.append(f"{listed}: empty. A recipe with restore fills them from other months.")
    return found + _bright(looks.get("B02", ()))


def _bright(blue: Sequence[ImageLook]) -> list[str]:
    known = [look.median for look in blue if look.median == look.median]
    if len(known) < 3:
        return []
    usual = float(np.median(known))
    return [
        f"{_day(look)}: bright, median B02 {look.median:.0f}, of all images {usual:.0f}: cloud, "
        "haze or snow is left in it. Leave it out, or check what is made of it."
        for look in blue
        if look.median > BRIGHT_TIMES * usual
    ]


def _mean(looks: Sequence[ImageLook]) -> float:
    return sum(look.undeclared_percent for look in looks) / len(looks)


def _day(look: ImageLook) -> str:
    return str(np.datetime_as_string(look.time, unit="D"))
