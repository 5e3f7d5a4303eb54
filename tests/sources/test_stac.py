"""STAC APIs through pystac-client: paging, COGs with wrong flags, SAFE folders behind items."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from affine import Affine
from fake_servers import TILE, Fault, contents, s3, stac

from landcover.errors import InputError, MissingDataError, UnavailableError
from landcover.nouns.period import Period
from landcover.products.reading import read_product
from landcover.recipe import Selection
from landcover.sources.access import KeyPair
from landcover.sources.addresses import open_source
from landcover.sources.local import LocalSource
from landcover.sources.selection import select_products

MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)
ALL = datetime(2021, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC)
SIDE = 64


@pytest.fixture(scope="module")
def rasters(tmp_path_factory):
    """Give small rasters: one whose pixels still carry +1000, one whose do not."""
    random = np.random.default_rng(7)
    dark = random.integers(1, 900, (SIDE, SIDE)).astype(np.uint16)
    found = {}
    folder = tmp_path_factory.mktemp("rasters")
    for name, pixels in {"shifted": dark, "original": dark + 1000}.items():
        path = folder / f"{name}.tif"
        place = Affine(10, 0, 300000, 0, -10, 4100040)
        with rasterio.open(
            path, "w", driver="GTiff", width=SIDE, height=SIDE, count=1, dtype="uint16",
            crs="EPSG:32630", transform=place, nodata=0,
        ) as file:  # fmt: skip
            file.write(pixels, 1)
        found[name] = path.read_bytes()
    return found


def item(day, baseline, *, applied=None, pixels="original", **properties):
    """Make an item as Earth Search does; ``applied`` is its word on the offset."""
    name = f"S2B_MSIL2A_202103{day:02d}T110108_N{baseline:04d}_R051_T{TILE}_202103{day:02d}T161325"
    body = {
        "datetime": f"2021-03-{day:02d}T11:12:00.662000Z",
        "created": f"2021-03-{day:02d}T21:00:00Z",
        "platform": "sentinel-2b",
        "grid:code": f"MGRS-{TILE}",
        "eo:cloud_cover": 4.0,
        "s2:nodata_pixel_percentage": 1.5,
        "s2:processing_baseline": f"{baseline // 100:02d}.{baseline % 100:02d}",
        "s2:product_uri": f"{name}.SAFE",
        "s2:generation_time": f"2021-03-{day:02d}T{baseline % 24:02d}:13:25.000000Z",
        "s2:sequence": "0",
        **({"earthsearch:boa_offset_applied": applied} if applied is not None else {}),
        **properties,
    }
    bands = [{"nodata": 0, "scale": 0.0001, "offset": -0.1 if baseline >= 400 else 0}]
    one = f"S2B_{TILE}_202103{day:02d}_{baseline}_L2A"
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": one,
        "collection": "sentinel-2-l2a",
        "geometry": None,
        "properties": body,
        "links": [{"rel": "self", "href": f"{{url}}/collections/sentinel-2-l2a/items/{one}"}],
        "assets": {
            "blue": {"href": f"{{url}}/assets/{pixels}/B02.tif", "raster:bands": bands},
            "red": {"href": f"{{url}}/assets/{pixels}/B04.tif", "raster:bands": bands},
            "scl": {"href": f"{{url}}/assets/{pixels}/SCL.tif"},
            "blue-jp2": {"href": "s3://requester-pays/B02.jp2"},
            "thumbnail": {"href": "{url}/assets/thumbnail.jpg"},
        },
    }  # fmt: skip


ITEMS = [
    item(7, 212),
    item(7, 500, applied=True, pixels="shifted"),
    item(10, 509, applied=True, pixels="shifted"),
    item(14, 509, applied=False, pixels="shifted"),  # flagged false, shifted nevertheless
    item(18, 509, applied=False, pixels="original"),
    item(22, 510),  # Collection 1 says nothing and leaves the offset to the reader
    item(31, 509, datetime="2021-03-31T11:12:00Z"),
]


@pytest.fixture(params=["POST", "GET"])
def next_by(request):
    return request.param


@pytest.fixture
def server(rasters):
    objects = {
        f"{kind}/{name}.tif": body
        for kind, body in rasters.items()
        for name in ("B02", "B04", "SCL")
    }
    with stac(ITEMS, objects) as running:
        yield running


@pytest.fixture
def source(server, access):
    return open_source(f"stac+{server.url}?collection=sentinel-2-l2a", access)


def test_search_reads_all_pages(access, next_by):
    with stac(ITEMS, {}, page=2, next_by=next_by) as server:
        found = open_source(f"stac+{server.url}", access).search(TILE, *MARCH)
        assert len(server.asked("/search")) == 4
    assert [f"{f.datatake:%d %H%M%S} {f.baseline}" for f in found] == [
        "07 110108 212", "07 110108 500", "10 110108 509", "14 110108 509", "18 110108 509",
        "22 110108 510", "31 110108 509",
    ]  # fmt: skip
    assert {f.as_product().useful_percent for f in found} == {98.5 * 96 / 100}


def test_the_interval_is_that_of_the_datatake(source):
    start = datetime(2021, 3, 10, 11, 1, 8, tzinfo=UTC)
    end = datetime(2021, 3, 31, 11, 1, 8, tzinfo=UTC)
    assert [f.datatake.day for f in source.search(TILE, start, end)] == [10, 14, 18, 22]


def test_one_delivery_of_an_acquisition_is_chosen(source):
    period = Period(
        name="2021-spring", label="spring", start=MARCH[0], end=MARCH[1], fallback_start=MARCH[1],
        fallback_end=datetime(2021, 5, 1, tzinfo=UTC), fallback_descending=False,
    )  # fmt: skip
    products = [found.as_product() for found in source.search(TILE, *MARCH)]
    chosen = select_products(products, period, Selection(max_products=9))
    assert len(chosen.names) == 6
    assert not any("N0212" in name for name in chosen.names)


@pytest.mark.parametrize(
    ("day", "baseline", "offset", "decision"),
    [
        (7, 212, 0, "metadata"),
        (10, 509, 0, "provider"),
        (14, 509, 0, "sniffed"),
        (18, 509, -1000, "sniffed"),
        (22, 510, -1000, "metadata"),
    ],
)
def test_the_offset_of_what_is_fetched(source, tmp_path, day, baseline, offset, decision):
    found = source.search(TILE, *MARCH)
    (one,) = (f for f in found if (f.datatake.day, f.baseline) == (day, baseline))
    product = read_product(source.fetch(one, tmp_path))
    assert product.layers == ("B02", "B04", "SCL")
    assert (product.file("B02").offset, product.offset_decision) == (offset, decision)
    assert product.name == one.name
    assert (product.acquisition, product.baseline) == (one.acquisition, one.baseline)
    (local,) = LocalSource(tmp_path).search(TILE, *MARCH)
    assert local.model_copy(update={"href": one.href, "provider": one.provider}) == one


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("/search", status=429, times=3), None),
        (Fault("/search", "truncate", at=40, times=2), None),
        (Fault("/search", "slow", seconds=0.8), None),
        (Fault("GET /\\?", status=502, times=2), None),
        (Fault("/search", status=503, times=99), UnavailableError),
        (Fault("/search", status=400), InputError),
        (Fault("/search", status=401), InputError),
    ],
)
def test_faults_of_the_catalogue(server, source, fault, error):
    server.faults.append(fault)
    if error is None:
        assert len(source.search(TILE, *MARCH)) == 7
        assert fault.times == 0
    else:
        with pytest.raises(error):
            source.search(TILE, *MARCH)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("GET .*B04", "reset", at=3000, times=2), None),
        (Fault("GET .*B04", "truncate", at=3000, times=2), None),
        (Fault("GET .*B04", status=429, times=3, headers={"Retry-After": "0"}), None),
        (Fault("HEAD .*B04", status=405), None),
        (Fault("/items/", status=500, times=2), None),
        (Fault("GET .*B04", status=404), MissingDataError),
        (Fault("HEAD .*B04", status=404), MissingDataError),
        (Fault("/items/", status=404), MissingDataError),
    ],
)
def test_faults_of_the_files(server, source, tmp_path, rasters, fault, error):
    found = source.search(TILE, *MARCH)[2]
    server.faults.append(fault)
    if error is None:
        path = source.fetch(found, tmp_path)
        assert (path / "B04.tif").read_bytes() == rasters["shifted"]
        assert fault.times == 0
    else:
        with pytest.raises(error):
            source.fetch(found, tmp_path)
        assert not (tmp_path / found.name).exists()


@pytest.mark.parametrize("is_right", [True, False])
def test_a_checksum_of_the_item_is_held(rasters, access, tmp_path, is_right):
    content = rasters["original"]
    sha = hashlib.sha256(content if is_right else b"other").hexdigest()
    one = item(18, 509, applied=False)
    one["assets"]["blue"] |= {"file:size": len(content), "file:checksum": f"1220{sha}"}
    objects = {f"original/{name}.tif": content for name in ("B02", "B04", "SCL")}
    with stac([one], objects) as server:
        source = open_source(f"stac+{server.url}", access)
        (found,) = source.search(TILE, *MARCH)
        if is_right:
            assert source.fetch(found, tmp_path).is_dir()
            assert not server.asked("HEAD .*B02")
        else:
            with pytest.raises(UnavailableError, match="damaged: sha256"):
                source.fetch(found, tmp_path)


def test_zones_below_ten_are_written_with_one_digit(access, rasters, tmp_path):
    one = item(18, 509, applied=True)
    one["properties"]["grid:code"] = "MGRS-4QFJ"
    uri = one["properties"]["s2:product_uri"].replace(TILE, "04QFJ")
    one["properties"]["s2:product_uri"] = uri
    objects = {f"original/{name}.tif": rasters["original"] for name in ("B02", "B04", "SCL")}
    with stac([one], objects) as server:
        source = open_source(f"stac+{server.url}", access)
        (found,) = source.search("04QFJ", *MARCH)
        assert read_product(source.fetch(found, tmp_path)).tile == "04QFJ"


class TestCopernicus:
    """Items whose assets are files of SAFE folders in a bucket."""

    ROOT = "Sentinel-2/MSI/L2A/2021"

    @pytest.fixture
    def store(self, safes):
        with s3("eodata", contents(safes, f"{self.ROOT}/"), key="KEY") as running:
            yield running

    @pytest.fixture
    def items(self, safes):
        """Give items that tell the nodata percentage, or not."""
        found = []
        for path in sorted(safes.glob("*_202103*")):
            one = item(10, 509)
            day = path.name[17:19]
            moment = {"datetime": f"2021-03-{day}T11:12:00Z"}
            image = next(path.rglob("*B02_10m.jp2")).relative_to(safes)
            for key in ("s2:product_uri", "s2:nodata_pixel_percentage", "s2:processing_baseline"):
                del one["properties"][key]
            version = f"{path.name[28:30]}.{path.name[30:32]}"
            one["properties"] |= {**moment, "processing:version": version}
            if day == "20":
                one["properties"]["statistics"] = {"nodata": 2.25}
            one["id"] = path.stem
            one["links"][0]["href"] = f"{{url}}/collections/sentinel-2-l2a/items/{path.stem}"
            one["assets"] = {"B02_10m": {"href": f"s3://eodata/{self.ROOT}/{image}"}}
            found.append(one)
        return found

    def test_search_and_fetch(self, items, store, safes, access, tmp_path):
        with stac(items, {}) as server:
            address = f"stac+{server.url}?s3={store.url}"
            source = open_source(address, replace(access, cdse_keys=KeyPair("KEY", "x")))
            found = source.search(TILE, *MARCH)
            assert [f.baseline for f in found] == [212, 500, 509, 509]
            local = {f.name: f for f in LocalSource(safes).search(TILE, *MARCH)}
            for one in found[:3]:
                assert one.nodata_percent == local[one.name].nodata_percent
            assert found[3].nodata_percent == 2.25
            path = source.fetch(found[2], tmp_path)
        assert contents(path).items() <= contents(safes / path.name).items()

    def test_without_keys(self, items, access, tmp_path):
        with stac(items, {}) as server:
            source = open_source(f"stac+{server.url}", access)
            found = source.search(TILE, *MARCH)
            assert [f.nodata_percent for f in found] == [None, None, None, 2.25]
            with pytest.raises(InputError, match="LANDCOVER_CDSE_S3_KEY"):
                source.fetch(found[3], tmp_path)
