"""A preview that pans and zooms: picture tiles of the maps and a page that shows them.

The tiles have the usual scheme (XYZ in Web Mercator, 256 px), so other programs can show them too.
The page is one file with its own few lines of script; it opens from disk and fetches nothing else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from math import asinh, ceil, cos, floor, log2, pi, radians, tan
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from landcover.nouns.colour import hex_of
from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass, LegendEntry
from landcover.publish.outlines import outline_of
from landcover.publish.png import write_codes
from landcover.publish.styles import for_colour_blind
from landcover.publish.templates import template
from landcover.publish.true_colour import read_colours, write_picture
from landcover.stores.rasters import read_codes, read_overview

PAGE = "preview.html"
FOLDERS = {
    "map": "preview",
    "colour_blind": "preview_colour_blind",
    "confidence": "preview_confidence",
    "true_colour": "preview_true_colour",
}
"""Layer → folder of its tiles, ``{zoom}/{column}/{row}.png``, of true colour ``.webp``. Beside
those of the map lie scripts of the same names with its values: a page from disk may not look into
pictures, but run scripts."""
GREYS = tuple(
    LegendEntry(
        code=value, name=f"v{value}", title=str(value), colour=hex_of((value, value, value))
    )
    for value in range(1, 255)
)
"""Confidence as brightness: 254 is certain."""
MOST_TILES = 450
"""Tiles of all zoom levels together, per palette: a whole Sentinel-2 tile down to about 30 m."""
LOOKED_AT = 1024
"""Rows or columns in which the part of a map that has classes is looked for, px."""
SIDE = 256
"""Rows and columns of a tile, px."""
MERCATOR = "EPSG:3857"
HALF_WORLD = pi * 6378137.0
"""Half the width of the Web Mercator plane, m."""


class Place(NamedTuple):
    """A tile of the scheme: column from the west, row from the north."""

    zoom: int
    column: int
    row: int

    @property
    def grid(self) -> Grid:
        """Where it lies."""
        across = 2 * HALF_WORLD / 2**self.zoom
        return Grid(
            crs=MERCATOR,
            ulx=-HALF_WORLD + self.column * across,
            uly=HALF_WORLD - self.row * across,
            pixel=across / SIDE,
            width=SIDE,
            height=SIDE,
        )


class TrueColour(NamedTuple):
    """The composites behind some maps."""

    files: Mapping[str, Sequence[Path]]
    """File name of a map → its bands, :func:`landcover.publish.true_colour.write_colours`."""
    period: str
    """What they are of, ``2021-summer``."""


Box = tuple[float, float, float, float]
"""(west, south, east, north), degrees."""


def write_preview(
    folder: Path,
    maps: Mapping[str, Grid],
    legend: Sequence[LegendClass],
    title: str,
    colours: TrueColour | None = None,
    *,
    is_simulated: bool,
) -> str | None:
    """Write the tiles of maps and the page that shows them.

    Args:
        folder: Folder of the report; the maps lie in it.
        maps: File name of a class map with overviews → its grid, in UTM. Where two overlap, the
            first is shown.
        legend: Classes of the maps.
        title: Headline of the page.
        colours: The composites behind the maps; None shows none.
        is_simulated: Says so on the page.

    Returns:
        Name of the page; None where no map has a class.
    """
    if not maps:
        return None
    parts = {name: _part_with_classes(folder / name, grid) for name, grid in maps.items()}
    boxes = {name: list(_boxes(outline_of(part))) for name, part in parts.items()}
    others = for_colour_blind(legend)
    palettes = {"map": tuple(legend), **({"colour_blind": others} if others else {})}
    written: list[Place] = []
    for zoom in _zooms(maps, boxes):
        for place, names in _places(boxes, zoom).items():
            codes = read_codes(folder / names[0], place.grid)
            for name in names[1:]:
                codes[codes == 0] = read_codes(folder / name, place.grid)[codes == 0]
            if not codes.any():
                continue
            pictures = {
                palette: _write_tile(folder, palette, place, codes, classes)
                for palette, classes in palettes.items()
            }
            confidence = _confidence(folder, names, place.grid, codes)
            if confidence is not None:
                pictures["confidence"] = _write_tile(folder, "confidence", place, confidence, GREYS)
            _write_values(pictures)
            if colours is not None:
                here = [colours.files[name] for name in names if name in colours.files]
                _write_colours(folder, place, here)
            written.append(place)
    if not written:
        return None
    everything = [box for parts in boxes.values() for box in parts]
    words = {
        "map": "classes",
        "confidence": "confidence: bright is sure",
        "true_colour": f"true colour, {colours.period}" if colours else "",
    }
    layers = {
        name: word
        for name, word in words.items()
        if name == "map" or (folder / FOLDERS[name]).is_dir()
    }
    page = _page(written, everything, palettes, layers, title, is_simulated=is_simulated)
    (folder / PAGE).write_text(page, encoding="utf-8")
    return PAGE


def _write_tile(
    folder: Path,
    layer: str,
    place: Place,
    values: NDArray[np.uint8],
    legend: Sequence[LegendEntry],
) -> Path:
    path = folder / FOLDERS[layer] / str(place.zoom) / str(place.column) / f"{place.row}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_codes(path, values, legend)
    return path


def _write_colours(folder: Path, place: Place, layers: Sequence[Sequence[Path]]) -> None:
    found = read_colours(layers, place.grid)
    if found is not None:
        column = folder / FOLDERS["true_colour"] / str(place.zoom) / str(place.column)
        write_picture(column / f"{place.row}.webp", found)


def _confidence(
    folder: Path, maps: Sequence[str], grid: Grid, codes: NDArray[np.uint8]
) -> NDArray[np.uint8] | None:
    """Read the confidence beside maps, uint8 × 1/254, 0 where there is no class; None without."""
    paths = [folder / name.replace("map_", "confidence_", 1) for name in maps]
    if any(path.name == name or not path.is_file() for path, name in zip(paths, maps, strict=True)):
        return None
    found = np.zeros(codes.shape, np.uint8)
    for path in paths:
        found = np.where(found == 0, read_codes(path, grid), found)
    return np.where(codes == 0, np.uint8(0), found)


def _write_values(pictures: Mapping[str, Path]) -> None:
    """Write classes and confidence of a tile as a script that hands them to the page."""
    path = pictures["map"]
    key = "/".join((path.parts[-3], path.parts[-2], path.stem))
    handed = [base64.b64encode(pictures[name].read_bytes()).decode() if name in pictures else ""
              for name in ("map", "confidence")]  # fmt: skip
    path.with_suffix(".js").write_text(f"take({json.dumps([key, *handed])});\n", encoding="ascii")


def _part_with_classes(path: Path, grid: Grid) -> Grid:
    """Leave out the empty margins of a map: a file of a common grid may be empty but for a corner.

    The map is looked at by its overviews, in which a class stands wherever a pixel below has one.
    """
    codes = read_overview(path, LOOKED_AT, resampling="mode")
    rows, columns = (np.flatnonzero(codes.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return grid
    (top, bottom), (left, right) = (
        (
            max(0, floor((places[0] - 1) * side / n)),
            min(side, ceil((places[-1] + 2) * side / n)),
        )
        for places, side, n in zip((rows, columns), grid.shape, codes.shape, strict=True)
    )
    return grid.model_copy(
        update={
            "ulx": grid.ulx + left * grid.pixel,
            "uly": grid.uly - top * grid.pixel,
            "width": right - left,
            "height": bottom - top,
        }
    )


def _zooms(maps: Mapping[str, Grid], boxes: Mapping[str, list[Box]]) -> range:
    """Choose the zoom levels: from the whole in view to the map's pixels, or what is allowed."""
    everything = [box for parts in boxes.values() for box in parts]
    latitude = radians(
        sum(south + north for _, south, _, north in everything) / 2 / len(everything)
    )
    finest = min(grid.pixel for grid in maps.values())
    last = ceil(log2(2 * HALF_WORLD * max(cos(latitude), 0.1) / (SIDE * finest)))
    widest = max(east - west for west, _, east, _ in everything)
    first = min(last, max(0, floor(log2(360 / max(widest, 1e-6)))))
    count = 0
    for zoom in range(first, last + 1):
        count += len(_places(boxes, zoom))
        if count > MOST_TILES and zoom > first:
            return range(first, zoom)
    return range(first, last + 1)


def _places(boxes: Mapping[str, list[Box]], zoom: int) -> dict[Place, list[str]]:
    found: dict[Place, list[str]] = {}
    for name, parts in boxes.items():
        for west, south, east, north in parts:
            left, top = _tile_at(west, north, zoom)
            right, bottom = _tile_at(east, south, zoom)
            for column in range(left, right + 1):
                for row in range(top, bottom + 1):
                    found.setdefault(Place(zoom, column, row), []).append(name)
    return dict(sorted(found.items()))


def _tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    x = (lon + 180) / 360
    y = (1 - asinh(tan(radians(lat))) / pi) / 2
    last = 2**zoom - 1
    return min(last, max(0, floor(x * 2**zoom))), min(last, max(0, floor(y * 2**zoom)))


def _boxes(outline: Mapping[str, Any]) -> Iterator[Box]:
    rings = outline["coordinates"]
    for polygon in [rings] if outline["type"] == "Polygon" else rings:
        lons, lats = zip(*polygon[0], strict=True)
        yield min(lons), min(lats), max(lons), max(lats)


def _page(
    written: Sequence[Place],
    boxes: Sequence[Box],
    palettes: Mapping[str, Sequence[LegendClass]],
    layers: Mapping[str, str],
    title: str,
    *,
    is_simulated: bool,
) -> str:
    wests, souths, easts, norths = zip(*boxes, strict=True)
    shown = {
        "side": SIDE,
        "first": written[0].zoom,
        "last": written[-1].zoom,
        "tiles": ["/".join(map(str, place)) for place in written],
        "folders": {layer: FOLDERS[layer] for layer in (*palettes, *layers)},
        "classes": {entry.colour.lower(): entry.title for entry in palettes["map"]},
        "box": [min(wests), min(souths), max(easts), max(norths)],
    }
    # "</" would end the script that holds the text.
    data = json.dumps(shown, separators=(",", ":")).replace("</", "<\\/")
    return template(PAGE).render(
        title=title, simulated=is_simulated, palettes=palettes, layers=layers, data=data
    )
