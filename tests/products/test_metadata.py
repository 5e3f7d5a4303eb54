"""Metadata of real products of four baselines; damaged ones give one sentence."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime

import pytest

from landcover.errors import InputError
from landcover.products.markup import MOST_BYTES
from landcover.products.metadata import BAND_IDS, read_granule_metadata, read_product_metadata

PRODUCTS = [
    "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857",
    "S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500",
    "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126",
    "S2A_MSIL2A_20230625T234621_N0509_R073_T01WCP_20230626T022157",
]


def moment(text):
    return datetime.fromisoformat(text)


@pytest.fixture
def unpack(spec_dir, tmp_path):
    def unpacked(name, kind):
        path = tmp_path / f"{kind}.xml"
        path.write_bytes(
            gzip.decompress((spec_dir / f"oracles/mtd/{name}__{kind}.xml.gz").read_bytes())
        )
        return path

    return unpacked


@pytest.fixture
def expected(spec_dir):
    return json.loads((spec_dir / "oracles/mtd/expected.json").read_text())


@pytest.mark.parametrize("name", PRODUCTS)
def test_product_metadata(unpack, expected, name):
    found, wanted = read_product_metadata(unpack(name, "MTD_MSIL2A")), expected[name]
    assert found.name == name
    assert f"{found.baseline / 100:05.2f}" == wanted["baseline"]
    assert found.spacecraft == "S2" + wanted["spacecraft"][-1]
    assert found.relative_orbit == wanted["relative_orbit"]
    assert found.datatake == moment(wanted["datatake_start"])
    assert found.generated == moment(wanted["generation_time"])
    assert found.boa_quantification == wanted["boa_quantification"]
    assert found.aot_quantification == wanted["aot_quantification"]
    assert found.wvp_quantification == wanted["wvp_quantification"]
    offsets = {BAND_IDS[int(n)]: value for n, value in wanted["boa_add_offset"].items()}
    assert (found.offsets or {}) == offsets
    assert found.cloud_percent == wanted["cloud_coverage_assessment"]
    assert found.nodata_percent == float(wanted["nodata_in_msil2a"])
    assert len(found.images) == wanted["n_image_files"]
    assert found.footprint[0] == found.footprint[-1]
    assert all(-180 <= lon <= 180 and -90 <= lat <= 90 for lon, lat in found.footprint)


@pytest.mark.parametrize("name", PRODUCTS)
def test_granule_metadata(unpack, expected, name):
    found, wanted = read_granule_metadata(unpack(name, "MTD_TL")), expected[name]
    assert f"_T{found.tile}_" in wanted["tile_id"]
    assert found.sensing == moment(wanted["sensing_time"])
    assert found.crs == wanted["epsg"]
    assert found.sun_zenith == pytest.approx(wanted["mean_sun_zenith"], abs=1e-12)
    assert found.sun_azimuth == pytest.approx(wanted["mean_sun_azimuth"], abs=1e-12)
    assert sorted(found.grids) == [10, 20, 60]
    for resolution, grid in found.grids.items():
        assert (grid.crs, grid.ulx, grid.uly) == (wanted["epsg"], wanted["ulx"], wanted["uly"])
        assert (grid.pixel, grid.width * resolution) == (resolution, 109_800)
        assert grid.ratio_to(found.grids[10]) == resolution // 10


@pytest.mark.parametrize(
    ("file", "tile"),
    [
        ("S2A_MSIL1C*/GRANULE/*/MTD_TL.xml", "46RER"),
        ("S2A_OPER_MSI_L2A_TL*_T34LBP/metadata.xml", "34LBP"),
        ("S2A_MSIL2A_20150826*/MTD_TL.xml", "11SLT"),
        ("S2A_MSIL2A_20230821*/GRANULE/*/MTD_TL.xml", "01KAB"),
        ("esa_S2B*/GRANULE/*/MTD_TL.xml", "22HBD"),
    ],
)
def test_granules_of_every_layout(data_dir, file, tile):
    (path,) = (data_dir / "safe-metadata").glob(file)
    assert read_granule_metadata(path).tile == tile


@pytest.mark.parametrize(
    ("file", "baseline", "n_offsets", "n_images"),
    [
        ("S2A_MSIL2A_20150826*/MTD_MSIL2A.xml", 212, 0, 35),
        ("S2A_MSIL2A_20190212*/MTD_MSIL2A.xml", 212, 0, 35),
        ("S2A_MSIL2A_20230821*/MTD_MSIL2A.xml", 509, 13, 36),
        ("S2B_MSIL2A_20220413*/MTD_MSIL2A.xml", 400, 13, 36),
        ("esa_S2B*/MTD_MSIL2A.xml", 214, 0, 35),
    ],
)
def test_products_of_every_layout(data_dir, file, baseline, n_offsets, n_images):
    (path,) = (data_dir / "safe-metadata").glob(file)
    found = read_product_metadata(path)
    assert (found.baseline, len(found.images)) == (baseline, n_images)
    assert len(found.offsets or {}) == n_offsets
    assert set((found.offsets or {"B02": -1000}).values()) == {-1000}


PRODUCT_NUMBERS = ["PROCESSING_BASELINE", "SENSING_ORBIT_NUMBER", "BOA_QUANTIFICATION_VALUE",
                   "BOA_ADD_OFFSET", "EXT_POS_LIST", "Cloud_Coverage_Assessment",
                   "NODATA_PIXEL_PERCENTAGE"]  # fmt: skip
PRODUCT_TEXTS = ["GENERATION_TIME", "DATATAKE_SENSING_START"]
GRANULE_NUMBERS = ["ULX", "ULY", "XDIM", "NROWS", "NCOLS", "ZENITH_ANGLE"]
GRANULE_TEXTS = ["SENSING_TIME", "TILE_ID"]


def with_text(path, element, text):
    found = re.sub(rf"(<{element}\b[^>]*>)[^<]*(</)", rf"\g<1>{text}\g<2>", path.read_text())
    assert found != path.read_text()
    path.write_text(found)
    return path


def refused(read, path):
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith((f"{path}: ", "Grid: "))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("text", ["many", "nan", "1e999"])
@pytest.mark.parametrize("element", PRODUCT_NUMBERS)
def test_a_product_with_a_wrong_number_is_refused(unpack, element, text):
    path = with_text(unpack(PRODUCTS[2], "MTD_MSIL2A"), element, text)
    assert text in refused(read_product_metadata, path)


@pytest.mark.parametrize("element", PRODUCT_TEXTS)
def test_a_product_with_a_wrong_time_is_refused(unpack, element):
    path = with_text(unpack(PRODUCTS[2], "MTD_MSIL2A"), element, "2022-13-45")
    assert element in refused(read_product_metadata, path)


@pytest.mark.parametrize("text", ["many", "nan"])
@pytest.mark.parametrize("element", GRANULE_NUMBERS)
def test_a_granule_with_a_wrong_number_is_refused(unpack, element, text):
    path = with_text(unpack(PRODUCTS[2], "MTD_TL"), element, text)
    assert text in refused(read_granule_metadata, path)


@pytest.mark.parametrize(("element", "text"), [("NCOLS", "0"), ("NROWS", "-3"), ("XDIM", "0")])
def test_a_granule_without_size_is_refused(unpack, element, text):
    refused(read_granule_metadata, with_text(unpack(PRODUCTS[2], "MTD_TL"), element, text))


@pytest.mark.parametrize("element", GRANULE_TEXTS)
def test_a_granule_with_a_wrong_text_is_refused(unpack, element):
    path = with_text(unpack(PRODUCTS[2], "MTD_TL"), element, "nothing")
    assert element in refused(read_granule_metadata, path)


@pytest.mark.parametrize("band_id", ["13", "-1", "B02", ""])
def test_an_offset_of_no_band_is_refused(unpack, band_id):
    path = unpack(PRODUCTS[2], "MTD_MSIL2A")
    path.write_text(path.read_text().replace('band_id="12"', f'band_id="{band_id}"'))
    refused(read_product_metadata, path)


@pytest.mark.parametrize(
    ("kind", "element"),
    [("MTD_MSIL2A", "PRODUCT_URI"), ("MTD_MSIL2A", "SPACECRAFT_NAME"),
     ("MTD_TL", "HORIZONTAL_CS_CODE"), ("MTD_TL", "TILE_ID")],
)  # fmt: skip
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_lost_element_is_named(unpack, kind, element, how):
    path = unpack(PRODUCTS[3], kind)
    if how == "empty":
        with_text(path, element, "")
    else:
        path.write_text(path.read_text().replace(element, "OTHER"))
    read = read_product_metadata if kind == "MTD_MSIL2A" else read_granule_metadata
    assert element in refused(read, path)


HEAD = '<?xml version="1.0"?>\n'


@pytest.mark.parametrize(
    "doctype",
    [
        # Nested entities: 12 levels of ten make 10^12 copies of a word.
        '<!DOCTYPE a [<!ENTITY l0 "ha">'
        + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
        + "]>",
        f'<!DOCTYPE a [<!ENTITY l11 "{"x" * 100_000}">]>',
        '<!DOCTYPE a [<!ENTITY l11 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">',
    ],
    ids=["billion laughs", "quadratic", "external", "dtd"],
)
def test_a_document_type_is_refused_where_it_begins(tmp_path, doctype):
    path = tmp_path / "MTD.xml"
    path.write_text(f"{HEAD}{doctype}<a>{'&l11;' * 1000}</a>")
    assert "defines a document type (a)" in refused(read_product_metadata, path)
    assert "defines a document type (a)" in refused(read_granule_metadata, path)


def test_a_file_that_is_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "MTD.xml"
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)  # a hole: no disk space
    assert "67 MB of XML, expected metadata of at most 67 MB" in refused(
        read_product_metadata, path
    )


@pytest.mark.parametrize(
    ("declared", "written"), [("UTF-16", "utf-8"), ("UTF-8", "latin-1"), ("US-ASCII", "utf-8")]
)
def test_a_wrong_encoding_is_refused(tmp_path, declared, written):
    path = tmp_path / "MTD.xml"
    path.write_bytes(f'<?xml version="1.0" encoding="{declared}"?><a>é</a>'.encode(written))
    assert "not valid XML" in refused(read_product_metadata, path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_every_encoding_that_is_declared_rightly_is_read(unpack, encoding):
    path = unpack(PRODUCTS[2], "MTD_MSIL2A")
    before = read_product_metadata(path)
    text = path.read_text(encoding="utf-8").partition("?>")[2]
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(encoding))
    assert read_product_metadata(path) == before


@pytest.mark.parametrize(
    "content",
    [b"", b"<a>", b"no xml", b"\xff\xfe\x00", b'<?xml version="1.0" encoding="klingon"?><a/>'],
)
def test_what_is_no_xml_is_refused(tmp_path, content):
    path = tmp_path / "MTD.xml"
    path.write_bytes(content)
    assert "not valid XML" in refused(read_product_metadata, path)
    path.unlink()
    assert "cannot be read" in refused(read_granule_metadata, path)
