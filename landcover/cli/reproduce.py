"""``landcover reproduce``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from landcover.cli import common, show_json
from landcover.errors import InputError, UsageError

if TYPE_CHECKING:
    from landcover.pipeline.reproduction import Verdict

RUN = "reproduction"
MOST_TOLD = 20


@click.command("reproduce")
@click.argument("receipt_file", metavar="RECEIPT", type=click.Path(exists=True, dir_okay=False))
@click.option("--products", metavar="FOLDER|ADDRESS", help="Where the products are here.")
@click.option("--region", type=click.Path(exists=True), help="Where the region is here.")
@click.option("--labels", type=click.Path(exists=True), help="Where the ground truth is here.")
@click.option("--dem", metavar="FILE|FOLDER|ADDRESS", help="Where the elevation is here.")
@click.option("--samples", metavar="FILES", help="Where the tables of samples are here.")
@click.option("--label-map", type=click.Path(exists=True), help="Where the existing map is here.")
@click.option("--test-labels", type=click.Path(exists=True), help="Where the test points are here.")
@click.option(
    "--scratch",
    type=click.Path(file_okay=False),
    help="Empty folder to work in and to keep [default: a temporary one, removed at the end].",
)
@common
def command(
    receipt_file: str,
    products: str | None,
    region: str | None,
    labels: str | None,
    dem: str | None,
    samples: str | None,
    label_map: str | None,
    test_labels: str | None,
    scratch: str | None,
    workspace: str | None,
    as_json: bool,
) -> int:
    """Make the map of RECEIPT again in a workspace of its own, and compare.

    Every file of every step is compared by its checksum. Where one differs, the pixels that
    differ are counted against the first map, if --workspace still has it. Exit code 1: something
    differs. Bytes can be expected to be the same with the same versions on the same kind of
    processor; versions that differ are named.

    Example: landcover reproduce map.json --products products --labels labels.geojson --dem dem
    """
    from landcover import api
    from landcover.cli.progress import watching
    from landcover.ledger import runs
    from landcover.pipeline.reproduction import arguments_of, read_receipt, verify
    from landcover.settings import in_environment, read_settings

    receipt = read_receipt(receipt_file)
    given = {
        "products": products, "region": region, "labels": labels, "dem": dem,
        "samples": samples, "label_map": label_map, "test_labels": test_labels,
    }  # fmt: skip
    arguments = arguments_of(receipt, given)
    settings = read_settings(workspace=workspace)
    first = api.open_workspace(settings)
    with ExitStack() as stack:
        folder = scratch or stack.enter_context(TemporaryDirectory(prefix="landcover-"))
        if any(Path(folder).glob("*")):
            raise UsageError(f"--scratch {folder}: the folder is not empty; name an empty one.")
        aside = read_settings(
            {}, workspace=folder, memory_gb=settings.memory_gb, threads=settings.threads
        )
        stack.enter_context(in_environment(aside))
        api.start_run(RUN, **arguments)
        again = api.open_workspace(aside)
        with watching(again.records, RUN, quiet=as_json):
            report = api.run_inline(RUN, memory_gb=aside.memory_gb, threads=aside.threads)
        if report["state"] != "done":
            why = report["troubles"][0] if report["troubles"] else "no reason is recorded."
            raise InputError(f"The map could not be made again: {why}")
        verdict = verify(receipt, first, again, runs.load(again, RUN)[0])
    if as_json:
        show_json({"identical": verdict.is_identical, **verdict.to_document()})
    else:
        _print(verdict)
    return 0 if verdict.is_identical else 1


def _print(verdict: Verdict) -> None:
    if verdict.is_identical:
        click.echo(f"identical bytes: {verdict.n_files} files of {verdict.n_outputs} outputs")
        return
    click.echo(f"{verdict.n_identical} of {verdict.n_files} files have identical bytes")
    for difference in verdict.differences[:MOST_TOLD]:
        click.echo(f"  {difference.what}: {difference.how}")
    if len(verdict.differences) > MOST_TOLD:
        click.echo(f"  … {len(verdict.differences) - MOST_TOLD} more; --json lists all")
    for sentence in verdict.software:
        click.echo(f"  version of {sentence}")
