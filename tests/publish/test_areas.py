"""Areas of pixels: those of the grid in metres, those on the ellipsoid in degrees."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Geod

from landcover.nouns.grid import Grid
from landcover.publish.areas import row_hectares


def test_a_metric_pixel_has_the_area_of_the_grid() -> None:
    grid = Grid(crs="EPSG:32630", ulx=300000, uly=4200000, pixel=10, width=7, height=5)
    np.testing.assert_array_equal(row_hectares(grid), np.full(5, 0.01))


@pytest.mark.parametrize("top", [80.0, 36.0, 0.5, -44.0])
def test_a_pixel_in_degrees_shrinks_towards_the_poles(top: float) -> None:
    grid = Grid(crs="EPSG:4326", ulx=5, uly=top, pixel=0.25, width=3, height=4)
    west, east = 5.0, 5.25
    found = row_hectares(grid)
    assert found.shape == (4,)
    for row, hectares in enumerate(found):
        north, south = top - 0.25 * row, top - 0.25 * (row + 1)
        # The geodesic polygon needs corners along the parallels, which are no geodesics.
        along = np.linspace(west, east, 200)
        lon = [*along, *along[::-1]]
        lat = [south] * 200 + [north] * 200
        area, _ = Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)
        assert hectares == pytest.approx(area / 10_000, rel=1e-6)
