"""Fit the shadow models of ``mask.variant: ours`` on simulated scenes: how they were frozen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from landcover.bench.mask_scenes import Scene, read_scenes

if TYPE_CHECKING:
    from landcover.raster.cloud_shadow import ShadowGround

MOST_ROWS = 200_000
"""Pixels of a scene that the fit takes, drawn with a fixed seed."""


def grounds_of(scenes: Sequence[Scene]) -> list[tuple[Scene, ShadowGround]]:
    """Find the clouds of scenes of one quarter as ``ours`` does, and what shadows are told from."""
    from landcover.raster.cloud_shadow import ShadowGround
    from landcover.raster.cloud_sign import find_clouds
    from landcover.raster.refinement import background_window, kinds_of
    from landcover.raster.refinement_kernel import NONE

    kinds = [kinds_of(np.isin(s.scl, (8, 9, 10)), s.scl == 3) for s in scenes]
    twice = background_window(np.stack([s.blue for s in scenes]), np.stack(kinds))
    found = []
    for scene, kind in zip(scenes, kinds, strict=True):
        is_cloud = find_clouds(scene.blue, twice, scene.shortwave, kind == 1, scene.scl == 11)
        index = scene.infrared.astype(np.int32) + scene.shortwave
        index[(scene.infrared < -32767) | (scene.shortwave < -32767)] = NONE
        found.append(
            (scene, ShadowGround(index, scene.blue, twice, is_cloud, scene.scl == 6, 20.0))
        )
    return found


def fit(regions: Sequence[Path], *, has_series: bool) -> dict[str, float]:
    """Fit a logistic model of shadow.

    Args:
        regions: Folders of `landcover simulate --hard-masks`.
        has_series: Tell blue from the quarter's background; else from the scene's median.

    Returns:
        ``constant``, ``index``, ``blue``, ``distance``: see
        `landcover.raster.cloud_shadow.ShadowModel`; and ``rows``.
    """
    from sklearn.linear_model import LogisticRegression

    tables, answers = [], []
    for number, region in enumerate(regions):
        quarters: dict[str, list[Scene]] = {}
        for scene in read_scenes(region):
            quarters.setdefault(scene.quarter, []).append(scene)
        for scenes in quarters.values():
            for scene, ground in grounds_of(scenes):
                table, answer = _rows(scene, ground, has_series, seed=number)
                tables.append(table)
                answers.append(answer)
    x, y = np.concatenate(tables), np.concatenate(answers)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(x, y)
    index, blue, distance = (round(float(weight), 2) for weight in model.coef_[0])
    return {
        "constant": round(float(model.intercept_[0]), 2), "index": index, "blue": blue,
        "distance": distance, "rows": len(y),
    }  # fmt: skip


def _rows(
    scene: Scene, ground: ShadowGround, has_series: bool, seed: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    from landcover.raster.cloud_shadow import cloud_distance
    from landcover.raster.refinement_kernel import NONE

    places = np.flatnonzero(ground.is_open)
    if places.size > MOST_ROWS:
        places = np.random.default_rng(seed).choice(places, MOST_ROWS, replace=False)
    index, blue = (a.ravel()[places].astype(float) for a in (ground.index, ground.blue))
    usual = np.full(places.size, 2 * np.median(blue))
    if has_series and ground.background is not None:
        known = ground.background.ravel()[places]
        usual = np.where(known == NONE, usual, known)
    distance = cloud_distance(ground.is_cloud, ground.pixel_m).ravel()[places]
    columns = (
        np.log(np.maximum(2, index) / max(2.0, float(np.median(index)))),
        np.log(np.maximum(2, 2 * blue) / np.maximum(2, usual)),
        distance * ground.pixel_m / 3_000,
    )
    return np.stack(columns, axis=1), scene.truth.ravel()[places] == 3
