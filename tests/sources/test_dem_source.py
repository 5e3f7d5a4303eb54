"""Elevation cells from servers: which are needed, which are sea, and what a wrong address says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from fake_servers import Fault, files
from rasterio.io import MemoryFile

from landcover.errors import InputError, MissingDataError, UnavailableError, UsageError
from landcover.products.dem import may_be_sea
from landcover.sources.dem import absolute_dem, aster_name, glo30_name, is_elsewhere, open_dem
from landcover.stores.rasters import read_array, write_box

# Footprint of 30SUF with a halo of 0.03°: six cells (docs/methods/products.md#elevation-cells).
BOX = (-5.278380, 36.006168, -3.971452, 37.072247)
LAND = [(36, -6), (36, -5), (37, -5), (37, -6), (37, -4)]
SEA = (36, -4)
SMALL = (-4.62, 36.5, -4.6, 36.51)
HEIGHTS = np.random.default_rng(5).normal(700, 90, (1, 1800, 1800)).astype(np.float32)


@pytest.fixture
def glo30(access):
    names = [glo30_name(corner) for corner in LAND]
    objects = {f"{name}/{name}.tif": name.encode() * 100 for name in names}
    objects["tileList.txt"] = "\r\n".join(names).encode()
    with files(objects, {"Server": "AmazonS3", "ETag": '"0123"'}) as server:
        yield server, open_dem(f"glo30+{server.url}", access)


@pytest.fixture
def aster(access):
    objects = {f"v003/{aster_name(c)}_dem.tif": aster_name(c).encode() * 100 for c in LAND}
    with files(objects) as server:
        known = replace(access, dem_token="token")
        yield server, open_dem(f"aster+{server.url}/v003/{{name}}?download=1", known)


@pytest.fixture(scope="module")
def cog():
    """A cell of GLO-30 as its bucket has it, at half its resolution: 13 MB, 512 px blocks."""
    place = rasterio.Affine(1 / 1800, 0, -5 - 1 / 3600, 0, -1 / 1800, 37 + 1 / 3600)
    with MemoryFile() as memory:
        with memory.open(
            driver="COG", dtype="float32", count=1, height=1800, width=1800, crs="EPSG:4326",
            transform=place, compress="DEFLATE", blocksize=512,
        ) as raster:  # fmt: skip
            raster.write(HEIGHTS)
        yield memory.read()


@pytest.fixture
def cogs(access, cog):
    name = glo30_name((36, -5))
    objects = {f"{name}/{name}.tif": cog, "tileList.txt": name.encode()}
    with files(objects, {"ETag": '"0123"'}) as server:
        yield server, open_dem(f"glo30+{server.url}", access)


@pytest.mark.parametrize("kind", ["glo30", "aster"])
def test_cells_and_sea(kind, request):
    server, source = request.getfixturevalue(kind)
    located = source.locate(BOX)
    assert sorted(c.cell for c in located.cells) == sorted(LAND)
    assert located.missing == (SEA,)
    assert all(
        c.size == 100 * len(c.name.removesuffix(".tif").removesuffix("_dem")) for c in located.cells
    )
    assert {c.version for c in located.cells} == {'"0123"' if kind == "glo30" else ""}
    assert not server.asked("GET .*tif"), "nothing is fetched to find out"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET .*W005", status=429, times=3),
        Fault("GET .*W005", "reset", at=100, times=2),
        Fault("GET .*W005", "truncate", at=100, times=2),
        Fault("W005", "slow", seconds=0.8),
    ],
)
def test_a_cell_is_fetched_whole_in_spite_of_faults(aster, tmp_path, fault):
    server, source = aster
    cell = next(c for c in source.locate(BOX).cells if c.cell == (36, -5))
    server.faults.append(replace(fault))
    path = source.fetch(cell, tmp_path)
    assert path.read_bytes() == b"ASTGTMV003_N36W005" * 100
    assert server.faults[0].times == 0
    source.fetch(cell, tmp_path)
    assert cell.by_window is None


@pytest.mark.parametrize("kind", ["glo30", "aster"])
def test_a_busy_server_is_not_the_sea(kind, request):
    server, source = request.getfixturevalue(kind)
    server.faults.append(Fault("HEAD .*W005", status=503, times=2))
    assert len(source.locate(BOX).cells) == 5
    server.faults.append(Fault("HEAD .*W005", status=503, times=99))
    with pytest.raises(UnavailableError, match="given up after 6 attempts"):
        source.locate(BOX)


def test_the_token_is_sent_and_a_refusal_told(aster, tmp_path):
    server, source = aster
    cells = source.locate(BOX).cells
    assert {r.headers["Authorization"] for r in server.requests} == {"Bearer token"}
    assert "token" not in repr(cells)
    server.faults.append(Fault("", status=401, times=99))
    # A server that refuses HEAD may allow the rest, so reading tells; it is never the sea.
    assert source.locate((10.2, 45.2, 10.4, 45.4)).missing == ()
    with pytest.raises(InputError, match="refuses access"):
        source.fetch(cells[0], tmp_path)


def test_a_wrong_address_is_not_the_sea(aster, glo30):
    with pytest.raises(MissingDataError, match=r"none of the 1 cells .* Check --dem"):
        aster[1].locate((10.2, 45.2, 10.4, 45.4))
    server, source = glo30
    server.faults.append(Fault("tileList", status=404))
    with pytest.raises(MissingDataError, match="tileList"):
        source.locate(BOX)
    server.faults.append(Fault("HEAD .*N36.*W005", status=404))
    with pytest.raises(MissingDataError, match="W005"):
        source.locate(BOX)
    assert source.locate((-30.8, 40.2, -30.2, 40.8)).missing == ((40, -31),)


def test_withheld_cells_are_not_the_sea(glo30):
    with pytest.raises(MissingDataError, match="N40E045 is withheld from the public set"):
        glo30[1].locate((45.1, 40.1, 45.2, 40.2))


@pytest.mark.parametrize(
    ("family", "cell", "expected"),
    [
        ("ASTER GDEM v3", (36, -4), True),
        ("ASTER GDEM v3", (82, 10), True),
        ("ASTER GDEM v3", (83, 10), False),  # ASTER does not look there
        ("ASTER GDEM v3", (-84, 10), False),
        ("ASTER GDEM v3", (40, 45), True),
        ("Copernicus GLO-30", (40, 45), False),  # withheld
        ("Copernicus GLO-30", (83, 10), True),
    ],
)
def test_what_an_absent_cell_may_be(family, cell, expected):
    assert may_be_sea(family, cell) is expected


def test_of_a_cog_only_the_wanted_blocks_are_read(cogs, cog, tmp_path):
    server, source = cogs
    (cell,) = source.locate(SMALL).cells
    write_box(cell.by_window, SMALL, 8, tmp_path / "part.tif")
    part, grid = read_array(tmp_path / "part.tif")
    row = round((37 + 1 / 3600 - grid.uly) * 1800)
    column = round((grid.ulx + 5 + 1 / 3600) * 1800)
    expected = HEIGHTS[0, row : row + grid.height, column : column + grid.width]
    np.testing.assert_array_equal(part[0], expected)
    assert (grid.width, grid.height) == (53, 35)  # 37 x 19 px touched, 8 on each side
    ranges = [r.headers["Range"].removeprefix("bytes=") for r in server.asked("GET .*tif")]
    n_bytes = sum(int(last) - int(first) + 1 for first, last in (r.split("-") for r in ranges))
    assert n_bytes < len(cog) / 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET .*tif", status=503, times=1),
        Fault("GET .*tif", "reset", at=100, times=2),
        Fault("GET .*tif", "truncate", at=5000, times=2),
    ],
)
def test_windows_in_spite_of_faults(cogs, tmp_path, fault):
    server, source = cogs
    (cell,) = source.locate(SMALL).cells
    write_box(cell.by_window, SMALL, 8, tmp_path / "good.tif")
    server.faults.append(replace(fault))
    write_box(cell.by_window, SMALL, 8, tmp_path / "part.tif")
    assert server.faults[0].times == 0
    assert (tmp_path / "part.tif").read_bytes() == (tmp_path / "good.tif").read_bytes()


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (401, InputError, "refuses access"),
        (404, MissingDataError, "not there"),
    ],
)
def test_windows_that_are_refused(cogs, tmp_path, status, error, sentence):
    server, source = cogs
    (cell,) = source.locate(SMALL).cells
    server.faults.append(Fault("tif", status=status, times=99))
    with pytest.raises(error, match=sentence):
        write_box(cell.by_window, SMALL, 8, tmp_path / "part.tif")


def test_a_server_that_is_away(glo30):
    server, source = glo30
    server.faults.append(Fault("", status=503, times=99))
    with pytest.raises(UnavailableError, match="Copernicus GLO-30: given up after 6 attempts"):
        source.locate(BOX)


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


def test_addresses(tmp_path, monkeypatch):
    assert open_dem(str(tmp_path)) is None
    assert open_dem("dem.tif") is None
    assert open_dem("glo30") is not None
    with pytest.raises(UsageError, match=r"expected \{name\}"):
        open_dem("aster+https://host/path")
    with pytest.raises(UsageError, match="unknown kind of address"):
        open_dem("ftp://host/path")
    with pytest.raises(UsageError, match="a password is part of the address") as caught:
        open_dem("aster+https://me:hush@host/{name}")
    assert "hush" not in str(caught.value)
    monkeypatch.chdir(tmp_path)
    assert absolute_dem("dem") == str(tmp_path / "dem")
    assert absolute_dem("glo30") == "glo30"


def test_an_argument_that_names_a_service_is_no_path(tmp_path):
    assert is_elsewhere("dem", "glo30")
    assert is_elsewhere("dem", "glo30+http://127.0.0.1:1")
    assert not is_elsewhere("dem", str(tmp_path))
    assert is_elsewhere("products", "google")
    assert not is_elsewhere("products", str(tmp_path))
