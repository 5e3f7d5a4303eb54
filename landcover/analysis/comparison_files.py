"""What a comparison leaves in a folder: numbers, where and why, a figure and a page."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from landcover.analysis.attribution import CAUSE
from landcover.analysis.comparison import WHERE, Compared, second_codes
from landcover.errors import InputError
from landcover.nouns.change import CAUSES, ChangeSplit
from landcover.nouns.comparison import Comparison
from landcover.nouns.grid import Grid, Window
from landcover.publish.png import write_codes
from landcover.stores.rasters import read_codes, read_warped

DOCUMENT, TABLE, PICTURE, AGREEMENT, PLATE, PAGE = (
    "comparison.json", "comparison.csv", "agreement.png", "agreement.tif", "comparison.png",
    "comparison.html",
)  # fmt: skip
CHANGES, CAUSE_PICTURE = "change.csv", "change.png"
LONGEST_SIDE = 1200
"""Most rows or columns of a picture, px."""
_BANDS = ("B04", "B03", "B02")
_NODATA = -32768


@contextmanager
def all_or_nothing(folder: Path) -> Iterator[Path]:
    """Give a scratch folder whose files go into ``folder`` at the end; after an error none do."""
    near = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    with TemporaryDirectory(prefix=".comparison-", dir=near) as scratch:
        yield Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(Path(scratch).iterdir()):
            file.replace(folder / file.name)


def write_comparison(compared: Compared, folder: Path, title: str) -> list[str]:
    """Write the files of a comparison beside its agreement map.

    Args:
        compared: The comparison; ``agreement.tif`` lies in the folder already, and ``change.tif``
            where the difference was divided.
        folder: Where they go.
        title: Headline of the figure.

    Returns:
        Names of all files.
    """
    from landcover.publish.comparison_page import render_comparison
    from landcover.publish.comparison_picture import Place, draw_comparison

    result = compared.result
    (folder / DOCUMENT).write_text(result.model_dump_json(indent=1) + "\n", encoding="utf-8")
    _write_table(result, folder / TABLE)
    names = result.first, result.second
    coarse = _coarse(compared.first.grid)
    write_codes(folder / PICTURE, read_codes(folder / AGREEMENT, coarse), WHERE)
    files = [DOCUMENT, TABLE, AGREEMENT, PICTURE, PLATE, PAGE]
    if result.split is not None:
        _write_changes(result.split, folder / CHANGES)
        write_codes(folder / CAUSE_PICTURE, read_codes(folder / CAUSE, coarse), CAUSES)
        files += [CHANGES, CAUSE, f"{CAUSE}.aux.xml", CAUSE_PICTURE]
    grids = [("region", coarse)]
    grids += [
        (f"place {number}", _part(compared.first.grid, window))
        for number, window in enumerate(compared.zooms, start=1)
    ]
    places = [
        Place(
            name,
            grid,
            compared.reading.first[read_codes(compared.first.href, grid)],
            compared.reading.second[second_codes(compared.second, grid, None)],
            _bands(compared.first.href, grid),
            None if result.split is None else read_codes(folder / CAUSE, grid),
        )
        for name, grid in grids
    ]
    draw_comparison(
        places,
        compared.reading.legend.classes,
        folder / PLATE,
        title,
        names if names[0] != names[1] else ("first map", "second map"),
        is_simulated=result.simulated,
    )
    picture = PICTURE if result.split is None else CAUSE_PICTURE
    page = render_comparison(result, title, PLATE, picture, [f for f in files if f != PAGE])
    (folder / PAGE).write_text(page, encoding="utf-8")
    return files


def _write_table(result: Comparison, path: Path) -> None:
    names = [entry.name for entry in result.classes]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([f"hectares, rows: {result.first}, columns: {result.second}", *names])
        for name, row in zip(names, result.hectares, strict=True):
            writer.writerow([name, *(f"{hectares:.4f}" for hectares in row)])


def _write_changes(split: ChangeSplit, path: Path) -> None:
    causes = [cause.name for cause in split.causes]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second", "pixels", "hectares", *causes])
        for row in split.classes:
            areas = (f"{area:.4f}" for area in (row.hectares, *(row.by_cause[c] for c in causes)))
            writer.writerow([row.first, row.second, row.pixels, *areas])


def _coarse(grid: Grid) -> Grid:
    """Cover a grid with pixels so large that a picture holds it."""
    factor = max(1, -(-max(grid.shape) // LONGEST_SIDE))
    update = {
        "pixel": grid.pixel * factor,
        "width": -(-grid.width // factor),
        "height": -(-grid.height // factor),
    }
    return grid.model_copy(update=update)


def _part(grid: Grid, window: Window) -> Grid:
    update = {
        "ulx": grid.ulx + window.column * grid.pixel,
        "uly": grid.uly - window.row * grid.pixel,
        "width": window.width,
        "height": window.height,
    }
    return grid.model_copy(update=update)


def _bands(href: str, grid: Grid) -> NDArray[np.int16] | None:
    """Read the true-colour composite that lies beside a mosaic; None where there is none."""
    folder = href.rpartition("/")[0]
    try:
        read = [read_warped(f"{folder}/{name}.tif", grid, resampling="nearest") for name in _BANDS]
    except InputError:
        return None
    bands = np.stack(read)
    return np.where(np.isnan(bands), _NODATA, bands).astype(np.int16)
