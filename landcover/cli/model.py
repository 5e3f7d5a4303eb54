"""``landcover model list | show | approve | retire | compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from landcover.cli import common, point_to_demo, show_json

if TYPE_CHECKING:
    from landcover.ledger.models import ModelEntry, Status
    from landcover.nouns.model import ModelCard, SecondModel
    from landcover.nouns.model_comparison import ModelComparison
    from landcover.stores.workspace import Workspace


@click.group("model")
def command() -> None:
    """Look at trained models, approve or retire them, compare two of them.

    MODEL is an id or the beginning of it, a run, `latest`, or the folder of a model.
    """


@command.command("list")
@click.option(
    "--status", type=click.Choice(["candidate", "approved", "retired"]), help="Only these."
)
@common
def list_models(status: Status | None, workspace: str | None, as_json: bool) -> None:
    """List the models of the workspace, the newest first.

    Example: landcover model list --status approved
    """
    from landcover.ledger.models import entries

    found = entries(_opened(workspace).records, status)
    if as_json:
        show_json([entry.to_document() for entry in found])
        return
    if not found:
        click.echo("No model here. `landcover run` with --labels trains one.")
        point_to_demo(workspace)
        return
    click.echo(f"{'model':18}{'status':11}{'kind':15}{'features':>9}{'rows':>8}  trained")
    for entry in found:
        click.echo(
            f"{entry.id:18}{entry.status:11}{entry.kind:15}{entry.n_features:>9}"
            f"{entry.n_train_rows:>8}  {entry.created[:10]}"
            f"{f'  ({entry.reason})' if entry.reason else ''}"
        )


@command.command("show")
@click.argument("model")
@common
def show(model: str, workspace: str | None, as_json: bool) -> None:
    """Show the card of MODEL: what it reads, how it was trained, how well it answers.

    Example: landcover model show 3f2a
    """
    from landcover.parts.training.model_lookup import find_card

    card, entry = find_card(lambda: _opened(workspace), model)
    if as_json:
        registered = None if entry is None else entry.to_document()
        show_json({"entry": registered, "card": card.to_document()})
        return
    _print_card(card, entry)


@command.command("approve")
@click.argument("model")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept.")
@common
def approve(model: str, reason: str, workspace: str | None, as_json: bool) -> None:
    """Approve MODEL, a candidate. A retired model cannot be approved.

    Example: landcover model approve 3f2a --reason "Field visit of May agrees"
    """
    _decide(workspace, model, "approved", reason, as_json=as_json)


@command.command("retire")
@click.argument("model")
@click.option("--reason", required=True, help="Why, in a sentence; it is kept and told.")
@common
def retire(model: str, reason: str, workspace: str | None, as_json: bool) -> None:
    """Retire MODEL for good: no run takes it by --model any more.

    Example: landcover model retire 3f2a --reason "Trained with labels of the wrong year"
    """
    _decide(workspace, model, "retired", reason, as_json=as_json)


@command.command("compare")
@click.argument("first", metavar="MODEL")
@click.argument("second", metavar="MODEL")
@common
def compare(first: str, second: str, workspace: str | None, as_json: bool) -> None:
    """Tell whether one MODEL is better, by McNemar's test on the groups held out of both.

    Example: landcover model compare 3f2a 91bc
    """
    from landcover.analysis.model_comparison import compare_models

    found = compare_models(_opened(workspace), first, second)
    if as_json:
        show_json(found.to_document())
        return
    _print_comparison(found)


def _opened(workspace: str | None) -> Workspace:
    from landcover import api
    from landcover.settings import read_settings

    return api.open_workspace(read_settings(workspace=workspace))


def _decide(
    workspace: str | None, model: str, status: Status, reason: str, *, as_json: bool
) -> None:
    from landcover.ledger.models import decide, find_entry

    opened = _opened(workspace)
    before = find_entry(opened, model)
    after = decide(opened.records, before.id, status, reason)
    if as_json:
        show_json(after.to_document())
    elif before.status == after.status:
        click.echo(f"Model {after.id} was {after.status} already: {after.reason}")
    else:
        click.echo(f"Model {after.id}: {before.status} → {after.status}.")


def _print_card(card: ModelCard, entry: ModelEntry | None) -> None:
    click.echo(f"Model {card.id}: {card.kind}, {entry.status if entry else 'not registered'}")
    for decision in entry.history if entry else ():
        click.echo(f"  {decision.when[:10]} {decision.status}: {decision.reason}")
    click.echo(
        f"\n  trained on {card.n_train_rows} rows of {card.n_train_groups} groups "
        f"(sample set {card.sample_set_id}, seed {card.seed})"
    )
    for part in card.provenance:
        click.echo(
            f"    {part.n_rows} rows of {part.n_groups} groups: {part.library or 'this run'}, "
            f"{part.year or 'year unknown'}{', SIMULATED' if part.simulated else ''}"
        )
    parameters = ", ".join(f"{name} {value}" for name, value in card.parameters.items())
    click.echo(f"  parameters {parameters}")
    click.echo(f"\n  {'class':24}{'code':>5}{'rows':>8}")
    for code, name in zip(card.codes, card.names, strict=True):
        click.echo(f"  {name:24}{code:>5}{card.class_counts[code]:>8}")
    click.echo(f"\n  {len(card.features.names)} features: {', '.join(card.features.names)}")
    if card.missing_layers:
        click.echo(f"  in no product: {', '.join(card.missing_layers)}")
    if card.held_out is not None:
        held = card.held_out
        click.echo(
            f"\n  held-out samples: overall {held.overall:.3f}, macro F1 {held.macro_f1:.3f}, "
            f"always the commonest class {held.majority_baseline:.3f} "
            f"({held.n} samples in {held.n_groups} groups)"
        )
    for inner in card.second:
        _print_second(card, inner)
    for note in card.notes:
        click.echo(f"  note: {note}")


def _print_second(card: ModelCard, inner: SecondModel) -> None:
    outer = card.names[card.codes.index(inner.code)]
    click.echo(f"\n  {'second level of ' + outer:24}{'code':>5}{'rows':>8}{'groups':>8}")
    for code, name in zip(inner.codes, inner.names, strict=True):
        click.echo(
            f"  {name:24}{code:>5}{inner.class_counts[code]:>8}{inner.class_groups[code]:>8}"
        )
    held = inner.held_out
    if held is not None and inner.both_right is not None:
        click.echo(
            f"  held-out samples of {outer}: overall {held.overall:.3f}, always the commonest "
            f"class {held.majority_baseline:.3f} ({held.n} samples in {held.n_groups} groups); "
            f"both levels right {inner.both_right:.3f}"
        )


def _print_comparison(found: ModelComparison) -> None:
    click.echo(f"  {'model':18}{'kind':15}{'features':>9}{'overall':>9}{'macro F1':>10}")
    for one in (found.first, found.second):
        click.echo(
            f"  {one.id:18}{one.kind:15}{one.n_features:>9}{one.overall:>9.3f}{one.macro_f1:>10.3f}"
        )
    left_out = f"; {found.n_left_out} left out" if found.n_left_out else ""
    click.echo(f"\n  {found.n} held-out samples of {found.n_groups} groups{left_out}")
    if found.difference is not None:
        low, high = found.difference
        click.echo(
            f"  overall accuracy, second - first: {low:+.3f} to {high:+.3f} over resampled groups"
        )
    click.echo(f"\n{found.verdict}")
