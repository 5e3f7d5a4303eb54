"""``landcover masks evaluate | fit | shares``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from landcover.cli import common, show_json
from landcover.errors import UsageError

if TYPE_CHECKING:
    from landcover.analysis.mask_accuracy import Judged


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


@command.command("evaluate")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--run", "runs", multiple=True, metavar="RUN", help="Judge the masks of this run; may repeat."
)
@click.option("--thick-only", is_flag=True, help="Thin cloud is no cloud.")
@click.option(
    "--growth", metavar="M[,M]", help="Tell instead what growing the masks by so many metres keeps."
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="PNG to draw the figures in."
)
@common
def evaluate(
    folder: Path,
    runs: tuple[str, ...],
    thick_only: bool,
    growth: str | None,
    plot: Path | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Judge cloud and shadow masks by the human masks in FOLDER.

    FOLDER holds patches as CloudSEN12 or CloudSEN12+ lay them out, or is a region of
    `landcover simulate --hard-masks`. Beside the figures stand those of the HRLC deck; what has no
    data reads "not measured".

    Example: landcover masks evaluate cloudsen12 --run deck --run ours --plot masks.png

    Example: landcover masks evaluate region --run ours --growth 0,60,120,240,600
    """
    from landcover import api
    from landcover.analysis.mask_accuracy import CLOUD_CODES, THICK_CODES, table_of
    from landcover.analysis.mask_evaluation import SEN2COR, Masks
    from landcover.analysis.mask_evaluation import evaluate as judge_masks
    from landcover.settings import in_environment, read_settings

    if growth is not None and (plot is not None or thick_only):
        raise UsageError("--growth tells a table of its own: leave out --plot and --thick-only.")
    with in_environment(read_settings(workspace=workspace)):
        opened = api.open_workspace()
        masks = {name: Masks.of_run(opened, name) for name in runs}
        if growth is not None:
            _tell_growth(folder, masks, growth, as_json=as_json)
            return
        codes = THICK_CODES if thick_only else CLOUD_CODES
        judged = judge_masks(folder, masks, codes)
    if plot is not None:
        _draw(judged, plot)
    if as_json:
        show_json([one.to_document() for one in judged])
        return
    click.echo(f"{len(judged[0].patches)} images of {folder}")
    for line in table_of(judged, (SEN2COR, *runs)):
        click.echo(line)


def _tell_growth(folder: Path, masks: dict[str, Any], text: str, *, as_json: bool) -> None:
    from landcover.analysis.mask_growth import grow, lines

    try:
        growths = [float(word) for word in text.split(",")]
    except ValueError:
        raise UsageError(
            f"--growth {text}: expected metres with commas between, 0,120,600."
        ) from None
    found = grow(folder, masks, growths)
    if as_json:
        show_json([one.to_document() for one in found])
        return
    for line in lines(found):
        click.echo(line)


def _draw(judged: list[Judged], path: Path) -> None:
    from landcover.analysis.mask_accuracy import DECK
    from landcover.publish.mask_plot import MaskPoint, draw_masks

    points = [
        MaskPoint(one.mask, one.kind, one.pooled.precision, one.pooled.recall) for one in judged
    ]
    points += [MaskPoint(name, kind, p, r, True) for (name, kind), (p, r, _) in DECK.items()]
    draw_masks(points, path, "Cloud and shadow masks: precision and recall")


DECK_SHARES = (
    "The deck's image: clouds 37.92 % before, 42.85 % (existing) and 40.12 % (re-implemented) "
    "after; shadows 0.00 % before, 0.02 % and 0.00 % after."
)


@command.command("shares")
@click.argument("run")
@common
def shares(run: str, workspace: str | None, as_json: bool) -> None:
    """Say how much cloud and shadow each image of RUN has before and after its masks were refined.

    Example: landcover masks shares latest
    """
    from landcover import api
    from landcover.analysis.mask_evaluation import Masks
    from landcover.settings import in_environment, read_settings

    with in_environment(read_settings(workspace=workspace)):
        made = Masks.of_run(api.open_workspace(), run).made
    kinds = ("cloud_percent", "shadow_percent")
    rows = [
        {
            "image": output.unit,
            "before": output.stats.get("before", {k: output.stats[k] for k in kinds}),
            "after": {k: output.stats[k] for k in kinds},
        }
        for _, output in sorted(made.items())
    ]
    if as_json:
        show_json(rows)
        return
    click.echo(f"{'image':72}{'cloud before':>14}{'after':>8}{'shadow before':>15}{'after':>8}")
    for row in rows:
        before, after = row["before"], row["after"]
        click.echo(
            f"{row['image']:72}{before['cloud_percent']:>14.2f}{after['cloud_percent']:>8.2f}"
            f"{before['shadow_percent']:>15.2f}{after['shadow_percent']:>8.2f}"
        )
    if not any("before" in output.stats for output in made.values()):
        click.echo("No mask of this run was refined: mask.variant deck, ours and ukis do that.")
    click.echo(DECK_SHARES)
