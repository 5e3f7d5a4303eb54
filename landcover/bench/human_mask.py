"""Cloud and shadow masks of one scene beside what a person drew: learned, the deck's, ours.

With ``LANDCOVER_DATA`` set: the shared columns of `cloudmask-ukis`, 512 x 308 px, top of the
atmosphere, one date, no scene classification, no sun angles. All parameters are frozen: none was
chosen on this scene.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.bench.tables import Cost, Progress, Report, Request, Row
from landcover.errors import InputError, UnavailableError

FOLDER = "cloudmask-ukis"
SHADOW, WATER, CLOUD = 0, 2, 4
"""Codes of the human mask."""
PIXEL_M = 20.0
"""Assumed, since the scene has no georeference; 10 and 30 m change F1 by 0.001."""
Bools = NDArray[np.bool_]


def disk_gb(request: Request) -> float:
    """Nothing is written."""
    del request
    return 0.0


def measure(request: Request, progress: Progress) -> Report:
    """Judge clouds and shadows against the human mask."""
    del request
    folder = Path(os.environ.get("LANDCOVER_DATA", "/nowhere")) / FOLDER
    if not folder.is_dir():
        raise InputError(f"bench human-mask: LANDCOVER_DATA must name a folder with {FOLDER}.")
    image = _read(folder / "img_l1c_reflectance_x10000.tif").astype(np.int16)
    human = _read(folder / "human_mask.tif")[0]
    found: dict[tuple[str, str], Bools] = {}
    clouds = {"human clouds": human == CLOUD}
    try:
        from landcover.raster.learned_mask import learned_mask

        learned = learned_mask(image[:4].astype(np.float32) / np.float32(10_000), "l1c")
        found["ukis 4 bands", "cloud"], found["ukis 4 bands", "shadow"] = learned
        clouds["ukis clouds"] = learned[0]
    except UnavailableError:
        progress(0.5, "the extra masks-onnx is not installed: no learned mask")
    for name, is_cloud in clouds.items():
        found[f"deck from {name}", "shadow"] = _deck(image, is_cloud, human == WATER)
        found[f"ours from {name}", "shadow"] = _ours(image, is_cloud, human == WATER)
    rows = []
    for (name, kind), marked in found.items():
        result = _figures(marked, human == (CLOUD if kind == "cloud" else SHADOW))
        rows.append(Row(kind, name, Cost(0, 0, 0), repeats=1, result=result))
    return Report("human-mask", {"pixels": human.size}, rows, tuple(map(_line, rows)))


def _figures(marked: Bools, there: Bools) -> dict[str, float]:
    """Give precision, recall, F1 and intersection over union."""
    hits, either = int((marked & there).sum()), int((marked | there).sum())
    n_marked, n_there = max(1, int(marked.sum())), max(1, int(there.sum()))
    return {
        "precision": round(hits / n_marked, 4),
        "recall": round(hits / n_there, 4),
        "f1": round(2 * hits / (n_marked + n_there), 4),
        "iou": round(hits / max(1, either), 4),
    }


def _deck(image: NDArray[np.int16], is_cloud: Bools, is_water: Bools) -> Bools:
    from landcover.raster.refinement import DarkGround, kinds_of, mark_shadows, median_of_nine

    ground = DarkGround()
    kinds = kinds_of(is_cloud, is_cloud & False, is_water)
    index = ground.add(image[0], is_cloud, kinds, image[3], image[4])
    thresholds = ground.thresholds()
    assert thresholds is not None
    return median_of_nine(mark_shadows(image[0], index, thresholds))


def _ours(image: NDArray[np.int16], is_cloud: Bools, is_water: Bools) -> Bools:
    from landcover.raster.cloud_shadow import ShadowGround, find_shadows

    index = image[3].astype(np.int32) + image[4]
    ground = ShadowGround(index, image[0], None, is_cloud, is_water, PIXEL_M)
    return find_shadows(ground, None, None)[0]


def _read(path: Path) -> NDArray[Any]:
    from landcover.stores.rasters import open_raster

    with open_raster(path) as raster:
        return np.asarray(raster.read())


def _line(row: Row) -> str:
    f = row.result
    return (
        f"{row.case:7} {row.engine:24} precision {f['precision']:.3f}  recall {f['recall']:.3f}  "
        f"F1 {f['f1']:.3f}  IoU {f['iou']:.3f}"
    )
