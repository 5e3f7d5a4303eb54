"""Copernicus Data Space: OData search, files by S3 keys or by an account; buckets on S3."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fake_servers import TILE, Account, Fault, contents, odata, s3

from landcover.errors import InputError, MissingDataError, UnavailableError
from landcover.products.naming import parse_name
from landcover.products.reading import read_product
from landcover.sources.access import Account as Login
from landcover.sources.access import KeyPair
from landcover.sources.addresses import open_source

KEYS = KeyPair("KEY", "hidden")
ROOT = "Sentinel-2/MSI/L2A/2021"
MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


@pytest.fixture(scope="session")
def entries(safes):
    """Give the catalogue: nodata is nowhere, one product is offline, one is Level-1C."""
    found = []
    for n, path in enumerate(sorted(safes.iterdir())):
        moment = parse_name(path.name).datatake
        found.append(
            {
                "Id": f"id-{n}",
                "Name": path.name,
                "S3Path": f"/eodata/{ROOT}/{path.name}",
                "Online": "20210320" not in path.name,
                "ContentDate": {"Start": f"{moment:%Y-%m-%dT%H:%M:%S}.024Z"},
                "Attributes": [{"Name": "cloudCover", "Value": 7.5}],
            }
        )
    name = found[0]["Name"].replace("MSIL2A_20210404", "MSIL1C_20210307")
    return [*found, {**found[0], "Name": name, "Id": "id-l1c"}]


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def catalogue(entries, safes, account):
    by_id = {entry["Name"]: entry["Id"] for entry in entries}
    objects = {
        f"{by_id[path.name]}/{name}": body
        for path in safes.iterdir()
        for name, body in contents(path, f"{path.name}/").items()
    }
    with odata(entries, objects, account) as running:
        yield running


@pytest.fixture
def store(safes):
    with s3("eodata", contents(safes, f"{ROOT}/"), key="KEY") as running:
        yield running


@pytest.fixture
def address(catalogue, store):
    services = f"catalogue={catalogue.url}/odata/v1&download={catalogue.url}/odata/v1"
    return f"cdse-odata?{services}&identity={catalogue.url}/token&s3={store.url}"


@pytest.fixture
def by_keys(address, access):
    return open_source(address, replace(access, cdse_keys=KEYS))


@pytest.fixture
def by_account(address, access):
    return open_source(address, replace(access, cdse_account=Login("me", "secret")))


@pytest.mark.parametrize("has_links", [True, False])
def test_search_reads_all_pages(entries, account, access, has_links, monkeypatch):
    monkeypatch.setattr("landcover.sources.copernicus.PAGE", 2)
    with odata(entries, {}, account, has_links=has_links) as server:
        source = open_source(f"cdse-odata?catalogue={server.url}/odata/v1", access)
        found = source.search(TILE, datetime(2021, 1, 1, tzinfo=UTC), datetime.now(UTC))
    assert len(found) == 12
    assert len(server.requests) in (6, 7)
    assert [f.datatake for f in found] == sorted(f.datatake for f in found)
    assert {f.cloud_percent for f in found} == {7.5}
    with pytest.raises(InputError, match="no nodata percentage is known"):
        found[0].as_product()


def test_without_credentials_nothing_is_fetched(address, access, tmp_path):
    source = open_source(address, access)
    with pytest.raises(InputError, match="LANDCOVER_CDSE_S3_KEY"):
        source.fetch(source.search(TILE, *MARCH)[0], tmp_path)


@pytest.mark.parametrize("way", ["by_keys", "by_account"])
def test_search_and_fetch(way, request, safes, tmp_path):
    source = request.getfixturevalue(way)
    found = source.search(TILE, *MARCH)
    assert [f.baseline for f in found] == [212, 500, 509, 509]
    assert [bool(f.trouble) for f in found] == [False, False, False, True]
    assert "not online" in found[3].trouble
    local = read_product(safes / f"{found[2].name}.SAFE")
    assert found[2].as_product().useful_percent == local.useful_percent
    path = source.fetch(found[2], tmp_path)
    assert contents(path).items() <= contents(safes / path.name).items()
    assert read_product(path).layers == local.layers


def test_secrets_are_not_shown(access):
    known = replace(access, cdse_keys=KEYS, cdse_account=Login("me", "secret"), dem_token="token")
    for secret in ("hidden", "secret", "token'"):
        assert secret not in repr(known)


def test_a_token_that_runs_out_is_renewed(catalogue, by_account, account, safes, tmp_path):
    found = by_account.search(TILE, *MARCH)[2]
    before = account.given
    account.left, account.uses = 3, 6
    path = by_account.fetch(found, tmp_path)
    assert contents(path).items() <= contents(safes / path.name).items()
    assert account.given >= before + 2
    assert len(catalogue.asked("POST /token")) == account.given


def test_a_wrong_password(catalogue, address, access):
    source = open_source(address, replace(access, cdse_account=Login("me", "wrong")))
    found = source.search(TILE, *MARCH)
    assert "Check LANDCOVER_CDSE_USER" in found[0].trouble
    assert "wrong" not in found[0].trouble


def test_wrong_keys(address, access):
    source = open_source(address, replace(access, cdse_keys=KeyPair("OTHER", "x")))
    assert "Check the credentials" in source.search(TILE, *MARCH)[0].trouble


@pytest.mark.parametrize(
    "fault",
    [
        Fault("list-type", status=503, times=3),
        Fault("list-type", "truncate", at=50),
        Fault("B04", status=429, times=4, headers={"Retry-After": "0"}),
        Fault("B04", "reset", at=20_000, times=2),
        Fault("B04", "truncate", at=20_000, times=2),
        Fault("B0", "corrupt", times=4),
        Fault("B8A", "slow", seconds=0.8),
    ],
    ids=["list", "page", "429", "reset", "truncated", "sum", "slow"],
)
def test_faults_of_the_store(by_keys, store, safes, tmp_path, fault):
    store.faults.append(fault)
    found = by_keys.search(TILE, *MARCH)[2]
    path = by_keys.fetch(found, tmp_path)
    assert fault.times == 0
    assert contents(path).items() <= contents(safes / path.name).items()


def test_a_broken_download_is_resumed(by_keys, store, tmp_path):
    found = by_keys.search(TILE, *MARCH)[2]
    store.faults.append(Fault("B04", "truncate", at=50_000))
    by_keys.fetch(found, tmp_path)
    ranges = [request.headers.get("Range") for request in store.asked("B04")]
    assert len(ranges) == 2
    assert 40_000 < int(ranges[1].removeprefix("bytes=").rstrip("-")) <= 50_000


def test_a_band_that_is_not_there(by_keys, store, tmp_path):
    found = by_keys.search(TILE, *MARCH)[2]
    store.faults.append(Fault("B04", status=404))
    with pytest.raises(MissingDataError, match="B04_10m"):
        by_keys.fetch(found, tmp_path)


@pytest.mark.parametrize("status", [429, 500])
def test_a_catalogue_that_is_away(by_keys, catalogue, status):
    catalogue.faults.append(Fault("/Products", status=status, times=99))
    with pytest.raises(UnavailableError, match=f"given up after 6 attempts .*{status}"):
        by_keys.search(TILE, *MARCH)


def test_a_bucket_of_ones_own(safes, access, tmp_path):
    with s3("mine", contents(safes, "a b/eu/"), page=3) as server:
        source = open_source(f"s3://mine/a b/eu?endpoint={server.url}", access)
        found = source.search(TILE, *MARCH)
        assert len(found) == 4
        path = source.fetch(found[0], tmp_path)
        assert contents(path).items() <= contents(safes / path.name).items()
        assert not any(request.headers.get("Authorization") for request in server.requests)
        with pytest.raises(InputError, match="no such bucket"):
            open_source(f"s3://other?endpoint={server.url}", access).search(TILE, *MARCH)


@pytest.mark.slow
def test_a_bucket_of_a_real_server(s3_server, safes, access, tmp_path):
    """The same on a real S3 server."""
    import boto3

    running = s3_server

    client = boto3.client(
        "s3",
        endpoint_url=running.endpoint,
        region_name="us-east-1",
        aws_access_key_id=running.access_key,
        aws_secret_access_key=running.secret_key,
    )
    client.create_bucket(Bucket="products-in")
    for key, body in contents(safes, "eu/").items():
        if "20210310" in key:
            client.put_object(Bucket="products-in", Key=key, Body=body)
    keys = KeyPair(running.access_key, running.secret_key)
    address = f"s3://products-in/eu?endpoint={running.endpoint}"
    source = open_source(address, replace(access, s3_keys=keys))
    (found,) = source.search(TILE, *MARCH)
    path = source.fetch(found, tmp_path)
    assert contents(path).items() <= contents(safes / path.name).items()
