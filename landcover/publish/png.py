"""Pictures of class codes as PNG: one number a pixel, the colours in a palette."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from landcover.nouns.colour import rgb_of
from landcover.nouns.legend import LegendEntry

_LEVEL = 9
"""Strongest compression of zlib: a picture is written once and read often."""


def write_codes(path: Path, codes: NDArray[np.uint8], legend: Sequence[LegendEntry]) -> None:
    """Write class codes as a PNG whose pixel values are the codes.

    Args:
        path: Where it goes.
        codes: Class codes, uint8, (y, x); 0 is transparent.
        legend: Colour of each code.
    """
    size = 1 + max((entry.code for entry in legend), default=0)
    palette = np.zeros((max(size, 1 + int(codes.max())), 3), dtype=np.uint8)
    for entry in legend:
        palette[entry.code] = rgb_of(entry.colour)
    picture = Image.fromarray(codes)
    picture.putpalette(palette.tobytes())
    picture.save(path, "PNG", transparency=0, compress_level=_LEVEL)
