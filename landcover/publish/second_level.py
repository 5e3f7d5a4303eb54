"""The files of the second level of one zone's map, beside those of the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.legend import MOST_CLASSES, LegendClass
from landcover.publish.areas import class_areas
from landcover.publish.page import MapView, SecondView, zone_name
from landcover.publish.zone_files import (
    LONGEST_SIDE,
    Cell,
    count_codes,
    tile_names,
    write_class_map,
)
from landcover.stores.rasters import read_overview

SECOND = "classification2.tif"
SecondLegend = Mapping[int, tuple[LegendClass, ...]]
"""Code of the first level → classes of the second level within it."""


def write_second(
    out: Path,
    cell: Cell,
    view: MapView,
    legend: Sequence[LegendClass],
    second: SecondLegend,
    tags: Mapping[str, str],
    *,
    title: str,
    is_simulated: bool,
) -> MapView:
    """Write map, styles and picture of the second level of a zone.

    Args:
        out: Folder of the report, with the files of the first level in it.
        cell: The zone and where its mosaic lies.
        view: What the page shows of it so far.
        legend: Classes of the first level.
        second: Classes of the second one.
        tags: Metadata of the GeoTIFF.
        title: Headline of the picture.
        is_simulated: Stamps the picture.

    Returns:
        The view with the second level; unchanged where the mosaic has none.
    """
    source = Path(cell.folder) / SECOND
    if not source.is_file():
        return view
    name = f"second_{cell.cell}"
    # As in write_cell: only this stage should pay for Matplotlib.
    from landcover.publish.plots import draw_map

    every = [entry for classes in second.values() for entry in classes]
    tagged = {**tags, "title": f"{tags['title']}, second level"}
    write_class_map(source, out, name, every, tagged)
    pixels, hectares = count_codes(source)
    classified = sum(area.pixels for area in view.areas)
    n_empty = view.grid.height * view.grid.width - cell.n_outside - classified
    of_first = {area.code: area.pixels for area in view.areas}
    views = tuple(
        SecondView(
            code=entry.code,
            title=entry.title,
            areas=class_areas(
                pixels, {c.code: hectares.get(c.code, 0.0) for c in second[entry.code]},
                second[entry.code],
            ),
            pixels=of_first.get(entry.code, 0),
        )
        for entry in legend
        if entry.code in second
    )  # fmt: skip
    drawn = f"{name}.png"
    rows = list(_rows(legend, second, view, views))
    if len(rows) > MOST_CLASSES:
        # A picture of both levels has one byte for a pixel.
        return view.model_copy(update={"second": views})
    draw_map(
        _both_levels(out, cell.cell, rows),
        [row.shown(number) for number, row in enumerate(rows, 1)],
        view.grid,
        out / drawn,
        title,
        f"{zone_name(cell.cell)}, {tile_names(cell.mapped)}, both levels",
        pixels={0: n_empty} | {number: row.pixels for number, row in enumerate(rows, 1)},
        is_simulated=is_simulated,
        is_validated=not tags.get("accuracy", "").startswith("Accuracy not measured"),
    )
    return view.model_copy(update={"second": views, "second_picture": drawn})


class _Row(NamedTuple):
    """A colour of the picture of both levels."""

    first: int
    second: int
    """0 where the class is not divided."""
    entry: LegendClass
    title: str
    pixels: int

    def shown(self, number: int) -> LegendClass:
        """Give it a code of its own: those of the two levels may be the same."""
        return self.entry.model_copy(update={"code": number, "title": self.title})


def _rows(
    legend: Sequence[LegendClass], second: SecondLegend, view: MapView, views: Sequence[SecondView]
) -> Iterator[_Row]:
    divided = {one.code: one for one in views}
    whole = {area.code: area.pixels for area in view.areas}
    for entry in legend:
        if entry.code not in second:
            yield _Row(entry.code, 0, entry, entry.title, whole.get(entry.code, 0))
            continue
        one = divided[entry.code]
        for inner, area in zip(second[entry.code], one.areas, strict=True):
            yield _Row(entry.code, inner.code, inner, inner.title, area.pixels)
        if one.undivided:
            yield _Row(entry.code, 0, entry, f"{entry.title}, undivided", one.undivided)


def _both_levels(out: Path, cell: str, rows: Sequence[_Row]) -> NDArray[np.uint8]:
    """Read both maps as coarse as a picture needs, and number the pixels by row."""
    parents = np.zeros(256, dtype=np.uint8)
    for row in rows:
        if row.second:
            parents[row.second] = row.first
    first, second = (
        read_overview(out / f"{name}_{cell}.tif", LONGEST_SIDE, resampling="mode")
        for name in ("map", "second")
    )
    # The commonest classes of a coarse pixel may be of different parts of it.
    second = np.where(parents[second] == first, second, 0)
    numbers = np.zeros((256, 256), dtype=np.uint8)
    for number, row in sorted(enumerate(rows, 1), key=lambda one: one[1].pixels):
        numbers[row.first, row.second] = number
        if row.second and not any(r.first == row.first and not r.second for r in rows):
            # Where nothing is undivided, such a pixel is shown as the commonest part.
            numbers[row.first, 0] = number
    return np.asarray(numbers[first, second])
