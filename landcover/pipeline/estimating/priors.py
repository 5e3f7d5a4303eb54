"""What stages take where no earlier run tells: the paper's times, and ours of a whole tile.

Method: docs/methods/estimate.md#prior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from landcover.nouns.stages import Stage

TRAINING = 62.0
"""The paper's t_ml: fitting a forest, s."""
SAMPLING_A_TILE = 4 * 60 + 12.0
"""The paper's t_tt: samples of a training tile, s."""
PREDICTING_A_TILE = 40 * 60.0
"""The paper's t_pt: the map of a tile, s."""
COMPOSITE = {2: 8 * 60 + 23.0, 3: 11 * 60 + 6.0, 4: 12 * 60 + 8.0, 5: 13 * 60 + 29.0}
"""The paper's t_c: products of a season → its composite of a tile, s."""
A_PRODUCT, A_SEASON = 98.0, 333.5
"""The line through them by least squares, s: outside two to five products, and to begin fits."""


@dataclass(frozen=True)
class Prior:
    """Seconds for each measure of a stage's work, and bytes that it keeps."""

    run: float
    """For a run that has the stage: libraries and compiled code are loaded, s."""
    units: float
    """For a unit, whatever its size, s."""
    n_tiles: float = 0.0
    """For each tile of a unit of the whole run, whatever its size, s."""
    tiles: float = 0.0
    """For the pixels of a whole tile, s."""
    seasons: float = 0.0
    """For those of each season, s."""
    products: float = 0.0
    """For those of each product, s."""
    points: float = 0.0
    """For a thousand points, s."""
    bytes_tiles: float = 0.0
    """Kept for the pixels of a whole tile, bytes."""
    bytes_seasons: float = 0.0
    """Kept for those of each season, bytes."""
    bytes_products: float = 0.0
    """Kept for those of each product, bytes."""
    is_of_the_paper: bool = False


PRIORS: Mapping[Stage, Prior] = {
    "collect": Prior(2.0, 0.3, products=3.0),
    "mask": Prior(0.5, 0.1, products=0.5, bytes_products=1.4e6),
    "composite": Prior(
        1.0, 0.3, seasons=A_SEASON, products=A_PRODUCT, bytes_seasons=1.0e9, is_of_the_paper=True
    ),
    "restore": Prior(1.0, 0.3, seasons=30.0, bytes_seasons=1.0e9),
    "overlap": Prior(0.1, 0.2, seasons=1.0),
    "terrain": Prior(3.0, 0.3, tiles=30.0, bytes_tiles=0.68e9),
    "sample": Prior(
        1.0, 0.2, tiles=SAMPLING_A_TILE, points=0.5, bytes_tiles=1e6, is_of_the_paper=True
    ),
    "train": Prior(
        3.0, 0.0, n_tiles=0.1, points=TRAINING / 7.8, bytes_tiles=5e6, is_of_the_paper=True
    ),
    "explain": Prior(2.0, 0.0, n_tiles=0.05, points=3.0, bytes_tiles=1e6),
    "classify": Prior(
        1.0, 0.3, tiles=PREDICTING_A_TILE, bytes_tiles=0.11e9, is_of_the_paper=True
    ),
    "mosaic": Prior(0.5, 0.3, n_tiles=0.1, tiles=8.0, bytes_tiles=0.6e9),
    "validate": Prior(1.5, 0.0, n_tiles=0.5, points=8.0, bytes_tiles=1e5),
    "publish": Prior(3.0, 0.0, n_tiles=1.0, tiles=15.0, bytes_tiles=0.15e9),
}  # fmt: skip
"""Those of the paper are of another program: fitted where there are records. The others, and what
is kept, were measured on whole tiles or large windows (docs/performance.md)."""
FETCHING_A_PRODUCT = 60.0
"""Of a remote source, instead: 800 MB at 13 MB/s, s."""
PRODUCT_BYTES = 800e6
"""Files of a product of a whole tile that are used, bytes."""
RUN_OVERHEAD, LANE_OVERHEAD = 10.0, 1.5
"""What Airflow adds to a run and to each of its lanes, s."""


def composite_seconds(n_products: int) -> float:
    """Give the paper's time of a composite, s.

    Args:
        n_products: Products of the season; beyond two to five by the line through the four.
    """
    return COMPOSITE.get(n_products, A_SEASON + A_PRODUCT * n_products) if n_products else 0.0
