"""What a run will take, written into its record by ``start``."""

from __future__ import annotations

import logging

from landcover.errors import sentence_of
from landcover_airflow.hooks.dask import DaskHook

log = logging.getLogger(__name__)


def tell_estimate(run_id: str) -> None:
    """Estimate a run that was started, for as many workers as the Dask cluster has now.

    Args:
        run_id: Run of the ledger.
    """
    from landcover import api
    from landcover.nouns.estimate import duration

    try:
        workers = max(1, DaskHook().require_scheduler())
        told = api.record_estimate(run_id, workers=workers)
    except Exception as error:  # a run does not need its estimate, whatever is wrong with it
        log.warning("No estimate of run %s: %s", run_id, sentence_of(error))
        return
    if told is not None:
        wall = told["wall_seconds"]
        log.info(
            "Estimated with %d workers, where nothing of it is there yet: %s (%s to %s).",
            workers,
            *(duration(wall[name]) for name in ("value", "low", "high")),
        )
