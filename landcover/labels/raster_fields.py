"""Pixels drawn from the fields of a raster, strip by strip: memory does not grow with the raster.

A field is a connected patch of one value (corners touch). Fields that reach the lower edge of a
strip stay open and are joined with what follows; of each field only the pixels that can still be
drawn are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Ints = NDArray[np.int64]

# Pixels that touch at a corner share pixels of their 3x3 blocks, so they are one field.
_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=int)


@dataclass(frozen=True)
class Strip:
    """Rows of a raster, or of a rectangle in it."""

    values: NDArray[np.integer]
    """Label numbers, (y, x)."""
    is_label: NDArray[np.bool_]
    """False where a pixel is masked, nodata or outside what is asked for, (y, x)."""
    row: int
    """Row of the raster that the first row is."""
    column: int
    """Column of the raster that the first column is."""


def draw_from_fields(
    strips: Iterable[Strip], of_class: list[int], width: int, n: int, seed: int
) -> tuple[Ints, Ints]:
    """Draw pixels of a class at random, turn by turn from each of its fields.

    Every field gives its first pixel before any gives its second; which pixels, and which fields
    come first, is decided by a hash of seed, row and column, so that nothing else plays a part,
    the height of the strips neither.

    Args:
        strips: Strips one below the other, without gaps, of equal width.
        of_class: Values that mean the class.
        width: Columns of the raster.
        n: Most pixels to draw.
        seed: Seed of the hash.

    Returns:
        Flat index in the raster of each drawn pixel, ascending, and of its field's first pixel,
        int64.
    """
    walks = [_Walk(value, width, n, seed) for value in of_class]
    for strip in strips:
        for walk in walks:
            walk.follow(strip)
    for walk in walks:
        walk.close_all()
    closed = _Candidates.joined([walk.closed for walk in walks])
    if not len(closed.pixel):
        return closed.pixel, closed.pixel
    start = closed.start[closed.field]
    drawn = np.lexsort((hashed(start, width, 2 * seed + 1), closed.turn()))[:n]
    drawn = drawn[np.argsort(closed.pixel[drawn])]
    return closed.pixel[drawn], start[drawn]


@dataclass(frozen=True)
class _Candidates:
    """Fields, and pixels of theirs that may be drawn."""

    start: Ints
    """First pixel of each field, (field,)."""
    field: Ints
    """Field of each pixel, sorted, (pixel,)."""
    rank: NDArray[np.uint64]
    """Hash of each pixel, sorted within a field, (pixel,)."""
    pixel: Ints
    """Flat index, (pixel,)."""

    @classmethod
    def none(cls) -> _Candidates:
        """Give no fields."""
        empty = np.empty(0, np.int64)
        return cls(empty, empty, empty.astype(np.uint64), empty)

    @classmethod
    def joined(cls, parts: list[_Candidates]) -> _Candidates:
        """Put fields beside each other."""
        shifts = np.cumsum([0, *(len(part.start) for part in parts)])
        return cls(
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.field + s for part, s in zip(parts, shifts, strict=False)]),
            np.concatenate([part.rank for part in parts]),
            np.concatenate([part.pixel for part in parts]),
        )

    def merged(self, new_field: Ints, n_fields: int, n: int) -> _Candidates:
        """Give fields other numbers, equal ones where they are one, and keep n pixels of each."""
        start = np.full(n_fields, np.iinfo(np.int64).max)
        np.minimum.at(start, new_field, self.start)
        field = new_field[self.field]
        order = np.lexsort((self.pixel, self.rank, field))
        found = _Candidates(start, field[order], self.rank[order], self.pixel[order])
        return found.kept(found.turn() < n)

    def turn(self) -> Ints:
        """Number the pixels of each field, (pixel,)."""
        size = np.bincount(self.field, minlength=len(self.start))
        return np.arange(len(self.pixel)) - np.repeat(np.cumsum(size) - size, size)

    def kept(self, is_kept: NDArray[np.bool_]) -> _Candidates:
        """Leave out pixels."""
        return _Candidates(self.start, self.field[is_kept], self.rank[is_kept], self.pixel[is_kept])

    def only(self, is_kept: NDArray[np.bool_]) -> _Candidates:
        """Leave out fields with their pixels."""
        number = np.cumsum(is_kept) - 1
        rest = self.kept(is_kept[self.field])
        return _Candidates(self.start[is_kept], number[rest.field], rest.rank, rest.pixel)


class _Walk:
    """The fields of one value, from the first strip to the last."""

    def __init__(self, value: int, width: int, n: int, seed: int) -> None:
        self._value, self._width, self._n, self._seed = value, width, n, seed
        self._open = _Candidates.none()
        self.closed = _Candidates.none()
        self._border: Ints | None = None
        """Open field of each pixel of the last row, -1 where there is none."""

    def follow(self, strip: Strip) -> None:
        """Take the next strip."""
        labelled, n_new = ndimage.label(
            (strip.values == self._value) & strip.is_label, structure=_EIGHT_NEIGHBOURS
        )
        if not n_new and not len(self._open.start):
            self._border = None
            return
        n_open = len(self._open.start)
        both = _Candidates.joined([self._open, self._found(labelled, int(n_new), strip)])
        one, other = self._touching(labelled[0])
        links = coo_array(
            (np.ones(len(one), bool), (one, other + n_open)), shape=(n_open + n_new,) * 2
        )
        n_fields, number = connected_components(links, directed=False)
        both = both.merged(number.astype(np.int64), int(n_fields), self._n)
        last = labelled[-1].astype(np.int64)
        border = np.where(last > 0, number[n_open + np.maximum(last, 1) - 1] if n_new else -1, -1)
        is_open = np.zeros(int(n_fields), dtype=bool)
        is_open[border[border >= 0]] = True
        self._close(both.only(~is_open))
        self._open = both.only(is_open)
        self._border = np.where(border >= 0, (np.cumsum(is_open) - 1)[border], -1)

    def close_all(self) -> None:
        """Say that no strip follows."""
        self._close(self._open)
        self._open = _Candidates.none()

    def _found(self, labelled: NDArray[np.signedinteger], n_new: int, strip: Strip) -> _Candidates:
        row, column = np.nonzero(labelled)
        pixel = (row + strip.row) * self._width + column + strip.column
        field = labelled[row, column].astype(np.int64) - 1
        start = np.full(n_new, np.iinfo(np.int64).max)
        np.minimum.at(start, field, pixel)
        return _Candidates(start, field, hashed(pixel, self._width, 2 * self._seed), pixel)

    def _touching(self, first_row: NDArray[np.signedinteger]) -> tuple[Ints, Ints]:
        """Pair the open fields with the new ones that they touch."""
        none = np.empty(0, np.int64)
        if self._border is None or not len(self._open.start):
            return none, none
        padded = np.pad(first_row.astype(np.int64) - 1, 1, constant_values=-1)
        columns = len(self._border)
        pairs = [(self._border, padded[shift : shift + columns]) for shift in (0, 1, 2)]
        one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
        is_pair = (one >= 0) & (other >= 0)
        return one[is_pair], other[is_pair]

    def _close(self, fields: _Candidates) -> None:
        """Keep of closed fields those that may still be drawn from.

        Where n fields come before, none of its pixels is: each of those gives one first.
        """
        both = _Candidates.joined([self.closed, fields])
        if len(both.start) > self._n:
            place = hashed(both.start, self._width, 2 * self._seed + 1)
            is_kept = np.zeros(len(place), dtype=bool)
            is_kept[np.lexsort((both.start, place))[: self._n]] = True
            both = both.only(is_kept)
            both = both.kept(both.turn() < 1)
        self.closed = both


def hashed(pixel: Ints, width: int, seed: int) -> NDArray[np.uint64]:
    """Hash (seed, row, column) to 64 bits (finaliser of SplitMix64, Steele et al. 2014)."""
    row, column = np.divmod(pixel, width)
    bits = (row.astype(np.uint64) << np.uint64(32)) | column.astype(np.uint64)
    bits += np.uint64((seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64))
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
