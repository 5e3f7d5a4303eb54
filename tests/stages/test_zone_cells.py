"""A zone in files of 100 km: the same pixels as in one file, whatever the tiles' order."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from hypothesis import given
from hypothesis import strategies as st
from mosaic_region import PIXEL, Region, place
from pyproj import Transformer

from landcover.analysis.map_pair import virtual_maps
from landcover.analysis.zonal_areas import areas_within
from landcover.errors import InputError, MissingDataError
from landcover.labels.zones import Zone
from landcover.nouns.grid import Grid
from landcover.nouns.output import Output
from landcover.parts.mapping.cell_grids import on_lattice, zone_cell_grid
from landcover.parts.mapping.cells import is_one_file, zone_cells_of
from landcover.parts.mapping.map_lookup import codes_at, find_maps, mapped_hectares
from landcover.parts.reporting.report_maps import write_vrts
from landcover.pipeline.planning import WHOLE_RUN
from landcover.recipe import make_recipe
from landcover.recipe.mosaic import MosaicRecipe
from landcover.stores.rasters import RasterStyle, read_code_names, write_raster
from landcover.stores.workspace import Workspace

GRIDS = {
    "30SYJ": place("32630", 798_000, 4_402_000),
    "30TYK": place("32630", 798_000, 4_406_000),
    "31SBD": place("32631", 287_000, 4_399_200),
    "31TBE": place("32631", 287_000, 4_403_200),
}
"""Two tiles in four cells of zone 30 and, from 2 to 3 km further east, two of zone 31."""
CELLS = ["32630_E7N43", "32630_E7N44", "32630_E8N43", "32630_E8N44"]
FILES = ("classification.tif", "confidence.tif", "B04.tif")


def speckle(tile: str, found: np.ndarray) -> None:
    generator = np.random.default_rng(sorted(GRIDS).index(tile))
    wrong = generator.random(found.shape[1:]) < 0.2
    found[:, wrong] = np.array([1, 1, 252], np.uint8)[:, None]


def laid_together(region: Region, outputs: list[Output], name: str, whole: Grid) -> np.ndarray:
    """The cells' pixels on the grid of the whole zone; outside it they must be empty."""
    nodata = {"classification.tif": 0, "confidence.tif": 255, "B04.tif": -32768}[name]
    joined = np.full(whole.shape, nodata, np.int32)
    n_found = 0
    for output in outputs:
        grid, found = Grid.from_document(output.stats["grid"]), region.read(output, name)
        rows, columns = np.nonzero(found != nodata)
        n_found += rows.size
        down, right = whole.pixel_at(*grid.centre_of(0, 0))
        joined[rows + down, columns + right] = found[rows, columns]
    assert n_found == np.count_nonzero(joined != nodata)  # none in two cells
    return joined


@pytest.mark.parametrize(
    "options",
    [{}, {"blend": "feather", "smooth": 4.0, "majority": 3, "min_pixels": 6}],
    ids=["plain", "feathered-and-cleaned"],
)
def test_the_cells_are_the_zone(tmp_path: Path, options: dict[str, Any]) -> None:
    one = Region(tmp_path / "one", {**options, "cells": "zone"}, change=speckle, grids=GRIDS)
    many = Region(
        tmp_path / "many", {**options, "cells": "100km"}, change=speckle, grids=GRIDS,
        named=tuple(reversed(GRIDS)),
    )  # fmt: skip
    assert one.cells() == ["32630", "32631"]
    assert [cell for cell in many.cells() if cell.startswith("32630")] == CELLS
    whole = one.join("32630")
    parts = [many.join(cell) for cell in CELLS]
    for name in FILES:
        expected = one.read(whole, name)
        joined = laid_together(many, parts, name, Grid.from_document(whole.stats["grid"]))
        np.testing.assert_array_equal(joined, expected, err_msg=name)
    # What overlaps is counted once, halo or not.
    for what in ("pixels", "differing"):
        counted = Counter[tuple[str, str]]()
        for part in parts:
            counted.update({(p["first"], p["second"]): p[what] for p in part.stats["overlaps"]})
        assert counted == {(p["first"], p["second"]): p[what] for p in whole.stats["overlaps"]}
    grid = Grid.from_document(parts[0].stats["grid"])
    assert grid == Grid(crs="EPSG:32630", ulx=7e5, uly=4.4e6, pixel=PIXEL, width=2500, height=2500)


def test_how_many_files_leaves_no_trace_in_a_zone(tmp_path: Path) -> None:
    ids = {
        Region(tmp_path / how, {"cells": how}, grids=GRIDS).join("32630").id
        for how in ("auto", "zone")
    }
    assert len(ids) == 1


def test_a_cell_is_made_of_what_it_needs(tmp_path: Path) -> None:
    region = Region(tmp_path, {"cells": "100km"}, grids=GRIDS)
    output = region.join("32630_E8N43")
    assert output.stats["mapped"] == ["30SYJ"]
    assert len(output.wanted.inputs["maps"]) == len(output.wanted.inputs["composites"]) == 1
    assert len(output.wanted.inputs["neighbours"]) == 1  # the other begins further north
    assert "cells" not in output.wanted.params
    assert "lattice" not in output.wanted.params
    with pytest.raises(MissingDataError, match="no tile that touches this cell was prepared"):
        region.join("32630_E5N43")
    with pytest.raises(InputError, match="is not a cell of EPSG:32630"):
        zone_cell_grid("32631_E5N43", GRIDS["30SYJ"])


def test_tiles_off_the_lattice_say_so_in_the_name(tmp_path: Path) -> None:
    """Tiles that were delivered at a coarse pixel: all cells go by the first of the zone."""
    moved = {
        tile: grid.model_copy(update={"ulx": grid.ulx + shift, "uly": grid.uly + 15})
        for (tile, grid), shift in zip(GRIDS.items(), (12, -9, 0, 0), strict=True)
    }
    one = Region(tmp_path / "one", grids=moved)
    many = Region(tmp_path / "many", {"cells": "100km"}, grids=moved)
    whole, parts = one.join("32630"), [many.join(cell) for cell in CELLS]
    assert all(
        part.wanted.params["lattice"] == {"map": [12.0, 15.0], "B04": [12.0, 15.0]}
        for part in parts
    )
    grid = Grid.from_document(whole.stats["grid"])
    for name in FILES:
        joined = laid_together(many, parts, name, grid)
        np.testing.assert_array_equal(joined, one.read(whole, name), err_msg=name)


def test_auto_counts_the_tiles_of_the_run() -> None:
    how = MosaicRecipe()
    assert [is_one_file(how, n) for n in (1, 4, 5)] == [True, True, False]
    assert is_one_file(MosaicRecipe(cells="zone"), 150)
    assert not is_one_file(MosaicRecipe(cells="100km"), 1)


def test_auto_plans_cells_for_five_tiles(tmp_path: Path) -> None:
    others = ("30SXJ", "30SXH", "30SYH", "31SCD")
    region = Region(tmp_path, grids=GRIDS, named=(*GRIDS, *others))
    # Five tiles of zone 30 are named, though two only were prepared; three of zone 31.
    assert region.cells() == [*CELLS, "32631"]


@given(
    shift=st.integers(0, 59),
    pixel=st.sampled_from([10.0, 20.0, 60.0, 7.0]),
    column=st.integers(0, 30_000),
    side=st.integers(1, 200),
)
def test_every_pixel_has_one_cell(shift: int, pixel: float, column: int, side: int) -> None:
    lattice = Grid(crs="EPSG:32719", ulx=100_000 + shift, uly=9e6, pixel=pixel, width=1, height=1)
    tile = lattice.model_copy(
        update={
            "ulx": lattice.ulx + column * pixel, "uly": lattice.uly - column * pixel,
            "width": side, "height": side,
        }
    )  # fmt: skip
    cells = [zone_cell_grid(cell, lattice) for cell in zone_cells_of(on_lattice(tile, lattice))]
    n_pixels = 0
    for cell in cells:
        row, column_in = cell.pixel_at(*tile.centre_of(0, 0))
        rows = range(max(0, row), min(cell.height, row + side))
        columns = range(max(0, column_in), min(cell.width, column_in + side))
        assert rows  # no cell is named in vain
        assert columns
        n_pixels += len(rows) * len(columns)
    assert n_pixels == side**2


def test_cells_belong_to_zones() -> None:
    seasons = [{"name": "spring", "primary_month": 3, "fallback_month": 4}]
    with pytest.raises(InputError, match=r"mosaic\.cells: expected 'auto', found 'zone'"):
        make_recipe(
            {"name": "x", "seasons": seasons, "mosaic": {"grid": "EPSG:3035", "cells": "zone"}}
        )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Region, Path, Path]:
    """The cells of a zone as a report has them, and the zone in one file."""
    root = tmp_path_factory.mktemp("report")
    region = Region(root / "many", {"cells": "100km"}, grids=GRIDS)
    whole = Region(root / "one", grids=GRIDS)

    def write(path: Path) -> None:
        for cell in CELLS:
            made = region.join(cell)
            grid = Grid.from_document(made.stats["grid"])
            codes = region.read(made, "classification.tif")
            name = path / f"map_{cell}.tif"
            write_raster(name, codes, grid, RasterStyle("uint8", 0, colours={2: (1, 2, 3, 255)}))
            with rasterio.open(name, "r+") as raster:
                raster.update_tags(simulated="yes")
                raster.update_tags(1, class_2="openForest")
        write_vrts(path)

    stats = {"maps": [f"map_{cell}.tif" for cell in CELLS]}
    made = region._output("publish", "report", stats, write)
    region._put("publish", WHOLE_RUN, made)
    folder = Path(region.workspace.objects.href(made.key))
    output = whole.join("32630")
    grid = Grid.from_document(output.stats["grid"])
    codes = whole.read(output, "classification.tif")
    write_raster(root / "zone.tif", codes, grid, RasterStyle("uint8", 0))
    return region, folder, root / "zone.tif"


def refuse() -> Workspace:
    raise AssertionError("paths need no workspace")


@pytest.mark.parametrize("how", ["virtual", "files"])
def test_cells_are_read_as_the_zone_is(report: tuple[Region, Path, Path], how: str) -> None:
    _, folder, zone = report
    cells = ",".join(str(path) for path in sorted(folder.glob("map_*_*.tif")))
    many = find_maps(refuse, str(folder / "map_32630.vrt") if how == "virtual" else cells)
    (one,) = find_maps(refuse, str(zone))
    assert mapped_hectares(many) == pytest.approx(mapped_hectares([one]), rel=1e-12)
    to_degrees = Transformer.from_crs(32630, 4326, always_xy=True)
    generator = np.random.default_rng(1)
    x, y = generator.uniform(798_000, 804_000, 200), generator.uniform(4_396_000, 4_406_000, 200)
    lon, lat = to_degrees.transform(x, y)
    points = pd.DataFrame({"lon": lon, "lat": lat})
    np.testing.assert_array_equal(codes_at(many, points), codes_at([one], points))
    around = shapely.Polygon(zip(*to_degrees.transform(
        np.array([799e3, 803e3, 801e3]), np.array([4.397e6, 4.399e6, 4.405e6])), strict=True,
    ))  # fmt: skip
    zones = [Zone(0, "triangle", around)]
    assert areas_within(many, zones)[0].pixels == areas_within([one], zones)[0].pixels


def test_a_virtual_raster_tells_what_its_files_do(report: tuple[Region, Path, Path]) -> None:
    region, folder, _ = report
    told = read_code_names(folder / "map_32630.vrt")
    assert (told.names, told.is_simulated) == ({2: "openForest"}, True)
    assert virtual_maps(region.workspace, "run") == [str(folder / "map_32630.vrt")]
    assert virtual_maps(region.workspace, "another") == []
