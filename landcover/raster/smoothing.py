"""Class probabilities smoothed by those around: empirical Bayes on logits.

G. Camara, R. Assunção, A. Carvalho, R. Simoes et al.: "Bayesian Inference for Post-Processing of
Remote-Sensing Image Classification", Remote Sensing 16 (2024) 4572. The logit of each class is
taken as a draw from a normal distribution with variance σ² around an unknown mean, whose prior has
the mean and the variance of the more confident half of the pixels around. The mean of the
posterior replaces it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.feather import PROBABILITY_NODATA
from landcover.raster.smoothing_kernel import smooth_strips

Bytes = npt.NDArray[np.uint8]

_SCALE = 254
_UNITS = 1 << 16
"""Logits are counted in whole 65,536ths, so that their sums are exact in any order."""
WIDEST = 21
"""Largest window, px: with it, sums of squares times their number stay below 2⁵³."""


def logits_of_bytes() -> npt.NDArray[np.int64]:
    """Give the logit of each byte of a probability, int64, (255,), in units of 1/65,536.

    A byte stands for the middle of what is rounded to it, ln((v + ½) / (254½ − v)): ±6.2 at most,
    0 for one half.
    """
    values = np.arange(_SCALE + 1)
    logits = np.log((values + 0.5) / (_SCALE + 0.5 - values))
    return np.asarray(np.rint(logits * _UNITS), dtype=np.int64)


def smooth_probabilities(probabilities: Bytes, smoothness: float, window: int) -> Bytes:
    """Smooth the probabilities of all classes.

    For each class on its own, over the square window around a pixel, cut off at the edge of the
    image: of the n pixels that are known, the ⌈n/2⌉ with the highest logits have mean m and
    variance s² (of a sample; 0 for a single pixel). The logit x becomes (s² x + σ² m) / (s² + σ²):
    where neighbours disagree the pixel keeps its own, where they agree it takes theirs. The
    probabilities of a pixel are then divided by their sum. A part of an image gets what the whole
    gets with :func:`~landcover.raster.halos.smoothing_halo` pixels around it.

    Args:
        probabilities: ⌊254·p + 0.5⌋, uint8, (class, y, x), 255 where nodata, in all classes alike.
        smoothness: σ², above 0; 20 is the default of the authors' R package sits.
        window: Side of the window, px, odd, 21 at most; there it is 9.

    Returns:
        ⌊254·p + 0.5⌋, uint8, (class, y, x), 255 where nodata: what is nodata takes no part and
        stays.

    Raises:
        InputError: The smoothness is not above 0, or the window not odd.
    """
    if not smoothness > 0 or window % 2 == 0 or not 1 <= window <= WIDEST:
        raise InputError(
            f"Smoothing needs a smoothness above 0 and an odd window of 1 to {WIDEST} px, found "
            f"{smoothness:g} and {window}."
        )
    found = np.full(probabilities.shape, PROBABILITY_NODATA, dtype=np.uint8)
    smooth_strips(
        np.ascontiguousarray(probabilities), logits_of_bytes(), _UNITS, smoothness, window, found
    )
    return found
