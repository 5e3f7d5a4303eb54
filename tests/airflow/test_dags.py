"""The DAGs as Airflow reads them: no errors, the expected figure, nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from landcover.execution import COMPUTE, DOWNLOAD
from landcover.nouns.shard import PHASES
from landcover.nouns.stages import GROUPS, STAGES
from landcover_airflow.groups import MOST_IN_FLIGHT, tasks_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def bag() -> Any:
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")


@pytest.fixture(scope="module")
def dag(bag: Any) -> Any:
    return bag.dags["landcover_map"]


def test_no_import_errors(bag: Any) -> None:
    assert bag.import_errors == {}
    assert {"landcover_map", "landcover_region", "landcover_shard", "ingest_season"} <= set(
        bag.dags
    )


def test_every_group_has_its_planner_and_its_lanes_in_a_row(dag: Any) -> None:
    before = {"start"}
    for group in GROUPS:
        planner = dag.task_dict[f"plan_{group}"]
        assert planner.upstream_task_ids == before, group
        lane = [f"{group}.{'lane' if len(s) > 1 else s[0]}" for s in tasks_of(group)]
        # The planner's list reaches each stage, and the stages follow one another.
        for previous, task_id in zip([None, *lane], lane, strict=False):
            expected = {f"plan_{group}"} if previous is None else {previous}
            assert dag.task_dict[task_id].upstream_task_ids - {f"plan_{group}"} == (
                expected - {f"plan_{group}"}
            )
        # Where a repair clears no lane of a group, its planner holds the order.
        before = {lane[-1], f"plan_{group}"}
    assert dag.task_dict["report"].upstream_task_ids == before
    assert [leaf.task_id for leaf in dag.leaves] == ["report"]
    assert [root.task_id for root in dag.roots] == ["start"]


def test_planners_and_report_run_whatever_became_of_the_tiles(dag: Any) -> None:
    rules = {task.task_id: task.trigger_rule.value for task in dag.tasks}
    gathering = {name for name, rule in rules.items() if rule == "all_done"}
    assert gathering == {*(f"plan_{group}" for group in GROUPS), "report"}
    # Within a lane, a failure or a skip stops what follows.
    assert {rules[name] for name in rules if "." in name} == {"all_success"}


def test_each_group_is_done_by_shards_or_once_for_the_region(bag: Any) -> None:
    region, shard = bag.dags["landcover_region"], bag.dags["landcover_shard"]
    by_shards = [group for groups in PHASES.values() for group in groups]
    once = [
        group for group in GROUPS if f"plan_{group}" in region.task_dict and group not in PHASES
    ]
    assert sorted([*by_shards, *once]) == sorted(GROUPS)
    before = {"start"}
    for step in ("prepare", "overlap", "sample", "train", "classify", "mosaic", "validate"):
        assert region.task_dict[f"plan_{step}"].upstream_task_ids == before, step
        last = step if step in PHASES else f"{step}.{GROUPS[step][-1]}"
        before = {last, f"plan_{step}"}
    # A red shard, or none, stops nothing: what reads the ledger runs when all before it is done.
    for dag in (region, shard):
        for task in dag.tasks:
            expected = "all_done" if task.task_id.startswith(("plan_", "report")) else "all_success"
            assert task.trigger_rule.value == expected, task.task_id
        assert [leaf.task_id for leaf in dag.leaves] == ["report"]
        assert [root.task_id for root in dag.roots] == ["start"]
    for phase, groups in PHASES.items():
        # The planners that `start` leaves out are right behind it.
        assert {f"plan_{group}" for group in groups} <= shard.task_dict["start"].downstream_task_ids
        last = f"{groups[-1]}."
        assert any(t.startswith(last) for t in shard.task_dict["report"].upstream_task_ids), phase


def test_no_mapping_is_nested(dag: Any) -> None:
    from airflow.sdk.definitions.mappedoperator import MappedOperator
    from airflow.sdk.definitions.taskgroup import MappedTaskGroup

    def walk(group: Any, n_mapped: int) -> None:
        n_mapped += isinstance(group, MappedTaskGroup)
        assert n_mapped <= 1, group.group_id
        for child in group.children.values():
            if hasattr(child, "children"):
                walk(child, n_mapped)
            else:
                assert n_mapped + isinstance(child, MappedOperator) <= 1, child.task_id

    walk(dag.task_group, 0)


def test_every_lane_shows_its_label_and_is_retried(dag: Any) -> None:
    for group in GROUPS:
        for stages in tasks_of(group):
            name = "lane" if len(stages) > 1 else stages[0]
            task = dag.task_dict[f"{group}.{name}"]
            # Every stage is named in the grid.
            assert task.task_display_name == " → ".join(stages)
            assert all(f"`{stage}`" in task.doc_md for stage in stages)
            assert task.pool == (DOWNLOAD if "collect" in stages else COMPUTE)
            assert task.max_active_tis_per_dagrun == MOST_IN_FLIGHT
            assert task.map_index_template == "{{ task.unit_label }}"
            assert (task.retries, task.retry_exponential_backoff) == (2, 2.0)
            assert task.weight_rule == "upstream" or "upstream" in repr(task.weight_rule).lower()


def test_the_form_has_a_title_and_a_sentence_for_every_field(dag: Any) -> None:
    for name in dag.params:
        schema = dag.params.get_param(name).schema
        assert schema["title"], name
        assert schema["description_md"].endswith("."), name
    until = dag.params.get_param("until").schema
    assert until["enum"] == list(STAGES)
    # Only what a newcomer fills in is open when the form opens.
    opened = [name for name in dag.params if "section" not in dag.params.get_param(name).schema]
    assert opened == ["products", "year", "labels", "dem"]
    assert dag.doc_md


def test_reading_the_dags_imports_nothing_heavy() -> None:
    code = (
        "import sys; sys.path[:0] = ['plugins', 'dags']; import landcover_map; "
        "print(sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    for heavy in ("numpy", "rasterio", "sklearn", "pandas", "xarray", "numba", "distributed"):
        assert f"'{heavy}'" not in found, heavy


def test_the_plugin_loader_sees_one_file() -> None:
    code = (
        "import sys; from airflow import plugins_manager as p; "
        "found, errors = p._get_plugins(); "
        "print([q.name for q in found if q.name == 'landcover'], errors, "
        "[n for n in ('stage', 'dask', 'groups', 'run_dag') if n in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert found.strip().splitlines()[-1] == "['landcover'] {} []"
