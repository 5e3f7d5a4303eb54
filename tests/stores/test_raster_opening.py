"""Files that would make GDAL open other files: none of them is."""

from __future__ import annotations

import shutil
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import rasterio

from landcover.errors import InputError
from landcover.labels.reading import read_labels
from landcover.nouns.grid import Grid
from landcover.stores.rasters import (
    RasterStyle,
    describe,
    joined,
    open_raster,
    read_array,
    read_codes,
    read_warped,
    write_raster,
    write_vrt,
)

GRID = Grid(crs="EPSG:32630", ulx=300_000, uly=4_100_040, pixel=10, width=64, height=64)
VRT = (
    '<VRTDataset rasterXSize="64" rasterYSize="64"><SRS>EPSG:32630</SRS>'
    "<GeoTransform>300000,10,0,4100040,0,-10</GeoTransform>"
    '<VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="{relative}">{source}</SourceFilename>'
    "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>"
)
OGR_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="l"><SrcDataSource>{source}</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>"
)


@contextmanager
def counting():
    """Count the requests that reach a server of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_):
            pass

    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "elsewhere" / "secret.tif"
    write_raster(path, np.full((64, 64), 40, "uint8"), GRID, RasterStyle("uint8", 0, ("c",)))
    return path


@pytest.mark.parametrize("name", ["labels.tif", "labels.TIFF", "labels.vrt", "labels.jp2"])
@pytest.mark.parametrize("blanks", ["", "\n" * 100, "<?xml version='1.0'?>"])
def test_a_virtual_raster_is_refused_whatever_it_is_called(tmp_path, secret, name, blanks):
    path = tmp_path / name
    path.write_text(blanks + VRT.format(relative=0, source=secret))
    for use in (
        describe,
        lambda p: read_codes(p, GRID),
        lambda p: read_warped(p, GRID, resampling="nearest"),
    ):
        with pytest.raises(InputError, match="convert it with gdal_translate"):
            use(path)


@pytest.mark.parametrize("source", ["elsewhere/secret.tif", "../x.tif", "/vsizip/x.zip/x.tif"])
def test_a_virtual_raster_beside_others_is_refused_too(tmp_path, secret, source):
    (tmp_path / "a.vrt").write_text(VRT.format(relative=1, source=source))
    with pytest.raises(InputError, match="convert it with gdal_translate"):
        describe(tmp_path / "a.vrt")


def test_our_own_virtual_rasters_are_opened(tmp_path, secret):
    shutil.copy(secret, tmp_path / "one.tif")
    write_vrt(tmp_path / "all.vrt", ["one.tif"])
    pixels, grid = read_array(tmp_path / "all.vrt")
    assert (grid, set(pixels.ravel().tolist())) == (GRID, {40})
    other = tmp_path / "two.tif"
    moved = GRID.model_copy(update={"ulx": GRID.ulx + 640})
    write_raster(other, np.full((64, 64), 30, "uint8"), moved, RasterStyle("uint8", 0, ("c",)))
    both = read_warped(joined([tmp_path / "one.tif", other]), moved, resampling="nearest")
    assert set(both.ravel().tolist()) == {30}


def test_a_member_of_our_virtual_raster_must_be_a_tiff(tmp_path, secret):
    shutil.copy(secret, tmp_path / "one.tif")
    write_vrt(tmp_path / "all.vrt", ["one.tif"])
    (tmp_path / "one.tif").write_text(VRT.format(relative=0, source=secret))
    with pytest.raises(InputError):
        describe(tmp_path / "all.vrt")


@pytest.mark.parametrize("ending", [".ovr", ".msk"])
def test_companions_must_be_tiff(tmp_path, secret, ending):
    shutil.copy(secret, tmp_path / "a.tif")
    (tmp_path / f"a.tif{ending}").write_text(VRT.format(relative=0, source=secret))
    with pytest.raises(InputError, match="expected overviews or a mask as TIFF"):
        describe(tmp_path / "a.tif")


def test_metadata_that_name_an_overview_elsewhere(tmp_path, secret):
    inside, beside = tmp_path / "inside.tif", tmp_path / "beside.tif"
    for path in (inside, beside):
        shutil.copy(secret, path)
    with rasterio.open(inside, "r+") as file:
        file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(secret))
    (tmp_path / "beside.tif.aux.xml").write_text(
        '<PAMDataset><Metadata domain="OVERVIEWS"><MDI key="OVERVIEW_FILE">'
        f"{secret}</MDI></Metadata></PAMDataset>"
    )
    for path in (inside, beside):
        with pytest.raises(InputError, match="name another file as its overview"):
            describe(path)


def test_no_address_is_called(tmp_path):
    with counting() as (url, asked):
        for name in ("a.tif", "b.gpkg", "c.shp"):
            path = tmp_path / name
            text = VRT if name == "a.tif" else OGR_VRT
            path.write_text(text.format(relative=0, source=f"/vsicurl/{url}/x.tif"))
            (tmp_path / "c.dbf").write_text(OGR_VRT.format(source=f"/vsicurl/{url}/x.dbf"))
            (tmp_path / "c.shx").write_text("x")
            with pytest.raises(InputError):
                read_labels(path)
        # The control: the same text, opened as GDAL does by itself, does call.
        with pytest.raises(rasterio.errors.RasterioIOError), rasterio.open(tmp_path / "a.tif") as f:
            f.read()
        assert asked
        n_calls = len(asked)
        with pytest.raises(InputError):
            read_labels(tmp_path / "a.tif")
        assert len(asked) == n_calls


def gml_jp2(path, old, new):
    """Write a JP2 that only its GML box places, and put something else into its text."""
    with rasterio.open(
        path, "w", driver="JP2OpenJPEG", width=64, height=64, count=1, dtype="uint8",
        crs=GRID.crs, transform=rasterio.Affine(*GRID.transform), GMLJP2="YES", GEOJP2="NO",
        QUALITY="100", REVERSIBLE="YES",
    ) as file:  # fmt: skip
        file.write(np.full((64, 64), 7, "uint8"), 1)
    data = path.read_bytes()

    def rebuilt(start, end):
        found, at = b"", start
        while at < end:
            size, kind = struct.unpack(">I4s", data[at : at + 8])
            size = size or end - at
            body = data[at + 8 : at + size]
            if kind == b"asoc":
                body = rebuilt(at + 8, at + size)
            elif kind == b"xml ":
                assert old.encode() in body
                body = body.replace(old.encode(), new.encode())
            found += struct.pack(">I4s", len(body) + 8, kind) + body
            at += size
        return found

    path.write_bytes(rebuilt(0, len(data)))


GML = {
    "pixels": ("gmljp2://codestream/0", "{}"),
    "features": (
        "</gml:FeatureCollection>",
        '<gml:featureMember xlink:href="{}"/></gml:FeatureCollection>',
    ),
    "schema": ("http://schemas.opengis.net", "{}"),
    "dictionary": ('srsName="urn:ogc:def:crs:EPSG::32630"', 'srsName="{}#CRS0001"'),
    "system": ('id="P0001" srsName="urn:ogc:def:crs:EPSG::32630"', 'id="P0001" srsName="{}"'),
}
"""What a GML box may refer to: what stands there, and what is put in its place."""


def test_a_gml_box_refers_to_nothing(tmp_path, secret):
    """GMLJP2: the box of a JP2 places it, and may name files, addresses and dictionaries."""
    path = tmp_path / "a.jp2"
    with counting() as (url, asked):
        for where, (old, new) in GML.items():
            for elsewhere in (str(secret), f"{url}/x", f"/vsicurl/{url}/x"):
                gml_jp2(path, old, new.format(elsewhere))
                with open_raster(path) as raster:
                    found = raster.read(next(GRID.windows(64, 64)), band=1)
                with rasterio.open(path) as file:  # that GDAL reads the box
                    assert file.transform == rasterio.Affine(*GRID.transform)
                    assert (file.crs is None) == (where in ("dictionary", "system"))
                assert set(found.ravel().tolist()) == {7}, where
        assert not asked


def test_other_formats_are_refused(tmp_path):
    path = tmp_path / "labels.tif"
    with rasterio.open(
        path, "w", driver="PNG", width=8, height=8, count=1, dtype="uint8", crs="EPSG:32630",
        transform=rasterio.Affine(*GRID.transform),
    ) as file:  # fmt: skip
        file.write(np.ones((8, 8), "uint8"), 1)
    with pytest.raises(InputError, match="cannot be read as a raster"), open_raster(path):
        pass
