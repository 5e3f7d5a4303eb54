"""Archives whose members refer elsewhere: what they name is neither opened nor called."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pyogrio.raw
import pytest
import shapely

from landcover.errors import InputError, LandcoverError
from landcover.labels.reading import read_labels

OGR_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="labels"><SrcDataSource>{source}</SrcDataSource>'
    "</OGRVRTLayer></OGRVRTDataSource>"
)
VRT = (
    '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="Byte" band="1">'
    "<SimpleSource><SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand>"
    "</VRTDataset>"
)
KML = (
    '<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{link}<Placemark>'
    '<ExtendedData><Data name="class"><value>wetland</value></Data></ExtendedData>'
    "<Point><coordinates>{lon},36.8</coordinates></Point></Placemark></Document></kml>"
)
LINK = "<NetworkLink><Link><href>{}</href></Link></NetworkLink>"


def shapefile(folder: Path, label: str) -> Path:
    """Write one labelled point and give its .shp."""
    folder.mkdir()
    pyogrio.raw.write(
        folder / "labels.shp", np.array([shapely.Point(-5.2, 36.8).wkb], object),
        [np.array([label], object)], ["class"], geometry_type="Point", crs="EPSG:4326",
        encoding="UTF-8",
    )  # fmt: skip
    return folder / "labels.shp"


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def parts(shape: Path) -> dict[str, bytes]:
    return {part.name: part.read_bytes() for part in sorted(shape.parent.iterdir())}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return shapefile(tmp_path / "elsewhere", "wetland")


@pytest.mark.parametrize("part", ["labels.shp", "labels.shx", "labels.dbf"])
def test_a_part_of_a_zipped_shapefile_is_no_virtual_source(
    tmp_path: Path, secret: Path, part: str
) -> None:
    members = parts(shapefile(tmp_path / "own", "cropland"))
    whole = read_labels(zipped(tmp_path / "whole.zip", members))
    assert len(whole.points) == 1
    for source in (secret, "/vsicurl/http://127.0.0.1:9/x.shp", f"/vsizip/{tmp_path}/whole.zip"):
        text = OGR_VRT.format(source=source).encode()
        path = zipped(tmp_path / "changed.zip", {**members, part: text})
        with pytest.raises(InputError, match=f"its .{part[-3:]} is no part of a shapefile"):
            read_labels(path)


@pytest.mark.parametrize("name", ["a.vrt", "a.gpkg", "a.tif", "a.shp.vrt", "a.gml"])
def test_a_zip_is_searched_for_shapefiles_only(tmp_path: Path, secret: Path, name: str) -> None:
    text = (OGR_VRT if "tif" not in name else VRT).format(source=secret).encode()
    with pytest.raises(InputError, match="it holds no shapefile"):
        read_labels(zipped(tmp_path / "labels.zip", {name: text}))


@pytest.mark.parametrize("ending", [".tif", ".gpkg", ".shp", ".zip", ".kmz"])
@pytest.mark.parametrize("kind", ["zip", "tar", "gz"])
def test_an_archive_by_another_name_is_not_opened(
    tmp_path: Path, secret: Path, ending: str, kind: str
) -> None:
    """GDAL looks into a zip or tar by its content, and finds a virtual source there."""
    members = tmp_path / "members"
    members.mkdir()
    for member in ("a.vrt", "a.tif"):
        (members / member).write_text(OGR_VRT.format(source=secret))
    path = tmp_path / f"labels{ending}"
    if kind == "zip":
        zipped(path, {file.name: file.read_bytes() for file in members.iterdir()})
    else:
        with tarfile.open(path, "w:gz" if kind == "gz" else "w") as archive:
            archive.add(members, "members")
    if ending == ".shp":  # its parts are whole
        for part in secret.parent.iterdir():
            if part.suffix != ".shp":
                (tmp_path / part.name).write_bytes(part.read_bytes())
    with pytest.raises(LandcoverError):
        read_labels(path)


@pytest.mark.parametrize("inside", ["a.tif", "a.gpkg", "labels.shp"])
def test_a_path_into_an_archive_is_no_file(tmp_path: Path, secret: Path, inside: str) -> None:
    path = zipped(tmp_path / "labels.zip", {"a.tif": b"x", "a.gpkg": b"x", **parts(secret)})
    with pytest.raises(InputError, match="no such label file"):
        read_labels(f"/vsizip/{path}/{inside}")


def test_a_kmz_reads_its_own_members_only(tmp_path: Path) -> None:
    for lon, name in ((-5.3, "beside.kml"), (-5.4, "elsewhere.kml")):
        (tmp_path / name).write_text(KML.format(link="", lon=lon))
    folder = tmp_path / "in"
    folder.mkdir()
    links = [
        "http://127.0.0.1:9/x.kml", "file:///" + str(tmp_path / "beside.kml"), "../beside.kml",
        str(tmp_path / "elsewhere.kml"), "inner.kml",
    ]  # fmt: skip
    main = KML.format(link="".join(map(LINK.format, links)), lon=-5.1)
    inner = KML.format(link=LINK.format("../../elsewhere.kml"), lon=-5.2)
    path = zipped(folder / "a.kmz", {"doc.kml": main.encode(), "inner.kml": inner.encode()})
    found = read_labels(path)
    assert sorted(found.points["lon"]) == [-5.2, -5.1]
