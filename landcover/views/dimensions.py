"""Dimensions, grids and attributes of xarray objects, as functions of numpy arrays need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray
from xarray import DataArray, Dataset

from landcover.errors import InputError
from landcover.views.axes import YX, Given

CHUNK = {"y": 1024, "x": 1024}
"""Pixels of a piece of an array that is neither in memory nor in chunks yet."""


def chunked(array: DataArray) -> DataArray:
    """Give an array that a file is behind chunks; what is in memory stays there."""
    if array.chunks or array.variable._in_memory:
        return array
    wanted = array.encoding.get("preferred_chunks", CHUNK)
    return array.chunk({axis: size for axis, size in wanted.items() if axis in array.dims})


def with_axes(
    array: DataArray, axes: tuple[str, ...], name: str
) -> tuple[DataArray, dict[str, str]]:
    """Call the dimensions of an array as a function does; by name, else in their order.

    Args:
        array: Any array.
        axes: Axes of the function; more dimensions before them are left as they are where the
            function takes images.
        name: Parameter, for the message.

    Returns:
        The array, and axis → what its dimension was called.

    Raises:
        InputError: Dimensions are missing.
    """
    missing = [axis for axis in axes if axis not in array.dims]
    if not missing:
        return array, {}
    free = [str(dim) for dim in array.dims if dim not in axes]
    is_stack = set(axes) <= set(YX)
    if len(free) < len(missing) or (len(free) > len(missing) and not is_stack):
        raise InputError(
            f"{name}: expected the dimensions {', '.join(axes)}, found "
            f"{', '.join(map(str, array.dims)) or 'none'}."
        )
    was = dict(zip(missing, free[len(free) - len(missing) :], strict=True))
    return array.rename({dim: axis for axis, dim in was.items()}), was


def require_one_grid(
    function: str, arrays: Mapping[str, DataArray], *, is_north_up: bool = False
) -> None:
    """Refuse arrays whose numbers fit each other but whose places do not.

    Raises:
        InputError: Sizes or coordinates differ, or rows run from south to north where they must
            not.
    """
    try:
        xarray.align(*arrays.values(), join="exact", copy=False)
    except ValueError as error:
        raise InputError(
            f"{function}: {' and '.join(arrays)} do not lie on one grid ({error}). Bring them to "
            "the same coordinates first."
        ) from error
    if not is_north_up:
        return
    first = next(iter(arrays.values()))
    if "y" in first.coords and first.y[0] < first.y[-1]:
        raise InputError(
            f"{function}: rows run from south to north; turn them with "
            '.sortby("y", ascending=False).'
        )


def require_whole(function: str, arrays: Mapping[str, DataArray]) -> None:
    """Refuse images in several chunks.

    Raises:
        InputError: There are some.
    """
    for name, array in arrays.items():
        rows, columns = (len(array.chunksizes.get(axis, (1,))) for axis in YX)
        if max(rows, columns) > 1:
            raise InputError(
                f"{function}: {name} is needed whole, found {rows} x {columns} chunks. Give it "
                '.chunk({"y": -1, "x": -1}), or .compute() it first.'
            )


def described(
    result: DataArray, source: DataArray, given: Given, arguments: Mapping[str, Any]
) -> DataArray:
    """Say of a result what it is, and where: by its row, or as the array that it was made of."""
    says = dict(source.attrs if given.says is None else given.says(arguments))
    result.name = says.pop("name", source.name)
    if given.says is not None:
        says |= {k: source.attrs[k] for k in ("grid_mapping",) if k in source.attrs}
        says |= {"_FillValue": np.float32(np.nan)} if result.dtype.kind == "f" else {}
    result.attrs, result.encoding = says, placed(source)
    return result


def placed(array: DataArray) -> dict[str, Any]:
    """Give the part of an encoding that says where the reference system stands."""
    return {k: v for k, v in array.encoding.items() if k == "grid_mapping"}


def as_table(samples: Any) -> Any:
    """Make a table of a dataset whose variables are columns, or of an array (sample, feature).

    Raises:
        InputError: The dataset has several dimensions.
    """
    if isinstance(samples, Dataset):
        if len(samples.dims) != 1:
            raise InputError(
                f"Samples: expected columns along one dimension, found "
                f"{', '.join(map(str, samples.dims))}. Take pixels out first (api.sample_at)."
            )
        return samples.to_dataframe()[list(samples.data_vars)].reset_index(drop=True)
    if samples.ndim != 2 or samples.dims[1] not in samples.coords:
        return samples.to_numpy()
    return pd.DataFrame(samples.to_numpy(), columns=samples[samples.dims[1]].to_numpy())
