"""Names and numbers of the paper's feature table (docs/methods/features.md#normalisation)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.nouns.model import FeatureSet
from landcover.raster.indices import INDEX_NAMES, PAPER_INDICES
from landcover.raster.reflectance import NODATA, stored_units

PAPER_SEASONS = ("spring", "summer", "autumn")
PAPER_BANDS = (
    "AOT", "B01", "B02", "B03", "B04", "B05", "B06",
    "B07", "B08", "B09", "B11", "B12", "B8A", "WVP",
)  # fmt: skip
"""Rasters of a season in the order of the paper's table."""

NORMALISATION: dict[str, tuple[float, float] | None] = {
    **dict.fromkeys(PAPER_BANDS, (0.0, 7000.0)),
    "slope": (0.0, 70.0),
    "aspect": (0.0, 360.0),
    "dem": (0.0, 2000.0),
    "elevation": (0.0, 2000.0),
    **dict.fromkeys(INDEX_NAMES),
}
"""Table 2 of the landcoverpy paper: the values that become −1 and 1, by layer. Bands, AOT and WVP
in stored integers (reflectance × 10,000, AOT and WVP × 1,000), slope and aspect in degrees,
elevation in metres. None: the layer (a spectral index) is left as it is."""

_IDENTITY = ("latitude", "longitude", "label")
_TERRAIN = ("slope", "aspect", "dem")
_PRODUCT_NAME = "product_name"


def normalise(values: npt.NDArray[Any], layer: str, clip: bool = False) -> npt.NDArray[np.float32]:
    """Scale a layer as in Table 2 of the landcoverpy paper: 2(x − a)/(b − a) − 1.

    Args:
        values: Values in the units of `NORMALISATION`, any number type and shape; NaN, ±inf and,
            in int16 arrays, −32768 are nodata.
        layer: Name of the layer without season: ``B02``, ``AOT``, ``slope``, ``dem``, ``ndvi``.
        clip: Limit the result to −1 … 1; the published code does not.

    Returns:
        The scaled values, float32, same shape, NaN where nodata. An index comes back unscaled.

    Raises:
        InputError: The layer has no entry in the table.

    Examples:
        >>> import numpy as np
        >>> from landcover import api
        >>> api.normalise(np.array([0, 3500, 7000], np.int16), "B04")
        array([-1.,  0.,  1.], dtype=float32)
    """
    limits = _limits(layer)
    scaled = values.astype(np.float32)
    if values.dtype == np.int16:
        scaled[values == NODATA] = np.nan
    scaled[~np.isfinite(scaled)] = np.nan
    if limits is None:
        return scaled
    low, high = limits
    scaled -= np.float32(low)
    scaled *= np.float32(2)
    scaled /= np.float32(high - low)
    scaled -= np.float32(1)
    return np.clip(scaled, -1, 1, out=scaled) if clip else scaled


def paper_columns() -> list[str]:
    """List the 78 columns of the paper's table: identity, terrain, then each season."""
    seasonal = (_PRODUCT_NAME, *PAPER_BANDS, *PAPER_INDICES)
    return [
        *_IDENTITY,
        *_TERRAIN,
        *(f"{season}_{layer}" for season in PAPER_SEASONS for layer in seasonal),
    ]


def paper_features() -> list[str]:
    """List the 72 numeric features among the paper's columns, in the same order."""
    return [
        column
        for column in paper_columns()
        if column not in _IDENTITY and not column.endswith(_PRODUCT_NAME)
    ]


def _limits(layer: str) -> tuple[float, float] | None:
    """Find the limits of a layer; names count in any case."""
    for known, limits in NORMALISATION.items():
        if known.lower() == layer.lower():
            return limits
    raise InputError(
        f"Layer {layer!r} has no normalisation in the paper's table; it knows "
        f"{', '.join(NORMALISATION)}."
    )


def paper_limits(features: FeatureSet) -> dict[str, tuple[float, float]]:
    """Give the values of features that become -1 and 1 in the landcoverpy paper (its Table 2).

    Indices are left as they are; a layer that the paper does not have has no limits.
    """
    found = {}
    for feature in features.features:
        if feature.kind == "index":
            found[feature.name] = (-1.0, 1.0)
            continue
        limits = NORMALISATION.get(feature.layer)
        if limits is not None:
            # The table counts stored integers; features are in physical units.
            unit = 1.0 if feature.kind == "terrain" else stored_units(feature.layer)
            found[feature.name] = (limits[0] / unit, limits[1] / unit)
    return found
