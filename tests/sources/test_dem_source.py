"""Elevation cells from servers: which are needed, which are sea, and what a wrong address says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_servers import Fault, files

from landcover.errors import InputError, MissingDataError, UnavailableError, UsageError
from landcover.products.dem import DegreeCells, find_dem
from landcover.sources.dem import aster_name, glo30_name, open_dem

# Footprint of 30SUF with a halo of 0.03°: six cells (spec, sentinel2 §8).
BOX = (-5.278380, 36.006168, -3.971452, 37.072247)
LAND = [(36, -6), (36, -5), (37, -5), (37, -6), (37, -4)]
SEA = (36, -4)


@pytest.fixture
def glo30(access):
    names = [glo30_name(corner) for corner in LAND]
    objects = {f"{name}/{name}.tif": name.encode() * 100 for name in names}
    objects["tileList.txt"] = "\r\n".join(names).encode()
    with files(objects, {"Server": "AmazonS3"}) as server:
        yield server, open_dem(f"glo30+{server.url}", access)


@pytest.fixture
def aster(access):
    objects = {f"v003/{aster_name(c)}_dem.tif": aster_name(c).encode() * 100 for c in LAND}
    with files(objects) as server:
        known = replace(access, dem_token="token")
        yield server, open_dem(f"aster+{server.url}/v003/{{name}}?download=1", known)


@pytest.mark.parametrize("kind", ["glo30", "aster"])
def test_cells_and_sea(kind, request, tmp_path):
    server, source = request.getfixturevalue(kind)
    cells = source.fetch(BOX, tmp_path / "cells")
    assert sorted(cells.present) == sorted(LAND)
    assert cells.sea == (SEA,)
    found = find_dem(cells.folder)
    assert isinstance(found, DegreeCells)
    present, absent = found.needed(BOX)
    assert (sorted(present), absent) == (sorted(LAND), [SEA])
    assert len(server.asked("GET .*tif")) == 5
    source.fetch(BOX, tmp_path / "cells")
    assert len(server.asked("GET .*tif")) == 5, "what is here is not asked for again"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET .*W005", status=429, times=3),
        Fault("GET .*W005", "reset", at=100, times=2),
        Fault("GET .*W005", "truncate", at=100, times=2),
        Fault("HEAD .*W005", status=503, times=2),
        Fault("W005", "slow", seconds=0.8),
    ],
)
@pytest.mark.parametrize("kind", ["glo30", "aster"])
def test_faults(kind, request, tmp_path, fault):
    server, source = request.getfixturevalue(kind)
    server.faults.append(replace(fault))
    cells = source.fetch(BOX, tmp_path)
    assert server.faults[0].times == 0
    for path in tmp_path.glob("*.tif"):
        assert path.read_bytes() == path.stem.removesuffix("_dem").encode() * 100
    assert len(cells.present) == 5


def test_the_token_is_sent_and_a_refusal_told(aster, tmp_path):
    server, source = aster
    source.fetch(BOX, tmp_path)
    assert {r.headers["Authorization"] for r in server.requests} == {"Bearer token"}
    server.faults.append(Fault("", status=401, times=99))
    with pytest.raises(InputError, match="refuses access"):
        source.fetch((10.2, 45.2, 10.4, 45.4), tmp_path)


def test_a_wrong_address_is_not_the_sea(aster, glo30, tmp_path):
    with pytest.raises(MissingDataError, match=r"none of the 1 cells .* Check --dem"):
        aster[1].fetch((10.2, 45.2, 10.4, 45.4), tmp_path)
    server, source = glo30
    server.faults.append(Fault("tileList", status=404))
    with pytest.raises(MissingDataError, match="tileList"):
        source.fetch(BOX, tmp_path)
    server.faults.append(Fault("HEAD .*N36.*W005", status=404))
    with pytest.raises(MissingDataError, match="W005"):
        source.fetch(BOX, tmp_path)
    assert source.fetch((-30.8, 40.2, -30.2, 40.8), tmp_path).sea == ((40, -31),)


def test_withheld_cells_are_not_the_sea(glo30, tmp_path):
    with pytest.raises(MissingDataError, match="N40 E045 is withheld from the public set"):
        glo30[1].fetch((45.1, 40.1, 45.2, 40.2), tmp_path)


def test_a_server_that_is_away(glo30, tmp_path):
    server, source = glo30
    server.faults.append(Fault("", status=503, times=99))
    with pytest.raises(UnavailableError, match="Copernicus GLO-30: given up after 6 attempts"):
        source.fetch(BOX, tmp_path)


@pytest.mark.parametrize(
    ("corner", "aster_file", "glo30_file"),
    [
        ((38, -4), "ASTGTMV003_N38W004", "Copernicus_DSM_COG_10_N38_00_W004_00_DEM"),
        ((-34, 18), "ASTGTMV003_S34E018", "Copernicus_DSM_COG_10_S34_00_E018_00_DEM"),
        ((0, 0), "ASTGTMV003_N00E000", "Copernicus_DSM_COG_10_N00_00_E000_00_DEM"),
        ((-1, -180), "ASTGTMV003_S01W180", "Copernicus_DSM_COG_10_S01_00_W180_00_DEM"),
    ],
)
def test_names(corner, aster_file, glo30_file):
    assert (aster_name(corner), glo30_name(corner)) == (aster_file, glo30_file)


def test_addresses(tmp_path):
    assert open_dem(str(tmp_path)) is None
    assert open_dem("dem.tif") is None
    assert open_dem("glo30") is not None
    with pytest.raises(UsageError, match=r"expected \{name\}"):
        open_dem("aster+https://host/path")
    with pytest.raises(UsageError, match="unknown kind of address"):
        open_dem("ftp://host/path")
