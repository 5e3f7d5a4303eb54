"""Digital numbers whose scale stays: nothing but a shift, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.compiled import compiled


@compiled()
def shift_numbers(  # pragma: no cover - compiled
    numbers: NDArray[np.uint16], offset: int, nodata: int, shifted: NDArray[np.int16]
) -> None:
    """Write digital numbers plus their offset, within ±32,767; 0 and 65,535 become nodata.

    Args:
        numbers: Digital numbers, uint16, (n,).
        offset: Added to each, within ±65,535.
        nodata: Code of nodata.
        shifted: Result, int16, (n,); overwritten.
    """
    for i in range(numbers.size):
        number = np.int32(numbers[i])
        value = min(max(number + np.int32(offset), np.int32(-32767)), np.int32(32767))
        is_missing = (number == 0) | (number == 65535)
        shifted[i] = np.int16(nodata) if is_missing else np.int16(value)
