"""What an elevation may lack, hold or be called, and what the terrain of a tile then is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from landcover import api
from landcover.errors import InputError, sentence_of
from landcover.ledger import outputs, runs, units
from landcover.nouns.grid import Grid
from landcover.nouns.output import Wanted
from landcover.nouns.run import Run, Unit, UnitState
from landcover.nouns.run_arguments import RunArguments
from landcover.parts.preparation import terrain_rasters
from landcover.recipe import read_recipe
from landcover.stores.rasters import read_array

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
TILE = "30SUF"
SIDE = 1200
"""Pixels of a degree in these cells, three arc-seconds."""
WEST, EAST = (36, -6), (36, -5)
AS_IS = "terrain.denoise=null"


def work_grid(lon: float, lat: float, pixels: int = 240) -> Grid:
    """A work grid with a point in its middle."""
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True).transform(lon, lat)
    half = pixels * 5
    return Grid(
        crs="EPSG:32630", ulx=round(x, -1) - half, uly=round(y, -1) + half, pixel=10,
        width=pixels, height=pixels,
    )  # fmt: skip


def cell(
    folder: Path,
    corner: tuple[int, int],
    values: np.ndarray,
    *,
    first_column: int = 0,
    **profile: Any,
) -> Path:
    """Write a cell as GLO-30 has it: no line is shared; the first centre is on the west edge."""
    folder.mkdir(exist_ok=True)
    lat, lon = corner
    rows, columns = values.shape
    width = 1 / SIDE if columns > SIDE / 2 else profile.pop("step", 1 / SIDE)
    name = f"{'N' if lat >= 0 else 'S'}{abs(lat):02d}_00_{'E' if lon >= 0 else 'W'}{abs(lon):03d}"
    path = folder / f"Copernicus_DSM_COG_10_{name}_00_DEM.tif"
    place = rasterio.Affine(
        width, 0, lon - width / 2 + first_column * width, 0, -1 / SIDE, lat + 1 + 0.5 / SIDE
    )
    known = {"crs": "EPSG:4326", "nodata": -9999.0, **profile}
    unit = known.pop("unit", "")
    with rasterio.open(
        path, "w", driver="GTiff", dtype=values.dtype, count=1, height=rows, width=columns,
        transform=place, compress="deflate", **known,
    ) as raster:  # fmt: skip
        raster.write(values, 1)
        if unit:
            raster.units = (unit,)
    return path


def level(height: float, columns: int = SIDE) -> np.ndarray:
    return np.full((SIDE, columns), height, np.float32)


def make(grid: Grid, dem: Path, *overrides: str, run: str = "run") -> tuple[UnitState, Any]:
    """Run the terrain of a tile whose seasons are composited, as far as the records know."""
    workspace = api.open_workspace()
    recipe = read_recipe(RECIPE, overrides)
    arguments = RunArguments(tiles=(TILE,), year=2021, products="", dem=str(dem))
    kept = Run(
        id=run, recipe_id=runs.recipe_id(recipe), arguments=arguments, label_id=None, simulated=True
    )
    runs.save(workspace, kept, recipe)
    for span in recipe.spans(2021):
        wanted = Wanted(
            stage="composite", version=1, unit=f"{TILE}/{span.name}", inputs={},
            params=grid.to_document(),
        )  # fmt: skip
        stats = {"layers": {"B02": grid.to_document()}, "period": span.periods[0].to_document()}
        made = outputs.commit(workspace, wanted, "", None, stats)
        unit = Unit(id=f"{TILE}.{span.name}", label=f"{TILE} {span.name}", tile=TILE)
        state = UnitState(run=run, stage="composite", unit=unit, state="done", outputs=(made.id,))
        units.save(workspace.records, state)
    units.plan(workspace.records, run, ["terrain"], [Unit(id=TILE, label=TILE, tile=TILE)])
    order = {"schema": 1, "run": run, "stage": "terrain", "unit": TILE, "attempt": 1}
    api.run("terrain", {**order, "memory_gb": 1.0, "threads": 1})
    ended = units.load(workspace.records, run, "terrain", TILE)
    assert ended is not None
    found = outputs.load(workspace, ended.outputs[0]) if ended.is_finished else None
    return ended, found


def read(output: Any, name: str = "elevation") -> np.ndarray:
    path = api.open_workspace().objects.href(output.key, f"{name}.tif")
    return np.asarray(read_array(path)[0][0])


def test_the_sea_is_at_0_m_and_nowhere_else(tmp_path: Path, workspace_folder: Path) -> None:
    grid = work_grid(-5.0, 36.5)
    cell(tmp_path / "dem", WEST, level(100))
    _, output = make(grid, tmp_path / "dem", AS_IS)
    heights = read(output)
    assert not np.isnan(heights).any(), "no gap where the land's last pixel meets the sea"
    assert (heights[:, :100] == 100).all()
    assert (heights[:, -100:] == 0).all()
    assert (np.diff(heights, axis=1) <= 0).all(), "the shore falls from the one to the other"
    assert output.stats["missing_cells"] == "N36W005"
    _, dry = make(grid, tmp_path / "dem", AS_IS, "terrain.missing_is_sea=false", run="dry")
    heights = read(dry)
    assert np.isnan(heights[:, -100:]).all()
    assert (heights[:, :100] == 100).all()


def test_a_cell_that_is_half_there_is_no_sea(tmp_path: Path, workspace_folder: Path) -> None:
    cell(tmp_path / "dem", WEST, level(100))
    cell(tmp_path / "dem", EAST, level(50, SIDE - 6), first_column=6)
    _, output = make(work_grid(-5.0, 36.5), tmp_path / "dem", AS_IS)
    heights = read(output)
    assert (heights[:, :100] == 100).all()
    assert (heights[:, -20:] == 50).all()
    assert np.isnan(heights[:, 125:155]).all()
    assert output.stats["missing_cells"] == "none"
    assert 10 < output.stats["elevation"]["nodata_percent"] < 30


def test_where_columns_grow_wider_there_is_no_gap(tmp_path: Path, workspace_folder: Path) -> None:
    # From 50 degrees on, cells of GLO-30 have two thirds of the columns.
    ramp = np.repeat(np.arange(SIDE, dtype=np.float32)[:, np.newaxis], SIDE, axis=1)
    cell(tmp_path / "dem", (49, -3), 300 - ramp / 10)
    cell(tmp_path / "dem", (50, -3), 420 - ramp[:, : SIDE // 2] / 10, step=2 / SIDE)
    _, output = make(work_grid(-2.5, 50.0), tmp_path / "dem", AS_IS)
    heights = read(output)
    assert not np.isnan(heights).any()
    assert (np.diff(heights, axis=0) <= 1e-3).all()
    assert np.abs(np.diff(heights, axis=0)).max() < 0.4


def test_voids_stay_or_are_filled(tmp_path: Path, workspace_folder: Path) -> None:
    values = level(100)
    values[600, 599:601] = -9999  # about 3 by 5 cells of 30 m, and their neighbours
    cell(tmp_path / "dem", WEST, values)
    grid = work_grid(-5.5, 36.5)
    _, kept = make(grid, tmp_path / "dem", AS_IS)
    assert kept.stats["filled_cells"] == 0
    assert 0 < kept.stats["elevation"]["nodata_percent"] < 1
    _, filled = make(grid, tmp_path / "dem", AS_IS, "terrain.fill_voids=100", run="filled")
    assert 10 < filled.stats["filled_cells"] < 100
    assert filled.stats["elevation"] == {
        "nodata_percent": 0.0, "minimum": 100.0, "maximum": 100.0,
    }  # fmt: skip
    assert not np.isnan(read(filled, "slope")).any()


def test_a_file_elsewhere_is_no_elevation_of_the_tile(
    tmp_path: Path, workspace_folder: Path
) -> None:
    far = cell(tmp_path / "dem", (10, 10), level(100))
    ended, _ = make(work_grid(-4.5, 36.5, 60), far, AS_IS)
    assert ended.state == "skipped"
    assert f"the elevation in {far} has no value in the tile. Name a DEM" in ended.message


def test_both_conventions_and_flat_ground(tmp_path: Path, workspace_folder: Path) -> None:
    # It falls to the south by 2 m per pixel of 92.5 m.
    rows = np.arange(SIDE, dtype=np.float32)[:, np.newaxis]
    cell(tmp_path / "dem", WEST, np.repeat(3000 - 2 * rows, SIDE, axis=1))
    grid = work_grid(-5.5, 36.5)
    for convention, expected in (("grass", 270), ("compass", 180)):
        overrides = (AS_IS, f"terrain.aspect={convention}")
        _, output = make(grid, tmp_path / "dem", *overrides, run=convention)
        # Grid north of the zone and true north are 1.5 degrees apart here.
        np.testing.assert_allclose(read(output, "aspect"), expected, atol=2)
        np.testing.assert_allclose(
            read(output, "slope"), np.degrees(np.arctan(2 / 92.47)), rtol=0.01
        )
    overrides = (AS_IS, "terrain.flat_below=1.5")
    _, output = make(grid, tmp_path / "dem", *overrides, run="flat")
    assert (read(output, "slope") == 0).all()
    assert (read(output, "aspect") == 0).all()


def test_blocks_leave_no_trace(
    tmp_path: Path, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(4)
    cell(tmp_path / "dem", WEST, np.rint(rng.normal(300, 3, (SIDE, SIDE))).astype(np.float32))
    grid = work_grid(-5.5, 36.5)
    _, whole = make(grid, tmp_path / "dem")
    expected = read(whole)
    monkeypatch.setattr(terrain_rasters, "BLOCK", 90)
    monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / "blocks"))
    _, blocks = make(grid, tmp_path / "dem")
    np.testing.assert_allclose(read(blocks), expected, atol=1e-4)
    assert expected.std() < 1.5, "and the noise of 3 m is gone"


def test_what_is_no_elevation_in_metres(tmp_path: Path, workspace_folder: Path) -> None:
    grid = work_grid(-5.5, 36.5)
    cases: list[tuple[dict[str, Any], np.ndarray, str]] = [
        ({"crs": None}, level(100), "no CRS"),
        ({"crs": "EPSG:32630"}, level(100), "expected an elevation cell in degrees"),
        ({"unit": "ft"}, level(300), "heights are in ft, expected metres"),
        ({"nodata": None}, level(-32768), "Declare the nodata value"),
        ({}, level(25_000), "convert feet to metres"),
    ]
    for number, (profile, values, sentence) in enumerate(cases):
        folder = tmp_path / f"dem-{number}"
        cell(folder, WEST, values, **profile)
        state, _ = make(grid, folder, AS_IS, run=f"run-{number}")
        assert (state.state, state.error_family) == ("failed", "input")
        assert sentence in state.message
        assert "DEM.tif" in state.message
        assert "\n" not in state.message
    path = cell(tmp_path / "cut", WEST, np.random.default_rng(0).normal(9, 1, (SIDE, SIDE)))
    path.write_bytes(path.read_bytes()[:200_000])
    state, _ = make(grid, tmp_path / "cut", AS_IS, run="cut")
    assert (state.state, state.error_family) == ("failed", "input")
    assert "damaged or truncated" in state.message


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [
        ({"crs": None}, "no CRS, so its position is unknown"),
        ({"unit": "US survey foot"}, "expected metres"),
    ],
)
def test_a_file_is_looked_at_before_anything_runs(
    tmp_path: Path, workspace_folder: Path, profile: dict[str, Any], sentence: str
) -> None:
    from landcover.pipeline.starting import start_run

    path = cell(tmp_path / "dem", WEST, level(100), **profile)
    products = tmp_path / "products"
    products.mkdir()
    recipe = read_recipe(RECIPE)
    arguments = RunArguments(tiles=(TILE,), year=2021, products="s3://bucket/root", dem=str(path))
    with pytest.raises(InputError, match=sentence) as caught:
        start_run(api.open_workspace(), "run", recipe, arguments)
    assert str(path) in sentence_of(caught.value)
