"""Whatever bytes a file holds, its reader ends in a result or in one of our errors, and soon.

Each reader gets a sound file and changes of it. In CI the changes are the same every time and few;
``make fuzz`` draws more, and other ones (``LANDCOVER_FUZZ_EXAMPLES``).
"""

from __future__ import annotations

import io
import json
import os
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio.raw
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landcover.errors import LandcoverError
from landcover.labels.mapping import read_mapping
from landcover.labels.reading import read_labels
from landcover.labels.zones import read_zones
from landcover.learn.models import load_arrays
from landcover.learn.trust import Trust, load_trust, save_trust
from landcover.pipeline.reproduction import arguments_of, read_receipt
from landcover.products.angles import read_angles
from landcover.products.manifest import read_manifest
from landcover.products.metadata import read_granule_metadata, read_product_metadata
from landcover.products.stac_item import read_stac_item
from landcover.recipe import read_recipe
from landcover.sources.addresses import is_remote

EXAMPLES = int(os.environ.get("LANDCOVER_FUZZ_EXAMPLES", "40"))
SECONDS = 10.0
ROOT = Path(__file__).parents[2]
RECIPE = ROOT / "recipes" / "mediterranean-rf.yaml"

fuzzed = settings(
    max_examples=EXAMPLES,
    derandomize="LANDCOVER_FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Reader(NamedTuple):
    """A reader with a sound file of its kind."""

    name: str
    """Name of the file."""
    make: Callable[[Path], None]
    """Writes a sound file."""
    read: Callable[[Path], object]


def _write(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text, encoding="utf-8") and None


POINTS = "lat,lon,label\n36.5,-4,forest\n36.6,-4.1,water\n36.7,-4.2,40\n"
GEOJSON = json.dumps({
    "type": "FeatureCollection",
    "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}},
    "features": [
        {"type": "Feature", "properties": {"label": "forest", "n": 12345678901234567890},
         "geometry": {"type": "Point", "coordinates": [-4, 36.5]}},
        {"type": "Feature", "properties": {"label": "water"},
         "geometry": {"type": "Polygon", "coordinates":
                      [[[-4, 36], [-4, 36.001], [-3.999, 36.001], [-4, 36]]]}},
    ],
})  # fmt: skip
KML = (
    '<?xml version="1.0" encoding="UTF-8"?><kml><Document><Folder><name>water</name><Placemark>'
    "<name>forest</name><description><![CDATA[<table><tr><td>class</td><td>water</td></tr></table>"
    '<![x]]></description><ExtendedData><Data name="label"><value>40</value></Data></ExtendedData>'
    "<MultiGeometry><Point><coordinates> -4 , 36.5,0 </coordinates></Point><Polygon>"
    "<outerBoundaryIs><LinearRing><coordinates>-4,36 -4,36.1 -3.9,36.1 -4,36</coordinates>"
    "</LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder></Document></kml>"
)
ITEM = json.dumps({
    "type": "Feature", "stac_version": "1.1.0",
    "id": "S2A_MSIL2A_20210606T110740_N0509_R094_T30SUF_20210606T161957",
    "properties": {
        "datetime": "2021-06-06T11:11:49Z", "s2:processing_baseline": "05.09",
        "earthsearch:boa_offset_applied": None, "grid:code": "MGRS-30SUF",
        "platform": "sentinel-2a", "eo:cloud_cover": 3.2, "s2:nodata_pixel_percentage": 0.1,
        "proj:epsg": 32630, "view:sun_elevation": 60.1, "view:sun_azimuth": 140,
        "created": "2022-11-06T10:13:28Z",
    },
    "assets": {"red": {"href": "red.tif", "proj:shape": [24, 24],
                       "proj:transform": [10, 0, 300000, 0, -10, 4100040],
                       "raster:bands": [{"offset": -0.1, "scale": 0.0001}]},
               "B03_10m": {"href": "green.tif", "bands": [{"name": "B03", "raster:offset": 0}]}},
})  # fmt: skip


def _raster(path: Path, driver: str = "GTiff") -> None:
    values = np.kron(np.array([[20, 40], [80, 0]], "uint8"), np.ones((12, 12), "uint8"))
    with rasterio.open(
        path, "w", driver=driver, width=24, height=24, count=1, dtype="uint8", crs="EPSG:32630",
        transform=rasterio.Affine(10, 0, 300_000, 0, -10, 4_100_040), nodata=0, tiled=False,
    ) as file:  # fmt: skip
        file.write(values, 1)


def _vectors(path: Path, driver: str) -> None:
    pyogrio.raw.write(
        str(path), geometry=shapely.to_wkb(shapely.points([[-4, 36.5], [-4.1, 36.6]])),
        field_data=[np.array(["forest", "water"], dtype=object)], fields=np.array(["label"]),
        geometry_type="Point", crs="EPSG:4326", driver=driver,
    )  # fmt: skip


def _zip(path: Path) -> None:
    _vectors(path.with_suffix(".shp"), "ESRI Shapefile")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path.parent.glob(f"{path.stem}.*")):
            if file.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.write(file, file.name)


def _kmz(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("doc.kml", KML)
        archive.writestr("files/b.kml", KML)


def _parquet(path: Path) -> None:
    points = shapely.to_wkb(shapely.points([[-4, 36.5], [-4.1, 36.6]]))
    geo = {"version": "1.1.0", "primary_column": "geometry",
           "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}}}  # fmt: skip
    table = pa.table({"geometry": points.tolist(), "label": ["forest", "water"]})
    pq.write_table(table.replace_schema_metadata({"geo": json.dumps(geo)}), path)


def _item(path: Path) -> None:
    _write(ITEM)(path)
    for name in ("red.tif", "green.tif"):
        _raster(path.with_name(name))


def _trust(path: Path) -> None:
    path.write_bytes(save_trust(Trust(("a", "b"), None, None)))


def _arrays(path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, format=np.int64(1), feature_names=np.array(["a", "b"]), codes=np.arange(3))
    path.write_bytes(buffer.getvalue())


def _receipt(path: Path) -> None:
    receipt = {
        "outputs": ["bb80a73dd8c0562b"], "run": "r", "recipe_id": "x", "recipe": {"name": "x"},
        "arguments": {"tiles": ["30SUF"], "year": 2021, "products": "products", "labels": "l.csv",
                      "until": "publish"},
        "simulated": True, "products": [], "labels": [], "model": None, "outside": [],
        "steps": [{"id": "bb80a73dd8c0562b", "key": "k", "files": [], "wanted": {
            "stage": "publish", "version": 1, "unit": "all", "inputs": {}, "params": {}}}],
        "software": {"python": "3.11"},
    }  # fmt: skip
    path.write_text(json.dumps(receipt))


GRANULE = (
    '<n1:T xmlns:n1="x"><TILE_ID>S2A_L2A_T30SUF_N05.09</TILE_ID>'
    "<SENSING_TIME>2021-06-06T11:11:49Z</SENSING_TIME>"
    "<HORIZONTAL_CS_CODE>EPSG:32630</HORIZONTAL_CS_CODE>"
    '<Size resolution="10"><NROWS>24</NROWS><NCOLS>24</NCOLS></Size>'
    '<Geoposition resolution="10"><ULX>300000</ULX><ULY>4100040</ULY><XDIM>10</XDIM>'
    "<YDIM>-10</YDIM></Geoposition><Sun_Angles_Grid><Zenith><COL_STEP>5000</COL_STEP>"
    "<ROW_STEP>5000</ROW_STEP><Values_List><VALUES>1 2</VALUES><VALUES>3 4</VALUES></Values_List>"
    "</Zenith><Azimuth><COL_STEP>5000</COL_STEP><ROW_STEP>5000</ROW_STEP><Values_List>"
    "<VALUES>1 2</VALUES><VALUES>3 4</VALUES></Values_List></Azimuth></Sun_Angles_Grid>"
    "<Mean_Sun_Angle><ZENITH_ANGLE>30</ZENITH_ANGLE><AZIMUTH_ANGLE>140</AZIMUTH_ANGLE>"
    "</Mean_Sun_Angle></n1:T>"
)
PRODUCT = (
    "<P><PRODUCT_URI>S2A_MSIL2A_20210606T110740_N0509_R094_T30SUF_20210606T161957.SAFE"
    "</PRODUCT_URI><PROCESSING_BASELINE>05.09</PROCESSING_BASELINE>"
    "<GENERATION_TIME>2021-06-06T16:19:57Z</GENERATION_TIME>"
    "<SPACECRAFT_NAME>Sentinel-2A</SPACECRAFT_NAME><SENSING_ORBIT_NUMBER>94</SENSING_ORBIT_NUMBER>"
    "<DATATAKE_SENSING_START>2021-06-06T11:07:40Z</DATATAKE_SENSING_START>"
    '<BOA_ADD_OFFSET band_id="3">-1000</BOA_ADD_OFFSET><EXT_POS_LIST>36 -4 37 -4</EXT_POS_LIST>'
    "<Cloud_Coverage_Assessment>3.2</Cloud_Coverage_Assessment></P>"
)
MANIFEST = (
    '<x><byteStream size="10"><fileLocation href="./a.jp2"/><checksum checksumName="MD5">ab'
    "</checksum></byteStream></x>"
)

READERS = {
    "csv": Reader("a.csv", _write(POINTS), read_labels),
    "geojson": Reader("a.geojson", _write(GEOJSON), read_labels),
    "kml": Reader("a.kml", _write(KML), read_labels),
    "kmz": Reader("a.kmz", _kmz, read_labels),
    "zipped shapefile": Reader("a.zip", _zip, read_labels),
    "geopackage": Reader("a.gpkg", lambda p: _vectors(p, "GPKG"), read_labels),
    "parquet": Reader("a.parquet", _parquet, read_labels),
    "label raster": Reader("a.tif", _raster, read_labels),
    "zones": Reader("z.geojson", _write(GEOJSON), lambda p: read_zones(p, "label")),
    "mapping": Reader("m.yaml", _write("010: cropland\nno: null\n"), read_mapping),
    "mapping table": Reader("m.csv", _write("label,class\n10,cropland\nx,\n"), read_mapping),
    "recipe": Reader("r.yaml", lambda p: p.write_bytes(RECIPE.read_bytes()) and None, read_recipe),
    "stac item": Reader("item.json", _item, lambda p: read_stac_item(p.parent)),
    "product metadata": Reader("MTD_MSIL2A.xml", _write(PRODUCT), read_product_metadata),
    "granule metadata": Reader("MTD_TL.xml", _write(GRANULE), read_granule_metadata),
    "angles": Reader("MTD_TL.xml", _write(GRANULE), read_angles),
    "manifest": Reader("manifest.safe", _write(MANIFEST), lambda p: read_manifest(p.parent)),
    "receipt": Reader("receipt.json", _receipt, lambda p: arguments_of(read_receipt(p), {
        "products": "google", "labels": "l"})),
    "trust": Reader("trust.npz", _trust, lambda p: load_trust(io.BytesIO(p.read_bytes()))),
}  # fmt: skip
HOSTILE = (
    b"NaN", b"Infinity", b"-1", b"0", b"1e999", b"9" * 5000, b"null", b"[", b"{", b"]" * 50,
    b"\0", b"\xff\xfe", b'"', b"'", b"<", b"</", b"<![x", b"&#0;", b" " * 3000, b"\r", b"..",
    b"!!python/object:os.system", b"&a [*a]", b"2021-13-45", b"\xf0\x9f\x8c\xb2", b"[" * 3000,
)  # fmt: skip

changes = st.lists(
    st.tuples(
        st.sampled_from(("flip", "cut", "put", "drop", "twice")),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 255),
        st.sampled_from(HOSTILE),
    ),
    min_size=1,
    max_size=6,
)


def changed(data: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    """Change some bytes."""
    for kind, place, byte, text in edits:
        at = int(place * len(data))
        if kind == "flip":
            data = data[:at] + bytes([data[at] ^ (byte or 1)] if data else b"") + data[at + 1 :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "put":
            data = data[:at] + text + data[at:]
        elif kind == "drop":
            data = data[:at] + data[at + byte :]
        else:
            data = data[: at + byte] + data[at:]
    return data


def judged(read: Callable[[Path], object], path: Path) -> str:
    """Read, and say how it ended; what is no error of ours goes through."""
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path)
            ending, said = "read", ""
        except LandcoverError as error:
            ending, said = "refused", str(error).strip()
    assert ending == "read" or 0 < len(said) < 5000, "one sentence, not the file"
    assert time.process_time() - began < SECONDS
    return ending


@pytest.mark.parametrize("name", READERS)
def test_a_changed_file_is_read_or_refused(name, tmp_path):
    reader = READERS[name]
    path = tmp_path / reader.name
    reader.make(path)
    sound = path.read_bytes()
    assert judged(reader.read, path) == "read"
    endings = set()

    @fuzzed
    @given(changes)
    def run(edits):
        path.write_bytes(changed(sound, edits))
        endings.add(judged(reader.read, path))

    run()
    # The changes do something, or nothing has been tried.
    assert "refused" in endings


@pytest.mark.parametrize("failure", [KeyError, RecursionError, OSError, OverflowError])
def test_a_reader_that_lets_another_error_out_is_caught(failure, tmp_path):
    """The control: a reader with a fault does not pass."""

    def faulty(path):
        if b"9999" in path.read_bytes():
            raise failure("fault")

    path = tmp_path / "a"
    path.write_text("sound")

    @settings(fuzzed, max_examples=max(EXAMPLES, 300))
    @given(changes)
    def run(edits):
        path.write_bytes(changed(b"sound", edits))
        judged(faulty, path)

    with pytest.raises(failure):
        run()


@fuzzed
@given(st.text(max_size=200))
def test_any_address_is_understood_or_refused(text):
    if "\0" not in text:
        judged(lambda _: is_remote(text), Path())


@fuzzed
@given(st.text(max_size=60), st.text(max_size=60))
def test_any_override_is_understood_or_refused(key, value):
    judged(lambda _: read_recipe(RECIPE, [f"{key}={value}", f"labels.mapping={value}"]), Path())


def test_arrays_of_a_model(tmp_path):
    path = tmp_path / "arrays.npz"
    _arrays(path)
    sound = path.read_bytes()

    @fuzzed
    @given(changes)
    def run(edits):
        path.write_bytes(changed(sound, edits))
        judged(lambda p: load_arrays(io.BytesIO(p.read_bytes()), "random-forest"), path)

    run()
