"""Who may see what: Airflow's own permissions, from the one module that knows its inner names.

An application of a plugin is open to everybody unless each of its routes says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import (
    GetUserDep,
    requires_access_dag,
    requires_authenticated,
)

__all__ = ["GetUserDep", "logged_in", "may_see_tasks", "may_trigger", "readable_dags"]

logged_in: Callable[..., Any] = requires_authenticated()
"""Refuses who has not logged in."""
may_see_tasks: Callable[..., Any] = requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE)
"""Refuses who may not see the tasks of the DAG ``dag_id`` of the path."""


may_trigger: Callable[..., Any] = requires_access_dag("POST", DagAccessEntity.RUN)
"""Refuses who may not trigger the DAG ``dag_id`` of the path."""


def readable_dags(user: Any) -> set[str]:
    """Name the DAGs that a user may see."""
    return set(get_auth_manager().get_authorized_dag_ids(user=user, method="GET"))
