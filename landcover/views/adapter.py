"""Functions of numpy arrays that take and give xarray objects as well, lazy ones too.

One adapter for all: :data:`landcover.views.axes.ROWS` says what it has to know of a function,
:mod:`landcover.views.blocks` computes. Coordinates, reference system and attributes come along;
dimensions are found by their names, or by their order where they are called otherwise.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, overload

import numpy as np

from landcover.views.axes import Row
from landcover.views.blocks import compute
from landcover.views.dimensions import (
    as_table,
    chunked,
    described,
    placed,
    require_one_grid,
    require_whole,
    with_axes,
)

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

P = ParamSpec("P")
R_co = TypeVar("R_co", covariant=True)
_NOTES = {
    "pixels": "Of xarray objects, xarray objects come back; chunks may have any size.",
    "neighbours": """Of xarray objects, xarray objects come back; chunks may have any size and are
    computed with the pixels around them.""",
    "whole": "Of xarray objects, xarray objects come back; they must be in one chunk.",
    "report": "xarray objects are taken as well, and a dataset of columns as a table.",
}


class Adapted(Protocol[P, R_co]):
    """A function of numpy arrays, for xarray objects too."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...

    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


def adapted(function: Callable[P, R_co], row: Row) -> Adapted[P, R_co]:
    """Let a function take xarray objects; numpy arrays reach it untouched."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        # Who has an xarray object has imported xarray.
        xarray = sys.modules.get("xarray")
        if xarray is None or not _holds(xarray, (*args, *kwargs.values())):
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = {
            name: value.item() if isinstance(value, xarray.DataArray) and not value.ndim else value
            for name, value in bound.arguments.items()
        }
        return _Call(function, row, given).result()

    head, mark, rest = (function.__doc__ or "").partition("\n\n    Args:")
    call.__doc__ = f"{head}\n\n    {_NOTES[row.along]}{mark}{rest}"
    return call


def _holds(xarray: Any, values: Sequence[Any]) -> bool:
    kinds = (xarray.DataArray, xarray.Dataset)
    inner = [one for value in values if isinstance(value, Mapping) for one in value.values()]
    return any(isinstance(value, kinds) for value in (*values, *inner))


@dataclass(frozen=True)
class _Call:
    """One call of a function with xarray objects among its arguments."""

    function: Callable[..., Any]
    row: Row
    arguments: Mapping[str, Any]

    def result(self) -> Any:
        """Call the function."""
        import xarray

        if self.row.along == "report":
            return self._report()
        first = self.arguments.get(next(iter(self.row.takes), ""))
        if isinstance(first, xarray.Dataset):
            return self._of_dataset(first)
        arrays = {name: chunked(array) for name, array in self._arrays().items()}
        was: dict[str, str] = {}
        for name, array in arrays.items():
            arrays[name], renamed = with_axes(array, self.row.takes.get(name, ()), name)
            was = renamed | was
        require_one_grid(self.function.__name__, arrays, is_north_up=self.row.is_north_up)
        if self.row.along == "whole":
            require_whole(self.function.__name__, arrays)
        found = compute(self.function, self.row, self.arguments, arrays)
        source = next(iter(arrays.values()))
        back = [
            described(one, source, given, self.arguments).rename(
                {axis: dim for axis, dim in was.items() if axis in one.dims}
            )
            for one, given in zip(found, self.row.gives, strict=True)
        ]
        return back[0] if len(back) == 1 else tuple(back)

    def _with(self, **arguments: Any) -> Any:
        return _Call(self.function, self.row, {**self.arguments, **arguments}).result()

    def _of_dataset(self, dataset: Dataset) -> Any:
        """Call the function on each variable, or on all as bands where it knows bands."""
        import xarray

        parameter, axes = next(iter(self.row.takes.items()))
        if "band" in axes:
            composite, *further = self._with(**{parameter: dataset.to_array("band")})
            split = composite.to_dataset("band").assign_attrs(dataset.attrs)
            for name, variable in split.items():
                variable.attrs, variable.encoding = dict(dataset[name].attrs), placed(dataset[name])
            return (split, *further)
        found = {name: self._with(**{parameter: array}) for name, array in dataset.items()}
        if len(self.row.gives) == 1:
            return xarray.Dataset(found, attrs=dataset.attrs)
        sides = (dict(zip(found, side, strict=True)) for side in zip(*found.values(), strict=True))
        return tuple(xarray.Dataset(side, attrs=dataset.attrs) for side in sides)

    def _arrays(self) -> dict[str, DataArray]:
        """Find the arrays among the arguments; numpy arrays beside xarray's lie on their grid."""
        import xarray

        if self.row.layers:
            layers = self.arguments[self.row.layers]
            if isinstance(layers, xarray.DataArray):
                layers = layers.to_dataset("band")
            names = [name for name in self.row.uses(self.arguments) if name in layers]
            found = {name: layers[name] for name in names}
        else:
            found = {
                name: self.arguments[name]
                for name in self.row.takes
                if np.ndim(self.arguments[name]) > 0
            }
        dims = next(a.dims for a in found.values() if isinstance(a, xarray.DataArray))
        for name, array in found.items():
            if not isinstance(array, xarray.DataArray):
                own = self.row.takes.get(name) or dims[len(dims) - np.ndim(array) :]
                found[name] = xarray.DataArray(array, dims=own)
        return found

    def _report(self) -> Any:
        """Call a function that gives no image: of arrays on one grid, of a table of samples."""
        import xarray

        given = {
            name: self.arguments[name]
            for name in self.row.takes
            if isinstance(self.arguments.get(name), xarray.DataArray)
        }
        require_one_grid(self.function.__name__, given)
        plain = {name: array.to_numpy() for name, array in given.items()}
        samples = self.arguments.get(self.row.table)
        if isinstance(samples, xarray.DataArray | xarray.Dataset):
            plain[self.row.table] = as_table(samples)
        found = self.function(**{**self.arguments, **plain})
        if isinstance(found, np.ndarray) and isinstance(samples, xarray.Dataset):
            column = next(iter(samples.values()))
            return column.copy(data=found).rename(None).drop_attrs()
        return found
