"""Slope and aspect against GRASS, GDAL and analytic surfaces; cells joined to one grid."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from pyproj import Geod

from landcover.errors import InputError
from landcover.nouns.grid import Grid
from landcover.raster.terrain import (
    aspect_vectors,
    extend_edges,
    geographic_cell_sizes,
    merge_cells,
    slope_aspect,
)

Convention = Literal["grass", "compass"]


def plane(east: float, north: float, cell_m: float = 10.0, size: int = 5) -> np.ndarray:
    """Heights that rise by so many metres per metre to the east and to the north."""
    rows, columns = np.indices((size, size))
    return 100 + cell_m * (east * columns - north * rows)


def circular(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs((a.astype(float) - b + 180) % 360 - 180)


def test_worked_number() -> None:
    dem = np.array([[101, 102, 103], [100, 101, 102], [99, 100, 101]])
    for convention in ("grass", "compass"):
        slope, aspect = slope_aspect(dem, 10, convention=convention)
        assert (slope.dtype, aspect.dtype) == (np.dtype(np.float32), np.dtype(np.float32))
        assert slope[1, 1] == pytest.approx(8.049467, abs=1e-6)
        assert aspect[1, 1] == pytest.approx(225, abs=1e-4)
        assert np.isnan(slope).sum() == np.isnan(aspect).sum() == 8


@pytest.mark.parametrize(
    ("descent", "east", "north", "grass", "compass"),
    [
        ("east", -0.1, 0, 360, 90),
        ("north", 0, -0.1, 90, 0),
        ("west", 0.1, 0, 180, 270),
        ("south", 0, 0.1, 270, 180),
        ("north-east", -0.1, -0.1, 45, 45),
        ("south-east", -0.1, 0.1, 315, 135),
    ],
)
def test_directions(descent: str, east: float, north: float, grass: float, compass: float) -> None:
    dem = plane(east, north)
    slope, aspect = slope_aspect(dem, 10)
    assert aspect[2, 2] == pytest.approx(grass, abs=1e-4), descent
    expected = np.degrees(np.arctan(np.hypot(east, north)))
    np.testing.assert_allclose(slope[1:-1, 1:-1], expected, atol=1e-5)
    assert slope_aspect(dem, 10, convention="compass")[1][2, 2] == pytest.approx(compass, abs=1e-4)


def test_nearly_east_is_never_flat() -> None:
    # An angle that single precision cannot tell from 0.
    for north in (-1e-60, 1e-60, -1e-12, 0.0):
        rows, columns = np.indices((3, 3))
        dem = -1.0 * columns - north * rows
        aspect = slope_aspect(dem, 1)[1][1, 1]
        assert aspect != 0
        assert circular(aspect, np.float64(0)) < 1e-4


def test_nearly_north_stays_below_360() -> None:
    aspect = slope_aspect(plane(1e-9, -0.1), 10, convention="compass")[1]
    assert (aspect[1:-1, 1:-1] < 360).all()


def test_flat_ground() -> None:
    slope, aspect = slope_aspect(np.full((4, 4), 7.0), 10)
    assert (slope[1:-1, 1:-1] == 0).all()
    assert (aspect[1:-1, 1:-1] == 0).all()
    slope, aspect = slope_aspect(np.full((4, 4), 7.0), 10, convention="compass")
    assert (slope[1:-1, 1:-1] == 0).all()
    assert np.isnan(aspect).all()


def test_flat_below() -> None:
    dem = plane(0.001, 0)  # 0.0573 degrees
    assert slope_aspect(dem, 10)[1][2, 2] == 180
    slope, aspect = slope_aspect(dem, 10, flat_below=0.1)
    assert (slope[2, 2], aspect[2, 2]) == (0, 0)
    assert np.isnan(slope_aspect(dem, 10, flat_below=0.1, convention="compass")[1][2, 2])
    assert slope_aspect(plane(0.1, 0), 10, flat_below=0.1)[1][2, 2] == 180


@pytest.mark.parametrize(("row", "column"), [(2, 2), (1, 2), (3, 3), (2, 1)])
def test_a_void_reaches_its_neighbours(row: int, column: int) -> None:
    dem = plane(0.1, 0.2)
    dem[row, column] = np.nan
    slope, aspect = slope_aspect(dem, 10)
    assert np.isnan(slope[2, 2])
    assert np.isnan(aspect[2, 2])
    far = plane(0.1, 0.2, size=7)
    far[0, 0] = np.nan
    assert np.isnan(slope_aspect(far, 10)[0]).sum() == 24 + 1


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (9, 2)])
def test_nothing_to_see_without_neighbours(shape: tuple[int, int]) -> None:
    slope, aspect = slope_aspect(np.ones(shape), 10)
    assert slope.shape == aspect.shape == shape
    assert np.isnan(slope).all()


def test_rows_beyond_one_strip_join() -> None:
    dem = np.random.default_rng(0).random((600, 9)) * 30
    slope, aspect = slope_aspect(dem, 10)
    for top in (0, 200, 250, 590):
        part = slope_aspect(dem[top : top + 10], 10)
        np.testing.assert_array_equal(part[0][1:-1], slope[top + 1 : top + 9])
        np.testing.assert_array_equal(part[1][1:-1], aspect[top + 1 : top + 9])


def test_a_quarter_turn() -> None:
    dem = np.random.default_rng(1).random((30, 30)) * 50
    slope, aspect = slope_aspect(dem, 10, convention="compass")
    turned_slope, turned_aspect = slope_aspect(np.rot90(dem, -1), 10, convention="compass")
    np.testing.assert_allclose(turned_slope, np.rot90(slope, -1), atol=1e-5)
    difference = circular(turned_aspect, np.rot90(aspect, -1) + 90)
    assert np.nanmax(difference) < 1e-4


def test_a_cone_faces_outwards() -> None:
    rows, columns = np.indices((41, 41)) - 20
    dem = 1000 - 5.0 * np.hypot(rows, columns)
    slope, aspect = slope_aspect(dem, 10, convention="compass")
    is_far = np.hypot(rows, columns) > 12
    is_far[[0, -1]] = is_far[:, [0, -1]] = False
    expected = np.degrees(np.arctan2(columns, -rows)) % 360
    assert circular(aspect, expected)[is_far].max() < 0.2
    assert np.abs(slope - np.degrees(np.arctan(0.5)))[is_far].max() < 0.2


@pytest.fixture(scope="module")
def oracle(spec_dir: Path) -> dict[str, np.ndarray]:
    with np.load(spec_dir / "oracles" / "dem_a.npz") as file:
        return {name: file[name] for name in file.files if name != "meta"}


@pytest.mark.parametrize(
    ("dem", "slope", "aspect"),
    [
        ("saga_void_s85_i60", "grass_slope_of_saga_void", "grass_aspect_of_saga_void"),
        ("dem_void", "grass_slope_of_dem_void", "grass_aspect_of_dem_void"),
    ],
)
def test_grass(oracle: dict[str, np.ndarray], dem: str, slope: str, aspect: str) -> None:
    ours = slope_aspect(oracle[dem], 30)
    for found, expected in zip(ours, (oracle[slope], oracle[aspect]), strict=True):
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    assert np.nanmax(np.abs(ours[0] - oracle[slope])) <= 1e-5
    assert np.nanmax(circular(ours[1], oracle[aspect])) <= 1e-4
    np.testing.assert_array_equal(ours[1] == 0, oracle[aspect] == 0)
    if dem == "dem_void":
        assert np.count_nonzero(ours[1] == 0) == 1045


def test_grass_on_a_geographic_grid(oracle: dict[str, np.ndarray]) -> None:
    dem, step = oracle["dem_void"], 1 / 3600
    latitudes = 36.9 + 0.5 * step - (np.arange(dem.shape[0]) + 0.5) * step
    width, height = geographic_cell_sizes(latitudes, step)
    slope, aspect = slope_aspect(dem, width, cell_size_y_m=height)
    expected = oracle["grass_slope_geographic"], oracle["grass_aspect_geographic"]
    np.testing.assert_array_equal(np.isnan(slope), np.isnan(expected[0]))
    assert np.nanmax(np.abs(slope - expected[0])) <= 1e-4
    assert np.nanmax(circular(aspect, expected[1])) <= 1e-3


def test_gdal(oracle: dict[str, np.ndarray]) -> None:
    slope, aspect = slope_aspect(oracle["saga_void_s85_i60"], 30, convention="compass")
    expected = oracle["gdal_slope_of_saga_void"], oracle["gdal_aspect_of_saga_void"]
    is_known = ~np.isnan(slope) & (expected[0] >= 0)
    assert is_known.sum() > 9000
    assert np.abs(slope - expected[0])[is_known].max() <= 2e-4
    is_sloped = ~np.isnan(aspect) & (expected[1] >= 0)
    assert is_sloped.sum() > 9000
    assert circular(aspect, expected[1])[is_sloped].max() <= 0.05


def test_geographic_cell_sizes() -> None:
    width, height = geographic_cell_sizes([36.9], 1 / 3600)
    assert width.item() == pytest.approx(24.7578, abs=1e-4)
    assert height.item() == pytest.approx(30.8266, abs=1e-4)


@pytest.mark.parametrize("step", [1 / 3600, 0.01])
def test_cell_sizes_are_geodesics(step: float) -> None:
    latitudes = np.array([-60.0, -0.2, 0.3, 36.9, 44.5, 71.0])
    ellipsoid, zero = Geod(ellps="WGS84"), np.zeros(6)
    width = ellipsoid.inv(zero, latitudes, zero + step, latitudes)[2]
    height = ellipsoid.inv(zero, latitudes - step / 2, zero, latitudes + step / 2)[2]
    ours = geographic_cell_sizes(latitudes, step)
    np.testing.assert_allclose(ours[0], width, rtol=1e-7)
    np.testing.assert_allclose(ours[1], height, rtol=1e-7)


@pytest.mark.parametrize("convention", ["grass", "compass"])
@pytest.mark.parametrize(
    ("east", "north", "northness", "eastness"),
    [(0, -1, 1, 0), (-1, 0, 0, 1), (0, 1, -1, 0), (1, 0, 0, -1), (-1, -1, 0.7071068, 0.7071068),
     (0, 0, 0, 0)],
)  # fmt: skip
def test_aspect_vectors(
    convention: Convention, east: float, north: float, northness: float, eastness: float
) -> None:
    slope, aspect = slope_aspect(plane(east, north, cell_m=1), 1, convention=convention)
    vectors = aspect_vectors(aspect, convention, slope=slope)
    for found, expected in zip(vectors, (northness, eastness), strict=True):
        assert found.dtype == np.float32
        assert found[2, 2] == pytest.approx(expected, abs=1e-6)
        assert np.isnan(found).sum() == 16  # the frame stays unknown


def test_flat_and_void_look_alike_on_a_compass() -> None:
    slope, aspect = slope_aspect(plane(0, 0), 10, convention="compass")
    assert np.isnan(aspect_vectors(aspect, "compass")[0][2, 2])
    assert aspect_vectors(aspect, "compass", slope=slope)[0][2, 2] == 0


def cell(row: int, column: int, values: np.ndarray) -> tuple[np.ndarray, Grid]:
    """Place values on a 1-second lattice whose pixel centres are whole seconds."""
    step = 1 / 3600
    grid = Grid(
        crs="EPSG:4326",
        ulx=-4.0 + (column - 0.5) * step,
        uly=37.0 - (row - 0.5) * step,
        pixel=step,
        width=values.shape[1],
        height=values.shape[0],
    )
    return values, grid


def test_cells_with_shared_borders_merge() -> None:
    relief = np.random.default_rng(3).integers(0, 900, (11, 9)).astype(np.int16)
    cells = [
        cell(top, left, relief[top : top + 6, left : left + 5]) for top in (5, 0) for left in (0, 4)
    ]
    merged, grid = merge_cells(cells)
    assert merged.dtype == np.float32
    np.testing.assert_array_equal(merged, relief)
    assert grid.shape == (11, 9)
    assert (grid.ulx, grid.uly) == cell(0, 0, relief)[1].transform[2::3]
    np.testing.assert_array_equal(merge_cells(cells[::-1])[0], merged)


def test_voids_and_gaps() -> None:
    west = np.array([[1, -9999, 3]], dtype=np.int16)
    east = np.array([[33, 4]], dtype=np.int16)  # shares the column of 3: the first wins
    north = np.array([[np.nan, 7]], dtype=np.float32)
    merged, _ = merge_cells([cell(1, 0, west), cell(1, 2, east), cell(0, 0, north)])
    np.testing.assert_array_equal(
        merged, np.array([[np.nan, 7, np.nan, np.nan], [1, np.nan, 3, 4]], np.float32)
    )
    filled, _ = merge_cells([cell(0, 0, west), cell(0, 0, np.array([[9, 8, 7]]))])
    np.testing.assert_array_equal(filled, np.array([[1, 8, 3]], np.float32))
    assert merge_cells([cell(0, 0, west)], nodata=None)[0][0, 1] == -9999


def test_cells_that_do_not_fit() -> None:
    values, grid = cell(0, 0, np.zeros((3, 3)))
    with pytest.raises(InputError, match="does not fit its grid"):
        merge_cells([(values[:2], grid)])
    coarser = grid.model_copy(update={"pixel": grid.pixel * 1.5})
    with pytest.raises(InputError, match="do not lie on one lattice"):
        merge_cells([(values, grid), (values, coarser)])
    shifted = grid.model_copy(update={"ulx": grid.ulx + grid.pixel / 2})
    with pytest.raises(InputError, match="do not lie on one lattice"):
        merge_cells([(values, grid), (values, shifted)])
    with pytest.raises(InputError, match="at least one grid"):
        merge_cells([])


def test_bad_arguments() -> None:
    dem = np.zeros((4, 4))
    with pytest.raises(InputError, match="must be an image"):
        slope_aspect(dem[0], 10)
    with pytest.raises(InputError, match="Unknown aspect convention 'north'"):
        slope_aspect(dem, 10, convention="north")
    with pytest.raises(InputError, match="Unknown aspect convention 'north'"):
        aspect_vectors(dem, "north")
    for size in (0, -30, float("nan"), np.ones(3)):
        with pytest.raises(InputError, match="cell size must be a number above 0 m or 4"):
            slope_aspect(dem, size)
    with pytest.raises(InputError, match="latitudes within"):
        geographic_cell_sizes([91.0], 1 / 3600)


def test_edges_are_continued_by_the_nearest_value_and_no_further() -> None:
    elevation = np.full((7, 7), np.nan, np.float32)
    elevation[2:5, 2:5] = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    extended = extend_edges(elevation, 1)
    assert extended[1, 3] == 2
    assert extended[3, 5] == 6
    assert np.isnan(extended[0]).all()
    assert np.isnan(extended[1, 1]), "a corner is further than one cell"
    np.testing.assert_array_equal(extended[2:5, 2:5], elevation[2:5, 2:5])
    assert extend_edges(np.ones((3, 3), np.float32), 2).all()
