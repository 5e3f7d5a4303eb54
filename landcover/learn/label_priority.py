"""Which places of a map to label next, and what that does to the areas of its classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from landcover.errors import InputError
from landcover.learn.area import Z
from landcover.learn.layers import NODATA, SCALE

Places = NDArray[np.float64]


class Candidates:
    """The least certain pixel of each class in each cell of a map, window by window.

    Only pixels whose eight neighbours have the same class count: a place is labelled by its block
    of nine pixels, and the rim of a patch is uncertain because it is mixed. Pixels at the edge of a
    window have neighbours that are not seen, and do not count.
    """

    def __init__(self, cell: int) -> None:
        """Begin.

        Args:
            cell: Side of a cell, pixels: candidates are not much closer to each other.
        """
        self._cell = cell
        self._parts: list[pd.DataFrame] = []

    def add_window(
        self, codes: NDArray[np.uint8], confidence: NDArray[np.uint8], row: int, column: int
    ) -> None:
        """Let the pixels of a window take part.

        Args:
            codes: Class codes, (y, x), 0 nodata.
            confidence: Confidence x 254, (y, x), 255 nodata.
            row: Row of the window's first pixel on the whole map.
            column: Its column.
        """
        y, x = np.nonzero(_is_pure(codes) & (confidence != NODATA))
        if not y.size:
            return
        code, sure = codes[y, x].astype(np.int64), confidence[y, x].astype(np.int64)
        rows, columns = y + row, x + column
        place = (rows // self._cell, columns // self._cell)
        order = np.lexsort((columns, rows, sure, code, *place))
        keys = np.column_stack([*place, code])[order]
        first = np.append(True, (np.diff(keys, axis=0) != 0).any(axis=1))
        chosen = order[first]
        self._parts.append(
            pd.DataFrame(
                {
                    "row": rows[chosen],
                    "column": columns[chosen],
                    "code": code[chosen],
                    "confidence": sure[chosen] / SCALE,
                }
            )
        )

    def table(self) -> pd.DataFrame:
        """Give the candidates: ``row``, ``column``, ``code``, ``confidence`` (0-1)."""
        if not self._parts:
            return pd.DataFrame({"row": [], "column": [], "code": [], "confidence": []})
        return pd.concat(self._parts, ignore_index=True)


class Ranking(NamedTuple):
    """The chosen candidates, the best first."""

    chosen: NDArray[np.int64]
    """Position among the candidates, (k,)."""
    distance_m: NDArray[np.float64]
    """Distance to the nearest sample or better place, metres, infinite where there is none."""
    score: NDArray[np.float64]
    """What they were ranked by."""


def rank_places(
    places: Places,
    confidence: ArrayLike,
    share: ArrayLike,
    n: int,
    known: Places | None = None,
) -> Ranking:
    """Choose places one after the other by (1 - confidence) x share of the class x distance.

    The distance is that to the nearest sample or place that was chosen before, so that the places
    spread; the first one has none where there are no samples.

    Args:
        places: Positions in space, metres, (m, d).
        confidence: Confidence of the map, 0-1, (m,).
        share: Share of the map that the class of each place has, 0-1, (m,).
        n: Most places.
        known: Positions of existing samples, (k, d); None for none.

    Returns:
        At most ``n`` places; fewer where what is left is certain or at the place of a sample. At
        equal scores the earlier candidate is taken.

    Raises:
        InputError: Lengths differ, or ``n`` is below 1.
    """
    doubt = (1 - np.asarray(confidence, np.float64)) * np.asarray(share, np.float64)
    if doubt.shape != places.shape[:1] or n < 1:
        raise InputError(
            f"Places to label: expected one confidence and share for each of {len(places)} "
            f"candidates and at least one place, found {doubt.shape} and {n}."
        )
    distance: NDArray[np.float64] = np.full(len(places), np.inf)
    if known is not None and len(known):
        distance = np.asarray(cKDTree(known).query(places)[0], np.float64)
    chosen, distances, scores = [], [], []
    for _ in range(min(n, len(places))):
        # Without a sample and a choice so far, doubt alone decides.
        score = doubt if np.isinf(distance[0]) else doubt * distance
        best = int(score.argmax())
        if score[best] <= 0:
            break
        chosen.append(best)
        distances.append(distance[best])
        scores.append(score[best])
        distance = np.minimum(distance, np.linalg.norm(places - places[best], axis=1))
    return Ranking(
        np.array(chosen, np.int64), np.array(distances, np.float64), np.array(scores, np.float64)
    )


def area_half_widths(
    matrix: ArrayLike, mapped_area: ArrayLike, further: ArrayLike = 0
) -> NDArray[np.float64]:
    """Compute the half width of the 95 % interval of each class's area after further samples.

    Olofsson et al. (2014), eq. 10: A·1.96·√Σ_i W_i² p_ij(1 - p_ij)/(n_i + Δ_i - 1), where p_ij, the
    share of class j among the samples on mapped class i, stays what it was.

    Args:
        matrix: Counts of samples, (K, K), rows = map = strata, columns = reference.
        mapped_area: Area of each class in the map, (K,).
        further: Samples that are added to each stratum, (K,); none by default.

    Returns:
        Half width by reference class, unit of the areas, (K,); NaN where a stratum with area has
        no sample, or one alone, so that p_ij or its variance is unknown.

    Raises:
        InputError: Shapes do not fit, a number is negative, or the map has no area.
    """
    counts, area = np.asarray(matrix, np.float64), np.asarray(mapped_area, np.float64)
    added = np.broadcast_to(np.asarray(further, np.float64), area.shape)
    if counts.shape != (area.size, area.size) or area.ndim != 1:
        raise InputError(
            f"Area: expected a square matrix and one area per class, found {counts.shape} and "
            f"{area.shape}."
        )
    if min(counts.min(), area.min(), added.min()) < 0 or area.sum() <= 0:
        raise InputError("Area: expected areas and counts that are not negative, and some area.")
    n = counts.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = counts / n[:, None]
        terms = area[:, None] ** 2 * p * (1 - p) / (n + added - 1)[:, None]
    terms[n < 2] = np.nan  # one sample says nothing of its stratum's spread
    return np.asarray(Z * np.sqrt(terms[area > 0].sum(axis=0)))


def _is_pure(codes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find pixels whose 3x3 block has one class; False at the edge."""
    pure = np.zeros(codes.shape, dtype=np.bool_)
    if min(codes.shape) < 3:
        return pure
    height, width = codes.shape
    centre = codes[1:-1, 1:-1]
    inside = centre > 0
    for dy in range(3):
        for dx in range(3):
            inside &= codes[dy : dy + height - 2, dx : dx + width - 2] == centre
    pure[1:-1, 1:-1] = inside
    return pure
