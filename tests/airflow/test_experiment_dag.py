"""A small experiment, run to its end by the scheduler: its runs one after another, and its page."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from airflow_rest import Rest
from airflow_travels import require_only_ids, travelling
from sqlalchemy import Engine

from landcover import api
from landcover.airflow_process import RunningAirflow
from landcover.ledger import units
from landcover.settings import in_environment, read_settings
from landcover.simulate import simulate

pytestmark = pytest.mark.slow
DAG, RUN = "landcover_experiment", "small-experiment"
RECIPE = Path(__file__).parents[2] / "recipes" / "mediterranean-rf.yaml"
FILE = f"""
name: small
recipe: {RECIPE}
set:
  model.trees: 4
  seasons: [{{name: spring, primary_month: 3, fallback_month: 4}}]
  validation.splits: []
  validation.seeds: 1
baselines:
  ours: {{}}
"""
RUNS = tuple(f"small.ours.s{seed}" for seed in range(5))
"""One case under as many seeds as an experiment needs: the first makes the map."""
SECONDS = float(os.environ.get("LANDCOVER_TEST_PATIENCE", "900"))


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the form of the experiment says."""
    folder = tmp_path_factory.mktemp("experiment")
    region = simulate(
        folder / "r", tiles=["30SUF"], pixels=240, points_per_class=12, seasons=["spring"],
        only_usable=True, seed=31,
    )  # fmt: skip
    (folder / "small.yaml").write_text(FILE)
    return {
        "experiment": str(folder / "small.yaml"),
        "year": region.year,
        "products": str(region.products),
        "labels": str(region.labels),
        "dem": str(region.dem),
    }


def test_the_scheduler_runs_an_experiment_to_its_page(
    airflow: RunningAirflow, asked: dict[str, Any], metadata: Engine
) -> None:
    rest = Rest(airflow)
    rest.trigger(DAG, RUN, asked)
    assert rest.wait_for(DAG, RUN, SECONDS) == "success", rest.tasks(DAG, RUN)
    runs = rest.runs("landcover_map", "small.")
    assert runs == dict.fromkeys(RUNS, "success")
    tasks = rest.tasks(DAG, RUN)
    assert {t["rendered_map_index"] for t in tasks if t["task_id"] == "case"} == set(RUNS)
    listed = rest.ask(f"/dags/{DAG}/dagRuns/{RUN}/taskInstances/start/xcomEntries/return_value")
    assert "small.ours" not in str(listed["value"])  # the runs are found in the ledger
    require_only_ids(travelling(metadata), airflow.password)
    # One after the other: what they share was there for the later ones.
    with in_environment(read_settings({}, workspace=str(airflow.home.parent))):
        workspace = api.open_workspace()
        states = {s.stage: s.state for s in units.states(workspace.records, RUNS[-1])}
        page = workspace.objects.href("reports/experiment-small")
    assert states["composite"] == states["sample"] == "reused"
    assert states["train"] == "done"
    found = json.loads((Path(page) / "experiment.json").read_text())
    assert found["seeds"] == [0, 1, 2, 3, 4]
    (case,) = found["cases"]
    assert case["name"] == "ours"
    assert (Path(page) / "index.html").stat().st_size > 1000
