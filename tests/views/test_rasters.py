"""Every way of indexing an array that is read by window, and how little is read for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import xarray
from xarray.core import indexing

from landcover.nouns.grid import Window
from landcover.views import rasters
from landcover.views.rasters import ReadArray

HEIGHT, WIDTH = 70, 50
WHOLE = np.random.default_rng(0).random((4, 3, HEIGHT, WIDTH))


class Counted(ReadArray):
    """Numbers in memory, read as if from a file."""

    def __init__(self, values: Any) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype
        self.windows: list[Window] = []

    def _read_planes(self, chosen: Sequence[Sequence[int]], window: Window) -> Any:
        self.windows.append(window)
        found = self.values
        for axis, numbers in enumerate(chosen):
            found = np.take(found, numbers, axis)
        return found[..., *window.slices]


def pair(dims: str) -> tuple[Counted, xarray.DataArray, xarray.DataArray]:
    values = {"yx": WHOLE[0, 0], "byx": WHOLE[0], "tbyx": WHOLE}[dims]
    read = Counted(values)
    lazy = xarray.Variable(list(dims), indexing.LazilyIndexedArray(read))
    return read, xarray.DataArray(lazy), xarray.DataArray(values, dims=list(dims))


def places(rows: Any, columns: Any, *dims: str) -> dict[str, xarray.DataArray]:
    return {"y": xarray.DataArray(rows, dims=dims), "x": xarray.DataArray(columns, dims=dims)}


RNG = np.random.default_rng(1)
PIXELS = {
    "many": places(RNG.integers(-HEIGHT, HEIGHT, 9), RNG.integers(-WIDTH, WIDTH, 9), "p"),
    "a square of them": places(
        RNG.integers(0, HEIGHT, (2, 3)), RNG.integers(0, WIDTH, (2, 3)), "p", "q"
    ),
    "one": places([7], [8], "p"),
    "one row": places([7, 7, 7], [8, 9, 2], "p"),
    "one thrice": places([7, 7, 7], [8, 8, 8], "p"),
    "none": places(np.empty(0, int), np.empty(0, int), "p"),
}
PLANES: list[dict[str, Any]] = [
    {}, {"b": [2, 0]}, {"b": slice(1, 3)}, {"b": 1}, {"t": [3, 1], "b": [0]}, {"t": slice(0, 0)},
]  # fmt: skip


@pytest.mark.parametrize("planes", PLANES, ids=str)
@pytest.mark.parametrize("name", PIXELS)
@pytest.mark.parametrize("dims", ["yx", "byx", "tbyx"])
def test_single_pixels_are_those_of_the_whole(dims: str, name: str, planes: Any) -> None:
    chosen = {axis: which for axis, which in planes.items() if axis in dims}
    _, lazy, whole = pair(dims)
    found = lazy.isel(**PIXELS[name], **chosen)
    xarray.testing.assert_identical(found.compute(), whole.isel(**PIXELS[name], **chosen))
    after = lazy.isel(**PIXELS[name]).isel(chosen)
    xarray.testing.assert_identical(after.compute(), whole.isel(**PIXELS[name]).isel(chosen))


def test_pixels_far_apart_do_not_read_what_lies_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rasters, "BLOCK", 10)
    read, lazy, whole = pair("byx")
    at = places([0, 1, 69, 69, 35], [0, 2, 49, 49, 25], "p")
    xarray.testing.assert_identical(lazy.isel(at).compute(), whole.isel(at))
    assert sum(window.height * window.width for window in read.windows) == 2 * 3 + 1 + 1
    assert len(read.windows) == 3


def test_planes_of_different_pixels_are_told_apart() -> None:
    _, lazy, whole = pair("byx")
    at = places([3, 4, 5], [6, 7, 8], "p")
    pairs = {**at, "b": xarray.DataArray([0, 2, 1], dims="p")}
    xarray.testing.assert_identical(lazy.isel(pairs).compute(), whole.isel(pairs))


@pytest.mark.parametrize(
    "key",
    [
        {"y": [5, 2, 2], "x": [0, 49]},
        {"b": [2, 0], "y": slice(60, 3, -7)},
        {"b": -1, "y": -1, "x": slice(-3, None)},
        {"y": xarray.DataArray([1, 3], dims="p")},
        {"x": []},
    ],
    ids=str,
)
def test_other_ways_of_indexing(key: Any) -> None:
    _, lazy, whole = pair("byx")
    xarray.testing.assert_identical(lazy.isel(key).compute(), whole.isel(key))
