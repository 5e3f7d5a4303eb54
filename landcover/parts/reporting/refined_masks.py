"""Refined masks in a report: shares of each image before and after, and the backgrounds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from landcover.ledger import outputs
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.publish.refined import BackgroundView, RefinedImage, RefinedTile

MOST_PICTURES = 4
"""Tiles whose backgrounds are drawn."""
LONGEST_SIDE = 600
"""Of a background in the picture, px."""
FILE = "background.tif"


def write_refined(task: Task, path: Path) -> Iterator[RefinedTile]:
    """Tell the masks of each tile that were refined; draw the backgrounds of the first few.

    Args:
        task: The task.
        path: Folder of the page; gets ``background_{tile}.png``.
    """
    tiles: dict[str, dict[str, Output]] = {}
    for unit, output in task.all_outputs("mask"):
        if "before" in output.stats:
            tiles.setdefault(str(unit.tile), {})[output.unit] = output
    for number, (tile, found) in enumerate(sorted(tiles.items())):
        task.job.check()
        made = sorted(found.values(), key=_date)
        backgrounds = _backgrounds(task, made)
        picture = None
        if backgrounds and number < MOST_PICTURES:
            picture = _draw(task, tile, backgrounds, path)
        yield RefinedTile(
            tile=tile,
            variant=task.recipe.mask.variant,
            images=tuple(_image(output) for output in made),
            backgrounds=tuple(_view(output) for output in backgrounds),
            picture=picture,
        )


def _backgrounds(task: Task, made: list[Output]) -> list[Output]:
    """Load the backgrounds that masks were refined against, by quarter."""
    ids = {i for output in made for i in output.wanted.inputs.get("background", ())}
    loaded = [outputs.load(task.workspace, name) for name in sorted(ids)]
    return sorted(loaded, key=lambda output: str(output.stats["quarter"]))


def _image(output: Output) -> RefinedImage:
    stats, product = output.stats, output.unit.rpartition("/")[2]
    steps: dict[str, Any] = {name: stats.get(name, {}) for name in ("clouds", "shadows")}
    kept = [f"{name}: {step['kept']}" for name, step in steps.items() if "kept" in step]
    day = _date(output)
    return RefinedImage(
        date=f"{day[:4]}-{day[4:6]}-{day[6:8]}",
        product=product,
        quarter=stats.get("quarter", ""),
        cloud_before=stats["before"]["cloud_percent"],
        cloud_after=stats["cloud_percent"],
        shadow_before=stats["before"]["shadow_percent"],
        shadow_after=stats["shadow_percent"],
        kept="; ".join(kept),
    )


def _date(output: Output) -> str:
    """Find when a product was sensed in its name, ``20210603T105619``."""
    parts = output.unit.rpartition("/")[2].split("_")
    return next((part for part in parts if len(part) == 15 and part[8] == "T"), "")


def _view(output: Output) -> BackgroundView:
    return BackgroundView(
        quarter=output.stats["quarter"],
        images=output.stats["images"],
        empty_percent=output.stats["without_background_percent"],
    )


def _draw(task: Task, tile: str, backgrounds: list[Output], path: Path) -> str:
    from landcover.publish.background_picture import draw_backgrounds
    from landcover.stores.rasters import read_overview

    drawn = {
        output.stats["quarter"]: read_overview(
            task.workspace.objects.href(output.key, FILE), LONGEST_SIDE
        )
        for output in backgrounds
    }
    name = f"background_{tile}.png"
    title = f"Background of {tile}: lower quarter of clear blue"
    draw_backgrounds(drawn, path / name, title, is_simulated=task.run.simulated)
    return name
