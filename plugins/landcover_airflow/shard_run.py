"""What a run of ``landcover_shard`` knows of its shard; nothing in a run of another DAG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException

from landcover_airflow.form import LEDGER_RUN
from landcover_airflow.outcome import sentences

if TYPE_CHECKING:
    from landcover.nouns.shard import Shard

REGION_DAG = "landcover_region"
SHARD_DAG = "landcover_shard"
SHARD = "shard"
EARLIER = "earlier_attempts"
"""Parameters of its runs: the name of the shard, and the attempts that its units have had."""


def shard_of(context: Any) -> Shard | None:
    """Read the shard that a DAG run works on; None where it works on a whole run."""
    from landcover import api
    from landcover.ledger import shards

    params = context["params"]
    if SHARD not in params:
        return None
    with sentences():
        return shards.load(api.open_workspace().records, params[LEDGER_RUN], params[SHARD])


def part_of_run() -> dict[str, Any]:
    """Say which part of its run of the ledger a planner plans: arguments of ``api.plan_lanes``."""
    context = get_current_context()
    shard = shard_of(context)
    return {} if shard is None else {"tiles": shard.tiles, "shard": part_name(context)}


def part_name(context: Any) -> str:
    """Name the part of a run whose lanes a DAG run has; empty where that is all of it.

    Each run of a shard has lanes of its own: a later one has those that are left alone.
    """
    return str(context["run_id"]) if SHARD in context["params"] else ""


def require_not_stopped(context: Any) -> None:
    """Begin nothing in a run that was stopped with its region.

    Raises:
        AirflowFailException: It was.
    """
    shard = shard_of(context)
    if shard is not None and context["run_id"] in shard.stopped:
        raise AirflowFailException(
            f"This run was stopped with its region. Clear the task {shard.phase!r} of "
            f"landcover_region with the label {shard.label!r}: another run goes on with its tiles."
        )
