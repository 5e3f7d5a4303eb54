"""Samples of a tile beside single windows and whole bands; readers of a million labels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench import layers
from landcover.bench.processes import Case, side_by_side
from landcover.bench.season import LAYERS, TILE
from landcover.bench.tables import Progress, Report, Request, Work, digest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

POINTS = 1000
"""Points that are sampled, nine pixels each."""
MANY = 1_000_000
"""Points of the files that are read; a tenth of the pixels where these are fewer."""
UNITS = {layer: 1000 if layer in ("AOT", "WVP") else 10_000 for layer in LAYERS}
"""Stored units of 1 in each layer."""


def disk_gb(request: Request) -> float:
    """Say what three seasons, terrain and the label files take, GB."""
    pixels = request.pixels_or(2196)
    return pixels**2 * layers.BYTES_PER_PIXEL / 1e9 + 100 * _many(pixels) / 1e9


def measure(request: Request, progress: Progress) -> Report:
    """Sample a tile in several ways, then read labels from CSV and GeoParquet.

    Raises:
        InputError: The ways of sampling give different numbers.
    """
    pixels, repeats = request.pixels_or(2196), request.repeats_or(3)
    folder = request.folder
    layers.write_layers(folder / "layers", pixels, request.seed, progress)
    write_labels(folder, "few", pixels, min(POINTS, pixels**2 // 500), request.seed)
    many = _many(pixels)
    write_labels(folder, "many", pixels, many, request.seed + 1)
    known = {"folder": str(folder), "pixels": pixels}
    rows = side_by_side(
        f"{min(POINTS, pixels**2 // 500)} points x 3 seasons",
        [
            Case("ours, 72 features", f"{__name__}:ours", known),
            Case("a window a point, 42 layers", f"{__name__}:by_windows", known),
            Case("whole bands, 42 layers", f"{__name__}:by_bands", known),
        ],
        repeats,
        progress,
    )
    for name, rival in (("csv", "pandas alone"), ("parquet", "pyarrow and shapely alone")):
        file = str(folder / f"many.{name}")
        rows += side_by_side(
            f"{many} points, {name}",
            [
                Case("ours", f"{__name__}:our_reader", {"file": file}),
                Case(rival, f"{__name__}:plain_{name}", {"file": file}),
            ],
            repeats,
            progress,
        )
    return Report(
        "samples",
        {"pixels": pixels, "labels": many},
        rows,
        (
            "All ways of sampling give the same stored numbers; ours also computes indices and "
            "reads terrain.",
            "Readers alone give columns; ours also checks them, names points and settles "
            "duplicates and contradictions.",
        ),
    )


def _many(pixels: int) -> int:
    return min(MANY, pixels**2 // 10)


def write_labels(folder: Path, name: str, pixels: int, count: int, seed: int) -> None:
    """Write random points of the nine classes as CSV and GeoParquet.

    Args:
        folder: Where the two files go.
        name: Their name without ending.
        pixels: Side of the tile, pixels of 10 m.
        count: Number of points.
        seed: Seed of places and classes.
    """
    import json

    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely
    from pyproj import Transformer

    from landcover.nouns.legend import MEDITERRANEAN

    grid = layers.grid_of(pixels, 10)
    west, south, east, north = grid.bounds
    draw = np.random.default_rng(seed)
    x, y = draw.uniform(west + 30, east - 30, count), draw.uniform(south + 30, north - 30, count)
    to_degrees = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(x, y)
    classes = np.array(MEDITERRANEAN.names)[draw.integers(0, len(MEDITERRANEAN.names), count)]
    table = pd.DataFrame({"latitude": lat.round(7), "longitude": lon.round(7), "label": classes})
    table.to_csv(folder / f"{name}.csv", index=False)
    points = shapely.points(table["longitude"].to_numpy(), table["latitude"].to_numpy())
    wkb = np.asarray(shapely.to_wkb(points), dtype=object)
    geo = {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}},
    }
    arrow = pa.table({"label": pa.array(classes), "geometry": pa.array(wkb.tolist(), pa.binary())})
    arrow = arrow.replace_schema_metadata({"geo": json.dumps(geo)})
    pq.write_table(arrow, folder / f"{name}.parquet", compression="zstd")


def ours(folder: str, pixels: int) -> Work:
    """Sample by the stage."""
    import pandas as pd

    from landcover.stages.sample import sample

    task = _task(folder, pixels)

    def work() -> Work:
        sample(task)
        with task.local(task.made[0]) as path:
            table = pd.read_parquet(path)
        return lambda: _digest(
            table[f"{season}_{layer}"].to_numpy() * UNITS[layer]
            for season, _, _ in layers.SEASONS
            for layer in LAYERS
        )

    return work


def by_windows(folder: str, pixels: int) -> Work:
    """Read a window of every layer around every point."""
    import numpy as np

    from landcover.nouns.grid import Window
    from landcover.stores.rasters import open_raster

    table = _pixels(folder, pixels)

    def read(path: Path, ratio: int) -> NDArray[Any]:
        found = np.empty(len(table), np.int16)
        with open_raster(path) as raster:
            for _, one in table.groupby("point_index"):
                row, column = one["row"].to_numpy() // ratio, one["column"].to_numpy() // ratio
                window = Window(row.min(), column.min(), np.ptp(row) + 1, np.ptp(column) + 1)
                values = raster.read(window, band=1)
                found[one.index] = values[row - window.row, column - window.column]
        return found

    def work() -> Work:
        values = [read(path, ratio) for path, ratio in _files(folder)]
        return lambda: _digest(values)

    return work


def by_bands(folder: str, pixels: int) -> Work:
    """Read every layer in one piece and take the pixels out of it."""
    from landcover.stores.rasters import open_raster

    table = _pixels(folder, pixels)

    def read(path: Path, ratio: int) -> NDArray[Any]:
        with open_raster(path) as raster:
            values = raster.read(band=1)
        return values[table["row"] // ratio, table["column"] // ratio]

    def work() -> Work:
        values = [read(path, ratio) for path, ratio in _files(folder)]
        return lambda: _digest(values)

    return work


def our_reader(file: str) -> Work:
    """Read labels as a run does."""
    from landcover.labels.reading import read_labels

    return lambda: len(read_labels(file).points)


def plain_csv(file: str) -> Work:
    """Parse the file, and nothing else."""
    import pandas as pd

    return lambda: len(pd.read_csv(file))


def plain_parquet(file: str) -> Work:
    """Read the table and parse its geometries, and nothing else."""
    import pyarrow.parquet as pq
    import shapely

    def work() -> int:
        table = pq.read_table(file)
        return len(shapely.from_wkb(table["geometry"].to_numpy()))

    return work


def _task(folder: str, pixels: int) -> Any:
    place = Path(folder)
    return layers.task_at_sampling(place / "layers", place / "few.csv", place, pixels)


def _pixels(folder: str, pixels: int) -> pd.DataFrame:
    """Find the pixels that the stage samples, in its order."""
    import pandas as pd

    from landcover.labels.assignment import assign_points
    from landcover.learn.samples import expand_points
    from landcover.stores import layout

    task, grid = _task(folder, pixels), layers.grid_of(pixels, 10)
    with task.workspace.objects.local(layout.labels(task.run.label_id)) as path:
        points = pd.read_parquet(path)
    mine = assign_points(points, {TILE: grid})[TILE]
    place = (mine["row"], mine["column"], mine["code"], mine["point_id"])
    return expand_points(*place, grid.shape)


def _files(folder: str) -> Iterator[tuple[Path, int]]:
    for season, _, _ in layers.SEASONS:
        for layer in LAYERS:
            yield Path(folder, "layers", season, f"{layer}.tif"), layers.COARSE.get(layer, 10) // 10


def _digest(values: Any) -> str:
    import numpy as np

    return digest(*(np.rint(one).astype(np.int16) for one in values))
