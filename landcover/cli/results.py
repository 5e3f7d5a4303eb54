"""What a run tells at its end: the accuracy, where the map is, what went wrong."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from landcover.nouns.output import Output
from landcover.stores.workspace import Workspace

MOST_NAMED = 20
"""Tiles or seasons that a terminal names; ``--json`` gives all."""


def print_report(workspace: Workspace, report: dict[str, Any]) -> None:
    """Print the end of a run for people."""
    counts = ", ".join(f"{n} {state}" for state, n in sorted(report["counts"].items()))
    click.echo(f"\nRun {report['run']}: {report['state']} ({counts})")
    print_outcome(report)
    if report["estimate"] is not None:
        click.echo(f"  {report['estimate']['text']}")
    for trouble in report["troubles"]:
        click.echo(f"  ! {trouble}")
    output = _published(workspace, report)
    if output is None:
        return
    _print_headline(workspace, report["run"])
    names = [file.name for file in output.files]
    if "accuracy.json" in names:
        with workspace.objects.local(output.key, "accuracy.json") as path:
            _print_accuracy(path)
    if "validation.json" in names:
        with workspace.objects.local(output.key, "validation.json") as path:
            _print_validation(path)
    click.echo("")
    for pattern, what in (
        ("map_*.tif", "map (GeoTIFF)"),
        ("map_*.png", "map (picture)"),
        ("index.html", "report"),
    ):
        for name in sorted(fnmatch.filter(names, pattern)):
            click.echo(f"{what:14} {workspace.objects.href(output.key, name)}")


def print_outcome(outcome: Mapping[str, Any]) -> None:
    """Print why a run failed, which tiles are missing, and which seasons are degraded."""
    for reason in outcome["reasons"]:
        click.echo(f"  failed: {reason}")
    if outcome["missing_tiles"]:
        names = ", ".join(outcome["missing_tiles"][:MOST_NAMED])
        more = len(outcome["missing_tiles"]) - MOST_NAMED
        click.echo(
            f"  missing: {names}{f' and {more} more' if more > 0 else ''} "
            f"({outcome['missing_percent']:g} % of the tiles)"
        )
    tell_holes(outcome["holes"])
    for season in outcome["degraded"][:MOST_NAMED]:
        click.echo(f"  degraded: {season}")
    if len(outcome["degraded"]) > MOST_NAMED:
        click.echo(f"  degraded: {len(outcome['degraded']) - MOST_NAMED} more seasons (--json)")


def tell_holes(holes: Mapping[str, Any] | None) -> None:
    """Print how much of the tiles has no class, and what would win most of it back.

    Where tiles overlap both are counted, so this is not the share of the joined map, which the
    page tells.
    """
    if holes is None or not holes["lost_percent"]:
        return
    click.echo(f"  holes: {holes['lost_percent']:.1f} % of the tiles' pixels have no class")
    for remedy in holes["remedies"]:
        click.echo(f"    {remedy['sentence']}")
    if holes["remedies"] and remedy["options"]:
        click.echo(f"    for all of it: landcover run … {' '.join(remedy['options'])}")


def _published(workspace: Workspace, report: dict[str, Any]) -> Output | None:
    from landcover.ledger import outputs

    found = (outputs.find(workspace, output_id) for output_id in report["outputs"])
    return next((output for output in found if output is not None), None)


def _print_headline(workspace: Workspace, run_id: str) -> None:
    """Print what the map is quoted by, as its page does."""
    from landcover.ledger.units import states
    from landcover.parts.reporting.headline import has_map, headline_in

    units = states(workspace.records, run_id)
    if has_map(units):
        click.echo(f"\n{headline_in(workspace.records, units).sentence}")


def _print_accuracy(path: Path) -> None:
    from landcover.nouns.accuracy import AccuracyReport

    report = AccuracyReport.from_json(path.read_text())
    kind = " SIMULATED" if report.simulated else ""
    click.echo(
        f"\nHeld-out samples{kind}: overall {report.overall:.3f}, macro F1 {report.macro_f1:.3f}, "
        f"always the commonest class {report.majority_baseline:.3f} "
        f"({report.n} samples in {report.n_groups} groups)"
    )
    click.echo(f"  {report.design}")
    click.echo(f"  {'class':24}{'user':>8}{'producer':>10}{'n':>7}")
    for entry in report.classes:
        click.echo(
            f"  {entry.name:24}{_share(entry.users):>8}{_share(entry.producers):>10}"
            f"{entry.n_reference:>7}"
        )
    for note in report.notes:
        click.echo(f"  note: {note}")


def _print_validation(path: Path) -> None:
    from landcover.nouns.validation import Validation

    found = Validation.from_json(path.read_text())
    if found.splits:
        splits = ", ".join(f"{split.name} {split.overall:.3f}" for split in found.splits)
        click.echo(f"  overall, side by side: {splits}")
    if found.independent is None:
        return
    area = found.independent.area
    if area is None:
        click.echo(f"  independent points: {found.independent.refused}")
    else:
        width = "" if area.overall.half_width is None else f" ± {area.overall.half_width:.3f}"
        click.echo(
            f"  independent points, weighted by area: {area.overall.value:.3f}{width} "
            "(95 % interval)"
        )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
