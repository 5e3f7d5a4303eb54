"""Estimates: the paper's formula without records, runs of the ledger with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from landcover import api
from landcover.bench import many_tiles
from landcover.errors import UsageError
from landcover.ledger import runs, units
from landcover.nouns.estimate import (
    WHOLE_TILE_PX,
    RunSpent,
    StageSpent,
    StageWork,
    told_beside,
)
from landcover.nouns.outcome import Outcome
from landcover.nouns.stages import Stage
from landcover.pipeline.estimating.estimate import lanes_of, stage_wall
from landcover.pipeline.estimating.fitting import fit
from landcover.pipeline.estimating.priors import A_PRODUCT, A_SEASON, COMPOSITE, composite_seconds
from landcover.stores.workspace import Workspace

PX = 120
AREA = PX * PX / WHOLE_TILE_PX
"""Of a tile of these runs, in whole tiles."""
TRUE = {"run": 2.0, "units": 0.5, "products": 4000.0}
"""What a composite costs in the made-up ledger, s."""


def test_the_line_through_the_papers_composites_is_that_of_least_squares() -> None:
    missed = [A_SEASON + A_PRODUCT * n - seconds for n, seconds in COMPOSITE.items()]
    assert sum(missed) == pytest.approx(0, abs=1e-9)
    assert sum(n * miss for n, miss in zip(COMPOSITE, missed, strict=True)) == pytest.approx(0)
    assert composite_seconds(0) == 0


def test_costs_are_found_where_runs_differ_and_one_far_off_says_little() -> None:
    true = [2.0, 0.5, 0.0, 40.0]
    sizes = [(2, 1.0), (4, 0.2), (8, 3.0), (3, 2.0), (6, 0.5), (5, 4.0)]
    work = [[1, n, 0, size] for n, size in sizes]
    spent = [sum(c * x for c, x in zip(true, row, strict=True)) for row in work]
    asked = [1, 5, 0, 1.5]
    expected = sum(c * x for c, x in zip(true, asked, strict=True))
    # The prior is far off in level; its shape is about right.
    found = fit(work, spent, [1.0, 0.3, 0.0, 400.0])
    assert found.at(asked) == pytest.approx(expected, rel=0.05)
    assert found.miss == pytest.approx(0.1)
    spent[4] *= 6  # a run on a busy machine
    disturbed = fit(work, spent, [1.0, 0.3, 0.0, 400.0])
    assert disturbed.at(asked) == pytest.approx(expected, rel=0.25)
    assert disturbed.miss > 0.3
    assert min(found.costs) >= 0


def test_few_runs_keep_the_shape_of_the_prior() -> None:
    one = fit([[1, 2, 0, 1.0]], [22.0], [1.0, 0.5, 0.0, 100.0])
    assert one.at([1, 2, 0, 1.0]) == pytest.approx(22.0, rel=0.02)
    assert one.at([1, 4, 0, 2.0]) == pytest.approx(42.0, rel=0.1), "about twice, as the prior says"
    assert one.miss == 0.5


def test_workers_share_the_units_of_a_group_and_no_more_than_there_are() -> None:
    work = {
        stage: StageWork(units=n)
        for stage, n in (("mask", 6), ("composite", 6), ("train", 1), ("classify", 3))
    }
    seconds: dict[Any, float] = {"mask": 6.0, "composite": 54.0, "train": 10.0, "classify": 9.0}
    taken = {n: stage_wall(work, seconds, n) for n in (1, 2, 4, 100)}  # type: ignore[arg-type]
    assert taken == pytest.approx({1: 79, 2: 30 + 10 + 6, 4: 20 + 10 + 3, 100: 10 + 10 + 3})
    assert lanes_of(work) == 6 + 1 + 3  # type: ignore[arg-type]


@pytest.fixture
def planned(tmp_path: Path, workspace_folder: Path) -> Any:
    """Starts a run of some tiles, the first of which has two products; gives the workspace."""

    def start(name: str, n_tiles: int) -> Workspace:
        products = tmp_path / f"products-{name}"
        tiles = many_tiles.tiles_of(n_tiles)
        many_tiles.write_products(products, tiles, PX, 0)
        api.start_run(
            name, many_tiles.recipe(), year=2021, products=str(products), tiles=list(tiles)
        )
        return api.open_workspace()

    return start


def end(workspace: Workspace, name: str, n_tiles: int) -> None:
    """Write that a run made its composites, in the time that they truly cost."""
    used = AREA * n_tiles
    seconds = TRUE["run"] + TRUE["units"] * n_tiles + TRUE["products"] * used
    own = StageSpent(
        units=n_tiles, tiles=used, seasons=used, products=used, seconds=seconds,
        cpu_seconds=seconds, peak_mb=321.0, kept_bytes=round(3e9 * used),
    )  # fmt: skip
    spent = RunSpent(stages={"composite": own}, wall_seconds=seconds + 7)
    runs.keep_spent(workspace, name, spent)
    runs.finish(workspace, name, Outcome(state="done"), {})


def test_without_records_the_paper_is_told_and_with_them_the_ledger(planned: Any) -> None:
    workspace = planned("new", 2)
    told = api.record_estimate("new", workers=2)
    assert told is not None
    composite = told["stages"]["composite"]
    assert (told["n_tiles"], told["n_products"], told["n_workers"]) == (2, 2, 2)
    assert composite["seconds"]["value"] == pytest.approx(AREA * composite_seconds(2))
    assert composite["products"] == pytest.approx(2 * AREA)
    assert {stage["basis"] for stage in told["stages"].values()} == {"paper", "measured"}
    assert told["notes"][0].startswith("No earlier run of this workspace has records")
    assert told["moved_bytes"] > 0
    assert told["price"] is None
    # It is in the run's record, and nothing that names an output is.
    estimate, spent = runs.estimated(workspace.records, "new")
    assert estimate is not None
    assert spent is None
    beside = told_beside(estimate, spent)
    assert beside is not None
    assert beside["text"].startswith("Estimated before it began: ")
    for name, n_tiles in (("one", 1), ("three", 3), ("two", 2)):
        end(planned(name, n_tiles), name, n_tiles)
    planned("next", 5)
    told = api.record_estimate("next", workers=5)
    assert told is not None
    composite = told["stages"]["composite"]
    expected = TRUE["run"] + 5 * TRUE["units"] + 2 * TRUE["products"] * AREA
    assert (composite["basis"], composite["n_runs"]) == ("records", 3)
    # Three runs cannot tell units and pixels apart, which grow together in them.
    assert composite["seconds"]["value"] == pytest.approx(expected, rel=0.2)
    assert composite["seasons"] == pytest.approx(AREA)
    assert composite["kept_bytes"] == pytest.approx(3e9 * AREA, rel=0.2)
    assert told["notes"][-1].startswith("No records of collect")


def test_what_a_run_took_is_kept_although_it_ends_again(planned: Any) -> None:
    workspace = planned("again", 1)
    (unit,) = api.plan("again", "prepare")
    stages: tuple[Stage, ...] = ("collect", "mask")
    for stage in stages:
        state = units.load(workspace.records, "again", stage, unit["unit"])
        assert state is not None
        done = {"state": "done", "seconds": 4.0, "cpu_seconds": 3.0, "peak_mb": 200.0}
        units.save(workspace.records, state.model_copy(update=done))
    api.report("again")
    _, first = runs.estimated(workspace.records, "again")
    assert first is not None
    assert set(first.stages) == set(stages)
    assert first.stages["mask"].seconds == 4.0
    for state in units.states(workspace.records, "again"):
        units.save(workspace.records, state.model_copy(update={"state": "reused", "seconds": 0.0}))
    api.report("again")
    assert runs.estimated(workspace.records, "again")[1] == first


def test_no_workers_are_refused(planned: Any) -> None:
    planned("idle", 1)
    with pytest.raises(UsageError, match="Workers: expected 1 or more, found 0"):
        api.record_estimate("idle", workers=0)
