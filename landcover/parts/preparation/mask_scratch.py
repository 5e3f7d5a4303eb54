"""What refinement keeps of a season's images while it works: decoded once, in local scratch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from landcover.errors import UnavailableError
from landcover.nouns.grid import Window


class WindowFile:
    """Windows of one plane, appended in order and read back by number, as plain numbers."""

    def __init__(self, path: Path, windows: Sequence[Window], dtype: DTypeLike) -> None:
        self.path, self.windows = path, windows
        self.dtype = np.dtype(dtype)
        sizes = [window.height * window.width for window in windows]
        self._starts = np.concatenate([[0], np.cumsum(sizes)]) * self.dtype.itemsize

    def append(self, values: NDArray[Any]) -> None:
        """Write the next window.

        Raises:
            UnavailableError: The disk is full.
        """
        try:
            with self.path.open("ab") as file:
                file.write(np.ascontiguousarray(values, self.dtype).data)
        except OSError as error:
            raise UnavailableError(
                f"{self.path}: scratch of mask refinement could not be written "
                f"({error.strerror}). Free disk space, then run again."
            ) from error

    def read(self, number: int) -> NDArray[Any]:
        """Read a window back."""
        window = self.windows[number]
        with self.path.open("rb") as file:
            file.seek(int(self._starts[number]))
            values = np.fromfile(file, self.dtype, window.height * window.width)
        return values.reshape(window.height, window.width)
