"""``landcover experiment``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.cli.run_options import given_arguments, run_options
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.nouns.experiment import CaseResult, ExperimentResult
    from landcover.recipe.experiment import Case, Experiment
    from landcover.stores.workspace import Workspace

_LEFT_OUT = ("overrides", "until", "only", "model")
"""Arguments of a run that the experiment itself decides."""


def _experiment_options(command: Any) -> Any:
    """Give the options of a run but those that the experiment decides."""
    command = run_options(command)
    command.__click_params__ = [
        option for option in command.__click_params__ if option.name not in _LEFT_OUT
    ]
    return command


@click.command("experiment")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@_experiment_options
@click.option("--list", "is_list", is_flag=True, help="List the cases, run nothing.")
@click.option(
    "--full",
    is_flag=True,
    help="Combine the levels of all factors; prints an estimate and stops unless --yes is given.",
)
@click.option("--yes", is_flag=True, help="Run the full factorial after its estimate.")
@click.option(
    "--out", type=click.Path(file_okay=False), help="Folder of the page [default: FILE's name]."
)
@common
def command(
    file: str,
    is_list: bool,
    full: bool,
    yes: bool,
    out: str | None,
    workspace: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Run the cases of an experiment and compare them: one table and one page.

    FILE names a recipe, baselines, and factors with their levels. Cases are ordinary runs, one
    after another; what they share is computed once, and a second call computes nothing.

    Example: landcover experiment recipes/experiment-demo.yaml --year 2021 --products products
    --labels labels.geojson --label-map truth.tif --out experiment
    """
    from landcover.analysis.experiment_results import judge
    from landcover.api import open_workspace
    from landcover.pipeline.experiment import run_cases
    from landcover.publish.experiment_page import PAGE, write_experiment
    from landcover.recipe.experiment import cases_of, read_experiment
    from landcover.settings import in_environment, read_settings

    experiment, recipe = read_experiment(file)
    cases = cases_of(experiment, is_full=full)
    if is_list:
        _print_cases(experiment, cases, recipe, as_json=as_json)
        return 0
    settings = read_settings(
        workspace=workspace,
        memory_gb=options.pop("memory_gb"),
        threads=options.pop("threads"),
    )
    arguments = {k: v for k, v in given_arguments(options).items() if k not in _LEFT_OUT}
    with in_environment(settings):
        opened = open_workspace(settings)
        if full and not yes:
            click.echo(_estimate(opened, experiment, len(cases)))
            return 0
        tell = (
            (lambda sentence: None) if as_json else lambda sentence: click.echo(sentence, err=True)
        )
        ran = run_cases(
            opened, experiment.name, cases, recipe, experiment.seeds, arguments,
            memory_gb=settings.memory_gb, threads=settings.threads, tell=tell,
        )  # fmt: skip
        folder = Path(out or experiment.name)
        found = judge(opened, experiment, cases, ran, folder)
        write_experiment(found, folder)
    if as_json:
        show_json(found.to_document())
    else:
        _print(found)
        click.echo(f"\npage      {folder / PAGE}")
    return 0 if all(case.common is not None for case in found.cases) else 1


def _estimate(workspace: Workspace, experiment: Experiment, n: int) -> str:
    """Say what the full factorial would take, from the runs of this experiment that exist."""
    found = workspace.records.find("runs", {"state": "done"})
    names = [str(run["_id"]) for run in found if str(run["_id"]).startswith(f"{experiment.name}.")]
    own = dict.fromkeys(names, 0.0)
    for name in names:
        for state in workspace.records.find("units", {"run": name, "state": "done"}):
            own[name] += float(state["seconds"])
    n_runs = n * len(experiment.seeds)
    said = f"{n} cases, {len(experiment.seeds)} seeds: {n_runs} runs"
    if not names:
        raise UsageError(
            f"{said}. How long one takes is not known: run the experiment without --full first, "
            "or give --yes."
        )
    mean = sum(own.values()) / len(own)
    return (
        f"{said}, about {mean * n_runs / 60:.0f} minutes at {mean:.1f} s of its own for each of "
        f"the {len(own)} runs so far. Add --yes to run them."
    )


def _print_cases(
    experiment: Experiment, cases: tuple[Case, ...], recipe: Path, *, as_json: bool
) -> None:
    from landcover.recipe.experiment import distinct, pairs_of

    same = distinct(cases, recipe)
    if as_json:
        show_json([{**case.to_document(), "same_as": same.get(case.name)} for case in cases])
        return
    click.echo(f"{experiment.title or experiment.name}: {len(cases)} cases, seeds "
               f"{', '.join(map(str, experiment.seeds))}")  # fmt: skip
    always = pairs_of(experiment.set)
    if always:
        click.echo(f"in every case: {' '.join(always)}")
    for case in cases:
        note = f"  (the same as {same[case.name]})" if case.name in same else ""
        own = [pair for pair in case.overrides if pair not in always]
        click.echo(f"  {case.name:24}{' '.join(own)}{note}")


def _print(found: ExperimentResult) -> None:
    if found.simulated:
        click.echo("SIMULATED DATA: nothing here says anything about a real place.")
    click.echo(
        f"{found.title}: {found.n_common} of {found.n_rows} rows are answered by every case; "
        f"{len(found.seeds)} seeds"
    )
    click.echo(
        f"  {'case':28}{'accuracy':>9}{'95 %':>15}{'F1':>7}{'to baseline':>13}{'95 %':>15}"
        f"{'all rows':>10}{'lost':>6}{'s':>8}{'own s':>8}{'mean MB':>9}{'peak MB':>9}"
    )
    for case in found.cases:
        click.echo(_line(case))
    for note in found.notes:
        click.echo(f"  {note}")


def _line(case: CaseResult) -> str:
    if case.common is None or case.whole is None or case.cost is None:
        return f"  {case.name:28}{case.trouble}"
    gap = case.difference
    return (
        f"  {case.name:28}{100 * case.common.overall:>8.1f}%{_span(case.common.interval):>15}"
        f"{case.common.macro_f1:>7.3f}{f'{100 * gap.overall:+.1f}' if gap else '–':>13}"
        f"{_span(gap.interval if gap else None, signed=True):>15}"
        f"{100 * case.whole.overall:>9.1f}%{case.lost_rows:>6}{case.cost.seconds:>8.1f}"
        f"{case.cost.own_seconds:>8.1f}{case.cost.mean_mb:>9.0f}{case.cost.peak_mb:>9.0f}"
    )


def _span(ends: tuple[float, float] | None, *, signed: bool = False) -> str:
    if ends is None:
        return "–"
    form = "{:+.1f} to {:+.1f}" if signed else "{:.1f}–{:.1f}"
    return form.format(100 * ends[0], 100 * ends[1])
