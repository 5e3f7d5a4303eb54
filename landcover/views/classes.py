"""Class maps in their own colours: ``.landcover`` of an xarray array of class codes."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import xarray

from landcover.errors import InputError


class ClassOfMap(NamedTuple):
    """What a code of a map means."""

    code: int
    """Code, 1 … 255."""
    name: str
    """Name of the class."""
    colour: str
    """``#RRGGBB``."""


@xarray.register_dataarray_accessor("landcover")  # type: ignore[no-untyped-call]
class ClassAccessor:
    """Classes of an array of codes, as its attributes name them."""

    def __init__(self, array: xarray.DataArray) -> None:
        self._array = array

    @cached_property
    def classes(self) -> tuple[ClassOfMap, ...]:
        """Code, name and colour of each class, by code.

        Raises:
            InputError: The attributes name no classes with colours.
        """
        says = self._array.attrs
        if not {"flag_values", "flag_meanings", "flag_colors"} <= set(says):
            raise InputError(
                f"{self._array.name or 'array'}: names no classes with colours (flag_values, "
                "flag_meanings, flag_colors). Class maps of api.open_map and model.predict do."
            )
        words = (str(says[key]).split() for key in ("flag_meanings", "flag_colors"))
        codes = (int(code) for code in says["flag_values"])
        return tuple(sorted(map(ClassOfMap, codes, *words)))

    @property
    def colours(self) -> dict[str, Any]:
        """What xarray's own ``.plot`` needs to draw each class in its colour.

        ``codes.plot(**codes.landcover.colours)``
        """
        from matplotlib.colors import ListedColormap

        codes = [entry.code for entry in self.classes]
        between = [(low + high) / 2 for low, high in pairwise(codes)]
        return {
            "cmap": ListedColormap([entry.colour for entry in self.classes]),
            "levels": [codes[0] - 0.5, *between, codes[-1] + 0.5],
            "extend": "neither",
        }

    def plot(self, **options: Any) -> Any:
        """Draw the classes by xarray's own ``.plot``, named beside the colours; nodata is empty.

        Args:
            **options: Go to ``DataArray.plot``; ``add_colorbar=False`` leaves the names out.

        Returns:
            What ``DataArray.plot`` gives back.
        """
        seen = self._array.where(self._array != self._array.attrs.get("_FillValue", 0))
        drawn = seen.plot(**{**self.colours, **options})
        bar = getattr(drawn, "colorbar", None)
        if bar is not None:
            levels = self.colours["levels"]
            middles = [(low + high) / 2 for low, high in pairwise(levels)]
            bar.set_ticks(middles, labels=[entry.name for entry in self.classes])
            bar.ax.minorticks_off()
        return drawn
