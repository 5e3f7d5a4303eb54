"""A page that pans and zooms the published maps, read from their own files in the browser.

Opened from a server it reads the levels of the Cloud Optimized GeoTIFFs that it needs, piece by
piece. Browsers read no files of a folder, so the beginning of each file, which holds its coarser
levels, also lies in a script beside the page (docs/publishing.md#the-map-in-the-browser).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any

import numpy as np

from landcover.nouns.grid import Grid
from landcover.nouns.legend import LegendClass
from landcover.publish.outlines import DECIMALS, lonlat_of
from landcover.publish.page import MapView
from landcover.publish.styles import for_colour_blind
from landcover.publish.templates import template
from landcover.publish.true_colour import factor_of
from landcover.stores.rasters import describe, level_ends, read_overview

PAGE = "preview.html"
DOCUMENT = "preview.json"
"""What the page shows: its files, where they lie, their classes."""
FOLDER = "preview"
"""Beside the page: ``{file}.js`` with the beginning of a file."""
VIEWER = Path(__file__).with_name("viewer")
SCRIPTS = ("cog.js", "placement.js", "painter.js", "layers.js", "viewer.js")
"""What shows a map, in the order in which browsers have to read it."""
STYLE = "viewer.css"
LAYERS = {"map": "classes", "confidence": "confidence", "true_colour": "true colour"}
"""Layer → its name for people; its file is ``{layer}_{cell}.tif``."""
MOST_HELD = 12_000_000
"""Bytes of a layer in the scripts of a report, all maps together; the coarsest level always."""
LOOKED_AT = 1024
"""Rows or columns in which the part of a map that has classes is looked for, px."""
NODE_PX = 800
"""Pixels between two places that the page is told; between them it interpolates. 8 km of pixels
of 10 m bend by d²/8R·tan(latitude), 1-2 m below 65°."""


def write_preview(
    folder: Path,
    views: Sequence[MapView],
    legend: Sequence[LegendClass],
    title: str,
    *,
    is_simulated: bool,
) -> str | None:
    """Write the page that shows maps, and what it needs to be opened from a folder.

    Args:
        folder: Folder of the report, with ``map_{cell}.tif`` and, where there are any,
            ``confidence_{cell}.tif`` and ``true_colour_{cell}.tif``.
        views: The maps. Where two overlap, the first is shown.
        legend: Classes of the maps.
        title: Headline of the page.
        is_simulated: Says so on the page.

    Returns:
        Name of the page; None where no map has a class.
    """
    shown = [(view, part) for view in views if (part := _part_with_classes(folder, view))]
    if not shown:
        return None
    others = for_colour_blind(legend) or (None,) * len(legend)
    periods = ", ".join(sorted({view.period for view in views}))
    about: dict[str, Any] = {
        "title": title,
        "simulated": is_simulated,
        "legend": [
            {
                "code": entry.code,
                "title": entry.title,
                "colour": entry.colour,
                "colourBlind": other.colour if other else None,
            }
            for entry, other in zip(legend, others, strict=True)
        ],
        "layers": [
            {"name": name, "title": f"{word}, {periods}" if name == "true_colour" else word}
            for name, word in LAYERS.items()
        ],
        "views": [_about(folder, view, part) for view, part in shown],
    }
    (folder / FOLDER).mkdir(exist_ok=True)
    for layer in LAYERS:
        _hold(folder, [v["layers"][layer]["file"] for v in about["views"] if layer in v["layers"]])
    text = json.dumps(about, separators=(",", ":"), ensure_ascii=False)
    (folder / DOCUMENT).write_text(text + "\n", encoding="utf-8")
    page = template(PAGE).render(
        title=title,
        simulated=is_simulated,
        # "</" would end the script that holds the text.
        about=text.replace("</", "<\\/"),
        style=(VIEWER / STYLE).read_text(encoding="utf-8"),
        scripts=[
            (VIEWER / name).read_text(encoding="utf-8") for name in (*SCRIPTS, "page.js")
        ],
    )  # fmt: skip
    (folder / PAGE).write_text(page, encoding="utf-8")
    return PAGE


def _about(folder: Path, view: MapView, part: tuple[int, int, int, int]) -> dict[str, Any]:
    layers = {}
    for layer in LAYERS:
        file = f"{layer}_{view.cell}.tif"
        grid = describe(folder / file).grid if (folder / file).is_file() else None
        if grid is not None:
            # How many pixels of the map the file is wide and high: it may be coarser and reach on.
            factor = factor_of(view.grid) if layer == "true_colour" else 1
            sides = {"columns": grid.width * factor, "rows": grid.height * factor}
            layers[layer] = {"file": file, **sides}
    return {
        "name": view.cell,
        "title": view.zone,
        "pixel": _metres(view.grid),
        "nodes": _nodes(view.grid),
        "part": part,
        "picture": view.map_picture,
        "layers": layers,
    }


def _metres(grid: Grid) -> float:
    """Give the side of a pixel, m; of a grid in degrees along a meridian."""
    return grid.pixel if grid.pixel >= 1 else round(grid.pixel * 111_320, 1)


def _nodes(grid: Grid) -> dict[str, list[float]]:
    """Give longitude and latitude of corners of pixels, in rows from north to south."""
    columns, rows = (
        np.unique(np.linspace(0, side, 1 + ceil(side / NODE_PX)).round())
        for side in (grid.width, grid.height)
    )
    x, y = np.meshgrid(grid.ulx + columns * grid.pixel, grid.uly - rows * grid.pixel)
    lons, lats = lonlat_of(grid, x.ravel(), y.ravel())
    # A map across the antimeridian goes on beyond 180 degrees.
    lons = np.unwrap(np.unwrap(lons.reshape(x.shape), period=360, axis=0), period=360, axis=1)
    return {
        "columns": columns.tolist(),
        "rows": rows.tolist(),
        "lons": lons.ravel().round(DECIMALS).tolist(),
        "lats": lats.round(DECIMALS).tolist(),
    }


def _part_with_classes(folder: Path, view: MapView) -> tuple[int, int, int, int] | None:
    """Leave out the empty margins of a map: a file of a common grid may be empty but for a corner.

    The map is looked at by its overviews, in which a class stands wherever a pixel below has one.

    Returns:
        (left, top, right, bottom), px; None where it has no class.
    """
    codes = read_overview(folder / f"map_{view.cell}.tif", LOOKED_AT, resampling="mode")
    rows, columns = (np.flatnonzero(codes.any(axis=axis)) for axis in (1, 0))
    if rows.size == 0:
        return None
    (top, bottom), (left, right) = (
        (
            max(0, floor((places[0] - 1) * side / n)),
            min(side, ceil((places[-1] + 2) * side / n)),
        )
        for places, side, n in zip((rows, columns), view.grid.shape, codes.shape, strict=True)
    )
    return left, top, right, bottom


def _hold(folder: Path, files: Sequence[str]) -> None:
    """Write the beginning of files as scripts that hand it to the page."""
    for file in files:
        ends = level_ends(folder / file)
        end = max((end for end in ends if end <= MOST_HELD // len(files)), default=ends[0])
        with (folder / file).open("rb") as opened:
            text = base64.b64encode(opened.read(end)).decode("ascii")
        script = f"hold({json.dumps(file)}, {json.dumps(text)});\n"
        (folder / FOLDER / f"{file}.js").write_text(script, encoding="ascii")
