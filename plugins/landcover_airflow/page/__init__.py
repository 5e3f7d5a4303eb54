"""The page of a run's tiles inside Airflow: what failed, why, and a button that retries just that.

It reads the ledger and never Airflow's database; what it changes it asks of Airflow's own API, in
the browser and as the person who pressed.
"""

from __future__ import annotations

from typing import Any

PREFIX = "/landcover"
"""Where the page is, below the address of Airflow."""
VIEWS: list[dict[str, object]] = [
    {
        "name": "Land cover",
        "href": f"{PREFIX.removeprefix('/')}/runs",
        "destination": "nav",
        "url_route": "landcover",
        "category": "browse",
    },
    {
        "name": "Tiles",
        "href": f"{PREFIX.removeprefix('/')}/run?dag_id={{DAG_ID}}&run_id={{RUN_ID}}",
        "destination": "dag_run",
        "url_route": "landcover_tiles",
    },
]
"""Entry of the menu, and tab of a DAG run."""


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request (ASGI); what that needs is imported with the first one.

    Every process of Airflow runs the plugin file, and only the API server answers.
    """
    from landcover_airflow.page.routes import application

    await application(scope, receive, send)
