"""``landcover samples``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from landcover.cli import common, point_to_demo, show_json
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.analysis.sample_files import Layout, SampleSetEntry

LIST = "list"


@click.command("samples")
@click.argument("which", metavar="[list|RUN|SAMPLES]", default=LIST)
@click.option(
    "--export",
    "export",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Write the table to FILE (.csv or .parquet).",
)
@click.option(
    "--layout",
    type=click.Choice(["landcover", "paper", "deck"]),
    default="landcover",
    show_default=True,
    help="landcover: the set's features in physical units, for `landcover run --samples`; paper: "
    "the 78 columns of the landcoverpy paper, scaled by its Table 2; deck: the 167 features of the "
    "HRLC deck behind x, y, index, label and split.",
)
@click.option(
    "--report",
    "report",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Write counts, maps of the samples and histograms of their features, with a page.",
)
@common
def command(
    which: str,
    export: str | None,
    layout: Layout,
    report: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """List the sample sets of the workspace, or show or export one: a reusable spectral library.

    The set is named by its id or the beginning of it, by a run that uses it, or `latest`.

    Example: landcover samples my-run --export library-2021.parquet --report samples-2021
    """
    from landcover import api
    from landcover.analysis import sample_files as samplefile
    from landcover.ledger.lookup import find_samples
    from landcover.settings import read_settings

    opened = api.open_workspace(read_settings(workspace=workspace))
    if which == LIST:
        if export is not None or report is not None:
            raise UsageError(
                "--export and --report: say which samples, by run or id (`landcover samples list`)."
            )
        found = samplefile.sample_sets(opened)
        _print_all(found, as_json=as_json)
        if not found:
            point_to_demo(workspace)
        return
    sample_set = find_samples(opened, which)
    entry = samplefile.describe_samples(opened, sample_set)
    empty: tuple[str, ...] = ()
    if export is not None:
        empty = samplefile.export_samples(opened, sample_set, Path(export), layout)
    if report is not None:
        from landcover.analysis.sample_diagnosis import diagnose_samples

        diagnose_samples(opened, sample_set, Path(report), is_simulated=entry.simulated)
    if as_json:
        told = {"file": export, "empty": list(empty), "report": report}
        show_json({**entry.to_document(), **told})
        return
    _print(entry)
    if empty:
        click.echo(f"  empty, not in the set: {', '.join(empty)}")
    if export is not None:
        click.echo(f"\nsamples   {export}")
    if report is not None:
        click.echo(f"report    {report}/index.html")


def _print_all(found: list[SampleSetEntry], *, as_json: bool) -> None:
    if as_json:
        show_json([entry.to_document() for entry in found])
        return
    if not found:
        click.echo("No sample set here. `landcover run` with --labels makes one.")
        return
    click.echo(f"{'samples':18}{'rows':>8}{'features':>10}{'year':>6}  runs")
    for entry in found:
        note = "  SIMULATED" if entry.simulated else ""
        click.echo(
            f"{entry.id:18}{entry.n_rows:>8}{len(entry.features):>10}{entry.year or '–':>6}  "
            f"{', '.join(entry.runs)}{note}"
        )


def _print(entry: SampleSetEntry) -> None:
    kind = " SIMULATED" if entry.simulated else ""
    click.echo(
        f"Sample set {entry.id}{kind}: {entry.n_rows} rows ({entry.n_train} train), "
        f"{len(entry.features)} features, {entry.year or 'year unknown'}"
    )
    for name, n in entry.counts.items():
        click.echo(f"  {name:24}{n:>8}")
