"""Shapefiles (also zipped) and GeoPackages: the same points as in other formats, bad ones told."""

from __future__ import annotations

import shutil
import sqlite3
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely

from landcover.errors import InputError
from landcover.labels.reading import read_labels

POINTS = shapely.points([[374_000.0, 4_065_000.0], [375_000.0, 4_065_000.0]])


def write(path, labels=("water", "crops"), geometries=POINTS, crs="EPSG:32630", **options):
    pyogrio.raw.write(
        path,
        geometry=shapely.to_wkb(geometries),
        field_data=[np.array(labels, dtype=object)],
        fields=["label"],
        geometry_type=f"{geometries[0].geom_type}{' Z' if geometries[0].has_z else ''}",
        crs=crs,
        **options,
    )
    return path


def zipped(path, files, folder=""):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, f"{folder}{file.name}")
    return path


@pytest.fixture
def shapefile(tmp_path):
    return write(tmp_path / "points.shp")


def parts(shapefile):
    return sorted(shapefile.parent.glob(f"{shapefile.stem}.*"))


def test_polygons_are_the_same_in_a_shapefile_and_geojson(data_dir):
    folder = data_dir / "rstoolbox-limburg"
    first, second = (
        read_labels(folder / f"training_polygons.{e}").points for e in ("shp", "geojson")
    )
    columns = ["label", "neighbourhood"]
    assert first[columns].equals(second[columns])
    assert first["group"].is_unique
    np.testing.assert_allclose(first["lon"], second["lon"], atol=1e-7)


def test_a_geopackage_in_utm(data_dir):
    table = read_labels(data_dir / "eolearn-slovenia" / "LULC_polygons_north.gpkg")
    assert table.counts == {
        "closedForest": 5, "shrubland": 21, "herbaceousVegetation": 18, "cropland": 4, "builtUp": 7
    }  # fmt: skip
    assert table.dropped == {"empty label": 4}
    # EPSG:32633, x 464,971 to 467,391 (the file's own bounds).
    assert table.points["lon"].between(14.54, 14.58).all()
    assert table.points["lat"].between(45.86, 45.89).all()


@pytest.mark.parametrize("folder", ["", "inside/the zip/"])
def test_a_zipped_shapefile_is_that_shapefile(tmp_path, shapefile, folder):
    path = zipped(tmp_path / "points.zip", parts(shapefile), folder)
    plain, packed = read_labels(shapefile).points, read_labels(path).points
    assert packed["source"].unique().tolist() == ["points.zip"]
    assert packed.drop(columns="source").equals(plain.drop(columns="source"))


def test_one_of_several_shapefiles_in_a_zip(tmp_path, shapefile):
    other = write(tmp_path / "other.shp", labels=("urban", "urban"))
    path = zipped(tmp_path / "two.zip", [*parts(shapefile), *parts(other)])
    with pytest.raises(InputError, match=r"it holds 2 shapefiles .*labels\.layer"):
        read_labels(path)
    assert read_labels(path, layer="other").counts == {"builtUp": 2}


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_a_missing_part_is_named(tmp_path, shapefile, suffix):
    kept = [part for part in parts(shapefile) if part.suffix != suffix]
    with pytest.raises(InputError, match=rf"no \{suffix} in the zip"):
        read_labels(zipped(tmp_path / "a.zip", kept))
    shapefile.with_suffix(suffix).unlink()
    with pytest.raises(InputError, match=rf"no \{suffix} beside it"):
        read_labels(shapefile)


def test_a_missing_prj_is_told_and_can_be_said(shapefile):
    there = read_labels(shapefile).points
    shapefile.with_suffix(".prj").unlink()
    with pytest.raises(InputError, match=r"no \.prj file.*labels\.crs"):
        read_labels(shapefile)
    assert read_labels(shapefile, crs="EPSG:32630").points.equals(there)
    with pytest.raises(InputError, match="'EPSG:7' is not a known reference system"):
        read_labels(shapefile, crs="EPSG:7")


def test_the_encoding_is_that_of_the_cpg(tmp_path):
    path = write(tmp_path / "a.shp", ("forêt", "forêt"), encoding="ISO-8859-1")
    assert path.with_suffix(".cpg").read_text() == "ISO-8859-1"
    assert read_labels(path, mapping={"forêt": "closedForest"}).counts == {"closedForest": 2}


@pytest.mark.parametrize(
    "name", ["../../points.shp", "/points.shp", "C:/points.shp", "a\\..\\..\\b"]
)
def test_zip_members_that_lead_out_are_refused(tmp_path, shapefile, name):
    path = zipped(tmp_path / "a.zip", parts(shapefile))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, b"")
    with pytest.raises(InputError, match=r"leads out of the archive"):
        read_labels(path)
    assert not list(tmp_path.parent.parent.glob("points.shp"))


def test_a_zip_bomb_is_refused(tmp_path, shapefile, monkeypatch):
    monkeypatch.setattr("landcover.labels.vectors.MAX_MEMBER_BYTES", 1 << 20)
    path = zipped(tmp_path / "a.zip", [p for p in parts(shapefile) if p.suffix != ".dbf"])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.dbf", bytes(2 << 20))
    with pytest.raises(InputError, match=r"points\.dbf is larger than 1 MB"):
        read_labels(path)


def test_a_zip_without_a_shapefile_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(InputError, match="holds no shapefile"):
        read_labels(path)


def test_a_damaged_shapefile_is_one_sentence(shapefile):
    shapefile.write_bytes(b"no shapes")
    with pytest.raises(InputError, match=r"points\.shp: the file cannot be read") as caught:
        read_labels(shapefile)
    assert "\n" not in str(caught.value)


def test_a_layer_of_a_geopackage(tmp_path):
    path = write(tmp_path / "a.gpkg", layer="fields")
    assert read_labels(path).counts == {"cropland": 1, "permanentWater": 1}
    write(path, ("urban", "grass"), layer="towns", append=True)
    with pytest.raises(
        InputError, match=r"2 layers \('fields', 'towns'\); say which.*labels\.layer"
    ):
        read_labels(path)
    assert read_labels(path, layer="towns").counts == {"herbaceousVegetation": 1, "builtUp": 1}
    with pytest.raises(InputError, match="no layer 'roads'; found 'fields', 'towns'"):
        read_labels(path, layer="roads")


def test_layers_of_different_reference_systems_are_each_read_in_theirs(tmp_path):
    path = write(tmp_path / "a.gpkg", layer="metres")
    degrees = shapely.points([[-4.4, 36.7], [-4.3, 36.7]])
    write(path, geometries=degrees, crs="EPSG:4326", layer="degrees", append=True)
    assert read_labels(path, layer="metres").points["lat"].between(36.7, 36.8).all()
    assert read_labels(path, layer="degrees").points["lat"].tolist() == [36.7, 36.7]


def test_an_undefined_reference_system_is_told(tmp_path):
    path = write(tmp_path / "a.gpkg")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE gpkg_contents SET srs_id = -1")
        db.execute("UPDATE gpkg_geometry_columns SET srs_id = -1")
    db.close()
    with pytest.raises(InputError, match=r"no reference system.*labels\.crs"):
        read_labels(path)


def test_third_dimensions_and_empty_cells(tmp_path):
    points = shapely.points([[374_000.0, 4_065_000.0, 12.0], [375_000.0, 4_065_000.0, 7.0]])
    path = write(tmp_path / "a.gpkg", ("water", None), points)
    table = read_labels(path)
    assert table.counts == {"permanentWater": 1}
    assert table.dropped == {"empty label": 1}


def test_a_shapefile_in_capitals(tmp_path, shapefile):
    for part in parts(shapefile):
        shutil.move(part, Path(tmp_path, part.name.upper()))
    assert len(read_labels(tmp_path / "POINTS.SHP").points) == 2
