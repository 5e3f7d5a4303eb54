"""Labels in one legend for a map in another: shapefiles and rasters of HRLC and Copernicus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import rasterio
import shapely

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.nouns.grid import Grid
from landcover.nouns.hrlc import HRLC
from landcover.recipe import LabelSource
from landcover.stores.rasters import RasterStyle, write_raster

GRID = Grid(crs="EPSG:32630", ulx=600_000, uly=4_100_000, pixel=10, width=4, height=2)


def raster(path: Path, rows: list[list[int]], grid: Grid = GRID) -> Path:
    write_raster(path, np.array(rows, np.uint8), grid, RasterStyle("uint8", 0, ("label",)))
    return path


def shapefile(path: Path, labels: list[str]) -> Path:
    places = [[-2.0 + 0.01 * k, 37.0] for k in range(len(labels))]
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(shapely.points(places)),
        field_data=[np.array(labels, dtype=object)],
        fields=["class"],
        geometry_type="Point",
        crs="EPSG:4326",
    )
    return path


def test_an_hrlc_map_in_its_own_legend(tmp_path: Path) -> None:
    table = read_labels(raster(tmp_path / "a.tif", [[20, 70, 80, 141], [0, 110, 120, 142]]),
                        legend=HRLC)  # fmt: skip
    assert table.counts == {
        "treeEvergreenNeedleleaf": 1, "grassland": 1, "cropland": 1, "lichensMosses": 1,
        "bareArea": 1, "openWater": 2,
    }  # fmt: skip


def test_an_hrlc_map_for_the_nine_classes_leaves_its_trees_out(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[10, 20, 30, 40], [50, 70, 130, 141]])
    table = read_labels(path, mapping="hrlc")
    assert table.counts == {"shrubland": 1, "herbaceousVegetation": 1, "builtUp": 1}
    assert set(table.dropped) >= {f"mapped to nothing: {code}" for code in (10, 20, 30, 40, 141)}


def test_a_number_of_another_map_is_unknown(tmp_path: Path) -> None:
    path = raster(tmp_path / "a.tif", [[80, 111, 80, 80], [80, 80, 80, 80]])
    for options in ({"legend": HRLC}, {"mapping": "hrlc"}):
        with pytest.raises(InputError, match=r"1 label '111' \(1x\) not in the legend") as caught:
            read_labels(path, **options)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=r"read with labels\.mapping=copernicus\."):
        read_labels(path, legend=HRLC)


def test_a_copernicus_map_for_hrlc_in_degrees(tmp_path: Path) -> None:
    degrees = Grid(crs="EPSG:4326", ulx=-2, uly=37, pixel=1 / 1008, width=4, height=2)
    path = raster(tmp_path / "a.tif", [[111, 114, 115, 20], [30, 40, 200, 0]], degrees)
    table = read_labels(path, legend=HRLC, mapping="copernicus")
    assert table.counts == {
        "treeEvergreenNeedleleaf": 1, "treeDeciduousBroadleaf": 1, "grassland": 1, "cropland": 1,
        "openWater": 1,
    }  # fmt: skip


def test_shapefiles_of_both_legends_in_one_run(tmp_path: Path) -> None:
    one = shapefile(tmp_path / "hrlc.shp", ["Tree cover evergreen broadleaf", "Croplands", "50"])
    table = read_labels(
        [one, raster(tmp_path / "cop.tif", [[20, 40, 50, 80], [0, 0, 0, 0]])],
        sources=[LabelSource(file="hrlc.shp", mapping="hrlc")],
    )
    assert table.counts == {"shrubland": 2, "cropland": 2, "builtUp": 1, "permanentWater": 1}
    assert table.dropped["mapped to nothing: Tree cover evergreen broadleaf"] == 1


def test_a_map_without_a_reference_system_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=2, height=2, count=1, dtype="uint8",
        transform=rasterio.Affine(10, 0, 0, 0, -10, 0),
    ) as file:  # fmt: skip
        file.write(np.full((1, 2, 2), 80, np.uint8))
    with pytest.raises(InputError, match=r"a\.tif: the raster has no georeference"):
        read_labels(path, legend=HRLC)
