"""``landcover recipe check``."""

from __future__ import annotations

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError


@click.group("recipe")
def command() -> None:
    """Look at recipes."""


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key.")
@click.option("--section", help="Show one section: what may stand in a file of its own.")
@common
def check(
    file: str,
    overrides: tuple[str, ...],
    section: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Check a recipe and show it with all defaults, and above each key what it means.

    A section may be a file of its own: write `mask: mask.yaml` in the recipe, a path relative to
    it.

    Example: landcover recipe check recipes/mediterranean-rf.yaml --set model.trees=50

    Example: landcover recipe check recipes/hrlc-svm.yaml --section mask > mask.yaml
    """
    from landcover.ledger.runs import recipe_id
    from landcover.parts.preparation.composite_rule import require_bands
    from landcover.parts.training.effort import effort_notes
    from landcover.parts.training.run_features import redundant_features
    from landcover.recipe import read_recipe
    from landcover.recipe.explained import explained, section_names

    recipe = read_recipe(file, overrides)
    if section is not None and section not in section_names():
        raise UsageError(
            f"--section {section}: no section of a recipe; there are {', '.join(section_names())}."
        )
    require_bands(recipe)
    document = recipe.to_document()
    redundant = redundant_features(recipe)
    if as_json:
        told = {"redundant_features": redundant} if redundant else {}
        told |= {"effort": list(notes)} if (notes := effort_notes(recipe)) else {}
        show_json({"id": recipe_id(recipe), "recipe": document, **told})
        return
    click.echo(explained(recipe, section), nl=False)
    click.echo(f"# {file} is a valid recipe, id {recipe_id(recipe)}", err=True)
    if redundant:
        click.echo(f"# Features that tell nothing new: {'; '.join(redundant)}.", err=True)
    for note in effort_notes(recipe):
        click.echo(f"# {note}", err=True)


@command.command("kinds")
@common
def kinds(workspace: str | None, as_json: bool) -> None:
    """List the kinds of classifier with their parameters, as Markdown.

    Example: landcover recipe kinds
    """
    from landcover.recipe.kinds import describe_kinds, kinds_as_markdown

    if as_json:
        show_json([kind.to_document() for kind in describe_kinds()])
        return
    click.echo(kinds_as_markdown(), nl=False)
