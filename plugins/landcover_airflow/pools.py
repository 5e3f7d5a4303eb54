"""The pools of the lanes: a task of one that is missing waits without a word, so it is said before.

Tasks cannot read Airflow's database; they ask its REST API by the connection that approvals use.
"""

from __future__ import annotations

import logging

from airflow.sdk.exceptions import AirflowFailException

from landcover.errors import LandcoverError, sentence_of
from landcover.execution import COMPUTE, DOWNLOAD
from landcover_airflow import rest

POOLS = (DOWNLOAD, COMPUTE)
log = logging.getLogger(__name__)


def require_pools() -> None:
    """Refuse to begin lanes whose pool is missing.

    Where nobody can be asked, the log says so and the run goes on.

    Raises:
        AirflowFailException: A pool is missing; the sentence says how to make it.
    """
    try:
        known = rest.pools()
    except LandcoverError as error:
        log.info(
            "Whether Airflow has the pools %s was not looked at: %s If lanes stay scheduled, look "
            "under Admin, Pools.",
            " and ".join(POOLS),
            sentence_of(error),
        )
        return
    if missing := [name for name in POOLS if name not in known]:
        raise AirflowFailException(
            f"Airflow has no pool {' and no pool '.join(missing)}: lanes would wait without a "
            f"word. Start `landcover up` anew, or run `airflow pools set {missing[0]} 8 lanes "
            "--include-deferred`; then clear this task with downstream."
        )
    for name in (name for name in POOLS if not known[name]):
        log.warning(
            "Pool %s does not count deferred tasks, so more lanes are begun than it has slots: "
            "tick Include Deferred under Admin, Pools.",
            name,
        )
