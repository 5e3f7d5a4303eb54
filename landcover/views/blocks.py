"""A function of numpy arrays computed over xarray objects, chunk by chunk where there are chunks.

The only file beside ``execution.py`` that imports Dask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from landcover.views.axes import YX, Row

if TYPE_CHECKING:
    from xarray import DataArray

Arrays = Mapping[str, "DataArray"]


@dataclass(frozen=True)
class BlockFunction:
    """A function with all that it takes but its arrays: what is sent to every block."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    """Arguments that are no arrays."""
    names: tuple[str, ...]
    """Parameter, or layer of a mapping, of each array."""
    cores: tuple[tuple[str, ...], ...]
    """Axes of each array that must not be cut."""
    leading: tuple[tuple[str, ...], ...]
    """Axes of each result before (y, x)."""
    types: tuple[np.dtype[Any], ...]
    """Type of each result."""
    layers: str
    """Parameter that is a mapping of all arrays; empty where each has its own."""
    is_image: bool
    """Whether the function needs (y, x) together."""

    def __call__(self, *blocks: Any) -> Any:
        """Compute numpy blocks whose uncut axes come last, as xarray hands them over."""
        found = self._of_images(*blocks) if self.is_image else self._of_pixels(*blocks)
        return found if len(found) > 1 else found[0]

    def of_overlapping(self, joined: np.dtype[Any], *blocks: Any) -> Any:
        """Compute images and give the results as the fields of one array."""
        plain = [
            block[..., 0] if len(core) == 1 else block
            for block, core in zip(blocks, self.cores, strict=True)
        ]
        fields = np.empty(blocks[0].shape, joined)
        for name, values in zip(joined.names or (), self._of_images(*plain), strict=True):
            fields[name] = values
        return fields

    def of_arrays(self, arrays: Mapping[str, Any]) -> tuple[Any, ...]:
        """Call the function on numpy arrays as they are."""
        given = {self.layers: arrays} if self.layers else arrays
        found = self.function(**{**self.arguments, **given})
        return found if isinstance(found, tuple) else (found,)

    def _of_pixels(self, *blocks: Any) -> tuple[Any, ...]:
        counts = [len(core) for core in self.cores]
        turned = [np.moveaxis(block, range(-n, 0), range(n)) if n else block
                  for block, n in zip(blocks, counts, strict=True)]  # fmt: skip
        found = self.of_arrays(dict(zip(self.names, turned, strict=True)))
        leading = [len(axes) for axes in self.leading]
        return tuple(np.moveaxis(one, range(n), range(-n, 0)) if n else one
                     for one, n in zip(found, leading, strict=True))  # fmt: skip

    def _of_images(self, *blocks: Any) -> tuple[Any, ...]:
        """Call the function on each image of stacks of them; the first block is a whole stack."""
        stack = blocks[0].shape[:-2]
        sides: list[Any] = [np.empty(blocks[0].shape, dtype) for dtype in self.types]
        for place in np.ndindex(stack):
            parts = {
                name: block[place] if block.ndim - len(core) == len(stack) else block
                for name, block, core in zip(self.names, blocks, self.cores, strict=True)
            }
            for side, values in zip(sides, self.of_arrays(parts), strict=True):
                side[place] = values
        return tuple(sides)


def block_function(
    function: Callable[..., Any], row: Row, arguments: Mapping[str, Any], arrays: Arrays
) -> BlockFunction:
    """Take of a row and a call what a block needs; nothing that only makes sense here.

    Args:
        function: Function of numpy arrays.
        row: How it treats axes.
        arguments: Its arguments; those that are arrays are left out.
        arrays: Parameter or layer → array.
    """
    is_image = row.along != "pixels"
    first = next(iter(arrays.values()))
    axes = (row.takes.get(name, ()) for name in arrays)
    return BlockFunction(
        function=function,
        arguments={k: v for k, v in arguments.items() if k not in {*arrays, row.layers}},
        names=tuple(arrays),
        cores=tuple(tuple(a for a in own if a not in YX or is_image) for own in axes),
        leading=tuple(given.axes for given in row.gives),
        types=tuple(np.dtype(given.dtype or first.dtype) for given in row.gives),
        layers=row.layers,
        is_image=is_image,
    )


def compute(
    function: Callable[..., Any], row: Row, arguments: Mapping[str, Any], arrays: Arrays
) -> list[DataArray]:
    """Compute over arrays, lazily where one is in chunks.

    Args:
        function: Function of numpy arrays.
        row: How it treats axes.
        arguments: Its arguments; those that are arrays are left out.
        arrays: Parameter or layer → array on one grid, its dimensions called as the row does.

    Returns:
        The results in order, without attributes.
    """
    first = next(iter(arrays.values()))
    block = block_function(function, row, arguments, arrays)
    if any(array.chunks for array in arrays.values()):
        _try(block, row, arrays)
    is_apart = any(len(first.chunksizes.get(axis, ())) > 1 for axis in YX)
    if row.along == "neighbours" and is_apart:
        found = _overlapped(block, row.halo(arguments), arrays)
    else:
        found = _applied(block, row, arrays)
    order = (*row.sizes, *first.dims)
    return [one.transpose(*(dim for dim in order if dim in one.dims)) for one in found]


def _try(block: BlockFunction, row: Row, arrays: Arrays) -> None:
    """Let a function refuse now what it would refuse at ``.compute()``."""
    ones = {}
    for name, array in arrays.items():
        axes = row.takes.get(name) or array.dims[-2:]
        shape = [1 if dim in YX else array.sizes[dim] for dim in array.dims if dim in axes]
        ones[name] = np.ones(shape, array.dtype)
    block.of_arrays(ones)


def _applied(block: BlockFunction, row: Row, arrays: Arrays) -> list[DataArray]:
    import xarray

    given = list(arrays.values())
    if not any(block.cores):
        given = list(xarray.broadcast(*given))
    found = xarray.apply_ufunc(
        block,
        *(array.chunk(dict.fromkeys(core, -1)) if array.chunks else array
          for array, core in zip(given, block.cores, strict=True)),
        input_core_dims=block.cores,
        output_core_dims=[(*axes, *(YX if block.is_image else ())) for axes in block.leading],
        dask="parallelized",
        dask_gufunc_kwargs={"output_sizes": dict(row.sizes)} if row.sizes else None,
        output_dtypes=list(block.types),
        join="exact",
        keep_attrs=True,
    )  # fmt: skip
    return list(found) if isinstance(found, tuple) else [found]


def _overlapped(block: BlockFunction, halo: int, arrays: Arrays) -> list[DataArray]:
    """Compute chunks with what lies around them.

    At the edges of the image a chunk ends where the image does, so that the function treats
    edges as it does those of the whole. Chunks smaller than the halo are joined.
    """
    from dask import array as dask_array

    first = next(iter(arrays.values())).transpose(..., *YX)
    lazy, depths = [], []
    for array in arrays.values():
        axes = [axis for axis in YX if axis in array.dims]
        data = array.transpose(..., *axes).chunk({a: first.chunksizes[a] for a in axes}).data
        # One number a row lies beside the image as a column.
        data = data if "x" in axes else data[:, np.newaxis]
        lazy.append(data)
        depths.append({n: min(halo, first.sizes[axis]) if axis in axes else 0
                       for n, axis in enumerate(YX, data.ndim - 2)})  # fmt: skip
    joined = np.dtype([(f"f{n}", dtype) for n, dtype in enumerate(block.types)])
    result = dask_array.map_overlap(  # type: ignore[no-untyped-call]
        partial(block.of_overlapping, joined),
        *lazy,
        depth=depths,
        boundary="none",
        dtype=joined,
        meta=np.empty((0,) * first.ndim, joined),
    )
    return [first.copy(data=result[name]) for name in joined.names or ()]
