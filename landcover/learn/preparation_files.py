"""A preparation within the file of a model's arrays, checked when it is read."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from landcover.errors import InputError
from landcover.learn.arrays import append_arrays, open_arrays
from landcover.learn.preparation import Preparation

_PREFIX = "preparation_"
_DTYPES = {
    "feature_names": None, "kept": np.int64, "centre": np.float64, "scale": np.float64,
    "is_clipped": np.bool_, "mean": np.float64, "axes": np.float64,
}  # fmt: skip


def append_preparation(preparation: Preparation, file: BinaryIO) -> None:
    """Write a preparation into the file of a model's arrays, behind them; equal ones, equal bytes.

    Args:
        preparation: What was fitted.
        file: npz file, open for reading and writing.
    """
    arrays = {name: np.asarray(getattr(preparation, name)) for name in _DTYPES}
    arrays["feature_names"] = np.array(preparation.feature_names, np.str_)
    append_arrays(file, _PREFIX, arrays)


def load_preparation(file: BinaryIO, names: tuple[str, ...]) -> Preparation | None:
    """Read the preparation of a model's arrays and check it.

    Args:
        file: npz file, open for reading; one that a kind of classifier has read.
        names: Names of what the classifier is given.

    Returns:
        The preparation; None where the file has none.

    Raises:
        InputError: The file is damaged, or the preparation does not lead to what it is given.
    """
    file.seek(0)
    with open_arrays(file, None, "preparation") as stored:
        if not any(name.startswith(_PREFIX) for name in stored.files):
            return None
        arrays = {name: stored[f"{_PREFIX}{name}"] for name in _DTYPES}
    for name, dtype in _DTYPES.items():
        if dtype is not None and arrays[name].dtype != dtype:
            raise _refuse(f"expected {name} of {np.dtype(dtype)}, found {arrays[name].dtype}")
    features = tuple(str(name) for name in arrays.pop("feature_names").tolist())
    found = Preparation(features, **{**arrays, "is_clipped": bool(arrays["is_clipped"])})
    _check(found)
    if found.names != names:
        raise _refuse(f"it makes {len(found.names)} inputs, the classifier reads {len(names)}")
    return found


def _check(found: Preparation) -> None:
    d, m = len(found.feature_names), found.kept.size
    ascend = np.all(np.diff(found.kept) > 0)
    if found.kept.ndim != 1 or not m or found.kept[0] < 0 or found.kept[-1] >= d or not ascend:
        raise _refuse(f"expected ascending columns among {d} features")
    numbers = (found.centre, found.scale, found.mean, found.axes)
    if not all(np.isfinite(array).all() for array in numbers):
        raise _refuse("expected finite numbers")
    if found.centre.shape != (m,) or found.scale.shape != (m,) or not found.scale.all():
        raise _refuse(f"expected a centre and a scale for each of {m} features")
    shapes = (found.mean.shape, found.axes.shape[:1], found.axes.ndim)
    if shapes != ((m,), (m,), 2) and (found.mean.size or found.axes.size):
        raise _refuse(f"expected components of {m} features")


def _refuse(what: str) -> InputError:
    return InputError(f"Preparation: {what}; the file is damaged or was changed, train again.")
