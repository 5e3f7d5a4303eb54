"""The few figures from which class spectra are drawn, and where each comes from.

Medians are of monthly Sentinel-2 L2A spectra of in-situ samples published with WorldCereal
(WorldCereal/presto-worldcereal and WorldCereal/worldcereal-classification, test data, MIT; AAFC
Canada 2017, US CDL, LPIS, LUCAS 2018 and others): northern samples, rows with B02 < 0.16, where
in-situ label and ESA WorldCover agree; months March-April, June-July, October-November. Rows per
season: closed forest 99-134, herbaceous 330-602, cropland 2,285-4,334, built-up 29-37, bare 18-21.

Classes that the samples lack or nearly lack:

* shrubland (11-16 rows): WorldCover's label alone.
* wetland (10-15 rows): mean of the medians by WorldCover's label alone and by both labels (8-10).
* open forest: 45 % closed forest, 30 % herbaceous, 25 % shrubland, the canopy of 15-70 % by which
  Copernicus Land Service tells it from closed forest.
* water (9-27 rows): rows with B08 < B03, as the others show the shore; autumn is the mean of
  autumn and summer, since nine rows are few.

B01, B8A and B09 are missing there: lines fitted to 1,110 pixels of a 12-band scene of RStoolbox
(bleutner/RStoolbox, sen2; Limburg, Germany), R² 0.72, 0.99 and 0.89.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Season = Literal["spring", "summer", "autumn"]
SEASONS: tuple[Season, ...] = ("spring", "summer", "autumn")

LIBRARY_BANDS = ("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12")
"""Bands of the tables below."""
RESOLUTION = {
    **dict.fromkeys(("B02", "B03", "B04", "B08"), 10),
    **dict.fromkeys(("B05", "B06", "B07", "B8A", "B11", "B12"), 20),
    **dict.fromkeys(("B01", "B09"), 60),
}
"""Pixel of each L2A band, m."""

_MEDIANS: dict[Season, dict[int, tuple[int, ...]]] = {
    "spring": {
        1: (368, 587, 577, 983, 1798, 2085, 2216, 1596, 966),
        3: (561, 817, 951, 1449, 2292, 2594, 2743, 2611, 1905),
        4: (684, 932, 1123, 1526, 2406, 2674, 2922, 2424, 1646),
        5: (350, 460, 474, 824, 1476, 1678, 1697, 1251, 756),
        6: (1039, 1424, 1642, 1830, 2494, 2781, 2608, 2686, 2170),
        7: (799, 1042, 1400, 1681, 1987, 2141, 2326, 2500, 1963),
        8: (959, 1116, 1207, 1465, 2078, 2192, 2026, 2200, 1829),
        9: (359, 424, 335, 374, 285, 268, 218, 135, 155),
    },
    "summer": {
        1: (354, 580, 394, 946, 2678, 3286, 3348, 1793, 858),
        3: (774, 1074, 1254, 1768, 2606, 2908, 3116, 3196, 2290),
        4: (557, 868, 708, 1429, 3161, 3717, 3911, 2446, 1370),
        5: (374, 572, 438, 907, 1997, 2300, 2205, 1285, 672),
        6: (1162, 1495, 1777, 1988, 2573, 2813, 2722, 2959, 2537),
        7: (825, 1122, 1177, 1674, 2950, 3415, 3496, 2643, 1870),
        8: (1109, 1278, 1316, 1532, 2290, 2506, 2388, 2650, 1996),
        9: (279, 273, 219, 226, 204, 217, 202, 212, 198),
    },
    "autumn": {
        1: (264, 435, 433, 849, 1645, 1857, 2044, 1443, 793),
        3: (564, 820, 941, 1452, 2124, 2322, 2573, 2766, 2021),
        4: (416, 706, 656, 1224, 2280, 2576, 2916, 2380, 1392),
        5: (366, 534, 575, 983, 1776, 2011, 1975, 1258, 798),
        6: (1025, 1256, 1404, 1589, 2005, 2245, 2176, 2452, 1964),
        7: (542, 812, 942, 1324, 1976, 2166, 2308, 2300, 1583),
        8: (741, 934, 963, 1148, 1536, 1583, 1611, 1629, 1454),
        9: (186, 212, 180, 177, 123, 138, 126, 163, 148),
    },
}
_OPEN_FOREST = {1: 0.45, 4: 0.30, 3: 0.25}

DEVIATION = np.array(
    [
        [0.36, -0.24, 0.21],
        [0.31, -0.12, 0.13],
        [0.41, -0.26, 0.05],
        [0.28, -0.05, 0.01],
        [0.18, 0.19, 0.03],
        [0.17, 0.22, 0.02],
        [0.19, 0.22, 0.04],
        [0.23, 0.00, -0.18],
        [0.31, -0.11, -0.23],
    ],
    dtype=np.float32,
)
"""Deviation of ln(reflectance) of LIBRARY_BANDS by one standard deviation of three factors:
brightness, greenness, dryness. First three eigenvectors (94 % of the variance) of the mean
within-class, within-season correlation of the same spectra, times the mean robust standard
deviation of ln(reflectance) within a class and season (0.24-0.50; it differs little by class)."""


@cache
def medians(season: Season) -> npt.NDArray[np.float32]:
    """Give the median reflectance of each class.

    Returns:
        Reflectance 0-1, float32, (10, 9): row = map code (row 0 is unused), column = LIBRARY_BANDS.
    """
    table = np.ones((10, len(LIBRARY_BANDS)), dtype=np.float32)
    for code, figures in _MEDIANS[season].items():
        table[code] = np.asarray(figures, dtype=np.float32) / 10_000
    table[2] = sum(share * table[code] for code, share in _OPEN_FOREST.items())
    return table


def other_bands(
    b02: npt.NDArray[np.float32],
    b07: npt.NDArray[np.float32],
    b08: npt.NDArray[np.float32],
    b11: npt.NDArray[np.float32],
) -> dict[str, npt.NDArray[np.float32]]:
    """Derive the bands that the library lacks, reflectance 0-1.

    Args:
        b02: Blue, any shape, as all others.
        b07: Red edge at 783 nm.
        b08: Near infrared.
        b11: Short-wave infrared at 1,614 nm.

    Returns:
        B01, B8A and B09.
    """
    return {
        "B01": 0.6216 * b02 + np.float32(0.0090),
        "B8A": 0.9528 * b07 + 0.0939 * b08 + np.float32(0.0041),
        "B09": 0.8603 * b08 + 0.0756 * b11 + np.float32(0.0352),
    }
