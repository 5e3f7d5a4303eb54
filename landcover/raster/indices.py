"""Spectral indices: a formula on named bands (docs/methods/features.md#spectral-indices).

Names, bands and variants lie in the table of `nouns.spectral_index`; here is a formula for each
variant of it. They are the form that the landcoverpy paper and the HRLC deck compute and, where
it differs, the form of the literature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.nouns.spectral_index import (
    LITERATURE,
    PAPER,
    PAPER_INDICES,
    SPECTRAL_INDICES,
    SpectralIndex,
)

__all__ = ["INDEX_NAMES", "PAPER_INDICES", "required_bands", "spectral_index"]

Values = npt.NDArray[np.floating[Any]]
Scale = Literal["reflectance", "dn"]

SMALLEST_DENOMINATOR = 1e-9
"""A denominator nearer to 0 than this gives NaN."""


Formula = Callable[..., Values]
"""Reflectance of the bands, in the order of the table → index."""


def _ratio(numerator: Values | float, denominator: Values) -> Values:
    ratio = np.asarray(np.divide(numerator, denominator, dtype=denominator.dtype))
    is_small = np.abs(denominator) < SMALLEST_DENOMINATOR
    if is_small.any():  # hardly ever: so ratios are not copied
        ratio[is_small] = np.nan
    return ratio


def _normalised_difference(a: Values, b: Values) -> Values:
    return _ratio(a - b, a + b)


def _ndli(swir2: Values, swir1: Values) -> Values:
    # ln(1/r) = -ln r, and no reflectance r of 0 or below has a logarithm.
    absorbed2, absorbed1 = (-np.log(np.where(band > 0, band, np.nan)) for band in (swir2, swir1))
    return _normalised_difference(absorbed2, absorbed1)


def _shortwave_gvmi(nir: Values, swir: Values) -> Values:
    return _normalised_difference(nir + 0.1, swir + 0.02)


FORMULAS: dict[str, dict[str, Formula]] = {
    "cri1": {
        PAPER: _ratio,
        # Gitelson et al. 2002, CRI550.
        LITERATURE: lambda blue, green: _ratio(1.0, blue) - _ratio(1.0, green),
    },
    "evi2": {
        PAPER: lambda nir, red: _ratio(2.4 * (nir - red), nir + red + 1),
        # Jiang et al. 2008.
        LITERATURE: lambda nir, red: _ratio(2.5 * (nir - red), nir + 2.4 * red + 1),
    },
    "gvmi": {
        PAPER: _normalised_difference,
        # Ceccato et al. 2002: short-wave infrared of 1.58-1.75 µm, that is B11.
        LITERATURE: _shortwave_gvmi,
        # The choice of spyndex.
        "literature_b12": _shortwave_gvmi,
    },
    # Xu 2006.
    "mndwi": {PAPER: _normalised_difference},
    "ndre": {
        # B09 is the 60 m water-vapour band: the paper's choice.
        PAPER: _normalised_difference,
        # Barnes et al. 2000.
        LITERATURE: _normalised_difference,
        "literature_b8a": _normalised_difference,
    },
    "ndvi": {PAPER: _normalised_difference},
    # Sulik and Long 2016.
    "ndyi": {PAPER: _normalised_difference},
    "osavi": {
        PAPER: lambda nir, red: _ratio(1.16 * (nir - red), nir + red + 0.16),
        # Rondeaux et al. 1996.
        LITERATURE: lambda nir, red: _ratio(nir - red, nir + red + 0.16),
    },
    # Escadafal and Huete 1991.
    "ri": {PAPER: _normalised_difference},
    "gndvi": {PAPER: _normalised_difference},
    "ndvi705": {
        PAPER: _normalised_difference,
        # Gitelson and Merzlyak 1994.
        LITERATURE: _normalised_difference,
    },
    "gli": {
        PAPER: lambda green, red, blue: _ratio(2 * green - red - blue, 2 * green + red + blue),
    },
    # Huete 1988, L = 0.5.
    "savi": {PAPER: lambda nir, red: _ratio(1.5 * (nir - red), nir + red + 0.5)},
    # Serrano et al. 2002 at 1754 and 1680 nm; no band of Sentinel-2 fits, this is a proxy.
    "ndli": {PAPER: _ndli},
    "ndmi": {PAPER: _normalised_difference, "literature_b8a": _normalised_difference},
    # McFeeters 1996.
    "ndwi": {PAPER: _normalised_difference},
    # The same formula as MNDWI.
    "ndsi": {PAPER: _normalised_difference},
    # Zha et al. 2003; the negative of NDMI.
    "ndbi": {PAPER: _normalised_difference},
    # Rikimaru et al. 2002.
    "bsi": {
        PAPER: lambda swir, red, nir, blue: _normalised_difference(swir + red, nir + blue),
    },
}
"""Index → variant → formula."""

INDEX_NAMES = tuple(SPECTRAL_INDICES)
"""Every index, canonical lower case."""


@lru_cache(maxsize=1024)
def required_bands(name: str, variant: str = PAPER) -> tuple[str, ...]:
    """Name the bands that an index is computed from.

    Args:
        name: Name of the index, in any case.
        variant: See `spectral_index`.

    Returns:
        Band names, ``B02`` … ``B12``.

    Raises:
        InputError: There is no such index or variant.
    """
    row, entry = _find(name, variant)
    return row.variants[entry]


def spectral_index(
    name: str,
    bands: Mapping[str, npt.NDArray[np.floating[Any]]],
    variant: str = PAPER,
    scale: Scale = "reflectance",
) -> npt.NDArray[np.floating[Any]]:
    """Compute a spectral index.

    Args:
        name: Name of the index, in any case: one of `INDEX_NAMES`.
        bands: Reflectance by band name, float32 or float64, 0-1, NaN where nodata, one shape.
            More bands than the index needs may be given.
        variant: ``paper`` or ``deck`` (what the publications compute), ``literature`` (the
            original reference where it differs); ``literature_b8a`` for NDRE and NDMI with the
            narrow near infrared; ``literature_b12`` for GVMI with B08 and B12.
        scale: ``reflectance``, or ``dn``: on reflectance × 10,000 as the paper's code, where the
            additive constants of EVI2, OSAVI and SAVI vanish.

    Returns:
        The index, dtype and shape of the bands, not clipped; NaN where a band is NaN, where the
        denominator is within 1e-9 of 0, and never ±inf.

    Raises:
        InputError: No such index, variant or scale, a band is missing, the bands are not
            floating point, or their shapes differ.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> api.spectral_index("ndvi", {"B08": np.array([0.4]), "B04": np.array([0.1])}).round(3)
        array([0.6])
    """
    row, entry = _find(name, variant)
    needed = row.variants[entry]
    if scale not in ("reflectance", "dn"):
        raise InputError(f"Unknown scale {scale!r} of {name}; use 'reflectance' or 'dn'.")
    missing = [band for band in needed if band not in bands]
    if missing:
        raise InputError(
            f"{name} ({variant}) needs {', '.join(needed)}; {', '.join(missing)} missing "
            f"among {', '.join(sorted(bands)) or 'no bands'}."
        )
    inputs = [np.asarray(bands[band]) for band in needed]
    _check_inputs(name, inputs)
    if scale == "dn":
        inputs = [band * 10_000 for band in inputs]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        index = np.asarray(FORMULAS[row.name][entry](*inputs))
    is_finite = np.isfinite(index)
    if not is_finite.all():
        index[~is_finite] = np.nan
    return index


def _check_inputs(name: str, inputs: list[npt.NDArray[Any]]) -> None:
    shapes = {band.shape for band in inputs}
    types = {band.dtype for band in inputs}
    if len(shapes) > 1:
        raise InputError(
            f"The bands of {name} differ in shape: {sorted(shapes)}; bring them to one grid first."
        )
    if not all(np.issubdtype(dtype, np.floating) for dtype in types):
        raise InputError(
            f"{name} needs reflectance as floating point, found {', '.join(map(str, types))}; "
            "convert with to_reflectance first."
        )


def _likeness(known: str, given: str) -> tuple[bool, float]:
    """Rank a known name: swapped letters first, then whatever has most in common."""
    return sorted(known) == sorted(given), SequenceMatcher(None, known, given).ratio()


def _find(name: str, variant: str) -> tuple[SpectralIndex, str]:
    """Find the row of an index and the entry of its variant."""
    row = SPECTRAL_INDICES.get(name.lower())
    if row is None:
        near = max(SPECTRAL_INDICES, key=lambda known: _likeness(known, name.lower()))
        raise InputError(
            f"Unknown spectral index {name!r}; did you mean {near!r}? Known: "
            f"{', '.join(SPECTRAL_INDICES)}."
        )
    entry = row.variant(variant)
    if entry is None:
        known = sorted({PAPER, "deck", LITERATURE, *row.variants})
        raise InputError(f"{name} has no variant {variant!r}; use one of {', '.join(known)}.")
    return row, entry
