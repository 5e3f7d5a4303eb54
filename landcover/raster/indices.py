"""Spectral indices: a formula on named bands (docs/methods/features.md#spectral-indices).

A new index is one entry of the table below and one row in the tests. The columns of an index
are the form that the landcoverpy paper and the HRLC deck compute and, where it differs, the form
of the literature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError

Values = npt.NDArray[np.floating[Any]]
Scale = Literal["reflectance", "dn"]

SMALLEST_DENOMINATOR = 1e-9
"""A denominator nearer to 0 than this gives NaN."""


class Formula(NamedTuple):
    """An index as a function of bands."""

    bands: tuple[str, ...]
    """The bands, in the order of the function's arguments."""
    evaluate: Callable[..., Values]
    """Reflectance of these bands → index."""


def _ratio(numerator: Values | float, denominator: Values) -> Values:
    ratio = np.divide(numerator, denominator, dtype=denominator.dtype)
    return np.where(np.abs(denominator) < SMALLEST_DENOMINATOR, np.nan, ratio)


def _normalised_difference(a: Values, b: Values) -> Values:
    return _ratio(a - b, a + b)


def _ndli(swir2: Values, swir1: Values) -> Values:
    # ln(1/r) = -ln r, and no reflectance r of 0 or below has a logarithm.
    absorbed2, absorbed1 = (-np.log(np.where(band > 0, band, np.nan)) for band in (swir2, swir1))
    return _normalised_difference(absorbed2, absorbed1)


def _difference(a: str, b: str) -> Formula:
    return Formula((a, b), _normalised_difference)


PAPER, LITERATURE = "paper", "literature"

_FORMULAS: dict[str, dict[str, Formula]] = {
    "cri1": {
        PAPER: Formula(("B03", "B02"), _ratio),
        # Gitelson et al. 2002, CRI550.
        LITERATURE: Formula(
            ("B02", "B03"), lambda blue, green: _ratio(1.0, blue) - _ratio(1.0, green)
        ),
    },
    "evi2": {
        PAPER: Formula(("B08", "B04"), lambda nir, red: _ratio(2.4 * (nir - red), nir + red + 1)),
        # Jiang et al. 2008.
        LITERATURE: Formula(
            ("B08", "B04"), lambda nir, red: _ratio(2.5 * (nir - red), nir + 2.4 * red + 1)
        ),
    },
    "gvmi": {
        PAPER: _difference("B8A", "B11"),
        # Ceccato et al. 2002: short-wave infrared of 1.58-1.75 µm, that is B11.
        LITERATURE: Formula(
            ("B8A", "B11"), lambda nir, swir: _normalised_difference(nir + 0.1, swir + 0.02)
        ),
        # The choice of spyndex.
        "literature_b12": Formula(
            ("B08", "B12"), lambda nir, swir: _normalised_difference(nir + 0.1, swir + 0.02)
        ),
    },
    # Xu 2006.
    "mndwi": {PAPER: _difference("B03", "B11")},
    "ndre": {
        # B09 is the 60 m water-vapour band: the paper's choice.
        PAPER: _difference("B09", "B05"),
        # Barnes et al. 2000.
        LITERATURE: _difference("B08", "B05"),
        "literature_b8a": _difference("B8A", "B05"),
    },
    "ndvi": {PAPER: _difference("B08", "B04")},
    # Sulik and Long 2016.
    "ndyi": {PAPER: _difference("B03", "B02")},
    "osavi": {
        PAPER: Formula(
            ("B08", "B04"), lambda nir, red: _ratio(1.16 * (nir - red), nir + red + 0.16)
        ),
        # Rondeaux et al. 1996.
        LITERATURE: Formula(("B08", "B04"), lambda nir, red: _ratio(nir - red, nir + red + 0.16)),
    },
    # Escadafal and Huete 1991.
    "ri": {PAPER: _difference("B04", "B03")},
    "gndvi": {PAPER: _difference("B08", "B03")},
    "ndvi705": {
        PAPER: _difference("B08", "B05"),
        # Gitelson and Merzlyak 1994.
        LITERATURE: _difference("B06", "B05"),
    },
    "gli": {
        PAPER: Formula(
            ("B03", "B04", "B02"),
            lambda green, red, blue: _ratio(2 * green - red - blue, 2 * green + red + blue),
        )
    },
    # Huete 1988, L = 0.5.
    "savi": {
        PAPER: Formula(("B08", "B04"), lambda nir, red: _ratio(1.5 * (nir - red), nir + red + 0.5))
    },
    # Serrano et al. 2002 at 1754 and 1680 nm; no band of Sentinel-2 fits, this is a proxy.
    "ndli": {PAPER: Formula(("B12", "B11"), _ndli)},
    "ndmi": {PAPER: _difference("B08", "B11"), "literature_b8a": _difference("B8A", "B11")},
    # McFeeters 1996.
    "ndwi": {PAPER: _difference("B03", "B08")},
    # The same formula as MNDWI.
    "ndsi": {PAPER: _difference("B03", "B11")},
    # Zha et al. 2003; the negative of NDMI.
    "ndbi": {PAPER: _difference("B11", "B08")},
    # Rikimaru et al. 2002.
    "bsi": {
        PAPER: Formula(
            ("B11", "B04", "B08", "B02"),
            lambda swir, red, nir, blue: _normalised_difference(swir + red, nir + blue),
        )
    },
}

INDEX_NAMES = tuple(_FORMULAS)
"""Every index, canonical lower case."""
PAPER_INDICES = ("cri1", "evi2", "gvmi", "mndwi", "ndre", "ndvi", "ndyi", "osavi", "ri")
"""The nine indices of the landcoverpy paper, in the order of its feature table."""


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
    return _formula(name, variant).bands


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
    """
    formula = _formula(name, variant)
    if scale not in ("reflectance", "dn"):
        raise InputError(f"Unknown scale {scale!r} of {name}; use 'reflectance' or 'dn'.")
    missing = [band for band in formula.bands if band not in bands]
    if missing:
        raise InputError(
            f"{name} ({variant}) needs {', '.join(formula.bands)}; {', '.join(missing)} missing "
            f"among {', '.join(sorted(bands)) or 'no bands'}."
        )
    inputs = [np.asarray(bands[band]) for band in formula.bands]
    _check_inputs(name, inputs)
    if scale == "dn":
        inputs = [band * 10_000 for band in inputs]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        index = np.asarray(formula.evaluate(*inputs))
    index[~np.isfinite(index)] = np.nan
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


def _formula(name: str, variant: str) -> Formula:
    variants = _FORMULAS.get(name.lower())
    if variants is None:
        near = max(INDEX_NAMES, key=lambda known: _likeness(known, name.lower()))
        raise InputError(
            f"Unknown spectral index {name!r}; did you mean {near!r}? Known: "
            f"{', '.join(INDEX_NAMES)}."
        )
    # The deck has the paper's form; where the literature agrees with both, there is one entry.
    entry = PAPER if variant in ("deck", LITERATURE) and variant not in variants else variant
    if entry not in variants:
        known = sorted({PAPER, "deck", LITERATURE, *variants})
        raise InputError(f"{name} has no variant {variant!r}; use one of {', '.join(known)}.")
    return variants[entry]
