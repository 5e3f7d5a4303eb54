"""What --products takes: words, buckets, catalogues, folders, and a second provider."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fake_servers import TILE, Fault, contents, google, s3

from landcover.errors import InputError, MissingDataError, UnavailableError, UsageError
from landcover.sources.access import Access, read_access
from landcover.sources.addresses import absolute, is_remote, open_source
from landcover.sources.fallback import FallbackSource
from landcover.sources.local import LocalSource

MARCH = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("google", "Google (gcp-public-data-sentinel-2)"),
        ("google:", "Google (gcp-public-data-sentinel-2)"),
        ("gs://gcp-public-data-sentinel-2", "Google (gcp-public-data-sentinel-2)"),
        ("gs://mine/root?layout=flat", "Google (mine)"),
        ("s3://mine/root", "S3 (mine)"),
        ("earth-search", "Earth Search"),
        ("earth-search-c1", "Earth Search C1"),
        ("cdse-stac", "Copernicus Data Space (STAC)"),
        ("cdse-odata", "Copernicus Data Space"),
        ("stac+https://host/v1?collection=s2", "host s2"),
        ("cdse-odata, google", "Copernicus Data Space, then Google (gcp-public-data-sentinel-2)"),
    ],
)
def test_remote(address, provider):
    assert is_remote(address)
    assert open_source(address, Access()).provider == provider
    assert absolute(address) == address.replace(", ", ",")


@pytest.mark.parametrize("name", ["products", "./google", "a,b", "products, new"])
def test_folders(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    assert not is_remote(name)
    assert absolute(name) == str((tmp_path / name).resolve())
    assert isinstance(open_source(name), LocalSource)
    assert isinstance(open_source(f"file://{tmp_path}"), LocalSource)


@pytest.mark.parametrize(
    ("address", "error", "says"),
    [
        ("none", InputError, "Check --products"),
        ("earthsearch", UsageError, "Did you mean 'earth-search'"),
        ("ftp://host/x", UsageError, "unknown kind of address"),
        ("s3://", UsageError, "names no bucket"),
        ("s3://mine?endpiont=x", UsageError, "unknown option 'endpiont'. Known: endpoint, layout"),
        ("gs://mine?layout=deep", UsageError, "layout is flat or tiles"),
        ("s3://mine?endpoint=nonsense", InputError, "not the address of an S3 service"),
    ],
)
def test_wrong(address, error, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=says):
        open_source(address, Access())


class TestAccess:
    def test_values_and_files(self, tmp_path):
        (tmp_path / "secret").write_text("s3cret\n")
        env = {
            "LANDCOVER_CDSE_S3_KEY": "key",
            "LANDCOVER_CDSE_S3_SECRET_FILE": str(tmp_path / "secret"),
            "LANDCOVER_DOWNLOADS": "9",
        }
        access = read_access(env)
        assert (access.cdse_keys.key, access.cdse_keys.secret) == ("key", "s3cret")
        assert access.parallel == 9
        assert "s3cret" not in repr(access)
        assert read_access({}) == Access()

    @pytest.mark.parametrize(
        ("env", "says"),
        [
            ({"LANDCOVER_CDSE_USER": "me"}, "LANDCOVER_CDSE_PASSWORD is not set"),
            ({"LANDCOVER_SOURCE_S3_SECRET": "x"}, "LANDCOVER_SOURCE_S3_KEY is not set"),
            ({"LANDCOVER_DEM_TOKEN_FILE": "/none/x"}, "cannot be read"),
            ({"LANDCOVER_DOWNLOADS": "many"}, "from 1 to 64"),
            ({"LANDCOVER_DOWNLOADS": "0"}, "from 1 to 64"),
        ],
    )
    def test_wrong(self, env, says):
        with pytest.raises(UsageError, match=says):
            read_access(env)


class TestFallback:
    @pytest.fixture
    def servers(self, safes):
        second = {k: v for k, v in contents(safes, "eu/").items() if "N0500" not in k}
        first = contents(safes, "L2/tiles/30/S/UF/")
        with google("gcp-public-data-sentinel-2", first) as one, s3("mine", second) as two:
            yield one, two

    @pytest.fixture
    def source(self, servers, access):
        one, two = servers
        return open_source(f"google?endpoint={one.url},s3://mine/eu?endpoint={two.url}", access)

    def test_the_first_one_is_used(self, servers, source, tmp_path):
        found = source.search(TILE, *MARCH)
        source.fetch(found[-1], tmp_path)
        assert {f.provider for f in found} == {"Google (gcp-public-data-sentinel-2)"}
        assert not servers[1].requests

    def test_the_second_one_searches(self, servers, source):
        servers[0].faults.append(Fault("", status=503, times=999))
        found = source.search(TILE, *MARCH)
        assert [f.provider for f in found] == ["S3 (mine)"] * 3

    @pytest.mark.parametrize(("number", "baseline"), [(2, 509), (1, 212)])
    def test_the_second_one_delivers(self, servers, source, safes, tmp_path, number, baseline):
        found = source.search(TILE, *MARCH)[number]
        servers[0].faults.append(Fault("B04.*alt=media", status=404, times=99))
        path = source.fetch(found, tmp_path)
        assert f"_N{baseline:04d}_" in path.name
        assert contents(path).items() <= contents(safes / path.name).items()

    def test_both_fail(self, servers, source, tmp_path):
        found = source.search(TILE, *MARCH)[2]
        servers[0].faults.append(Fault("B04.*alt=media", status=404, times=99))
        servers[1].faults.append(Fault("B04", status=404, times=99))
        with pytest.raises(MissingDataError, match=r"gs://.*s3://"):
            source.fetch(found, tmp_path)
        servers[1].faults.append(Fault("", status=503, times=999))
        with pytest.raises(UnavailableError):
            source.fetch(found, tmp_path)

    def test_a_source_is_needed(self):
        with pytest.raises(InputError, match="No source"):
            FallbackSource([])
