"""``landcover report``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json
from landcover.errors import InputError
from landcover.nouns.unit_document import unit_document

if TYPE_CHECKING:
    from landcover.nouns.output import Output
    from landcover.nouns.run import Run
    from landcover.settings import Settings
    from landcover.stores.workspace import Workspace

INDEX = "index.html"


@click.command("report")
@click.argument("map_name", metavar="MAP")
@click.option("--open", "is_opened", is_flag=True, help="Open it in the browser.")
@click.option("--rebuild", is_flag=True, help="Write it again if anything it is made of changed.")
@common
def command(
    map_name: str, is_opened: bool, rebuild: bool, workspace: str | None, as_json: bool
) -> int:
    """Tell where the report page of MAP is; write it where there is none.

    MAP is a report, a mosaic or a class map: its id or the beginning of it, a run, `latest`, or
    its path.

    Example: landcover report 1f0c --open
    """
    from landcover import api
    from landcover.parts.provenance import find_output, report_of, run_of
    from landcover.settings import in_environment, read_settings

    settings = read_settings(workspace=workspace)
    opened = api.open_workspace(settings)
    run, _ = run_of(opened, find_output(opened, map_name))
    report = report_of(opened, run)
    if rebuild or report is None:
        with in_environment(settings):
            report = _write(opened, settings, run)
    names = {file.name for file in report.files}
    places = {
        what: opened.objects.href(report.key, name)
        for what, name in (("report", INDEX), ("preview", "preview.html"))
        if name in names
    }
    if as_json:
        show_json({"id": report.id, "run": run.id, **places})
    else:
        for what, place in places.items():
            click.echo(f"{what:8} {place}")
    if is_opened:
        click.launch(places["report"])
    return 0


def _write(workspace: Workspace, settings: Settings, run: Run) -> Output:
    """Run the last stage of a run again; what exists is found, not written."""
    from landcover import api
    from landcover.parts.provenance import report_of

    (unit,) = api.plan(run.id, "publish") or [{"unit": "all"}]
    document = unit_document(
        run.id,
        "publish",
        unit["unit"],
        memory_gb=settings.memory_gb,
        threads=settings.threads,
    )
    outcome = api.run("publish", document)
    report = report_of(workspace, run)
    if report is None:
        why = outcome["message"] or f"publish {outcome['state']}."
        raise InputError(f"Run {run.id}: the report could not be written: {why}")
    return report
