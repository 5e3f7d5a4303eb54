"""A workspace of a run over many tiles: one of them is prepared, the ledger holds the others alike.

Products of all tiles are there by name, linked to those of the one, so a folder of 450 tiles is as
long as a real one. Outputs of the others are links to its files and records with their own grids:
whoever looks tiles up, divides labels or lists a folder has the work of a real run of this size.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landcover.bench.season import run_stage, use

if TYPE_CHECKING:
    from landcover.nouns.output import Output
    from landcover.nouns.stages import Group
    from landcover.stores.workspace import Workspace

RUN = "bench"
YEAR = 2021
MEASURED = "30TVK"
"""The tile that is prepared, and measured: it has neighbours on all sides."""
SEASONS = {"spring": 3, "summer": 6}
DAYS = ("06", "16")
"""Days of the month with a product."""
LAYERS = {"B02": 10, "B03": 10, "B04": 10, "B08": 10, "SCL": 20}
ASSETS = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08", "scl": "SCL"}
CLASSES = ("cropland", "closedForest", "permanentWater")
POINTS = 10
"""Points of a class in each tile."""
OVERRIDES = (
    "seasons=[{name: spring, primary_month: 3, fallback_month: 4}, "
    "{name: summer, primary_month: 6, fallback_month: 7}]",
    "composite.layers=[B02, B03, B04, B08]",
    "features.indices=[ndvi]",
    "features.terrain=[]",
    "model.trees=5",
    "mosaic.cells=100km",
)
GROUPS_OF_TILES: tuple[Group, ...] = ("overlap", "terrain", "sample")
"""Groups that are planned before the model is there."""


def tiles_of(count: int) -> tuple[str, ...]:
    """Name so many tiles: the measured one first, then those around it, zone by zone."""
    from landcover.tiling.squares import ROW_0, square_of, tile_list

    here, ids = square_of(MEASURED), tile_list().ids
    rows = sorted(range(here.row - 12, here.row + 13), key=lambda row: abs(row - here.row))
    near = (str(ids[here.zone, row + ROW_0, column]) for row in rows for column in range(1, 9))
    far = (
        str(ids[zone, row + ROW_0, column])
        for zone in range(here.zone + 1, here.zone + 9)
        for row in rows
        for column in range(1, 9)
    )
    found = [MEASURED, *(t for t in (*near, *far) if t and t != MEASURED)]
    return tuple(found[:count])


def write_workspace(
    folder: Path, count: int, pixels: int, seed: int, until: str = "mosaic"
) -> None:
    """Write products, labels, and a workspace whose run has come as far as its class maps.

    Args:
        folder: ``products``, ``labels.csv`` and ``workspace`` go here.
        count: Tiles of the run.
        pixels: Side of each tile's window, pixels of 10 m, a multiple of 12.
        seed: Seed of the pixels.
        until: Stage that the run is to reach.
    """
    from landcover import api

    tiles = tiles_of(count)
    write_products(folder / "products", tiles, pixels, seed)
    write_labels(folder / "labels.csv", tiles, pixels)
    use(folder / "workspace")
    start(folder, count, until)
    _run("prepare", MEASURED)
    _copy(("collect", "mask", "composite"), tiles)
    for group in GROUPS_OF_TILES:
        api.plan(RUN, group)
    run_stage("sample", MEASURED)
    api.plan(RUN, "train")
    run_stage("train", "all")
    api.plan(RUN, "classify")
    run_stage("classify", MEASURED)
    _copy(("sample", "classify"), tiles)
    if until == "mosaic":
        api.plan(RUN, "mosaic")


def start(folder: Path, count: int, until: str = "mosaic") -> None:
    """Start the run, or start it again."""
    from landcover import api

    api.start_run(RUN, recipe(), **arguments(folder, count, until))


def arguments(folder: Path, count: int, until: str) -> dict[str, Any]:
    """Name the arguments of the run."""
    return {
        "year": YEAR,
        "products": str(folder / "products"),
        "tiles": list(tiles_of(count)),
        "labels": str(folder / "labels.csv"),
        "until": until,
        "overrides": list(OVERRIDES),
    }


def finish(run: str = RUN) -> str:
    """Write what was never begun as done like the others of its stage, and end the run.

    Returns:
        State of the run.
    """
    from landcover import api
    from landcover.ledger import units

    records = api.open_workspace().records
    states = units.states(records, run)
    done = {state.stage: state for state in states if state.is_finished}
    for state in states:
        if not state.is_finished:
            like = done.get(state.stage)
            changes = {"state": "done", "outputs": like.outputs if like else ()}
            units.save(records, state.model_copy(update=changes))
    return str(api.report(run)["state"])


def recipe() -> dict[str, Any]:
    """Give the document that the overrides go on."""
    return {"name": "bench", "seasons": [{"name": "s", "primary_month": 3, "fallback_month": 4}]}


def write_products(folder: Path, tiles: tuple[str, ...], pixels: int, seed: int) -> None:
    """Write the products of the measured tile, and link them under the names of all others."""
    for month in SEASONS.values():
        for day in DAYS:
            first = folder / _name(MEASURED, f"{YEAR}{month:02d}{day}")
            _write_product(first, MEASURED, pixels, (seed, month, int(day)))
            for tile in tiles[1:]:
                _link(first, folder / _name(tile, f"{YEAR}{month:02d}{day}"))


def _name(tile: str, day: str) -> str:
    return f"S2A_MSIL2A_{day}T105740_N0509_R051_T{tile}_{day}T160957.SAFE"


def write_own_products(folder: Path, tiles: tuple[str, ...], pixels: int, seed: int) -> None:
    """Write products of spring for each tile on its own grid: a run can work on all of them."""
    month = SEASONS["spring"]
    for number, tile in enumerate(tiles):
        for day in DAYS:
            path = folder / _name(tile, f"{YEAR}{month:02d}{day}")
            _write_product(path, tile, pixels, (seed, number, month, int(day)))


def _write_product(folder: Path, tile: str, pixels: int, seed: tuple[int, ...]) -> None:
    import numpy as np

    from landcover.stores.rasters import RasterStyle, write_raster
    from landcover.tiling import tile_grid

    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    for layer, size in LAYERS.items():
        side = 10 * pixels // size
        grid = tile_grid(tile, size).model_copy(update={"width": side, "height": side})
        dtype = "uint8" if layer == "SCL" else "uint16"
        values = np.full(grid.shape, 4) if layer == "SCL" else draw.integers(300, 900, grid.shape)
        style = RasterStyle(dtype, 0)
        write_raster(folder / f"{layer}.tif", values.astype(dtype), grid, style)
    day = folder.name[11:19]
    document = {
        "type": "Feature", "stac_version": "1.0.0", "id": folder.name,
        "assets": {key: {"href": f"./{layer}.tif"} for key, layer in ASSETS.items()},
        "properties": {
            "datetime": f"{day[:4]}-{day[4:6]}-{day[6:]}T11:10:00Z", "platform": "sentinel-2a",
            "grid:code": f"MGRS-{tile}", "eo:cloud_cover": 3.0,
            "s2:nodata_pixel_percentage": 0.0, "s2:processing_baseline": "05.09",
            "s2:product_uri": folder.name, "earthsearch:boa_offset_applied": True,
        },
    }  # fmt: skip
    (folder / "item.json").write_text(json.dumps(document))


def write_labels(path: Path, tiles: tuple[str, ...], pixels: int) -> None:
    """Write points of all classes in the windows of some tiles."""
    from pyproj import Transformer

    from landcover.tiling import tile_grid

    lines = ["lon,lat,label"]
    step = pixels * 10 / (POINTS * len(CLASSES) + 1)
    for tile in tiles:
        grid = tile_grid(tile)
        place = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform
        for number in range(POINTS * len(CLASSES)):
            away = (number + 1) * step
            lon, lat = place(grid.ulx + away, grid.uly - (7 * number % 30 + 1) * step)
            lines.append(f"{lon:.7f},{lat:.7f},{CLASSES[number % len(CLASSES)]}")
    path.write_text("\n".join(lines) + "\n")


def _run(group: Group, tile: str) -> None:
    """Run a group of stages for the units of one tile."""
    from landcover import api
    from landcover.ledger import runs
    from landcover.nouns.stages import GROUPS

    run, _ = runs.load(api.open_workspace(), RUN)
    for unit in api.plan(RUN, group):
        if unit["unit"].startswith(tile):
            for stage in filter(run.includes, GROUPS[group]):
                run_stage(stage, unit["unit"])


def _copy(stages: tuple[Any, ...], tiles: tuple[str, ...]) -> None:
    """Give each other tile what the measured one has at some stages."""
    from landcover import api
    from landcover.ledger import units

    workspace = api.open_workspace()
    for stage in stages:
        states = units.states(workspace.records, RUN, stage)
        for state in (s for s in states if s.unit.tile == MEASURED and s.is_finished):
            for tile in tiles[1:]:
                made = [_copied(workspace, i, tile).id for i in state.outputs]
                document = json.loads(json.dumps(state.to_document()).replace(MEASURED, tile))
                units.save(
                    workspace.records, type(state).from_document({**document, "outputs": made})
                )


def _copied(workspace: Workspace, output_id: str, tile: str) -> Output:
    """Record an output of the measured tile for another one: its files linked, its grids moved."""
    from landcover.ledger import outputs
    from landcover.nouns.output import Wanted

    first = outputs.load(workspace, output_id)
    text = json.dumps(first.wanted.to_document()).replace(MEASURED, tile)
    wanted = Wanted.from_document(json.loads(text))
    key = first.key.replace(MEASURED, tile).replace(first.id, wanted.id)
    if first.key:
        _link(*(Path(workspace.objects.href(name)) for name in (first.key, key)))
    changes = {"id": wanted.id, "wanted": wanted, "key": key, "stats": _moved(first.stats, tile)}
    found: Output = first.model_copy(update=changes)
    workspace.records.replace_one(outputs.COLLECTION, {"_id": found.id, **found.to_document()})
    return found


def _moved(stats: Any, tile: str) -> Any:
    """Move every grid in a document to a tile."""
    from landcover.tiling import tile_grid

    if isinstance(stats, dict) and {"crs", "ulx", "uly"} <= stats.keys():
        grid = tile_grid(tile)
        return {**stats, "crs": grid.crs, "ulx": grid.ulx, "uly": grid.uly}
    if isinstance(stats, dict):
        return {name: _moved(value, tile) for name, value in stats.items()}
    return stats


def _link(source: Path, path: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, path, copy_function=os.link)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, path)


def units_of(tile: str) -> Iterator[tuple[Any, str]]:
    """Name stage and unit of what is measured of a tile."""
    yield "collect", f"{tile}.{YEAR}-spring"
    yield "sample", tile
    yield "classify", tile
    yield "overlap", tile
