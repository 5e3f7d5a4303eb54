"""``landcover recipe check``."""

from __future__ import annotations

import click

from landcover.cli import common, show_json


@click.group("recipe")
def command() -> None:
    """Look at recipes."""


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key.")
@common
def check(file: str, overrides: tuple[str, ...], workspace: str | None, as_json: bool) -> None:
    """Check a recipe and show it with all defaults.

    Example: landcover recipe check recipes/mediterranean-rf.yaml --set model.trees=50
    """
    import yaml

    from landcover.ledger.runs import recipe_id
    from landcover.parts.preparation.composite_rule import require_bands
    from landcover.parts.training.run_features import redundant_features
    from landcover.recipe import read_recipe

    recipe = read_recipe(file, overrides)
    require_bands(recipe)
    document = recipe.to_document()
    redundant = redundant_features(recipe)
    if as_json:
        told = {"redundant_features": redundant} if redundant else {}
        show_json({"id": recipe_id(recipe), "recipe": document, **told})
        return
    click.echo(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), nl=False)
    click.echo(f"# {file} is a valid recipe, id {recipe_id(recipe)}", err=True)
    if redundant:
        click.echo(f"# Features that tell nothing new: {'; '.join(redundant)}.", err=True)


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
