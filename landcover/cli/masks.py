"""``landcover masks fit``."""

from __future__ import annotations

from pathlib import Path

import click

from landcover.cli import common, show_json


@click.group("masks")
def command() -> None:
    """Judge cloud and shadow masks, and fit what tells shadows."""


@command.command("fit")
@click.argument(
    "regions", nargs=-1, required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)  # fmt: skip
@common
def fit(regions: tuple[Path, ...], workspace: str | None, as_json: bool) -> None:
    """Fit the shadow models of `mask.variant: ours` on simulated REGIONS.

    The models in the library are frozen: this is how they were made. REGIONS are folders of
    `landcover simulate --hard-masks`.

    Example: landcover masks fit s1 s2 s3
    """
    from landcover.bench.shadow_fit import fit as fit_model

    names = {"with series": True, "one image alone": False}
    found = {name: fit_model(regions, has_series=kind) for name, kind in names.items()}
    if as_json:
        show_json(found)
        return
    for name, model in found.items():
        told = ", ".join(f"{key} {value}" for key, value in model.items())
        click.echo(f"{name:16} {told}")
