"""Class masks of a map without their borders: pixels whose neighbours are of the same class."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Element = Literal[0, 2, 3]


def inner_pixels(codes: NDArray[np.integer], element: Element) -> NDArray[np.bool_]:
    """Erode the mask of every class once, all classes at a time.

    Args:
        codes: Class codes, (y, x); 0 where there is none.
        element: Side of the square element: 2 looks up, left and up left, as even elements do in
            scipy and OpenCV; 3 looks all around; 0 keeps all pixels.

    Returns:
        True where a class and all pixels under the element agree, (y, x); pixels outside count as
        of no class.
    """
    inside = np.asarray(codes != 0)
    if element == 0:
        return inside
    steps = (-1, 0) if element == 2 else (-1, 0, 1)
    height, width = codes.shape
    padded = np.pad(codes, 1)
    for down in steps:
        for right in steps:
            rows, columns = slice(1 + down, 1 + down + height), slice(1 + right, 1 + right + width)
            inside &= padded[rows, columns] == codes
    return inside
