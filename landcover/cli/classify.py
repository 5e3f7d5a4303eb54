"""``landcover classify``."""

from __future__ import annotations

from pathlib import Path

import click

from landcover.cli import common, show_json
from landcover.cli.progress import stepping


@click.command("classify")
@click.argument("run")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--out", required=True, type=click.Path(file_okay=False), help="Folder of the maps.")
@common
def command(
    run: str, models: tuple[str, ...], out: str, workspace: str | None, as_json: bool
) -> None:
    """Map the tiles of RUN with several MODELs, in one pass over the features.

    Class map, confidence and, where a model has one, second level of each model and tile go into
    FOLDER; of a run with a region they have what it prepared. The run and its published map
    stay as they are. `landcover compare` compares two of the maps.

    Example: landcover classify demo 1f0c 9ab2 --out maps
    """
    from landcover import api
    from landcover.analysis.several_maps import map_with_models
    from landcover.ledger.lookup import find_run
    from landcover.parts.task import Job
    from landcover.settings import read_settings

    settings = read_settings(workspace=workspace)
    opened = api.open_workspace(settings)
    name = find_run(opened, run)
    with stepping("maps", quiet=as_json) as progress:
        job = Job(settings.memory_gb, settings.threads, progress=progress)
        written = map_with_models(opened, name, models, Path(out), job)
    if as_json:
        show_json({"run": name, "maps": [str(path) for path in written]})
        return
    for path in written:
        click.echo(str(path))
