"""What makes clouds hard to tell: layers of them, bright soil, shade, a poor classification.

Off unless asked for. The classification is degraded to the errors that a person found in Sen2Cor's
masks on tile 18NWL, 23 February 2019 (HRLC deck): cloud precision 0.55 and recall 0.89, shadow
precision 0.76 and recall 0.07, in every image.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from landcover.simulate.ground import Bands
from landcover.simulate.landscape import Classes
from landcover.simulate.noise import Field, coarsen, smoothstep
from landcover.simulate.random_fields import Chance

Mask = npt.NDArray[np.bool_]

TOPS_M = ((300.0, 1_200.0), (1_200.0, 4_000.0), (4_000.0, 10_000.0))
"""Heights of the tops of low, middle and high cloud above ground, m."""
CLOUD_PRECISION, CLOUD_RECALL = 0.55, 0.89
SHADOW_PRECISION, SHADOW_RECALL = 0.76, 0.07
"""Of the classification, against a person (HRLC deck)."""
SOIL = {
    "B01": 0.15, "B02": 0.17, "B03": 0.21, "B04": 0.27, "B05": 0.29, "B06": 0.31, "B07": 0.32,
    "B08": 0.34, "B8A": 0.35, "B09": 0.35, "B11": 0.42, "B12": 0.38,
}  # fmt: skip
"""Reflectance of dry, bright soil, as chalk and sand after harvest."""
SHADED = 0.42
"""Light that is left on a slope in the shade of another."""
CLEAR, CLOUD, THIN, SHADOW = 0, 1, 2, 3
"""Codes of the truth: those of CloudSEN12 (Aybar et al. 2022)."""


def layers_of(
    chance: Chance, shape: tuple[int, int], pixel_m: float, margin: int
) -> list[tuple[float, Mask]]:
    """Say how high the tops of clouds are, and where.

    Returns:
        Height, m, and where clouds are so high, for each layer.
    """
    heights = [chance.uniform(*bounds) for bounds in TOPS_M]
    which = chance.fractal(shape, pixel_m, 2_500.0, shortest_m=300.0, slope=3.6, margin=margin)
    # More low cloud than high cloud, as over land in the morning.
    borders = (0.0, 0.9)
    return [
        (heights[0], which < borders[0]),
        (heights[1], (which >= borders[0]) & (which < borders[1])),
        (heights[2], which >= borders[1]),
    ]


def brighten_soil(chance: Chance, classes: Classes, season: Chance) -> Field:
    """Give the share of bright soil of each 10 m pixel: some fields always, some on this date."""
    is_open = np.isin(classes, (3, 4, 6, 7))
    lasting = smoothstep(season.fractal(classes.shape, 10.0, 500.0, shortest_m=40.0), 1.15, 1.45)
    now = smoothstep(chance.fractal(classes.shape, 10.0, 400.0, shortest_m=40.0), 1.5, 1.8)
    return np.asarray(0.8 * np.maximum(lasting, now) * is_open, dtype=np.float32)


def shade_slopes(season: Chance, shape: tuple[int, int]) -> Field:
    """Give the share of light that is left on shaded slopes of 10 m pixels, the same every date."""
    field = season.fractal(shape, 10.0, 700.0, shortest_m=60.0, slope=3.2)
    return np.asarray(1.0 - (1.0 - SHADED) * smoothstep(field, 1.7, 2.0), dtype=np.float32)


def truth_of(opacity: Field, cirrus: Field, shade: Field, is_nodata: Mask) -> npt.NDArray[np.uint8]:
    """Say what a person would draw: cloud, thin cloud and shadow, uint8, codes above, 20 m."""
    truth = np.full(opacity.shape, CLEAR, np.uint8)
    truth[shade > 0.35] = SHADOW
    truth[(cirrus > 0.05) | (opacity > 0.12)] = THIN
    truth[opacity > 0.5] = CLOUD
    truth[is_nodata] = CLEAR
    return truth


def degrade(
    chance: Chance,
    scl: npt.NDArray[np.uint8],
    truth: npt.NDArray[np.uint8],
    opacity: Field,
    shade: Field,
    clear: Bands,
) -> npt.NDArray[np.uint8]:
    """Write clouds and shadows into a classification, with the errors named above.

    Args:
        chance: Random numbers of this date.
        scl: Classification of the ground, uint8, 20 m.
        truth: What is there, see `truth_of`.
        opacity: Of cloud, 0-1, 20 m.
        shade: Share of light taken by cloud, 0-1, 20 m.
        clear: The ground without clouds.

    Returns:
        The classification, uint8. Missed are thin clouds first; false clouds are bright ground
        and the surroundings of clouds; missed shadows look like ground, false ones like shadow.
    """
    found = scl.copy()
    noise = chance.fractal(scl.shape, 20.0, 500.0, shortest_m=60.0)
    is_cloud, is_shadow = np.isin(truth, (CLOUD, THIN)), truth == SHADOW
    blue, infrared = coarsen(clear["B02"], 2), coarsen(clear["B08"], 2)
    n_cloud, n_shadow = int(is_cloud.sum()), int(is_shadow.sum())
    hits = _highest(opacity + 0.12 * noise, is_cloud, round(CLOUD_RECALL * n_cloud))
    dark_hits = _highest(shade + 0.3 * noise, is_shadow, round(SHADOW_RECALL * n_shadow))
    n_dark = round(dark_hits.sum() * (1 / SHADOW_PRECISION - 1))
    is_dark = dark_hits | _highest(0.1 * noise - infrared, truth == CLEAR, n_dark)
    near = np.exp(-ndimage.distance_transform_edt(~is_cloud) / 4.0) if n_cloud else 0.0 * blue
    n_false = round(hits.sum() * (1 / CLOUD_PRECISION - 1))
    false = _highest(blue / 0.15 + near + 0.5 * noise, ~is_cloud & ~is_dark, n_false)
    found[is_dark] = 3
    found[false] = 8
    found[hits] = np.where(opacity[hits] > 0.6, 9, np.where(opacity[hits] > 0.12, 8, 10))
    return found


def _highest(score: Field, where: Mask, count: int) -> Mask:
    """Mark the ``count`` pixels of an area with the highest score, all where it has fewer."""
    chosen = np.zeros(where.shape, np.bool_)
    places = np.flatnonzero(where)
    count = min(count, places.size)
    if count:
        order = np.argpartition(-score.ravel()[places], count - 1)[:count]
        chosen.ravel()[places[order]] = True
    return chosen
