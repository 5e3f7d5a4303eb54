"""Points from label rasters: pixel centres, spread over fields, seeded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
import pytest

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.nouns.grid import Grid
from landcover.nouns.legend import MEDITERRANEAN
from landcover.stores.rasters import RasterStyle, write_raster

FLANDERS = "worldcereal-flanders/00002806639B424A/labels_LC_10m.tif"
FLANDERS_MAPPING = {
    "11": "cropland", "12": "cropland", "13": "herbaceousVegetation", "60": "builtUp",
    "99": None, "0": None,
}  # fmt: skip


def read(path, **options):
    return read_labels(path, legend=MEDITERRANEAN, **options)


GRID = Grid(crs="EPSG:32630", ulx=600_000, uly=4_100_000, pixel=10, width=8, height=6)
FIELDS = [
    [40, 40, 40, 40, 0, 20, 0, 0],
    [40, 40, 40, 40, 0, 0, 20, 0],
    [40, 40, 40, 40, 0, 0, 0, 0],
    [0, 0, 0, 0, 0, 20, 0, 40],
    [30, 30, 0, 0, 0, 20, 0, 0],
    [30, 30, 0, 40, 40, 0, 0, 255],
]


def write_labels(path, values=FIELDS, dtype="uint8", nodata=255, grid=GRID):
    array = np.asarray(values, dtype=dtype)
    names = ["label"] if array.ndim == 2 else ["a", "b"]
    write_raster(path, array, grid, RasterStyle(dtype, nodata, names))
    return path


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_raster_points_are_pixel_centres(tmp_path, dtype):
    table = read(write_labels(tmp_path / "a.tif", dtype=dtype))
    assert table.counts == {"shrubland": 4, "herbaceousVegetation": 4, "cropland": 15}
    assert table.dropped == {"unknown": 24, "nodata": 1}
    there = pyproj.Transformer.from_crs("EPSG:4326", GRID.crs, always_xy=True)
    x, y = there.transform(table.points["lon"], table.points["lat"])
    columns, rows = (np.array(x) - GRID.ulx) / 10, (GRID.uly - np.array(y)) / 10
    np.testing.assert_allclose(columns % 1, 0.5, atol=1e-4)
    np.testing.assert_allclose(rows % 1, 0.5, atol=1e-4)
    found = np.array(FIELDS)[rows.astype(int), columns.astype(int)]
    names = {20: "shrubland", 30: "herbaceousVegetation", 40: "cropland"}
    assert [names[value] for value in found] == list(table.points["label"])
    # Corners touch: the shrubs are two fields of two, the crops three fields.
    assert table.points.groupby("label")["group"].nunique().to_dict() == {
        "cropland": 3, "herbaceousVegetation": 1, "shrubland": 2
    }  # fmt: skip


def test_raster_points_are_spread_over_fields(tmp_path):
    path = write_labels(tmp_path / "a.tif")
    for n, per_field in [(3, [1, 1, 1]), (5, [2, 2, 1]), (6, [3, 2, 1]), (8, [5, 2, 1])]:
        points = read(path, points_per_class=n).points
        crops = points[points["label"] == "cropland"]
        assert len(crops) == n
        assert sorted(crops["group"].value_counts(), reverse=True) == per_field


def test_raster_points_are_seeded(tmp_path):
    path = write_labels(tmp_path / "a.tif")
    first, same, other = (read(path, points_per_class=6, seed=s).points for s in (4, 4, 5))
    pd.testing.assert_frame_equal(first, same)
    assert set(first["point_id"]) != set(other["point_id"])
    assert set(first["group"]) == set(other["group"])


@pytest.mark.parametrize(
    ("changes", "options", "complaint"),
    [
        ({"dtype": "float32"}, {}, "one band of whole numbers .* found 1 of float32"),
        ({"values": [FIELDS, FIELDS]}, {}, "found 2 of uint8"),
        ({"values": np.full((6, 8), 255)}, {}, "every pixel is nodata"),
        ({"values": np.full((6, 8), 0)}, {}, "no usable label"),
        ({"values": np.full((6, 8), 17)}, {}, r"'17' \(48x\) not in the legend"),
        ({}, {"points_per_class": 0}, "points_per_class must be at least 1"),
    ],
)
def test_bad_rasters_are_refused(tmp_path, changes, options, complaint):
    with pytest.raises(InputError, match=complaint):
        read(write_labels(tmp_path / "a.tif", **changes), **options)


def test_a_label_raster(data_dir):
    table = read(data_dir / FLANDERS, mapping=FLANDERS_MAPPING)
    # 1,401 + 0 crop, 835 grass and 107 built-up pixels; 200 of a class at most.
    assert table.counts == {"herbaceousVegetation": 200, "cropland": 200, "builtUp": 107}
    assert table.dropped == {"mapped to nothing: 99": 1753}
    # Fields whose pixels touch: 4 of crop, 8 of grass, 2 of built-up.
    assert table.points.groupby("label")["group"].nunique().to_dict() == {
        "builtUp": 2, "cropland": 4, "herbaceousVegetation": 8
    }  # fmt: skip
    assert table.points["lon"].between(3.019, 3.029).all()
    assert table.points["lat"].between(50.812, 50.819).all()


def test_an_unmapped_raster_is_refused(data_dir):
    with pytest.raises(InputError, match=r"'99' \(1753x\), '11' \(1401x\)"):
        read(data_dir / FLANDERS)
