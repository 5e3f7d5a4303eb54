"""Ground truth counted: by class, source and tile, and what is odd about it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pyproj import Geod

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.labels.summary import owner_tiles, summarise
from landcover.nouns.legend import MEDITERRANEAN
from landcover.tiling import primary_tile


def summary_of(folder, *rows, tiles=(), **options):
    path = folder / "a.csv"
    path.write_text("\n".join(["lat,lon,label", *rows]))
    return summarise(read_labels(path, **options), MEDITERRANEAN, tiles)


def test_points_are_in_the_tile_in_which_they_lie_deepest(spec_dir):
    points = json.loads((spec_dir / "oracles" / "points_tiles_a.json").read_text())
    lon, lat = (np.array([point[axis] for point in points]) for axis in ("lon", "lat"))
    owners = owner_tiles(lon, lat).tolist()
    assert owners == [primary_tile(x, y) for x, y in zip(lon, lat, strict=True)]
    for point, owner in zip(points, owners, strict=True):
        # Independent margins of the oracle, metres, to a decimetre.
        assert point["tiles"][owner] >= max(point["tiles"].values()) - 0.11
    only = owner_tiles(lon, lat, ["30SUE", "54QYK"])
    assert sorted(set(only)) == ["", "30SUE", "54QYK"]


def test_counts_by_class_source_and_tile(tmp_path):
    # Eastings 321 km and 420 km: 30SUF ends at 409.8 km, where 30SVF has begun.
    rows = ("36.6,-5.0,crop", "36.6,-3.9,crop", "50,8,water", "50,8,water")
    summary = summary_of(tmp_path, *rows, tiles=["30SVF", "30SUF"])
    assert {entry.name: entry.points for entry in summary.classes if entry.points} == {
        "cropland": 2, "permanentWater": 1
    }  # fmt: skip
    assert [(tile.tile, tile.points) for tile in summary.tiles] == [("30SUF", 1), ("30SVF", 1)]
    assert (summary.outside, summary.outside_classes) == (1, {"permanentWater": 1})
    assert summary.outside_if_swapped == 3
    assert summary.dropped == {"duplicate": 1}
    assert [(s.name, s.classes) for s in summary.sources] == [
        ("a.csv", {"cropland": 2, "permanentWater": 1})
    ]
    assert any("1 of 3 points lie outside the tiles given" in w for w in summary.warnings)
    assert [t.tile for t in summary_of(tmp_path, *rows).tiles] == sorted(
        {primary_tile(-5.0, 36.6), primary_tile(-3.9, 36.6), primary_tile(8, 50)}
    )
    assert type(summary).from_document(summary.to_document()) == summary


def test_swapped_coordinates_are_suspected(tmp_path):
    summary = summary_of(tmp_path, "-5.0,36.6,crop", "-4.9,36.6,water", tiles=["30SUF"])
    assert (summary.outside, summary.outside_if_swapped) == (2, 0)
    assert any("exchanged, 2 points more would lie in the tiles" in w for w in summary.warnings)


def test_distances(tmp_path):
    summary = summary_of(tmp_path, "36.6,-5.0,crop", "36.60005,-5.0,water", "36.7,-5.0,water")
    near, far = (
        Geod(ellps="sphere").inv(-5, a, -5, b)[2] for a, b in ((36.6, 36.60005), (36.60005, 36.7))
    )
    assert summary.spacing is not None
    assert summary.spacing.nearest_m == pytest.approx(near, rel=1e-3)
    assert summary.spacing.median_m == pytest.approx(near, rel=1e-3)
    assert far > 30
    assert (summary.spacing.near, summary.spacing.near_other) == (2, 2)
    assert any("2 points have one of another class nearer than 10 m" in w for w in summary.warnings)


def test_one_class_and_one_group_are_told(tmp_path):
    warnings = summary_of(tmp_path, "36.6,-5.0,crop").warnings
    assert "One class only, cropland: a classifier needs two; add labels of others." in warnings
    assert any("its one point is one group" in warning for warning in warnings)
    assert summary_of(tmp_path, "36.6,-5.0,crop").spacing is None


def test_conflicts_are_listed(tmp_path):
    summary = summary_of(tmp_path, "1,1,crop", "1,1,water", "2,1,grass")
    assert summary.conflict_places == 1
    assert [(c.label, c.number, c.is_kept) for c in summary.conflicts] == [
        ("cropland", 2, False), ("permanentWater", 3, False)
    ]  # fmt: skip


def test_a_tile_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="99XXX"):
        summary_of(tmp_path, "1,1,crop", tiles=["99XXX"])
