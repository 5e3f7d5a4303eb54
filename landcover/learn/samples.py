"""From points on a grid to sample pixels: the 3x3 neighbourhood of each point.

Only positions are decided here; features are read elsewhere, and rows are split by
:mod:`landcover.learn.sampling`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from landcover.errors import InputError

Ints = NDArray[np.int64]


def expand_points(
    rows: ArrayLike,
    columns: ArrayLike,
    codes: ArrayLike,
    point_ids: ArrayLike,
    shape: tuple[int, int],
    *,
    neighbourhood: ArrayLike = 3,
) -> pd.DataFrame:
    """Expand each point into the pixels around it, each pixel used once.

    A pixel claimed by points of one class goes to the nearest point (between pixel centres;
    then the smaller id). A pixel claimed by different classes goes to none. Pixels outside the
    grid are skipped. The result does not depend on the order of the points. (Unlike the
    published code, where the last writer wins: docs/methods/labels.md#sample-pixels.)

    Args:
        rows: Row of each point's pixel, integer, (point,).
        columns: Column of each point's pixel, integer, (point,).
        codes: Class code of each point, integer, (point,).
        point_ids: Id of each point, text or integer, (point,); equal ids are one point's copies.
        shape: (rows, columns) of the grid.
        neighbourhood: Side of the square around each point, pixels, odd, one for all or (point,);
            1 keeps the centre only.

    Returns:
        One row per sample pixel, ordered by point, then row, then column: ``point_index``
        (position in the arguments, int64), ``row``, ``column`` (int32), ``dx`` (column offset
        from the point) and ``dy`` (row offset), int16. ``attrs`` counts what was left out:
        ``n_outside`` (claims beyond the grid), ``n_shared`` (claims lost to a nearer point),
        ``n_conflict_rows`` (claims lost to another class) and ``n_conflict_pixels`` (the
        distinct pixels these were for).

    Raises:
        InputError: Lengths differ, numbers are not whole, or ``neighbourhood`` is not odd.
    """
    point_rows, point_columns = _whole(rows, "rows"), _whole(columns, "columns")
    point_codes, ids = _whole(codes, "codes"), np.asarray(point_ids)
    if not point_rows.shape == point_columns.shape == point_codes.shape == ids.shape:
        raise InputError(
            f"expand_points: rows, columns, codes and point_ids need one length, found "
            f"{point_rows.shape}, {point_columns.shape}, {point_codes.shape} and {ids.shape}."
        )
    sides = np.broadcast_to(np.asarray(neighbourhood, dtype=np.int64), point_rows.shape)
    if (sides < 1).any() or (sides % 2 == 0).any():
        raise InputError(f"expand_points: neighbourhood must be odd, found {neighbourhood!r}.")
    reach = sides // 2
    step = np.arange(-reach.max(initial=0), reach.max(initial=0) + 1)
    dy, dx = (offset.ravel() for offset in np.meshgrid(step, step, indexing="ij"))
    row = (point_rows[:, None] + dy).ravel()
    column = (point_columns[:, None] + dx).ravel()
    claimed = (np.maximum(np.abs(dy), np.abs(dx)) <= reach[:, None]).ravel()
    on_grid = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    inside = claimed & on_grid
    claims = pd.DataFrame(
        {
            "point_index": np.repeat(np.arange(len(point_rows)), len(dy))[inside],
            "row": row[inside].astype(np.int32),
            "column": column[inside].astype(np.int32),
            "dx": np.tile(dx, len(point_rows))[inside].astype(np.int16),
            "dy": np.tile(dy, len(point_rows))[inside].astype(np.int16),
        }
    )
    pixel = row[inside] * shape[1] + column[inside]
    keep, counts = _resolve_claims(claims, pixel, point_codes, _rank(ids))
    samples = claims[keep].reset_index(drop=True)
    samples.attrs.update(counts, n_outside=int((claimed & ~on_grid).sum()))
    return samples


def _resolve_claims(
    claims: pd.DataFrame, pixel: Ints, codes: Ints, id_rank: Ints
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Decide which claim keeps its pixel: True on those kept, and counts of the others."""
    point = claims["point_index"].to_numpy()
    distance = claims["dx"].to_numpy(np.int64) ** 2 + claims["dy"].to_numpy(np.int64) ** 2
    # Last key sorts first: pixel, then nearest, then smaller id, then the earlier copy.
    order = np.lexsort((point, id_rank[point], distance, pixel))
    sorted_pixel, sorted_code = pixel[order], codes[point[order]]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = sorted_pixel[1:] != sorted_pixel[:-1]
    start = np.flatnonzero(is_first)
    if len(start) == 0:
        return is_first, {"n_shared": 0, "n_conflict_rows": 0, "n_conflict_pixels": 0}
    is_mixed = np.minimum.reduceat(sorted_code, start) != np.maximum.reduceat(sorted_code, start)
    is_conflict = np.repeat(is_mixed, np.diff(np.append(start, len(order))))
    keep = np.zeros(len(order), dtype=bool)
    keep[order] = is_first & ~is_conflict
    return keep, {
        "n_shared": int((~is_first & ~is_conflict).sum()),
        "n_conflict_rows": int(is_conflict.sum()),
        "n_conflict_pixels": int(is_mixed.sum()),
    }


def _rank(ids: NDArray[np.generic]) -> Ints:
    """Rank ids by value, so that ties are settled without comparing text again."""
    return np.unique(ids.astype(str) if ids.dtype == object else ids, return_inverse=True)[1]


def _whole(values: ArrayLike, name: str) -> Ints:
    array = np.asarray(values)
    if array.ndim != 1 or not (array.size == 0 or np.issubdtype(array.dtype, np.integer)):
        raise InputError(
            f"expand_points: {name} must be whole numbers of shape (point,), found "
            f"{array.dtype} of shape {array.shape}."
        )
    return array.astype(np.int64)
