"""Digital numbers of a product to numbers that compare across products, and back to units.

The only place of the library where a radiometric offset is applied. What the offset and the
scale of a band are is read from the product's metadata elsewhere; here they are arguments.
"""

from __future__ import annotations

from functools import lru_cache
from math import isfinite

import numpy as np
import numpy.typing as npt

from landcover.errors import InputError
from landcover.raster.lookup import look_up

NODATA = -32768
"""Stored code of "never observed or not usable" in int16 rasters."""
NODATA_NUMBER = 0
"""Digital number that ESA writes where nothing was observed (``Special_Values``)."""
SATURATED_NUMBER = 65535
"""Digital number that ESA writes where the detector was saturated (``Special_Values``)."""
REFLECTANCE_UNITS = 10_000
"""Stored integer steps per unit of reflectance."""
ATMOSPHERE_UNITS = 1_000
"""Stored integer steps per unit of AOT (unitless) and WVP (cm)."""


def stored_units(layer: str) -> int:
    """Say how many stored integer steps make one physical unit of a layer.

    Args:
        layer: ``B01`` … ``B12``, ``AOT`` or ``WVP``.

    Returns:
        1,000 for AOT and WVP, 10,000 for reflectance.
    """
    return ATMOSPHERE_UNITS if layer.upper() in ("AOT", "WVP") else REFLECTANCE_UNITS


def harmonise(
    numbers: npt.NDArray[np.uint16],
    *,
    offset: int,
    scale: float,
    stored_per_unit: int = REFLECTANCE_UNITS,
    out: npt.NDArray[np.int16] | None = None,
) -> npt.NDArray[np.int16]:
    """Turn digital numbers into harmonised integers.

    The value is ``round_half_even(stored_per_unit · (DN + offset) / scale)``, clipped to
    [−32767, 32767] (ESA PSD 14: BOA reflectance = (DN + BOA_ADD_OFFSET) / quantification value).
    Negative reflectance is legal and kept. DN 0 and DN 65535 become nodata in every layer: the
    product's ``Special_Values`` hold for AOT and WVP too, whose zero is fill, not a measurement.
    Categorical layers (SCL) have no radiometry and must not be passed here.

    Args:
        numbers: Digital numbers, uint16, any shape.
        offset: Added to each number, DN: −1000 or 0; always 0 for AOT and WVP.
        scale: Quantification value: numbers per physical unit (10,000; 1,000 for AOT and WVP).
        stored_per_unit: Integer steps per physical unit of the result, see `stored_units`.
        out: Where the result goes, int16, same shape, contiguous; a new array if None.

    Returns:
        Harmonised numbers, int16, same shape, −32768 where nodata.

    Raises:
        InputError: The numbers are not uint16, or the scale is not a positive number.
    """
    if numbers.dtype != np.uint16:
        raise InputError(
            f"Digital numbers must be uint16, found {numbers.dtype}; read the raster in its own "
            "type, and pass no categorical or already harmonised layer."
        )
    if not (isfinite(scale) and scale > 0):
        raise InputError(
            f"The quantification value must be above 0, found {scale}; check the metadata."
        )
    if scale == stored_per_unit and abs(offset) < 1 << 16:
        # Nothing but a shift: no table to look up. Who only plans loads no compiled code.
        from landcover.raster.shifted_numbers import shift_numbers

        flat = np.ascontiguousarray(numbers).reshape(-1)
        shifted = np.empty(numbers.shape, dtype=np.int16) if out is None else out
        shift_numbers(flat, int(offset), NODATA, shifted.reshape(-1))
        return shifted
    found = look_up(_table(int(offset), float(scale), int(stored_per_unit)), numbers)
    if out is None:
        return found
    out[:] = found
    return out


def to_reflectance(harmonised: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Turn harmonised integers into BOA reflectance.

    Args:
        harmonised: Reflectance × 10,000, int16, any shape, −32768 where nodata.

    Returns:
        Reflectance, float32(harmonised) / float32(10000), NaN where nodata.

    Raises:
        InputError: The array is not int16.
    """
    return to_physical(harmonised, 1e-4)


def to_physical(stored: npt.NDArray[np.int16], scale: float) -> npt.NDArray[np.float32]:
    """Turn stored integers into physical units.

    Args:
        stored: Stored integers, int16, any shape, −32768 where nodata.
        scale: Physical value of one step: 1e-4 for reflectance, 1e-3 for AOT and WVP (cm).

    Returns:
        Values, float32, NaN where nodata. Computed as a division by float32(1 / scale), which
        is exact for 10,000 and 1,000 where the scale itself has no exact float.

    Raises:
        InputError: The array is not int16, or the scale is not a positive number.
    """
    if stored.dtype != np.int16:
        raise InputError(
            f"Stored values must be int16 with nodata {NODATA}, found {stored.dtype}; "
            "harmonise digital numbers first."
        )
    if not (isfinite(scale) and scale > 0):
        raise InputError(f"The scale must be above 0, found {scale}; use 1e-4 or 1e-3.")
    values = stored.astype(np.float32)
    values /= np.float32(1.0 / scale)
    values[stored == NODATA] = np.nan
    return values


@lru_cache(maxsize=32)
def _table(offset: int, scale: float, stored_per_unit: int) -> npt.NDArray[np.int16]:
    """Map each of the 65,536 digital numbers to its harmonised number."""
    shifted = np.arange(1 << 16, dtype=np.int64) + offset
    # The product is a whole number, so one correctly rounded division decides each tie.
    exact = (shifted * stored_per_unit).astype(np.float64) / scale
    table = np.clip(np.rint(exact), NODATA + 1, -(NODATA + 1)).astype(np.int16)
    table[[NODATA_NUMBER, SATURATED_NUMBER]] = NODATA
    table.flags.writeable = False
    return table
