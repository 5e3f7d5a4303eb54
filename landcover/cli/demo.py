"""``landcover demo``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from landcover.cli import common
from landcover.cli.progress import stepping
from landcover.errors import UsageError

YEAR = 2021
_PATHS = ("products", "labels", "dem", "labels_independent")


@click.command("demo")
@click.option("--folder", default="demo", show_default=True, help="Where everything goes.")
@click.option("--pixels", default=720, show_default=True, help="Side of each tile, 10 m pixels.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another region.")
@common
def command(folder: str, pixels: int, seed: int, workspace: str | None, as_json: bool) -> int:
    """Simulate two neighbouring tiles and make their land-cover map, through Airflow.

    Example: landcover demo --folder /tmp/demo
    """
    from landcover.airflow_process import repository
    from landcover.cli.run import make_map
    from landcover.settings import read_settings

    root = Path(folder)
    region = simulate_once(root / "region", pixels, seed, quiet=as_json)
    settings = read_settings(workspace=workspace or str(root / "workspace"))
    options = {
        "year": YEAR,
        "products": region["products"],
        "tiles": [],
        "labels": region["labels"],
        "dem": region["dem"],
        "test_labels": region["labels_independent"],
        "test_design": "simple-random",
        "overrides": [],
    }
    recipe = repository() / "recipes" / "mediterranean-rf.yaml"
    return make_map(settings, recipe, options, as_json=as_json)


def simulate_once(folder: Path, pixels: int, seed: int, *, quiet: bool) -> dict[str, str]:
    """Simulate a region, or find the one that an earlier demo simulated the same way.

    Returns:
        Paths of ``products``, ``labels``, ``dem`` and ``labels_independent``.

    Raises:
        UsageError: The folder holds something that no demo wrote.
    """
    wanted = {"pixels": pixels, "seed": seed, "year": YEAR}
    note = folder / "demo.json"
    if note.is_file():
        found = json.loads(note.read_text())
        paths: dict[str, str] = found["paths"]
        if found["wanted"] == wanted and set(paths) == set(_PATHS):
            return paths
    # The simulator and its libraries cost a second, which a second demo does not need.
    import shutil

    from landcover.simulate import simulate

    _require_ours(folder)
    shutil.rmtree(folder, ignore_errors=True)
    with stepping("simulating products, elevation and labels", quiet=quiet) as progress:
        region = simulate(
            folder, pixels=pixels, year=YEAR, seed=seed,
            progress=lambda what, share: progress(share, what),
        )  # fmt: skip
    paths = {name: str(getattr(region, name)) for name in _PATHS}
    note.write_text(json.dumps({"wanted": wanted, "paths": paths}))
    return paths


def _require_ours(folder: Path) -> None:
    """Refuse to remove what no demo wrote: an unfinished simulation has its mark already."""
    from landcover.products.safe import SIMULATED_MARK

    if folder.is_file() or (
        folder.is_dir() and any(folder.iterdir()) and not (folder / SIMULATED_MARK).is_file()
    ):
        raise UsageError(
            f"{folder}: expected nothing here, or what an earlier demo wrote; found something "
            "else, which is not removed. Name another folder with --folder."
        )
