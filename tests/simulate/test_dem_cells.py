"""Elevation cells: ASTER's grid, its noise, and the relief under it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from landcover.simulate import SimulatedRegion
from landcover.simulate.dem_cells import Upland, cells_under, name_of, write_cells
from landcover.simulate.landscape import draw_landscape
from landcover.simulate.site import place_sites


@pytest.mark.parametrize(
    ("corner", "name"),
    [
        ((38, -4), "ASTGTMV003_N38W004_dem.tif"),
        ((-34, 18), "ASTGTMV003_S34E018_dem.tif"),
        ((0, 0), "ASTGTMV003_N00E000_dem.tif"),
    ],
)
def test_name_is_the_south_west_corner(corner: tuple[int, int], name: str) -> None:
    assert name_of(*corner) == name


@pytest.mark.parametrize(("pixels", "cells"), [(240, [(36, -5)]), (1098, [(36, -5), (36, -4)])])
def test_only_the_cells_under_the_windows_and_their_halo(
    pixels: int, cells: list[tuple[int, int]]
) -> None:
    assert cells_under(place_sites(["30SUF", "30SVF"], pixels)[0]) == cells


def test_pixel_centres_lie_on_whole_degrees(region: SimulatedRegion) -> None:
    (path,) = region.dem.iterdir()
    with rasterio.open(path) as cell:
        assert cell.shape == (3601, 3601)
        assert cell.dtypes == ("int16",)
        assert cell.crs.to_epsg() == 4326
        assert cell.nodata == -9999
        assert cell.xy(0, 0) == pytest.approx((-5.0, 37.0), abs=1e-9)
        assert cell.xy(3600, 3600) == pytest.approx((-4.0, 36.0), abs=1e-9)


def test_heights_are_the_relief_with_a_few_metres_of_noise(region: SimulatedRegion) -> None:
    land = draw_landscape(0, place_sites(region.tiles, 240)[0].hull)
    (path,) = region.dem.iterdir()
    with rasterio.open(path) as cell:
        heights, transform = cell.read(1), cell.transform
    left, bottom, right, top = land.hull.bounds
    to_degrees = Transformer.from_crs(land.hull.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform((left + right) / 2, (bottom + top) / 2)
    row, column = round((lat - transform.f) / transform.e), round((lon - transform.c) / transform.a)
    rows, columns = np.mgrid[row - 25 : row + 25, column - 40 : column + 40]
    x, y = Transformer.from_crs("EPSG:4326", land.hull.crs, always_xy=True).transform(
        transform.c + (columns + 0.5) * transform.a, transform.f + (rows + 0.5) * transform.e
    )
    true = land.elevation[((top - y) // 10).astype(int), ((x - left) // 10).astype(int)]
    difference = heights[rows, columns] - true
    assert abs(difference.mean()) < 1.0
    assert 2.0 < difference.std() < 5.0
    shifted = heights[rows, columns + 12] - true
    assert shifted.std() > 2 * difference.std()


def test_neighbouring_cells_share_a_line(tmp_path: Path) -> None:
    site = place_sites(["30SUF", "30SVF"], 600)[0]
    land = draw_landscape(0, site.hull)
    west, east = write_cells(0, [Upland(site, land.relief)], tmp_path)
    with rasterio.open(west) as one, rasterio.open(east) as other:
        assert np.array_equal(one.read(1)[:, -1], other.read(1)[:, 0])
