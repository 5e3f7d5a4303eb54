"""Google's bucket through Google's own client, against a server that speaks its API."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fake_servers import TILE, Fault, contents, google

from landcover.errors import InputError, MissingDataError, UnavailableError
from landcover.products.reading import read_product
from landcover.sources.addresses import open_source
from landcover.sources.bucket import used_files
from landcover.sources.local import LocalSource

BUCKET = "gcp-public-data-sentinel-2"
PLACE = "L2/tiles/30/S/UF"
MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def objects(safes):
    """Give the bucket: two baselines, folder markers, quick looks, another tile, Level-1C."""
    found = contents(safes, f"{PLACE}/")
    for path in safes.iterdir():
        found[f"{PLACE}/{path.name}_$folder$"] = b""
        found[f"{PLACE}/{path.name}/GRANULE_$folder$"] = b""
        found[f"{PLACE}/{path.name}/{path.name[:-5]}-ql.jpg"] = b"jpg"
        other = path.name.replace("MSIL2A", "MSIL1C")
        found[f"{PLACE}/{other}/MTD_MSIL1C.xml"] = b"<x/>"
        found[f"tiles/30/S/UF/{other}/MTD_MSIL1C.xml"] = b"<x/>"
    name = "S2A_MSIL2A_20210305T110108_N0509_R051_T30SUG_20210305T161325.SAFE"
    found[f"L2/tiles/30/S/UG/{name}/MTD_MSIL2A.xml"] = b"<x/>"
    found[f"{PLACE}/{name}/MTD_MSIL2A.xml"] = b"<x/>"
    return found


@pytest.fixture
def server(objects):
    with google(BUCKET, dict(objects)) as running:
        yield running


@pytest.fixture
def source(server, access):
    return open_source(f"google?endpoint={server.url}", access)


def names(found):
    return [(f"{f.datatake:%m-%d}", f.baseline) for f in found]


def test_search_lists_the_tile_and_interval_with_both_baselines(source, safes):
    found = source.search(TILE, *MARCH)
    assert names(found) == [("03-07", 212), ("03-07", 500), ("03-10", 509), ("03-20", 509)]
    assert {f.provider for f in found} == {f"Google ({BUCKET})"}
    local = {f.name: f for f in LocalSource(safes).search(TILE, *MARCH)}
    for one in found:
        update = {"href": local[one.name].href, "provider": local[one.name].provider}
        assert one.model_copy(update=update) == local[one.name]


def test_the_newest_copy_is_chosen(source):
    from landcover.nouns.period import Period
    from landcover.recipe import Selection
    from landcover.sources.selection import select_products

    april = datetime(2021, 5, 1, tzinfo=UTC)
    season = Period(
        name="2021-spring", label="spring", start=MARCH[0], end=MARCH[1],
        fallback_start=MARCH[1], fallback_end=april, fallback_descending=False,
    )  # fmt: skip
    found = source.search(TILE, MARCH[0], april)
    chosen = select_products([f.as_product() for f in found], season, Selection())
    reasons = {c.name[11:19] + c.name[26:32]: c.reason for c in chosen.candidates}
    assert reasons["20210307_N0212"].startswith("older copy of S2B_MSIL2A_20210307T105108_N0500")


def test_what_is_fetched_reads_as_the_product_on_disk(source, safes, tmp_path):
    found = source.search(TILE, *MARCH)[2]
    path = source.fetch(found, tmp_path)
    assert path == tmp_path / f"{found.name}.SAFE"
    remote, local = read_product(path), read_product(safes / path.name)
    assert remote.layers == local.layers
    assert not remote.warnings
    for one, other in zip(remote.files, local.files, strict=True):
        assert one.model_copy(update={"href": other.href}) == other
    whole = contents(path)
    assert whole.items() <= contents(safes / path.name).items()
    assert set(whole) == set(used_files(contents(safes / path.name)))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(r"GET /storage.*/o\?", status=429, times=3),
        Fault(r"GET /storage.*/o\?", "truncate", at=30, times=2),
        Fault(r"alt=media", status=503, times=4),
        Fault(r"B04.*alt=media", "reset", at=20_000, times=2),
        Fault(r"B04.*alt=media", "truncate", at=20_000, times=2),
        Fault(r"B0[1-9].*alt=media", "corrupt", times=4),
        Fault(r"MTD_TL.*alt=media", "corrupt"),
        Fault(r"SCL.*alt=media", "slow", seconds=0.8),
    ],
    ids=["429", "page", "503", "reset", "truncated", "sum", "sum-tl", "slow"],
)
def test_faults(server, source, safes, tmp_path, fault):
    server.faults.append(fault)
    found = source.search(TILE, *MARCH)[-1]
    path = source.fetch(found, tmp_path)
    assert fault.times == 0
    assert contents(path).items() <= contents(safes / path.name).items()


def test_a_broken_download_is_resumed(server, source, tmp_path):
    found = source.search(TILE, *MARCH)[-1]
    server.faults.append(Fault(r"B04.*alt=media", "truncate", at=50_000))
    source.fetch(found, tmp_path)
    ranges = [request.headers.get("Range") for request in server.asked("B04.*alt=media")]
    assert len(ranges) == 2
    assert int(ranges[1].removeprefix("bytes=").rstrip("-")) > 40_000


def test_a_band_that_is_not_there(server, source, tmp_path):
    found = source.search(TILE, *MARCH)[-1]
    server.faults.append(Fault(r"B04.*alt=media", status=404))
    with pytest.raises(MissingDataError, match=r"B04_10m\.jp2: not there"):
        source.fetch(found, tmp_path)
    assert not list(tmp_path.glob("*.SAFE"))


def test_a_half_uploaded_product(objects, access, tmp_path):
    lost = [k for k in objects if "20210310" in k and ("B11" in k or k.endswith("MSIL2A.xml"))]
    kept = {key: body for key, body in objects.items() if key not in lost[:1]}
    with google(BUCKET, kept) as server:
        source = open_source(f"google:?endpoint={server.url}", access)
        (found,) = (f for f in source.search(TILE, *MARCH) if f.datatake.day == 10)
        with pytest.raises(MissingDataError, match="B11 of the product is not there"):
            source.fetch(found, tmp_path)
    kept = {key: body for key, body in objects.items() if key not in lost}
    with google(BUCKET, kept) as server:
        source = open_source(f"google?endpoint={server.url}", access)
        (found,) = (f for f in source.search(TILE, *MARCH) if f.datatake.day == 10)
        assert "no MTD_MSIL2A.xml, so the product is not whole" in found.trouble
        with pytest.raises(InputError, match="not whole"):
            found.as_product()


def test_a_tile_without_products(source):
    assert source.search("31TCH", *MARCH) == []


def test_a_server_that_is_away(server, source):
    server.faults.append(Fault("", status=503, times=999))
    with pytest.raises(UnavailableError, match=r"given up after 6 attempts .*503"):
        source.search(TILE, *MARCH)
    assert len(server.asked(r"/o\?")) == 6


def test_a_flat_bucket_of_ones_own(safes, access):
    with google("mine", contents(safes, "europe/")) as server:
        source = open_source(f"gs://mine/europe?layout=flat&endpoint={server.url}", access)
        assert len(source.search(TILE, *MARCH)) == 4
