"""Terrain from a server of elevation cells: what a folder gives, bytes and ids alike."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import rasterio.shutil
from fake_servers import TILE, Fault, contents, files

from landcover import api
from landcover.ledger import outputs, units
from landcover.nouns.run import Run
from landcover.pipeline.dry_run import dry_run
from landcover.pipeline.starting import resolve
from landcover.sources import dem as dem_source
from landcover.sources.access import read_access
from landcover.stores.retry import RetryPolicy

pytestmark = pytest.mark.slow

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
PATIENCE = RetryPolicy(attempts=3, first_s=0.01, longest_s=0.05, connect_s=1.0, read_s=2.0)

PROBES = 2
"""Requests with which a run asks whether the server answers; the first cell is the sea."""


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Make pauses a hundred times shorter."""
    monkeypatch.setattr(dem_source, "read_access", lambda: replace(read_access(), policy=PATIENCE))


@pytest.fixture(scope="module")
def dem(safes):
    return safes.parent / "dem"


@pytest.fixture(scope="module")
def cogs(dem, tmp_path_factory):
    """The same cells as Copernicus publishes its own: named so, as COGs, with a list."""
    folder = tmp_path_factory.mktemp("glo30")
    names = []
    for path in sorted(dem.glob("*.tif")):
        corner = path.name.removeprefix("ASTGTMV003_").removesuffix("_dem.tif")
        names.append(f"Copernicus_DSM_COG_10_{corner[:3]}_00_{corner[3:]}_00_DEM")
        (folder / names[-1]).mkdir()
        target = folder / names[-1] / f"{names[-1]}.tif"
        rasterio.shutil.copy(path, target, driver="COG", COMPRESS="DEFLATE", BLOCKSIZE=512)
    (folder / "tileList.txt").write_text("\n".join(names))
    return folder


@pytest.fixture(scope="module")
def prepared(safes, tmp_path_factory):
    """A workspace in which the seasons of the tile are composited already."""
    folder = tmp_path_factory.mktemp("prepared") / "workspace"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANDCOVER_WORKSPACE", str(folder))
        run("prepared", safes, None, until="composite")
    return folder


@pytest.fixture
def workspace_folder(workspace_folder, prepared):
    shutil.copytree(prepared, workspace_folder)
    return workspace_folder


@pytest.fixture
def aster(dem):
    with files(contents(dem, "v003/"), {"ETag": '"0123"'}) as server:
        yield server


def start(name, safes, dem, until="terrain"):
    api.start_run(name, RECIPE, year=2021, products=str(safes), tiles=[TILE], dem=dem, until=until)


def run(name, safes, dem, until="terrain"):
    start(name, safes, dem, until)
    return finish(name)


def finish(name):
    api.run_inline(name)
    workspace = api.open_workspace()
    return workspace, units.load(workspace.records, name, "terrain", TILE)


def test_a_server_gives_what_the_folder_gives(
    safes, dem, aster, workspace_folder, prepared, tmp_path, monkeypatch
):
    made = []
    shutil.move(workspace_folder, tmp_path / "remote")
    shutil.copytree(prepared, tmp_path / "local")
    for name, address in (("local", str(dem)), ("remote", f"aster+{aster.url}/v003/{{name}}")):
        monkeypatch.setenv("LANDCOVER_WORKSPACE", str(tmp_path / name))
        monkeypatch.setenv("LANDCOVER_DEM_TOKEN", "hush-hush")
        workspace, state = run(name, safes, address)
        assert state.state == "done", state.message
        (output,) = state.outputs
        made.append(outputs.load(workspace, output))
        assert "hush-hush" not in (tmp_path / name / "records.sqlite").read_bytes().decode("latin1")
    assert made[0].id == made[1].id, "what lies elsewhere is no other elevation"
    assert made[0].files == made[1].files
    assert [f.name for f in made[0].files] == ["aspect.tif", "elevation.tif", "slope.tif"]
    assert {r.headers["Authorization"] for r in aster.requests} == {"Bearer hush-hush"}
    n_asked = len(aster.asked("GET"))
    assert n_asked == PROBES + len(list(dem.glob("*.tif")))
    _, again = run("again", safes, f"aster+{aster.url}/v003/{{name}}")
    assert again.state == "reused"
    assert len(aster.asked("GET")) == n_asked + PROBES, "cells are kept"
    assert not list((tmp_path / "remote" / "objects" / "tmp").glob("*"))


def test_of_cogs_windows_are_read(safes, cogs, workspace_folder):
    with files(contents(cogs), {"ETag": '"0123"'}) as server:
        _, remote = run("remote", safes, f"glo30+{server.url}")
        assert remote.state == "done", remote.message
        sizes = [path.stat().st_size for path in cogs.rglob("*.tif")]
        asked = [r.headers["Range"].removeprefix("bytes=") for r in server.asked("GET .*DEM.tif")]
        n_bytes = sum(int(b) - int(a) + 1 for a, b in (r.split("-") for r in asked))
        assert n_bytes < sum(sizes) / 2
        n_asked = len(asked)
        _, again = run("again", safes, f"glo30+{server.url}")
        assert again.state == "reused"
        assert len(server.asked("GET .*DEM.tif")) == n_asked
    _, local = run("local", safes, str(cogs))
    assert local.state == "reused", "a folder of the same cells names the same terrain"
    assert local.outputs == remote.outputs


def test_refused_and_away_are_not_the_sea(safes, aster, workspace_folder):
    address = f"aster+{aster.url}/v003/{{name}}"
    for name in ("refused", "away", "mended"):  # the server fails once they have begun
        start(name, safes, address)
    aster.faults.append(Fault("", status=401, times=99))
    _, refused = finish("refused")
    assert (refused.state, refused.error_family) == ("failed", "input")
    assert "refuses access (answer 401)" in refused.message
    aster.faults[:] = [Fault("", status=503, times=999)]
    _, away = finish("away")
    assert (away.state, away.error_family) == ("failed", "unavailable")
    aster.faults[:] = [Fault("GET", status=503, times=1), Fault("GET", "truncate", times=1)]
    _, mended = finish("mended")
    assert mended.state == "done"


def test_a_login_page_is_no_elevation(safes, workspace_folder, dem):
    pages = {f"v003/{path.name}": b"<html>Please log in</html>" for path in dem.glob("*.tif")}
    with files(pages) as server:
        _, state = run("run", safes, f"aster+{server.url}/v003/{{name}}")
    assert (state.state, state.error_family) == ("failed", "input")
    assert "what was received is not an elevation cell" in state.message
    assert "LANDCOVER_DEM_TOKEN" in state.message
    assert not list(workspace_folder.glob("objects/tmp/*"))


def test_a_plan_fetches_no_cell(safes, aster, workspace_folder):
    address = f"aster+{aster.url}/v003/{{name}}"
    recipe, arguments = resolve(
        RECIPE, year=2021, products=str(safes), tiles=[TILE], dem=address, until="terrain"
    )
    planned = Run(id="plan", recipe_id="r", arguments=arguments, label_id=None, simulated=True)
    plan = dry_run(api.open_workspace(), planned, recipe)
    assert [e.action for e in plan if e.stage == "terrain"] == ["compute"]
    assert not aster.asked("GET")
