"""Terrain shadow on steep relief: where the sun does not reach, and what restoring is told of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.bench import steep_shadow
from landcover.nouns.grid import Grid
from landcover.simulate.sky import Sun
from landcover.stores.rasters import RasterStyle, write_raster


def test_a_wall_casts_its_height_away_from_the_sun() -> None:
    heights = np.zeros((40, 30))
    heights[20] = 100
    # Sun in the south at 45 degrees: 100 m of shadow to the north, its end just lit.
    dark = steep_shadow.cast_shadow(heights, Sun(45, 180))
    assert np.flatnonzero(dark.all(axis=1)).tolist() == list(range(11, 20))
    assert dark.sum() == 9 * 30
    # In the east: columns west of a wall.
    dark = steep_shadow.cast_shadow(heights.T, Sun(45, 90))
    assert np.flatnonzero(dark.all(axis=0)).tolist() == list(range(11, 20))


def test_errors_are_told_in_shadow_and_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steep_shadow, "RAISED", (1.0,))
    rows, columns = np.mgrid[:90, :90]
    heights = 9 * (300 + 250 * np.sin(rows / 12) * np.cos(columns / 17))
    path = tmp_path / "dem.tif"
    grid = Grid(crs="EPSG:32612", ulx=300_000, uly=4_100_000, pixel=90, width=90, height=90)
    write_raster(path, heights.astype(np.float32), grid, RasterStyle("float32", None))
    summer, winter = steep_shadow.errors_of_relief(path)
    assert "summer sun at 25 deg" in summer
    words = winter.split()
    share = float(words[words.index("%") - 1])
    assert share > 5
    before, after = (float(word.rstrip(",")) for word in
                     winter.partition("mean error in shadow")[2].split()[1:4:2])  # fmt: skip
    assert 0 < after < before
