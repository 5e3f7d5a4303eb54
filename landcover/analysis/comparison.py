"""Compare a class map with another one or with a reference: how much, where, in which class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from landcover.analysis.map_legends import Reading, reading_of
from landcover.analysis.map_pair import virtual_maps
from landcover.errors import InputError, UsageError
from landcover.ledger import lookup, outputs
from landcover.nouns.change import ChangeSplit
from landcover.nouns.colour import rgb_of
from landcover.nouns.comparison import ClassAgreement, Comparison
from landcover.nouns.grid import Grid, Window
from landcover.nouns.legend import LegendClass
from landcover.nouns.reference_legends import REFERENCE_LEGENDS
from landcover.parts.mapping.map_lookup import MapFile, find_maps
from landcover.parts.provenance import run_of
from landcover.publish.areas import row_hectares
from landcover.raster.agreement import AGREE, DIFFER, agreement, count_pairs, diversity, sum_by_pair
from landcover.stores.rasters import (
    RasterStyle,
    create_raster,
    open_raster,
    read_code_names,
    read_codes,
)
from landcover.stores.workspace import Workspace

Pairs = NDArray[np.float64]
"""What each pair of codes has, (256, 256): pixels, or hectares on a grid of degrees."""
SMALLEST, LARGEST = 32, 512
"""Limits of the side of a window, px; a zoom of the figure is one window."""
DEGREES = "EPSG:4326"
_PARTS = 6
_FULL = 0.9
"""Share of a window that both maps must cover to be shown as a zoom."""
WHERE = (
    LegendClass(code=AGREE, name="same", colour="#4C9A6A", title="same class"),
    LegendClass(code=DIFFER, name="other", colour="#D62728", title="another class"),
)
"""Classes of an agreement map."""


@dataclass(frozen=True)
class Compared:
    """A comparison and what its pictures are made of."""

    result: Comparison
    reading: Reading
    first: MapFile
    second: tuple[MapFile, ...]
    zooms: tuple[Window, ...]
    """Windows of the first map's grid: where it has most to show, and where of such places the
    maps differ most."""


def compare_maps(
    workspace: Callable[[], Workspace],
    first: str,
    second: str,
    legend_map: str | None = None,
    where: Path | None = None,
    split: Callable[[Workspace, str, str], ChangeSplit] | None = None,
) -> Compared:
    """Compare two maps on the grid of the first, window by window.

    Args:
        workspace: Opens the workspace; only asked where a map is named by its id.
        first: Id, unique prefix or path of a class map, in metres or EPSG:4326; or the name of a
            run, which stands for its map.
        second: The same, or path of a reference map in any CRS; it is read by nearest neighbour.
        legend_map: ``copernicus``, ``worldcover``, ``hrlc``, or a file with the class of each code
            of the second map; None where both have one legend, or name their classes.
        where: GeoTIFF to write: 1 where both have the same class, 2 another, 0 nodata.
        split: Divides the difference; called with the workspace and what names the maps.

    Raises:
        InputError: A map or the file is absent or wrong, a code has no class, or the maps do not
            overlap.
    """
    maps = find_maps(workspace, _maps_named(workspace, first))
    if len(maps) != 1:
        raise UsageError(
            f"{first}: expected one map, found {len(maps)}; compare zone by zone, and cells of one "
            "grid by the virtual raster of their report (map_….vrt)."
        )
    one, others = maps[0], find_maps(workspace, _maps_named(workspace, second))
    if one.grid.crs != DEGREES and not CRS.from_user_input(one.grid.crs).is_projected:
        raise InputError(
            f"{one.name}: expected a map in metres or in {DEGREES}, found {one.grid.crs}."
        )
    mine, theirs = read_code_names(one.href), read_code_names(others[0].href)
    reading = reading_of(mine, theirs, legend_map)
    pairs, zooms = _pass(one, others, reading, where)
    simulated = mine.is_simulated or _is_simulated(workspace, one)
    result = _result(one, others, reading, pairs, is_simulated=simulated)
    if split is not None:
        result = result.model_copy(update={"split": split(workspace(), first, second)})
    elif theirs.names and legend_map is None:
        note = (
            "Where two maps of ours differ, the land, the model or the input may have changed; "
            "this comparison does not tell them apart. --split does."
        )
        result = result.model_copy(update={"notes": (*result.notes, note)})
    return Compared(result, reading, one, others, zooms)


def _maps_named(workspace: Callable[[], Workspace], text: str) -> str:
    """Put what lies over the cells of a run's map in the place of the run, if it has some."""
    if any(Path(part.strip()).exists() for part in text.split(",")):
        return text
    opened = workspace()
    run = lookup.run_with_maps(opened, text)
    over = [] if run is None else virtual_maps(opened, run)
    return over[0] if len(over) == 1 and len(lookup.find_maps(opened, text)) > 1 else text


def _is_simulated(workspace: Callable[[], Workspace], one: MapFile) -> bool:
    """Tell whether a map of the workspace is of simulated products: its file does not say."""
    if one.name == Path(one.href).name:
        return False
    opened = workspace()
    return run_of(opened, outputs.load(opened, one.name))[0].simulated


def second_codes(maps: Sequence[MapFile], grid: Grid, window: Window | None) -> NDArray[np.uint8]:
    """Read the second map on a grid; where several overlap, the first counts."""
    codes = read_codes(maps[0].href, grid, window)
    for more in maps[1:]:
        codes = np.where(codes == 0, read_codes(more.href, grid, window), codes)
    return codes


def _pass(
    one: MapFile, others: Sequence[MapFile], reading: Reading, where: Path | None
) -> tuple[Pairs, tuple[Window, ...]]:
    side = min(LARGEST, max(SMALLEST, min(one.grid.shape) // _PARTS))
    # Pixels where all are alike, hectares where they shrink towards the poles.
    of_row = row_hectares(one.grid)
    pairs = np.zeros((256, 256))
    telling: list[tuple[float, Window]] = []
    differing: list[tuple[float, Window]] = []
    colours = {0: (0, 0, 0, 0)}
    for entry in WHERE:
        colours[entry.code] = (*rgb_of(entry.colour), 255)
    style = RasterStyle(
        "uint8",
        0,
        ("same class in both maps",),
        colours=colours,
        categories={entry.code: entry.name for entry in WHERE},
    )
    with ExitStack() as stack:
        writer = None
        if where is not None:
            writer = stack.enter_context(create_raster(where, one.grid, style))
        for window, raw, other in _windows(one, others, side):
            if one.grid.crs == DEGREES:
                pairs += sum_by_pair(raw, other, of_row[window.slices[0]])
            else:
                pairs += count_pairs(raw, other)
            codes, theirs = reading.first[raw], reading.second[other]
            if writer is not None:
                writer.write(agreement(codes, theirs), window)
            both = (codes != 0) & (theirs != 0)
            if both.size == side * side and both.mean() >= _FULL:
                counts = np.bincount(codes[both], minlength=256).astype(np.int64)
                telling.append((-round(diversity(counts), 6), window))
                share = float((codes != theirs)[both].mean())
                differing.append((-round(share * diversity(counts), 6), window))
    best = [min(ranked)[1] for ranked in (telling, differing) if ranked]
    return pairs, tuple(dict.fromkeys(best))


def _windows(
    one: MapFile, others: Sequence[MapFile], side: int
) -> Iterator[tuple[Window, NDArray[np.uint8], NDArray[np.uint8]]]:
    with open_raster(one.href) as raster:
        for window in one.grid.windows(side, side):
            raw = raster.read(window, band=1)
            yield window, raw, second_codes(others, one.grid, window)


def _result(
    one: MapFile,
    others: Sequence[MapFile],
    reading: Reading,
    pairs: Pairs,
    *,
    is_simulated: bool,
) -> Comparison:
    unknown = [k for k in range(1, 256) if pairs[:, k].any() and k not in reading.known]
    if unknown:
        raise InputError(
            f"{others[0].name}: no class is known for its codes {unknown}. Name their classes "
            f"with --legend-map ({', '.join(sorted(REFERENCE_LEGENDS))}, or a file)."
        )
    hectare = 1.0 if one.grid.crs == DEGREES else float(row_hectares(one.grid)[0])
    folded = np.zeros_like(pairs)
    np.add.at(folded, (reading.first[:, None], reading.second[None, :]), pairs)
    codes = list(reading.legend.codes)
    matrix = folded[np.ix_(codes, codes)]
    if not matrix.sum():
        raise InputError(
            f"{one.name} and {others[0].name} have no pixel with a class in common; do they lie "
            "in one place?"
        )
    # What the second map says there but stands for no class: not the pixels without data.
    dropped = {
        str(code): float(pairs[1:, code].sum() * hectare)
        for code in range(1, 256)
        if not reading.second[code] and pairs[1:, code].any()
    }
    of_first = {
        str(code): float(pairs[code, 1:].sum() * hectare)
        for code in range(1, 256)
        if not reading.first[code] and pairs[code, 1:].any()
    }
    no_data = pairs[:, 0]
    first, second = _told_apart(one, others)
    return Comparison(
        first=first,
        second=second,
        legend=reading.how,
        classes=tuple(
            ClassAgreement(
                code=entry.code,
                name=entry.name,
                title=entry.title,
                colour=entry.colour,
                first_hectares=float(matrix[k].sum() * hectare),
                second_hectares=float(matrix[:, k].sum() * hectare),
                both_hectares=float(matrix[k, k] * hectare),
            )
            for k, entry in enumerate(reading.legend.classes)
        ),
        hectares=tuple(tuple(float(n * hectare) for n in row) for row in matrix),
        only_first_hectares=float(no_data[reading.first != 0].sum() * hectare),
        only_second_hectares=float(folded[0, codes].sum() * hectare),
        dropped_hectares=dropped,
        dropped_first_hectares=of_first,
        unmappable_hectares=max(0.0, float((pairs[1:, 1:].sum() - matrix.sum()) * hectare)),
        simulated=is_simulated,
    )


def _told_apart(one: MapFile, others: Sequence[MapFile]) -> tuple[str, str]:
    """Name both maps; files of one name by as much of their paths as tells them apart."""
    first, second = one.name, ", ".join(other.name for other in others)
    if first != second:
        return first, second
    mine, theirs = Path(one.href).parts, Path(others[0].href).parts
    for length in range(2, max(len(mine), len(theirs)) + 1):
        if mine[-length:] != theirs[-length:]:
            return str(Path(*mine[-length:])), str(Path(*theirs[-length:]))
    return first, second  # the same file twice
