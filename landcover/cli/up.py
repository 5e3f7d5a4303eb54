"""``landcover up``."""

from __future__ import annotations

import click

from landcover.cli import common


@click.command("up")
@click.option("--port", default=8080, show_default=True, help="Port of the web page.")
@click.option("--memory-gb", type=float, help="Memory of one job, GB [default: 1].")
@click.option(
    "--database",
    metavar="ADDRESS",
    help="Airflow's database, postgresql://user@host:port/name; its password by ~/.pgpass "
    "[default: SQLite in the workspace, for a few tiles].",
)
@common
def command(
    port: int,
    memory_gb: float | None,
    database: str | None,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Start Airflow with its web page, and a Dask cluster; Ctrl-C ends both.

    Example: landcover up --port 8080 --workspace demo/workspace
    """
    from landcover.airflow_process import start_airflow
    from landcover.settings import read_settings

    settings = read_settings(workspace=workspace, memory_gb=memory_gb)
    with start_airflow(settings, port, database) as airflow:
        click.echo(f"Airflow   {airflow.url}")
        click.echo(f"log in    {airflow.user} / {airflow.password}")
        click.echo("The DAG is landcover_map; press Trigger and fill in the form. Ctrl-C ends it.")
        return airflow.wait()
