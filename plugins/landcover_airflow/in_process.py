"""A run of a DAG in this process: Airflow's own scheduling rules, tasks one after the other.

``DAG.test`` does nearly this, but sleeps a whole second whenever a look at the run only brought
skips, and reads every DAG of the folder (docs/decisions/0060). This loop does the same with
Airflow's own parts: ``DagRun.update_state`` decides what is due (trigger rules, retries with their
delays, skips, mapped groups), and Airflow's supervisor for one process runs tasks and triggers.

What differs from a scheduler (Airflow 3.3): tasks of a group run in any order; triggers run in
line, so ``on_kill`` of a trigger never fires (the parent ends the session and the local cluster
instead), and a trigger that raises fails its task without a retry (ours turns what it meets into
an event).
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pendulum
from airflow import settings
from airflow.configuration import conf as configuration
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.sdk import timezone
from airflow.sdk._shared.module_loading import import_string
from airflow.sdk.api.datamodels._generated import TaskInstance as Asked
from airflow.sdk.execution_time.comms import DeferTask
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, run_task_in_process
from airflow.sdk.serde import deserialize, serialize
from airflow.serialization.serialized_objects import DagSerialization, create_scheduler_operator
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from landcover_airflow.ledger_run import IN_PROCESS

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy.orm import Session

BUNDLE = "dags-folder"
PAUSE_SECONDS = 0.2
"""Between two looks, where nothing is due: a task waits for its retry."""
log = logging.getLogger(__name__)


def run_dag(dag_id: str, conf: dict[str, Any]) -> str:
    """Run a DAG here and give the state of its run.

    Args:
        dag_id: A DAG of the configured folder, in a file of its name.
        conf: What the trigger form would say, with the run of the ledger.

    Returns:
        ``success`` or ``failed``.

    Raises:
        RuntimeError: The file of the DAG cannot be imported.
    """
    dag = _load(dag_id)
    session = _open_session()
    run = _create(dag, conf, session)
    while run.state == DagRunState.RUNNING:
        session.expire_all()
        due = _due(run, session)
        if not due:
            time.sleep(PAUSE_SECONDS)
        for instance in due:
            _run(instance, dag.task_dict[instance.task_id], session)
    return str(run.state)


def _open_session() -> Session:
    """Open a session of Airflow's database."""
    if settings.Session is None:
        raise RuntimeError("Airflow's database is not configured.")
    session: Session = settings.Session()
    return session


def _load(dag_id: str) -> Any:
    """Import a DAG's file and write what it says into Airflow's database."""
    path = Path(configuration.get("core", "dags_folder")) / f"{dag_id}.py"
    bag = BundleDagBag(dag_folder=path, bundle_path=path.parent, bundle_name=BUNDLE)
    if bag.import_errors:
        raise RuntimeError("\n".join(bag.import_errors.values()))
    dag = bag.dags[dag_id]
    # Who started the run sees how it ends: nobody is sent a message, and no DAG processor runs.
    dag.has_on_success_callback = dag.has_on_failure_callback = False
    dag.deadline = None
    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    sync_bag_to_db(bag, BUNDLE, None)
    return dag


def _create(dag: Any, conf: dict[str, Any], session: Session) -> DagRun:
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    now = pendulum.now("UTC")
    return scheduled.create_dagrun(
        run_id=IN_PROCESS,
        logical_date=now,
        data_interval=scheduled.timetable.infer_manual_data_interval(run_after=now),
        run_after=now,
        conf=conf,
        run_type=DagRunType.MANUAL,
        state=DagRunState.RUNNING,
        triggered_by=DagRunTriggeredByType.CLI,
        start_date=now,
        session=session,
    )


def _due(run: DagRun, session: Session) -> list[TaskInstance]:
    """Let Airflow decide what may run now; the state of the run is brought up to date too."""
    instances, _ = run.update_state(session=session)
    for instance in instances:
        instance.try_number += 1
        instance.state = TaskInstanceState.SCHEDULED
        instance.scheduled_dttm = timezone.utcnow()
    session.commit()
    return list(instances)


def _run(instance: TaskInstance, task: Any, session: Session) -> None:
    """Run a task until it ends; one that defers goes on with the event of its trigger."""
    try:
        while _run_once(instance, task, session):
            pass
    except Exception:
        # What a task raises ends as its state; this is what runs it.
        log.exception("%s: Airflow could not run it", instance.task_id)
        instance.set_state(TaskInstanceState.FAILED)


def _run_once(instance: TaskInstance, task: Any, session: Session) -> bool:
    """Run a task, or the rest of one that had deferred.

    Returns:
        Whether it deferred: it is to be run again.
    """
    # Airflow's API takes only queued tasks as ready.
    instance.set_state(TaskInstanceState.QUEUED)
    asked = Asked(
        id=UUID(str(instance.id)),
        task_id=instance.task_id,
        dag_id=instance.dag_id,
        run_id=instance.run_id,
        try_number=instance.try_number,
        map_index=instance.map_index,
        dag_version_id=UUID(str(instance.dag_version_id)),
    )
    result = run_task_in_process(ti=asked, task=task)
    instance.set_state(result.ti.state)
    instance.task = create_scheduler_operator(result.ti.task)
    message = result.msg
    if instance.state != TaskInstanceState.DEFERRED or not isinstance(message, DeferTask):
        return False
    instance.set_state(TaskInstanceState.QUEUED)
    arguments: Any = deserialize(message.trigger_kwargs)  # type: ignore[type-var]
    trigger = import_string(message.classpath)(**arguments)
    event = InProcessTestSupervisor.run_trigger_in_process(  # type: ignore[no-untyped-call]
        trigger=trigger, ti=asked
    )
    instance.next_method = message.next_method
    instance.next_kwargs = {"event": serialize(event.payload)} if event else message.next_kwargs
    session.add(instance)
    session.commit()
    return True
