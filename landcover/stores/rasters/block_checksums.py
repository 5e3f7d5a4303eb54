"""A CRC-32C for each block of a raster, kept in the file and compared whenever one is decoded.

A flipped bit in a compressed block mostly decodes to other pixels without any error. The
checksums are of the decoded pixels (RFC 3720, Castagnoli polynomial), so they hold however the
block is stored, and a block is compared once for each opening of its file.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any, Self

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from landcover.nouns.grid import Window

NAMESPACE = "LANDCOVER"
"""Metadata domain of the file; copies made by other programs leave it behind."""
TAG = "BLOCK_CRC32C"
SHAPE_TAG = "BLOCK_CRC32C_SHAPE"

Array = NDArray[Any]


class BlockChecksums:
    """Checksums of the blocks of a raster: collected by its writer, compared by its readers."""

    def __init__(self, shape: tuple[int, int], block: tuple[int, int], bands: int) -> None:
        self._shape, self._block = shape, block
        self._across = -(-shape[1] // block[1])
        down = -(-shape[0] // block[0])
        self._crc = np.zeros((bands, down, self._across), "<u4")
        self._is_known = np.zeros((bands, down, self._across), bool)

    @classmethod
    def of_tags(
        cls, tags: dict[str, str], shape: tuple[int, int], block: tuple[int, int], bands: int
    ) -> Self | None:
        """Read them from the tags of a file; None where it has none for these blocks."""
        found = cls(shape, block, bands)
        if tags.get(SHAPE_TAG) != found._layout:
            return None
        crc = np.frombuffer(base64.b64decode(tags[TAG]), "<u4")
        if crc.size != found._crc.size:
            return None
        found._crc = crc.reshape(found._crc.shape)
        return found

    @property
    def tags(self) -> dict[str, str]:
        """What the file carries of them."""
        return {TAG: base64.b64encode(self._crc.tobytes()).decode(), SHAPE_TAG: self._layout}

    @property
    def _layout(self) -> str:
        return " ".join(map(str, (*self._shape, *self._block, self._crc.shape[0])))

    def add(self, pixels: Array, window: Window) -> None:
        """Take the checksums of the blocks that a window holds whole.

        Args:
            pixels: (band, y, x), as they are written.
            window: Where. A block that is written again, or in parts, is unknown afterwards.
        """
        self._is_known[self._covering(window)] = False
        for place, values in self._whole_blocks(pixels, window):
            self._crc[place] = _crc(values)
            self._is_known[place] = True

    def set(self, band: int, window: Window, pixels: Array) -> None:
        """Take the checksum of one block of one band (from 0), (y, x)."""
        place = (band, window.row // self._block[0], window.column // self._block[1])
        self._crc[place] = _crc(pixels)
        self._is_known[place] = True

    def missing(self) -> Iterator[tuple[int, Window]]:
        """Give band (from 0) and window of the blocks that no single write held whole."""
        for band, row, column in np.argwhere(~self._is_known):
            yield int(band), self._window(int(row), int(column))

    def widened(self, window: Window) -> Window:
        """Give the window of all blocks that a window touches."""
        (top, bottom), (left, right) = self._edges(window)
        high, wide = self._block
        blocks = Window.between(top * high, left * wide, bottom * high, right * wide)
        return blocks.meet(Window.whole(self._shape))

    def is_compared(self, window: Window, bands: Sequence[int]) -> bool:
        """Tell whether all blocks of a window were compared already."""
        _, rows, columns = self._covering(window)
        return bool(self._is_known[list(bands), rows, columns].all())

    def differing(self, pixels: Array, window: Window, bands: Sequence[int]) -> str | None:
        """Compare blocks that were decoded just now.

        Args:
            pixels: (band, y, x).
            window: Where: whole blocks, as :meth:`widened` gives it.
            bands: Which bands, from 0.

        Returns:
            Which block holds other pixels than were written; None where none does.
        """
        for (index, row, column), values in self._whole_blocks(pixels, window):
            place = (bands[index], row, column)
            if self._is_known[place]:
                continue
            if _crc(values) != self._crc[place]:
                return f"band {place[0] + 1}, block row {row}, block column {column}"
            self._is_known[place] = True
        return None

    def _whole_blocks(
        self, pixels: Array, window: Window
    ) -> Iterator[tuple[tuple[int, int, int], Array]]:
        (top, bottom), (left, right) = self._edges(window)
        for row in range(top, bottom):
            for column in range(left, right):
                own = self._window(row, column)
                if own.meet(window) == own:
                    rows, columns = own.within(window).slices
                    for band in range(len(pixels)):
                        yield (band, row, column), pixels[band, rows, columns]

    def _edges(self, window: Window) -> tuple[tuple[int, int], tuple[int, int]]:
        high, wide = self._block
        return (
            (window.row // high, -(-window.bottom // high)),
            (window.column // wide, -(-window.right // wide)),
        )

    def _covering(self, window: Window) -> tuple[slice, slice, slice]:
        rows, columns = self._edges(window)
        return slice(None), slice(*rows), slice(*columns)

    def _window(self, row: int, column: int) -> Window:
        high, wide = self._block
        block = Window(row * high, column * wide, high, wide)
        return block.meet(Window.whole(self._shape))


def _crc(values: Array) -> int:
    return int(google_crc32c.value(values.tobytes()))
