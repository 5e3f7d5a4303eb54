"""Stratified random pixels of a map, drawn window by window."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
_GOLDEN = 0x9E3779B97F4A7C15


def pixel_keys(rows: NDArray[np.int64], columns: NDArray[np.int64], seed: int) -> Keys:
    """Hash seed, row and column of pixels to 64 bits (SplitMix64, Steele et al. 2014).

    Args:
        rows: Row on the whole map, 0 … 2³¹, any shape.
        columns: Column on the whole map, same shape.
        seed: Seed, not negative.

    Returns:
        uint64, same shape; no two pixels of a map share a key.
    """
    bits = (rows.astype(np.uint64) << np.uint64(32)) | columns.astype(np.uint64)
    bits += np.uint64((seed + 1) * _GOLDEN % (1 << 64))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)), dtype=np.uint64)


class StratifiedSample:
    """The pixels with the smallest keys of each stratum, whatever the windows were.

    A simple random sample without replacement within each stratum: the key of a pixel depends on
    the seed and on its place alone.
    """

    def __init__(self, wanted: Mapping[int, int], seed: int) -> None:
        """Begin a draw.

        Args:
            wanted: Stratum (code of the map) → samples.
            seed: Seed of the draw.
        """
        self._wanted = {code: n for code, n in wanted.items() if n > 0}
        self._seed = seed
        none = np.empty(0, dtype=np.int64)
        self._held = {code: (none.astype(np.uint64), none, none) for code in self._wanted}

    def add_window(self, codes: NDArray[np.uint8], row: int, column: int) -> None:
        """Let the pixels of a window take part.

        Args:
            codes: Codes of the map, (y, x).
            row: Row of the window's first pixel on the whole map.
            column: Its column.
        """
        for code, n in self._wanted.items():
            y, x = np.nonzero(codes == code)
            if not y.size:
                continue
            rows, columns = y.astype(np.int64) + row, x.astype(np.int64) + column
            parts = zip(
                self._held[code],
                (pixel_keys(rows, columns, self._seed), rows, columns),
                strict=True,
            )
            keys, rows, columns = (np.concatenate(part) for part in parts)
            first = np.argsort(keys, kind="stable")[:n]
            self._held[code] = keys[first], rows[first], columns[first]

    def pixels(self) -> dict[int, NDArray[np.int64]]:
        """Give the drawn pixels: stratum → (row, column), int64, (n, 2), in random order."""
        return {
            code: np.column_stack([rows, columns])
            for code, (_, rows, columns) in sorted(self._held.items())
        }
