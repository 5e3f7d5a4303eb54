"""Pictures of class codes as PNG: one byte a pixel, the colours in a palette."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.legend import LegendEntry

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_INDEXED = 3
_LEVEL = 9


def write_codes(path: Path, codes: NDArray[np.uint8], legend: Sequence[LegendEntry]) -> None:
    """Write class codes as a PNG whose pixel values are the codes (ISO/IEC 15948, colour type 3).

    Args:
        path: Where it goes.
        codes: Class codes, uint8, (y, x); 0 is transparent.
        legend: Colour of each code.
    """
    size = 1 + max((entry.code for entry in legend), default=0)
    palette = np.zeros((max(size, 1 + int(codes.max())), 3), dtype=np.uint8)
    for entry in legend:
        palette[entry.code] = [int(entry.colour[i : i + 2], 16) for i in (1, 3, 5)]
    height, width = codes.shape
    # Each row begins with its filter: 0, as is.
    rows = np.zeros((height, width + 1), dtype=np.uint8)
    rows[:, 1:] = codes
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0)),
        (b"PLTE", palette.tobytes()),
        (b"tRNS", b"\x00"),
        (b"IDAT", zlib.compress(rows.tobytes(), _LEVEL)),
        (b"IEND", b""),
    )
    path.write_bytes(SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
