"""``landcover run``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from landcover.cli import common, show_json
from landcover.cli.run_options import given_arguments, run_options


@click.command("run")
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False))
@run_options
@click.option("--plan", is_flag=True, help="Say what would be computed, compute nothing.")
@click.option(
    "--why",
    is_flag=True,
    help="Say what made each output stale; after a run, why each product was used or left.",
)
@common
def command(
    recipe: str, workspace: str | None, as_json: bool, plan: bool, why: bool, **options: Any
) -> int:
    """Make a map with RECIPE, through Airflow, without a server.

    Finished parts are found again: a second run computes nothing, an interrupted one goes on.

    Example: landcover run recipes/mediterranean-rf.yaml --year 2021 --products products
    --labels labels.geojson --dem dem
    """
    from landcover.settings import read_settings

    settings = read_settings(
        workspace=workspace,
        memory_gb=options.pop("memory_gb"),
        threads=options.pop("threads"),
    )
    arguments = given_arguments(options)
    if not as_json:
        _remind(Path(recipe), arguments)
    if plan or (why and not as_json):
        from landcover.cli.planning import show_plan

        code = show_plan(settings, recipe, arguments, why=why, as_json=as_json, is_all=plan)
        if plan:
            return code
    return make_map(settings, Path(recipe), arguments, why=why, as_json=as_json)


def _remind(recipe: Path, given: dict[str, Any]) -> None:
    """Say what a person should know before the work starts.

    That a map will do without terrain, where its recipe has some and no DEM is given; and what
    slow choices of features and settings will take.
    """
    from landcover.nouns.stages import comes_after
    from landcover.parts.training.effort import effort_notes
    from landcover.recipe import read_recipe

    resolved = read_recipe(recipe, given["overrides"])
    wanted = resolved.features.terrain
    is_taught = (given["labels"] or given["samples"]) and given["model"] is None
    trains = given["only"] in (None, "train") and not comes_after("train", given["until"])
    if is_taught and trains:
        for note in effort_notes(resolved):
            click.echo(f"note: {note}", err=True)
    if (
        wanted
        and given["dem"] is None
        and given["until"] not in ("collect", "mask", "composite", "restore")
    ):
        click.echo(
            f"note: no --dem, so the map is made without {', '.join(wanted)}. Give --dem FOLDER or "
            "--dem glo30, or leave them out: --set features.terrain=[].",
            err=True,
        )


def make_map(
    settings: Any, recipe: Path, options: dict[str, Any], *, as_json: bool, why: bool = False
) -> int:
    """Run the DAG for one recipe and tell what came out; with ``why``, what it was made of.

    Returns:
        The exit code: 0, or 1 where the run failed.
    """
    from landcover import api
    from landcover.airflow_process import log_of, run_dag
    from landcover.cli.choices import choices_of
    from landcover.cli.progress import watching
    from landcover.pipeline.interrupted import owning
    from landcover.pipeline.starting import ask_sources, new_run_id, resolve, start_run
    from landcover.settings import in_environment

    with in_environment(settings):
        resolved, asked = resolve(recipe, **options)
        # Before the ledger is opened: a source that is away leaves nothing behind.
        ask_sources(asked)
        same = _same_run(resolved, asked)
        if same is not None:
            return _print_same(same, why=why, as_json=as_json)
        if asked.only is not None:
            # Before Airflow starts, which takes longer than to find out.
            from landcover.cli.planning import require_inputs

            require_inputs(settings, str(recipe), options)
        run_id = new_run_id(resolved)
        arguments = {**options, "recipe": str(recipe.resolve())}
        # Started here, so that a wrong argument is told before Airflow starts; the task `start`
        # finds it done.
        workspace = api.open_workspace()
        start_run(workspace, run_id, resolved, asked, is_asked=True)
        told = api.record_estimate(run_id)  # one worker, one lane after the other
        if told is not None and not as_json:
            _tell_estimate(told)
        try:
            with (
                owning(workspace, run_id),
                watching(workspace.records, run_id, quiet=as_json),
            ):
                code = run_dag(settings, run_id, arguments)
        except KeyboardInterrupt:
            api.cancel(run_id)
            raise
        report = api.report(run_id)
        choices = choices_of(workspace, run_id) if why else []
    ended = _print_end(workspace, report, choices, why=why, as_json=as_json) or code
    if ended and not as_json:
        click.echo(f"  log: {log_of(settings, run_id)}")
    return ended


def _tell_estimate(told: dict[str, Any]) -> None:
    from landcover.nouns.estimate import duration

    wall = told["wall_seconds"]
    click.echo(
        f"estimate: {duration(wall['value'])} ({duration(wall['low'])} to {duration(wall['high'])})"
        f", {told['kept_bytes'] / 1e9:.3g} GB to keep, where nothing of it is there yet",
        err=True,
    )


def _same_run(recipe: Any, arguments: Any) -> str | None:
    """Find a run that made already what this one would; None where something is to be done."""
    from landcover import api
    from landcover.pipeline.up_to_date import find_same_run

    return find_same_run(api.open_workspace(), recipe, arguments)


def _print_same(run_id: str, *, why: bool, as_json: bool) -> int:
    """Show the run that made everything already; nothing is started and nothing is written."""
    from landcover import api
    from landcover.cli.choices import choices_of
    from landcover.parts.reporting.run_report import summary_of

    workspace = api.open_workspace()
    report = {**summary_of(workspace, run_id), "computed": 0}
    if not as_json:
        click.echo(
            f"Nothing to do: run {run_id} had the same recipe, arguments and inputs, and all it "
            "made is there (sizes compared; `landcover verify` reads the bytes)."
        )
    choices = choices_of(workspace, run_id) if why else []
    return _print_end(workspace, report, choices, why=why, as_json=as_json)


def _print_end(
    workspace: Any, report: dict[str, Any], choices: Any, *, why: bool, as_json: bool
) -> int:
    from landcover.cli.choices import print_choices
    from landcover.cli.results import print_report

    if as_json:
        show_json({**report, "choices": choices} if why else report)
    else:
        print_choices(choices)
        print_report(workspace, report)
    return 0 if report["state"] == "done" else 1
