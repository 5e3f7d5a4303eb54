"""Points are divided among tiles once a run; what a unit reads back is what was assigned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover import api
from landcover.labels import assignment
from landcover.ledger import runs, units
from landcover.nouns.output import hash_of
from landcover.parts.prepared import prepared
from landcover.parts.task import Task
from landcover.parts.training import assigned_points
from landcover.parts.training.assigned_points import COLLECTION, points_of_tile
from landcover.simulate import SimulatedRegion, simulate

RECIPE = Path(__file__).parents[3] / "recipes" / "mediterranean-rf.yaml"


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> SimulatedRegion:
    return simulate(tmp_path_factory.mktemp("region"), pixels=240, points_per_class=12, seed=3)


def test_a_unit_reads_its_own_part(
    region: SimulatedRegion, workspace_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    assign = assignment.assign_points
    monkeypatch.setattr(assignment, "assign_points", lambda *a: calls.append(1) or assign(*a))
    api.start_run(
        "run",
        RECIPE,
        year=region.year,
        products=str(region.products),
        labels=str(region.labels),
        dem=str(region.dem),
        until="sample",
    )
    assert api.run_inline("run")["state"] == "done"
    assert len(calls) == 1, "assigned once, for both tiles"
    workspace = api.open_workspace()
    run, recipe = runs.load(workspace, "run")
    states = units.states(workspace.records, "run", "sample")
    assert len(states) == 2
    (document,) = workspace.records.find(COLLECTION)
    assert sorted(document["parts"]) == [state.unit.id for state in states]
    for state in states:
        task = Task(workspace, run, recipe, state.unit)
        mine, n_points = points_of_tile(task)
        assert mine is not None
        assert n_points == document["points"]
        # The id of a sample table hangs on every value, its type and its place.
        labels = workspace.objects.href(f"labels/{run.label_id}.parquet")
        whole = assign(pd.read_parquet(labels), prepared(task).grids, recipe.labels.assign)
        pd.testing.assert_frame_equal(mine.read(), whole[state.unit.id])
        assert mine.id == hash_of(whole[state.unit.id].to_dict("split"))
        assert mine.id == hash_of(mine.read().to_dict("split"))
        assert not mine.has_second
    # A record from before ids were kept names the same points.
    workspace.records.replace_one(
        COLLECTION, {name: document[name] for name in ("_id", "table_sha256", "points", "parts")}
    )
    older, _ = points_of_tile(task)
    assert older is not None
    assert older.id == mine.id
    assert len(calls) == 1


def test_what_is_missing_stays_missing(tmp_path: Path) -> None:
    points = pd.DataFrame(
        {
            "point_id": ["a", "b", "c"],
            "label": ["x", None, "y"],
            "code": np.array([1, 2, 3], np.int64),
            "accuracy": [0.5, np.nan, 1.0],
        }
    )
    points.to_parquet(tmp_path / "labels.parquet")
    points = pd.read_parquet(tmp_path / "labels.parquet")  # as a unit has them
    found = {"30SUF": points.iloc[[2, 0]], "30SUG": points.iloc[[1]], "30SUH": points.iloc[[]]}
    assigned_points._write(tmp_path / "a.arrow", found)
    for number, tile in enumerate(found):
        read = assigned_points._read(tmp_path / "a.arrow", number)
        pd.testing.assert_frame_equal(read, found[tile])
        assert hash_of(read.to_dict("split")) == hash_of(found[tile].to_dict("split"))
