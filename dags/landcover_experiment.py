"""Which choices of a recipe matter: cases as ordinary runs, one after another, and one page."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover_airflow.experiment import (
    case_after_case,
    experiment_params,
    report,
    start_experiment,
)

DOC = """
### Experiment

Runs the cases of an experiment file under each seed as runs of `landcover_map`, one after another,
and ends with one table and page in the object store. What cases share is computed once; a second
run computes nothing. The runs are named `{experiment}.{case}.s{seed}`.
"""

with DAG(
    "landcover_experiment",
    schedule=None,
    catchup=False,
    params=experiment_params(),
    max_active_runs=1,
    doc_md=DOC,
    description="Cases of an experiment as ordinary runs, compared on one page",
    tags=["landcover", "experiment"],
):
    runs = start_experiment()
    chain(runs, case_after_case(runs), report())
