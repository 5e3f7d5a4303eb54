"""Collect from a remote source: chosen products come into the object store, once, and whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_servers import TILE, Fault, contents, google

from landcover import api
from landcover.errors import UsageError
from landcover.ledger import outputs, units
from landcover.nouns.run import Run
from landcover.pipeline.dry_run import dry_run
from landcover.pipeline.starting import resolve

RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture
def server(safes):
    with google("gcp-public-data-sentinel-2", contents(safes, "L2/tiles/30/S/UF/")) as running:
        yield running


def collect(run, products, **options):
    api.start_run(run, RECIPE, year=2021, products=products, tiles=[TILE], until="collect")
    api.run_inline(run)
    workspace = api.open_workspace()
    spring = units.load(workspace.records, run, "collect", f"{TILE}.2021-spring")
    return workspace, spring


def test_a_remote_source_gives_what_the_folder_gives(server, safes, workspace_folder):
    _, local = collect("local", str(safes))
    before = {d["_id"] for d in api.open_workspace().records.find("products")}
    workspace, remote = collect("remote", f"google?endpoint={server.url}")
    assert remote.state in ("done", "reused")
    assert remote.outputs == local.outputs, "the id does not depend on where the bytes came from"
    assert {d["_id"] for d in workspace.records.find("products")} == before
    names = {path.parent.name for path in workspace_folder.glob(f"objects/products/{TILE}/*/*")}
    assert "S2B_MSIL2A_20210307T105108_N0500_R008_T30SUF_20210307T200000" in names
    assert not any("N0212_R008" in name for name in names), "the older copy is not fetched"
    assert not list(workspace_folder.glob("objects/tmp/*"))
    n_asked = len(server.asked("alt=media.*|jp2"))
    _, again = collect("again", f"google?endpoint={server.url}")
    assert again.state == "reused"
    assert len([r for r in server.asked("jp2")[n_asked:] if "alt" in r.query]) == 0


def test_a_product_that_is_damaged_there_is_replaced(server, safes, workspace_folder):
    server.faults.append(Fault(r"20210310.*B04.*alt=media", status=404, times=99))
    workspace, spring = collect("run", f"google?endpoint={server.url}")
    assert spring.is_finished
    (output,) = (outputs.load(workspace, i) for i in spring.outputs)
    assert any("20210310" in note and "B04" in note for note in output.stats["unreadable"])
    chosen = [c["name"] for c in output.wanted.params["candidates"] if c["is_used"]]
    assert len(chosen) >= 2
    assert not any("20210310" in name for name in chosen)


def test_a_plan_downloads_nothing(server, workspace_folder):
    address = f"google?endpoint={server.url}"
    recipe, arguments = resolve(RECIPE, year=2021, products=address, tiles=[TILE], until="collect")
    workspace = api.open_workspace()
    run = Run(id="plan", recipe_id="r", arguments=arguments, label_id=None, simulated=False)
    plan = dry_run(workspace, run, recipe)
    assert {entry.action for entry in plan} == {"compute"}
    assert server.asked("MTD_MSIL2A")
    assert not [r for r in server.asked("jp2") if r.query.get("alt") == "media"]


def test_a_remote_source_needs_tiles(workspace_folder):
    with pytest.raises(UsageError, match="name the tiles"):
        api.start_run("run", RECIPE, year=2021, products="google", until="collect")
