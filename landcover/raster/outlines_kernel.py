"""Walks around the patches of a class map, compiled.

A ring is walked with its patch on the left. Where a patch touches itself at a corner the walk turns
right: so no ring meets itself, and each hole is a ring of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from landcover.compiled import compiled

OUTSIDE = -1
"""Label beyond the map."""
_NORTH, _EAST, _SOUTH, _WEST = 0, 1, 2, 3
# Marks of a corner of the map: a ring has passed it, and turned there from west to south, or from
# north to east. The first corner of every ring, the leftmost of its highest ones, is of one kind.
_PASSED_AS_PATCH, _PASSED_AS_HOLE = 1, 2


@compiled()
def label_patches(codes: Any, labels: Any) -> Any:  # pragma: no cover - compiled
    """Number the patches of equal codes that hang together by their sides.

    Of labels that turn out to be one patch, that of the run of pixels where it turned out stays:
    GDAL's order of polygons hangs on it.

    Args:
        codes: Class codes, uint8, (y, x).
        labels: Result, int32, (y + 2, x + 2), -1 around the map; overwritten within.

    Returns:
        Row in which the patch of each label ends, int64, (label,); -1 where a label is of none.
    """
    height, width = codes.shape
    parent = np.empty(1024, dtype=np.int32)
    n = 0
    for y in range(height):
        for x in range(width):
            code = codes[y, x]
            is_above = y > 0 and codes[y - 1, x] == code
            above = labels[y, x + 1]
            if x > 0 and codes[y, x - 1] == code:
                label = labels[y + 1, x]
                if is_above and parent[above] != parent[label]:
                    _merge(parent, above, label)
            elif is_above:
                label = above
            else:
                if n == parent.size:
                    parent = _longer(parent)
                label = np.int32(n)
                parent[n] = n
                n += 1
            labels[y + 1, x + 1] = label
    ends = np.full(n, -1, dtype=np.int64)
    for y in range(height):
        for x in range(width):
            label = labels[y + 1, x + 1]
            root = _root(parent, label)
            parent[label] = root
            labels[y + 1, x + 1] = root
            ends[root] = y
    return ends


@compiled()
def trace_rings(labels: Any) -> Any:  # pragma: no cover - compiled
    """Walk around every patch, along its outer border and each of its holes.

    Args:
        labels: Of patches, int32, (y + 2, x + 2), -1 around the map.

    Returns:
        Column and row of the corners, int32, (p, 2), each ring closed by its first point; number
        of the first point of each ring and the end, int64, (m + 1,); and the label of the patch
        that each ring belongs to, int32, (m,). Rings are in the order of their first points,
        leftmost of the highest, row by row.
    """
    height, width = labels.shape[0] - 2, labels.shape[1] - 2
    marks = np.zeros((height + 1, width + 1), dtype=np.uint8)
    points = np.empty((4096, 2), dtype=np.int32)
    starts = np.empty(1024, dtype=np.int64)
    owners = np.empty(1024, dtype=np.int32)
    n_points, n_rings = 0, 0
    for y in range(height + 1):
        for x in range(width + 1):
            before, above = labels[y, x], labels[y, x + 1]
            left, here = labels[y + 1, x], labels[y + 1, x + 1]
            if here == above:
                continue
            for kind in range(2):
                if kind == 0:
                    starts_here = here not in (left, before)
                    starts_here &= here != OUTSIDE and not marks[y, x] & _PASSED_AS_PATCH
                    owner, heading = here, _SOUTH
                else:
                    starts_here = above == left and above != OUTSIDE
                    starts_here &= not marks[y, x] & _PASSED_AS_HOLE
                    owner, heading = above, _EAST
                if not starts_here:
                    continue
                if n_rings + 1 >= owners.size:
                    owners, starts = _longer(owners), _longer(starts)
                owners[n_rings], starts[n_rings] = owner, n_points
                n_rings += 1
                points, n_points = _walk(labels, owner, y, x, heading, marks, points, n_points)
    starts[n_rings] = n_points
    return points[:n_points], starts[: n_rings + 1], owners[:n_rings]


@compiled()
def _walk(labels, owner, y, x, heading, marks, points, n):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Walk along one ring from its first corner back to it, and note where it turns."""
    first_y, first_x = y, x
    while True:
        if n + 2 > points.shape[0]:
            longer = np.empty((2 * points.shape[0], 2), dtype=np.int32)
            longer[:n] = points[:n]
            points = longer
        points[n, 0], points[n, 1] = x, y
        n += 1
        marks[y, x] |= _PASSED_AS_PATCH if heading == _SOUTH else np.uint8(0)
        turned = heading
        while turned == heading:
            # Pixels ahead of the next corner, to the left and the right of the walk. The label of
            # the pixel south-east of a corner is one row and one column further.
            if heading == _NORTH:
                y -= 1
                ahead_left, ahead_right = labels[y, x], labels[y, x + 1]
            elif heading == _EAST:
                x += 1
                ahead_left, ahead_right = labels[y, x + 1], labels[y + 1, x + 1]
            elif heading == _SOUTH:
                y += 1
                ahead_left, ahead_right = labels[y + 1, x + 1], labels[y + 1, x]
            else:
                x -= 1
                ahead_left, ahead_right = labels[y + 1, x], labels[y, x]
            if ahead_right == owner:
                turned = (heading + 1) & 3
            elif ahead_left != owner:
                turned = (heading + 3) & 3
        if heading == _NORTH and turned == _EAST:
            marks[y, x] |= _PASSED_AS_HOLE
        elif heading == _WEST and turned == _SOUTH:
            marks[y, x] |= _PASSED_AS_PATCH
        heading = turned
        if y == first_y and x == first_x:
            points[n, 0], points[n, 1] = x, y
            return points, n + 1


@compiled()
def _merge(parent, one, other):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    """Hang what one label belongs to below the root of the other one."""
    root = _root(parent, other)
    _hang(parent, other, root)
    _hang(parent, one, root)


@compiled()
def _hang(parent, label, root):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    while parent[label] != label:
        following = parent[label]
        parent[label] = root
        label = following
    parent[label] = root


@compiled()
def _root(parent, label):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    while parent[label] != label:
        label = parent[label]
    return label


@compiled()
def _longer(array):  # type: ignore[no-untyped-def]  # pragma: no cover - compiled
    longer = np.empty(2 * array.size, dtype=array.dtype)
    longer[: array.size] = array
    return longer
