"""Balance of classes by leaving out neighbour pixels, never a point."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import InputError

COLUMNS = ("code", "point_id", "dx", "dy")


def balance(
    samples: pd.DataFrame,
    target: Literal["median"] | int | Mapping[int, int] = "median",
    *,
    seed: int = 0,
) -> NDArray[np.bool_]:
    """Choose the rows that stay so that no class has more than its target.

    Neighbour pixels go first one per point, then a second of each, and so on; the centre of a
    point (dx = dy = 0, or the pixel nearest to it) always stays, so no point is lost and a class
    may end above its target (docs/methods/sampling.md#balancing). The choice depends on the seed
    and on the rows, not on their order.

    Args:
        samples: Table with ``code``, ``point_id``, ``dx`` and ``dy``, one row per pixel.
        target: Rows that a class may keep: ``median`` of the class counts, a number for all, or
            a number for each code (classes that are not named keep all rows).
        seed: Seed of the choice.

    Returns:
        True for rows that stay, bool, (n,).

    Raises:
        InputError: A column is missing, or a target is below 1.

    Examples:
        >>> import pandas as pd
        >>> from landcover import api
        >>> table = pd.DataFrame({"code": 1, "point_id": 0, "dx": [-1, 0, 1], "dy": [0, 0, 0]})
        >>> int(api.balance(table, 2).sum())
        2
    """
    missing = [name for name in COLUMNS if name not in samples.columns]
    if missing:
        raise InputError(f"Balancing: the table lacks {', '.join(missing)}.")
    keep = np.ones(len(samples), dtype=np.bool_)
    if samples.empty:
        return keep
    table = samples.loc[:, list(COLUMNS)].reset_index(drop=True)
    counts = table["code"].value_counts()
    targets = _targets(counts, target)
    # A point whose centre went to a conflict keeps its pixel nearest to it instead.
    table["reach"] = table["dx"] ** 2 + table["dy"] ** 2
    nearest = table.sort_values(["reach", "dy", "dx"]).groupby("point_id").head(1).index
    is_kept = table.index.isin(nearest)
    for code, wanted in targets.items():
        surplus = int(counts.get(code, 0)) - wanted
        if surplus <= 0:
            continue
        rows = table[(table["code"] == code) & ~is_kept].copy()
        rows["draw"] = [
            _draw(seed, point, dx, dy)
            for point, dx, dy in zip(rows["point_id"], rows["dx"], rows["dy"], strict=True)
        ]
        rows["turn"] = rows.groupby("point_id")["draw"].rank(method="first")
        order = rows.sort_values(["turn", "draw"]).index.to_numpy()
        keep[order[:surplus]] = False
    return keep


def group_weights(groups: NDArray[np.generic]) -> NDArray[np.float64]:
    """Give every group (polygon, point) the same total weight, with mean 1 over the rows.

    A large polygon otherwise counts as often as it has pixels (docs/methods/sampling.md#weights).

    Args:
        groups: Group of each row, (n,).

    Returns:
        Weights, (n,).
    """
    _, index, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights: NDArray[np.float64] = groups.size / (counts.size * counts[index])
    return weights


def _targets(
    counts: pd.Series[int], target: Literal["median"] | int | Mapping[int, int]
) -> dict[int, int]:
    if isinstance(target, Mapping):
        wanted = {int(code): int(n) for code, n in target.items()}
    else:
        each = int(counts.median()) if target == "median" else int(target)
        wanted = {int(str(code)): each for code in counts.index}
    if min(wanted.values(), default=1) < 1:
        raise InputError(
            f"Balancing: expected targets of at least 1, found {min(wanted.values())}."
        )
    return wanted


def _draw(seed: int, point: object, dx: int, dy: int) -> int:
    digest = blake2b(f"{seed}/{point}/{dx}/{dy}".encode(), digest_size=8).digest()
    # 53 bits: ranks are taken of float64.
    return int.from_bytes(digest, "big") >> 11
