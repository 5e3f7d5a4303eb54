"""Outlines of the patches of a class map: polygons around pixels that hang together by their sides.

Polygons, their rings and the first point of a ring come in the order that GDAL's polygonizer gives
them; `landcover bench options` has both side by side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.raster.outlines_kernel import OUTSIDE, label_patches, trace_rings

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Outlines:
    """Polygons of a class map, in arrays that hold them all."""

    codes: Codes
    """Code of each polygon, uint8, (n,)."""
    rings: NDArray[np.int64]
    """First ring of each polygon, the outer one; and the end, (n + 1,)."""
    starts: NDArray[np.int64]
    """First point of each ring, which is its last one too; and the end, (m + 1,)."""
    points: NDArray[np.int32]
    """Column and row, downwards, of corners of pixels, (p, 2)."""

    def __len__(self) -> int:
        """Count the polygons."""
        return len(self.codes)

    def take(self, numbers: NDArray[Any]) -> Outlines:
        """Give the polygons of these numbers, in their order."""
        rings = _ranges(self.rings, numbers)
        return Outlines(
            self.codes[numbers],
            _offsets(np.diff(self.rings)[numbers]),
            _offsets(np.diff(self.starts)[rings]),
            self.points[_ranges(self.starts, rings)],
        )


def outline_patches(codes: Codes, row: int = 0) -> tuple[Outlines, NDArray[np.int64]]:
    """Draw a polygon around each patch: equal codes that hang together by their sides.

    Args:
        codes: Class codes, uint8, (y, x), at least one; code 0 is one of them.
        row: Row of the map that the first row of the codes is.

    Returns:
        The polygons, which cover every pixel once, those first that end first; and the number of
        the polygon at each pixel of the first and of the last row, (2, x).
    """
    height, width = codes.shape
    labels = np.full((height + 2, width + 2), OUTSIDE, dtype=np.int32)
    ends = label_patches(np.ascontiguousarray(codes), labels)
    is_patch = ends >= 0
    order = np.flatnonzero(is_patch)[np.argsort(ends[is_patch], kind="stable")]
    number = np.empty(len(ends), dtype=np.int64)
    number[order] = np.arange(len(order))
    points, starts, owners = trace_rings(labels)
    points[:, 1] += row
    of_polygon = number[owners]
    by_polygon = np.argsort(of_polygon, kind="stable")
    first = points[starts[:-1][by_polygon]]
    rings = _offsets(np.bincount(of_polygon, minlength=len(order)))
    outer = first[rings[:-1]]
    outlines = Outlines(
        # The first corner of a patch is the north-western one of its first pixel.
        codes[outer[:, 1] - row, outer[:, 0]],
        rings,
        _offsets(np.diff(starts)[by_polygon]),
        points[_ranges(starts, by_polygon)],
    )
    return outlines, number[labels[[1, height], 1:-1]]


def joined(parts: list[Outlines]) -> Outlines:
    """Put polygons behind each other."""
    return Outlines(
        np.concatenate([part.codes for part in parts]),
        _offsets(np.concatenate([np.diff(part.rings) for part in parts])),
        _offsets(np.concatenate([np.diff(part.starts) for part in parts])),
        np.concatenate([part.points for part in parts]),
    )


def _ranges(offsets: NDArray[np.int64], numbers: NDArray[Any]) -> NDArray[np.int64]:
    """List what lies between the offset of each number and the following one."""
    lengths = np.diff(offsets)[numbers]
    ends = np.cumsum(lengths)
    shift = offsets[numbers] - (ends - lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) + np.repeat(shift, lengths), dtype=np.int64)


def _offsets(lengths: NDArray[Any]) -> NDArray[np.int64]:
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets
