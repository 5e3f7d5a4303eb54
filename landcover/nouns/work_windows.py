"""The windows of a tile that a run works on, where it does not work on the whole tile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import ceil, floor

from pydantic import Field

from landcover.nouns.base import Noun
from landcover.nouns.grid import Grid, Window

ALIGNMENT_PX = 1536
"""Side of a block of the work grid that is worked on or left out, px: 1,536 px of 10 m are 768 of
20 m and 256 of 60 m, whole blocks of the coarsest rasters that are stored."""
WINDOWS = "windows"
"""Parameter of an output of a part of a tile; an output of the whole tile has none."""


class Block(Noun):
    """A block of a tile, counted in blocks from the tile's upper-left corner."""

    row: int
    """Its row."""
    column: int
    """Its column."""


class WorkWindows(Noun):
    """Blocks of a tile, with a halo: the same ground on each grid of the tile."""

    alignment: int = Field(ge=1)
    """Side of a block, px of the work grid."""
    pixel: float = Field(gt=0)
    """Side of a pixel of the work grid, CRS unit."""
    blocks: tuple[Block, ...] = Field(min_length=1)
    """What is worked on, row by row."""
    halo: int = Field(default=0, ge=0)
    """Pixels of the work grid around each block that are worked on too."""

    def widened(self, pixels: int) -> WorkWindows:
        """Give the same blocks with so many more pixels around each."""
        return self.model_copy(update={"halo": self.halo + pixels})

    @property
    def inner(self) -> WorkWindows:
        """The blocks without what is around them."""
        return self.model_copy(update={"halo": 0})

    def on(self, grid: Grid) -> list[Window]:
        """Give the windows of a grid of the tile: each pixel once, from top to bottom."""
        return self.cut([Window.whole(grid.shape)], grid)

    def cut(self, windows: Iterable[Window], grid: Grid) -> list[Window]:
        """Give what windows of a grid have of the blocks, each pixel once.

        Args:
            windows: Windows of the grid that do not overlap.
            grid: A grid of the tile; pixels that a block covers in part count.
        """
        boxes = [self._box(block, grid.pixel) for block in self.blocks]
        return [part for window in windows for part in _apart(boxes, window)]

    def touch(self, window: Window, grid: Grid) -> bool:
        """Tell whether a window of a grid has anything of them."""
        return any(not self._box(b, grid.pixel).meet(window).is_empty for b in self.blocks)

    def percent_of(self, grid: Grid) -> float:
        """Say which share of a grid they are, percent."""
        pixels = sum(window.height * window.width for window in self.on(grid))
        return round(100 * pixels / (grid.height * grid.width), 4)

    def _box(self, block: Block, pixel: float) -> Window:
        place = block.row, block.column
        first = [side * self.alignment - self.halo for side in place]
        last = [(side + 1) * self.alignment + self.halo for side in place]
        factor = self.pixel / pixel
        # Rounded first: 0.1 × 3 must not reach into the next pixel.
        return Window.between(
            *(floor(round(side * factor, 6)) for side in first),
            *(ceil(round(side * factor, 6)) for side in last),
        )


def whole_or_cut(windows: Sequence[Window], grid: Grid, wanted: WorkWindows | None) -> list[Window]:
    """Give windows of a grid as they are, or what of them is worked on.

    Args:
        windows: Windows that cover the grid, from top to bottom.
        grid: The grid.
        wanted: What is worked on; None for all of it.
    """
    return list(windows) if wanted is None else wanted.cut(windows, grid)


def _apart(boxes: Sequence[Window], within: Window) -> Iterator[Window]:
    """Cover what boxes have of a window: each pixel once, with as few windows as rows allow."""
    parts = [part for box in boxes if not (part := box.meet(within)).is_empty]
    edges = sorted({edge for part in parts for edge in (part.row, part.bottom)})
    found: list[Window] = []
    for top, bottom in pairwise(edges):
        for left, right in _joined(p for p in parts if p.row <= top and bottom <= p.bottom):
            above = Window.between(top, left, top, right)
            for number, one in enumerate(found):
                if (one.bottom, one.column, one.right) == (top, left, right):
                    above = found.pop(number)
                    break
            found.append(Window.between(above.row, left, bottom, right))
    yield from sorted(found)


def _joined(parts: Iterable[Window]) -> list[tuple[int, int]]:
    """Give the columns (first, beyond the last) that windows cover, joined where they touch."""
    found: list[tuple[int, int]] = []
    for part in sorted(parts, key=lambda part: part.column):
        if found and part.column <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], part.right)
        else:
            found.append((part.column, part.right))
    return found
