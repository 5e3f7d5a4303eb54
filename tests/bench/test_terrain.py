"""The terrain bench: cells that fit together, errors that are what they say, rivals that lack."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from landcover.bench import load, relief
from landcover.bench.tables import Request
from landcover.nouns.grid import Grid
from landcover.stores.rasters import RasterStyle, read_array, write_raster


@pytest.fixture(autouse=True)
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of ten arc-seconds, a hundred times smaller."""
    monkeypatch.setattr(relief, "SIDE", 360)


def test_cells_share_their_lines_and_are_noisy(tmp_path: Path) -> None:
    paths = {path.name: path for path in relief.write_cells(tmp_path / "cells", 3)}
    assert len(paths) == 6
    west, grid = read_array(paths["ASTGTMV003_N36W006_dem.tif"])
    east, _ = read_array(paths["ASTGTMV003_N36W005_dem.tif"])
    north, _ = read_array(paths["ASTGTMV003_N37W006_dem.tif"])
    np.testing.assert_array_equal(west[0, :, -1], east[0, :, 0])
    np.testing.assert_array_equal(west[0, 0], north[0, -1])
    assert (grid.width, grid.height) == (361, 361)
    assert grid.bounds == pytest.approx((-6 - 1 / 720, 36 - 1 / 720, -5 + 1 / 720, 37 + 1 / 720))
    assert 150 < west.std() < 350


def test_errors_of_a_plane_are_those_of_the_noise(tmp_path: Path) -> None:
    grid = Grid(crs="EPSG:32630", ulx=300000, uly=4100040, pixel=30, width=200, height=200)
    rows, columns = np.mgrid[0:200, 0:200]
    heights = (300 + 3 * rows + 2 * columns).astype(np.float32)  # a slope of 2.3 degrees, shrunk
    write_raster(tmp_path / "plane.tif", heights, grid, RasterStyle(dtype="float32", nodata=None))
    first, white, patchy, *_ = relief.slope_errors(tmp_path / "plane.tif")
    # Thirds of a metre, rounded: 0 or 1/3 off, 0.27 on the mean.
    assert first.startswith("Mean slope 2.3 deg, no noise: noisy 0.27 m")
    # White noise of 3 m makes Horn's gradient wrong by 3 sqrt(12) / (8 · 30) = 2.5 degrees in each
    # direction; along the slope half of that is seen.
    for sentence in (white, patchy):
        numbers = [float(n) for n in re.findall(r"([\d.]+) deg", sentence)[1:]]
        noisy, strong, weak = numbers
        assert 2.0 < noisy < 3.5
        assert strong < weak < noisy


def test_without_rivals_ours_stands_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workspace_folder: Path
) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    report = load("terrain").measure(
        Request(folder=tmp_path, pixels=240, repeats=1), lambda share, what: None
    )
    assert [(row.case, row.engine) for row in report.rows] == [
        ("six cells to three 10 m layers", "ours"),
        ("mesh denoising", "ours"),
        ("slope and aspect", "ours"),
    ]
    assert "saga_cmd is not installed here: mesh denoising stands alone." in report.notes
    assert any("LANDCOVER_DATA" in note for note in report.notes)
    slope = read_array(tmp_path / "slope.tif")[0][0]
    assert np.isfinite(slope[1:-1, 1:-1]).all()
