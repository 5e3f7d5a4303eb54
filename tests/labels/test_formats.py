"""GeoJSON, KML and KMZ in their variants; bad files of every format give one sentence."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pyproj
import pytest
import shapely

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.nouns.legend import MEDITERRANEAN

POINT = "<Point><coordinates>-4.4,36.7,0</coordinates></Point>"


def read(path, **options):
    return read_labels(path, legend=MEDITERRANEAN, **options)


def read_text(folder, name, text, **options):
    """Write a file and read it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(path, **options)


def collection(*features, **members):
    """Write a FeatureCollection of (geometry, properties)."""
    entries = []
    for geometry, properties in features:
        if isinstance(geometry, shapely.Geometry):
            geometry = json.loads(shapely.to_geojson(geometry))
        entries.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return json.dumps({"type": "FeatureCollection", "features": entries, **members})


def kml(*placemarks):
    return (
        '<kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>forest</name>'
        + "".join(f"<Placemark>{placemark}</Placemark>" for placemark in placemarks)
        + "</Document></kml>"
    )


DATA = "<ExtendedData><Data name='class'><value>cropland</value></Data></ExtendedData>"
SCHEMA_DATA = (
    "<ExtendedData><SchemaData><SimpleData name='LULC'>40</SimpleData></SchemaData></ExtendedData>"
)
NESTED_TABLE = (
    "<description><![CDATA[<table><tr><td colspan=2>Field 7</td></tr>"
    "<tr><td><table><tr><td>id</td><td>7</td><tr><td>Class</td><td><b>crop</b>land</td></tr>"
    "</table></td></tr></table>]]></description>"
)
TABLE_WITH_NULL = (
    "<description><![CDATA[<table><tr><th>category</th><td>&lt;Null&gt;</td></tr>"
    "<tr><th>class</th><td>cropland</td></tr></table>]]></description>"
)


@pytest.mark.parametrize(
    "attributes",
    [
        "<name>cropland</name>",
        f"<name>7</name>{DATA}",
        f"<name>water</name>{SCHEMA_DATA}",
        f"<name>x</name>{NESTED_TABLE}",
        TABLE_WITH_NULL,
    ],
)
def test_kml_attributes(tmp_path, attributes):
    table = read_text(tmp_path, "a.kml", kml(attributes + POINT))
    assert table.counts == {"cropland": 1}
    assert table.points[["lon", "lat"]].to_numpy().tolist() == [[-4.4, 36.7]]


def test_kml_geometries(tmp_path):
    ring = "<LinearRing><coordinates>{}</coordinates></LinearRing>"
    outer = ring.format("0,0,0 0.01,0,0\n 0.01, 0.01, 0 0,0.01 0,0")
    inner = ring.format("0.004,0.004 0.006,0.004 0.006,0.006 0.004,0.006 0.004,0.004")
    polygon = (
        f"<Polygon><outerBoundaryIs>{outer}</outerBoundaryIs>"
        f"<innerBoundaryIs>{inner}</innerBoundaryIs></Polygon>"
    )
    line = "<LineString><coordinates>0,0 1,1</coordinates></LineString>"
    multi = f"<MultiGeometry>{line}{polygon}<MultiGeometry>{POINT}</MultiGeometry></MultiGeometry>"
    name = "<name>water</name>"
    table = read_text(tmp_path, "a.kml", kml(name + polygon, name + multi, name + line, name))
    assert table.dropped == {"no geometry": 2, "duplicate": 1}
    assert len(table.points) == 2
    assert table.points["group"].nunique() == 1
    pole = table.points.iloc[0]
    assert not shapely.box(0.004, 0.004, 0.006, 0.006).covers(shapely.Point(pole.lon, pole.lat))


@pytest.mark.parametrize("names", [("doc.kml",), ("files/other.kml",), ("a.kml", "doc.kml")])
def test_the_main_kml_of_a_kmz(tmp_path, names):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            word = "grass" if name == "a.kml" else "water"
            archive.writestr(name, kml(f"<name>{word}</name>{POINT}"))
        archive.writestr("images/legend.png", b"")
    assert read(path).counts == {"permanentWater": 1}


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (("../../doc.kml",), r"'\.\./\.\./doc\.kml' leads out"),
        (("doc.kml", "/etc/passwd"), "'/etc/passwd' leads out"),
        (("doc.kml", "a\\..\\..\\b"), "leads out"),
        (("doc.kml", "C:/b"), "leads out"),
        (("readme.txt",), "no .kml file"),
    ],
)
def test_bad_kmz_members_are_refused(tmp_path, names, complaint):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, kml(f"<name>water</name>{POINT}"))
    with pytest.raises(InputError, match=complaint):
        read(path)


def test_a_kmz_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("landcover.labels.kml.MAX_KML_BYTES", 1 << 20)
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", b" " * (1 << 21))
    with pytest.raises(InputError, match="larger than 1 MB"):
        read(path)


def test_a_damaged_kmz_is_refused(tmp_path):
    path = tmp_path / "a.kmz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", kml(f"<name>water</name>{POINT}") + " " * 5000)
    data = bytearray(path.read_bytes())
    data[45:70] = bytes(25)
    path.write_bytes(data)
    with pytest.raises(InputError, match="the zip cannot be read"):
        read(path)


@pytest.mark.parametrize(
    "crs",
    [
        {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32630"}},
        {"type": "name", "properties": {"name": "EPSG:32630"}},
        {"type": "EPSG", "properties": {"code": 32630}},
    ],
)
def test_a_crs_member_is_honoured(tmp_path, crs):
    text = collection((shapely.Point(374_000, 4_065_000), {"label": "crop"}), crs=crs)
    points = read_text(tmp_path, "a.geojson", text).points
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:32630", always_xy=True)
    assert there.transform(points["lon"][0], points["lat"][0]) == pytest.approx((374e3, 4065e3))


def test_an_unknown_crs_is_refused(tmp_path):
    crs = {"type": "name", "properties": {"name": "EPSG:999999"}}
    with pytest.raises(InputError, match=r"crs member .*EPSG:999999"):
        read_text(tmp_path, "a.geojson", collection((shapely.Point(1, 1), {}), crs=crs))


def test_features_of_different_crs_are_refused(tmp_path):
    document = json.loads(collection((shapely.Point(1, 1), {}), (shapely.Point(2, 1), {})))
    document["features"][1]["crs"] = {"type": "name", "properties": {"name": "EPSG:32630"}}
    with pytest.raises(InputError, match="feature 2 has a reference system of its own"):
        read_text(tmp_path, "a.geojson", json.dumps(document))


def test_a_local_crs_is_refused(tmp_path):
    name = 'LOCAL_CS["site",UNIT["metre",1]]'
    crs = {"type": "name", "properties": {"name": name}}
    with pytest.raises(InputError, match="'site' lies nowhere on Earth"):
        read_text(tmp_path, "a.geojson", collection((shapely.Point(1, 1), {}), crs=crs))


@pytest.mark.slow
def test_a_million_vertices_and_nested_collections(tmp_path):
    angle = np.linspace(0, 2 * np.pi, 1_000_001)
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 0.05
    ring[-1] = ring[0]
    nested = shapely.GeometryCollection(
        [shapely.GeometryCollection([shapely.Point(1, 1), shapely.Polygon(ring)])]
    )
    table = read_text(tmp_path, "a.geojson", collection((nested, {"label": "crop"})))
    assert table.counts == {"cropland": 2}
    middle = table.points.loc[table.points["lon"] < 0.5]
    np.testing.assert_allclose(middle[["lon", "lat"]], 0, atol=1e-5)


def test_missing_and_null_crs_are_wgs84(tmp_path):
    text = collection((shapely.Point(1, 2), {"label": "crop"}), crs=None)
    assert read_text(tmp_path, "a.geojson", text).points["lat"].tolist() == [2]


HEADER = "lat,lon,label\n"


def geojson_of(kind, coordinates):
    return collection(({"type": kind, "coordinates": coordinates}, {}))


def kml_of(*coordinates):
    return kml(*(f"<Point><coordinates>{text}</coordinates></Point>" for text in coordinates))


TWO_POINTS = collection((shapely.Point(1, 1), {}), (shapely.Point(36, 91), {}))
IN_METRES = collection((shapely.box(3e5, 4e6, 3.1e5, 4.1e6), {}))


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", " \n", "the file is empty"),
        ("a.csv", HEADER, "no rows below the header"),
        ("a.csv", "longitude,label\n1,water\n", "no latitude column among 'longitude', 'label'"),
        ("a.csv", "lat,label\n1,water\n", "no longitude column among 'lat', 'label'"),
        ("a.csv", "lat,lon,lon,label\n1,1,1,water\n", "column 'lon' appears twice"),
        ("a.csv", "lat,lon\n1,1\n", "no column looks like a label"),
        ("a.csv", HEADER + "1,1,water\n1,1\n", "row 3 has 2 fields, the header has 3"),
        ("a.csv", HEADER + "1,1,water\n\n1,1,a,b\n", "row 4 has 4 fields"),
        ("a.csv", "lat;lon;label\n36,7;-4,4;water\n", "row 2: lat '36,7' is not a number"),
        ("a.csv", HEADER + "1,1,water\n,1,water\n", "row 3: lat '' is not a number"),
        ("a.csv", HEADER + "1,1,water\nnan,1,water\n1,inf,water\n", "rows 3, 4: .*not a finite"),
        ("a.csv", HEADER + "-4.4,1,water\n120.5,36.7,water\n", "row 3: .*swapped"),
        ("a.csv", HEADER + "1,181,water\n", "row 2: .*expected longitude -180..180"),
        ("a.csv", HEADER + "4065000,374000,water\n", "row 2: .*look projected"),
        ("a.csv", "".join([HEADER, *["95,1,water\n"] * 9]), "rows 2, 3, 4, 5, 6 and 4 more"),
        ("a.csv", HEADER + '1,1,"water\n' + "x" * 200_000, "row .* cannot be read"),
        ("a.csv", HEADER.encode() + b"1,1,for\xeat\n", "byte 21 is not UTF-8"),
        ("a.geojson", "", "the file is empty"),
        ("a.geojson", '{"type":\n "FeatureCollection",,}', "malformed JSON in line 2, column 22"),
        ("a.geojson", "[" * 100_000, "malformed JSON"),
        ("a.geojson", "[]", "not GeoJSON"),
        ("a.geojson", '{"type": "Topology"}', "found type 'Topology'"),
        ("a.geojson", collection(), "no features"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [7]}', "feature 1 is not a"),
        ("a.geojson", collection((shapely.Point(1, 1), [1])), "feature 1 is not a GeoJSON"),
        ("a.geojson", collection(({"type": "Point"}, {})), "feature 1: the geometry is malformed"),
        ("a.geojson", geojson_of("Cube", []), "malformed"),
        ("a.geojson", geojson_of("Polygon", [[[0, 0], [1, 1]]]), "malformed"),
        ("a.geojson", geojson_of("Point", ["a", "b"]), "malformed"),
        ("a.geojson", geojson_of("Point", [float("nan"), 1]), "not a finite"),
        ("a.geojson", TWO_POINTS, "feature 2: .*swapped"),
        ("a.geojson", IN_METRES, "feature 1: .*look projected"),
        ("a.kml", "", "the file is empty"),
        ("a.kml", "<kml><Placemark></kml>", "malformed KML .*line 1"),
        ("a.kml", "<kml/>", "no placemarks"),
        ("a.kml", "<!DOCTYPE a [<!ENTITY b 'c'>]><kml/>", "declares XML entities"),
        ("a.kml", kml_of("x,1"), "placemark 1: .*malformed"),
        ("a.kml", kml_of("7"), "placemark 1: .*malformed"),
        ("a.kml", kml_of("1,1", "1,99"), "placemark 2: .*swapped"),
        ("a.kmz", "", "the file is empty"),
        ("a.kmz", "PK no zip", "the zip cannot be read"),
        ("a.tif", "II no tiff", "cannot be read as a raster"),
        ("a.csv", HEADER + "36_7,1,water\n", "row 2: lat '36_7' is not a number"),
        ("a.csv", "lat;lon;label\n36,7;-4,4;water\n", "write the decimal comma as a point"),
        ("a.gpkg", "", "the file is empty"),
        ("a.gpkg", "no database", "the file cannot be read"),
        ("a.parquet", "", "the file is empty"),
        ("a.parquet", "PAR1 or not", "not a readable Parquet file"),
        ("a.shp", "", r"no \.shx and no \.dbf beside it"),
        ("a.zip", "", "the file is empty"),
        ("a.fgb", "", "type .fgb are not read"),
        ("labels", HEADER, "without an ending"),
    ],
)  # fmt: skip
def test_bad_files_are_one_sentence(tmp_path, name, text, complaint):
    with pytest.raises(InputError, match=complaint) as caught:
        read_text(tmp_path, name, text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    assert name in message


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gone.csv: no such label file"):
        read(tmp_path / "gone.csv")
    with pytest.raises(InputError, match="the folder holds no label files"):
        read(tmp_path)


def test_a_wanted_column_must_be_there(tmp_path):
    with pytest.raises(InputError, match="no label column 'klass'; columns found: 'label', 'id'"):
        read_text(tmp_path, "a.csv", "lat,lon,label,id\n1,1,water,7\n", label="klass")
