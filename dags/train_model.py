"""A model from the ground truth of a year, and a person who approves it."""

from __future__ import annotations

from airflow.sdk import DAG, chain

from landcover.nouns.stages import Group
from landcover_airflow.approval import approve, report_training, start_maps, start_training
from landcover_airflow.form import how_it_runs, run_params
from landcover_airflow.groups import DEFAULT_ARGS, in_order, lanes
from landcover_airflow.late import in_time
from landcover_airflow.notifier import at_end
from landcover_airflow.profile import at_parse

GROUPS: tuple[Group, ...] = ("prepare", "overlap", "terrain", "sample", "train")

DOC = """
### Model

Trains a model with the labels of the deployment profile, then waits for a person: the task
`approve` asks under *Required actions* whether the model may make maps, and of which years it makes
them now. The approval is written into the registry of models with its reason.
"""

profile, _, trouble = at_parse()

with DAG(
    "train_model",
    schedule=None,
    catchup=False,
    params={
        **{name: field for name, field in run_params().items() if name in ("year", "overrides")},
        **how_it_runs(profile),
    },
    default_args=DEFAULT_ARGS,
    **at_end(),
    deadline=in_time(),
    max_active_tasks=64,
    max_active_runs=1,
    doc_md=f"**The profile is wrong: {trouble}**\n{DOC}" if trouble else DOC,
    description="Model from the labels of the profile, with a person's approval",
    tags=["landcover", "model"],
):
    made = in_order((lanes(group) for group in GROUPS), report_training())
    chain(start_training(), *made, approve(), start_maps())
