"""Buttons beside a task in Airflow."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink
from airflow.sdk.configuration import conf

from landcover_airflow.page import PREFIX
from landcover_airflow.shard_run import SHARD_DAG


class TileLink(BaseOperatorLink):
    """From a lane to its tile on the page of the run."""

    name = "Tile on the page of the run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Give the address of the page with the tile of a lane chosen.

        Args:
            operator: The operator of the lane, whose ``unit`` is known by now.
            ti_key: The task instance: its ``dag_id`` and ``run_id``.

        Returns:
            The address; empty for shards, whose tiles are on the page of their region.
        """
        if ti_key.dag_id == SHARD_DAG:
            return ""
        base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
        tile = str(operator.unit).partition(".")[0]
        asked = {"dag_id": ti_key.dag_id, "run_id": ti_key.run_id, "tile": tile}
        return f"{base}{PREFIX}/run?{urlencode(asked)}"
