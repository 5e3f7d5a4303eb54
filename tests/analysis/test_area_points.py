"""Independent points are the basis of an interval where they can be, else held-out ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyproj import Transformer

from landcover.analysis.area_points import basis_of
from landcover.learn.accuracy import accuracy
from landcover.nouns.accuracy import AccuracyReport
from landcover.nouns.grid import Grid
from landcover.parts.mapping.map_lookup import MapFile
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32631", ulx=500_000, uly=5_600_000, pixel=10, width=4, height=2)
CODES = (1, 7)


@pytest.fixture
def maps(tmp_path):
    classes = np.array([[1, 1, 7, 7], [1, 1, 7, 7]], np.uint8)
    write_raster(tmp_path / "map.tif", classes, GRID, RasterStyle("uint8", 0, ("class",)))
    return (MapFile(str(tmp_path / "map.tif"), GRID, "map"),)


@pytest.fixture
def table():
    """Two points on class 1, each of two pixels, and one on class 7 that trains."""
    x = np.array([500_005, 500_015, 500_005, 500_015, 500_025], float)
    y = np.array([5_599_995, 5_599_995, 5_599_985, 5_599_985, 5_599_995], float)
    lon, lat = Transformer.from_crs(GRID.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return pd.DataFrame(
        {
            "lon": lon, "lat": lat, "point_id": list("aabbc"), "code": [1, 1, 7, 7, 7],
            "dx": [0, 1, 0, 1, 0], "dy": 0, "is_train": [False] * 4 + [True],
        }
    )  # fmt: skip


def agreement(mapped: list[int], reference: list[int]) -> AccuracyReport:
    return accuracy(np.array(mapped), np.array(reference), design="drawn at random")


def test_held_out_points_are_counted_once(maps, table):
    found = basis_of(maps, CODES, table, None)
    assert found.kind == "held-out"
    assert found.counts.tolist() == [[1, 1], [0, 0]]
    assert found.notes == ("The map was read at held-out points; it may have learned from them.",)


def test_answers_of_models_without_the_group_are_taken_where_they_are_known(maps, table):
    known = table.assign(answer=7)
    found = basis_of(maps, CODES, known, None)
    assert found.kind == "held-out"
    assert found.notes == ()
    # The map, which says 1 there, is not read.
    assert found.counts.tolist() == [[0, 0], [1, 1]]


def test_independent_points_come_first(maps, table):
    # The point of class 9, which the map does not have, is in no cell.
    report = agreement([1, 1, 1, 7, 7, 7], [1, 1, 7, 7, 7, 9])
    found = basis_of(maps, CODES, table, report)
    assert found.kind == "independent"
    assert found.counts.tolist() == [[2, 1], [0, 2]]
    assert found.gives_intervals
    assert found.notes == (
        "The intervals follow from 6 independent points on the map: drawn at random.",
    )


def test_too_few_independent_points_give_way(maps, table):
    found = basis_of(maps, CODES, table, agreement([1, 1, 7], [1, 1, 7]))
    assert found.kind == "held-out"
    assert found.counts.tolist() == [[1, 1], [0, 0]]
    assert "3 independent points leave a class" in found.notes[0]
    alone = basis_of(maps, CODES, None, agreement([1, 1, 7], [1, 1, 7]))
    assert alone.kind == "independent"


def test_nothing_known_is_nothing(maps):
    found = basis_of(maps, CODES, None, None)
    assert found.kind == ""
    assert not found.counts.any()
    assert not found.gives_intervals
