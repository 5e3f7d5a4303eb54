"""The drawn ground between drawing it and photographing it: in memory, or on disk by blocks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from landcover.nouns.grid import Grid

Array = npt.NDArray[Any]

REFLECTANCE_STEP = 1.0 / 50_000.0
"""Step in which reflectance waits on disk: a fifth of a digital number, up to 1.31."""


@dataclass(frozen=True)
class Block:
    """A rectangle of a region, in 10 m pixels from its upper-left corner, multiples of six."""

    row: int
    column: int
    height: int
    width: int

    def grown(self, pixels: int) -> Block:
        """Give the block with a rim of so many pixels, which may reach out of the region."""
        return Block(
            self.row - pixels,
            self.column - pixels,
            self.height + 2 * pixels,
            self.width + 2 * pixels,
        )

    def slices(self, factor: int = 1) -> tuple[slice, slice]:
        """Cut the block out of an array of the region whose pixel is ``factor`` × 10 m."""
        return (
            slice(self.row // factor, (self.row + self.height) // factor),
            slice(self.column // factor, (self.column + self.width) // factor),
        )

    def grid(self, hull: Grid) -> Grid:
        """Give its 10 m grid in a region."""
        return Grid(
            crs=hull.crs,
            ulx=hull.ulx + 10 * self.column,
            uly=hull.uly - 10 * self.row,
            pixel=10,
            width=self.width,
            height=self.height,
        )


def split(whole: Block, side: int) -> list[Block]:
    """Cut a rectangle into blocks of at most ``side`` × ``side`` pixels, a multiple of six."""
    return [
        Block(
            row,
            column,
            min(side, whole.row + whole.height - row),
            min(side, whole.column + whole.width - column),
        )
        for row in range(whole.row, whole.row + whole.height, side)
        for column in range(whole.column, whole.column + whole.width, side)
    ]


class Layers(Protocol):
    """Named rasters of a region: ``classes``, ``elevation``, and reflectance by season and band."""

    def put(self, name: str, block: Block, values: Array, factor: int = 1) -> None:
        """Keep the values of a block; the pixel of the raster is ``factor`` × 10 m."""
        ...

    def get(self, name: str, block: Block, factor: int = 1) -> Array:
        """Give the values of a block; beyond the region those of its rim."""
        ...


class MemoryLayers:
    """Rasters of a region that was drawn in one piece."""

    def __init__(self) -> None:
        self._arrays: dict[str, Array] = {}

    def put(self, name: str, block: Block, values: Array, factor: int = 1) -> None:
        """Keep the whole raster."""
        del block, factor
        self._arrays[name] = values

    def get(self, name: str, block: Block, factor: int = 1) -> Array:
        """Give a part of it."""
        return _cut(self._arrays[name], block, factor)


class DiskLayers:
    """Rasters of a region in plain files, of which only the blocks asked for are in memory.

    Reflectance is rounded to `REFLECTANCE_STEP`.
    """

    def __init__(self, folder: Path, shape: tuple[int, int]) -> None:
        self._folder, self._shape = folder, shape

    def put(self, name: str, block: Block, values: Array, factor: int = 1) -> None:
        """Write a block; the rest of the file takes no room until it is written."""
        kept = values if self._kind(name) != np.uint16 else _rounded(values)
        path = self._path(name)
        if not path.exists():
            with path.open("wb") as file:
                rows, columns = (size // factor for size in self._shape)
                file.truncate(rows * columns * np.dtype(self._kind(name)).itemsize)
        self._open(name, factor, "r+")[block.slices(factor)] = kept

    def get(self, name: str, block: Block, factor: int = 1) -> Array:
        """Read a block."""
        found = _cut(self._open(name, factor, "r"), block, factor)
        if self._kind(name) != np.uint16:
            return np.array(found)
        return found.astype(np.float32) * np.float32(REFLECTANCE_STEP)

    def _open(self, name: str, factor: int, mode: Any) -> Array:
        shape = (self._shape[0] // factor, self._shape[1] // factor)
        return np.memmap(self._path(name), dtype=self._kind(name), mode=mode, shape=shape)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace(' ', '_')}.raw"

    @staticmethod
    def _kind(name: str) -> type[np.generic]:
        kinds: dict[str, type[np.generic]] = {"classes": np.uint8, "elevation": np.float32}
        return kinds.get(name, np.uint16)


def _rounded(reflectance: Array) -> Array:
    return np.rint(np.clip(reflectance / REFLECTANCE_STEP, 0, 65_535)).astype(np.uint16)


def _cut(array: Array, block: Block, factor: int) -> Array:
    wanted = block.slices(factor)
    inside = tuple(
        slice(max(part.start, 0), min(part.stop, size))
        for part, size in zip(wanted, array.shape, strict=True)
    )
    beyond = [
        (have.start - want.start, want.stop - have.stop)
        for want, have in zip(wanted, inside, strict=True)
    ]
    cut = array[inside]
    return np.pad(cut, beyond, mode="edge") if any(map(any, beyond)) else cut
