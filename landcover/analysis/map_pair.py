"""Two maps of the same tiles: what each was made from, and whether they may be divided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import fmod
from pathlib import Path
from typing import Any

import numpy as np

from landcover.errors import InputError
from landcover.features.plan import plan_features
from landcover.ledger import outputs, units
from landcover.ledger.lookup import find_maps
from landcover.nouns.grid import Grid
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.nouns.run import Run, Unit
from landcover.parts.provenance import find_output, run_of
from landcover.parts.task import Job, Task
from landcover.parts.training.model_compatibility import require_fit
from landcover.publish.templates import baseline
from landcover.recipe import Recipe
from landcover.stores.workspace import Workspace

RADIOMETRY = ("view_angle", "topography")
"""Options of a composite that change what a reflectance means."""
APART_DAYS = 15
"""Difference of the mean day of the year from which seasons are said to be apart."""
_YEAR = 365


@dataclass(frozen=True)
class TileMap:
    """The map of a tile, and what it was made from."""

    tile: str
    output: Output
    """Its classify output."""
    run: Run
    recipe: Recipe
    composites: Mapping[str, Output]
    """Period label → composite."""
    terrain: Output | None
    model: str
    """Id of its model."""

    @cached_property
    def grid(self) -> Grid:
        """Its grid."""
        return Grid.from_document(self.output.stats["grid"])

    def task(self, workspace: Workspace, job: Job) -> Task:
        """Give the unit as a stage would be handed it."""
        unit = Unit(id=self.tile, label=self.tile, tile=self.tile)
        return Task(workspace, self.run, self.recipe, unit, job)


@dataclass(frozen=True)
class Pair:
    """One tile in both maps."""

    old: TileMap
    new: TileMap


def virtual_maps(workspace: Workspace, run: str) -> list[str]:
    """Find the virtual rasters that lie over the cells of a run's map, in a folder of this machine.

    Args:
        workspace: Where the run is recorded.
        run: Its name.

    Returns:
        Paths in its report; none where a part of its map lies in no cell, or it has no report.
    """
    states = units.states(workspace.records, run, "publish")
    for name in (name for state in states if state.is_finished for name in state.outputs):
        report = outputs.load(workspace, name)
        files = {file.name for file in report.files}
        over = sorted(name for name in files if name.startswith("map_") and name.endswith(".vrt"))
        is_whole = all(
            any(map_.startswith(name.removesuffix(".vrt") + "_") for name in over)
            for map_ in report.stats["maps"]
        )
        paths = [workspace.objects.href(report.key, name) for name in over]
        if is_whole:
            return [path for path in paths if Path(path).is_file()]
    return []


def find_pairs(workspace: Workspace, first: str, second: str) -> tuple[list[Pair], list[str]]:
    """Find the tiles that two maps have in common.

    Args:
        workspace: Where both were made.
        first: Path of the older map or a name (:mod:`landcover.ledger.lookup`), commas between
            several.
        second: Of the newer one.

    Returns:
        The pairs by tile, and a sentence where a tile is in one map only.

    Raises:
        InputError: A map was not made in this workspace, what it was made from is gone, no tile
            is in both, or a tile has two grids.
    """
    old, new = _tile_maps(workspace, first), _tile_maps(workspace, second)
    common = sorted(set(old) & set(new))
    if not common:
        raise InputError(
            f"{first} is of the tiles {', '.join(sorted(old))}, {second} of "
            f"{', '.join(sorted(new))}: no tile is in both, so no change can be divided."
        )
    pairs = [Pair(_opened(workspace, old[t]), _opened(workspace, new[t])) for t in common]
    for pair in pairs:
        require_one_grid(pair)
    zones = sorted({pair.old.grid.crs for pair in pairs})
    if len(zones) > 1:
        raise InputError(
            f"{first}: its tiles lie in {', '.join(zones)}; divide the change zone by zone."
        )
    alone = sorted(set(old) ^ set(new))
    notes = [f"Only one of the maps has {', '.join(alone)}: not divided."] if alone else []
    return pairs, notes


def require_one_grid(pair: Pair) -> None:
    """Refuse a tile whose maps lie on two grids (InputError)."""
    if pair.old.grid != pair.new.grid:
        raise InputError(
            f"{pair.old.tile}: the first map lies on {pair.old.grid.describe()}, the second on "
            f"{pair.new.grid.describe()}; a change can be divided on one grid only."
        )


def require_old_model_fits(card: ModelCard, new_card: ModelCard, pair: Pair) -> None:
    """Refuse new inputs that the old model cannot read.

    Args:
        card: Card of the old model.
        new_card: Card of the new one.
        pair: A tile.

    Raises:
        InputError: Features, classes or what a number means differ; the sentence says which.
    """
    who = f"run {pair.new.run.id}"
    offered, _ = plan_features(
        pair.new.recipe,
        {label: set(o.stats["layers"]) for label, o in pair.new.composites.items()},
        has_terrain=pair.new.terrain is not None,
    )
    require_fit(card, offered, pair.new.recipe, who)
    names = dict(zip(new_card.codes, new_card.names, strict=True))
    for code, name in zip(card.codes, card.names, strict=True):
        if names.get(code, name) != name:
            raise InputError(
                f"Model {card.id}: code {code} is {name} in it and {names[code]} in model "
                f"{new_card.id} of {who}; divide maps of one legend."
            )
    for label, old, new in _seasons(pair):
        for option in RADIOMETRY:
            was, now = old.wanted.params.get(option), new.wanted.params.get(option)
            if was != now:
                raise InputError(
                    f"Model {card.id}: it was made for {label} composites with "
                    f"composite.{option}={_short(was)}, {who} has {_short(now)}, so its "
                    "reflectance means something else. Composite both years alike."
                )
    was, now = (None if t is None else t.wanted.params.get("aspect")
                for t in (pair.old.terrain, pair.new.terrain))  # fmt: skip
    if was != now and "aspect" in card.features.names:
        raise InputError(
            f"Model {card.id}: it was made for terrain.aspect={was}, {who} has {now}; prepare "
            "both years alike."
        )


def differences_of_input(pairs: list[Pair]) -> list[str]:
    """Say what makes the inputs of two maps unlike, beside the land: one sentence each."""
    found: dict[str, list[str]] = {}
    for pair in pairs:
        told = (*_recipes(pair), *_products(pair), *_terrains(pair))
        for sentence in dict.fromkeys(told):
            found.setdefault(sentence, []).append(pair.old.tile)
    several = len(pairs) > 1
    return [
        f"{', '.join(tiles)}: {sentence}" if several and len(tiles) < len(pairs) else sentence
        for sentence, tiles in found.items()
    ]


def _tile_maps(workspace: Workspace, text: str) -> dict[str, Output]:
    found: dict[str, Output] = {}
    outputs_meant = (o for part in text.split(",") for o in _meant(workspace, part.strip()))
    for output in outputs_meant:
        for one in _classified(workspace, output):
            if found.setdefault(one.unit, one).id != one.id:
                raise InputError(f"{text}: it has two maps of {one.unit}; name one of them.")
    return found


def _meant(workspace: Workspace, text: str) -> tuple[Output, ...]:
    """Find the maps that a path or a name stands for."""
    is_path = Path(text).exists()
    return (find_output(workspace, text),) if is_path else find_maps(workspace, text)


def _classified(workspace: Workspace, output: Output) -> Iterator[Output]:
    """Give the tiles' maps behind a map or a report."""
    stage, inputs = output.wanted.stage, output.wanted.inputs
    if stage == "classify":
        yield output
    for name in inputs.get("maps", ()) if stage == "mosaic" else inputs.get("mosaics", ()):
        yield from _classified(workspace, outputs.load(workspace, name))


def _opened(workspace: Workspace, output: Output) -> TileMap:
    inputs = output.wanted.inputs
    run, recipe = run_of(workspace, output)
    found = [outputs.load(workspace, name) for name in inputs["composites"]]
    terrain = inputs.get("terrain", ())
    return TileMap(
        tile=output.unit,
        output=output,
        run=run,
        recipe=recipe,
        composites={composite.stats["period"]["label"]: composite for composite in found},
        terrain=outputs.load(workspace, terrain[0]) if terrain else None,
        model=inputs["model"][0],
    )


def _seasons(pair: Pair) -> Iterator[tuple[str, Output, Output]]:
    for label, old in pair.old.composites.items():
        if label in pair.new.composites:
            yield label, old, pair.new.composites[label]


def _recipes(pair: Pair) -> Iterator[str]:
    for section in ("selection", "mask", "composite", "restore"):
        sections = (getattr(side.recipe, section) for side in (pair.old, pair.new))
        one, other = ({} if part is None else part.to_document() for part in sections)
        if told := _unlike(one, other):
            yield f"The recipes differ in {section} ({told}); what is called land may be of that."
    for _, old, new in _seasons(pair):
        if old.wanted.version != new.wanted.version:
            yield "The composites were made by two versions of the software."


def _products(pair: Pair) -> Iterator[str]:
    for label, old, new in _seasons(pair):
        mean = [_mean_day(output) for output in (old, new)]
        if mean[0] is None or mean[1] is None:
            continue
        days = fmod(mean[1] - mean[0] + 1.5 * _YEAR, _YEAR) - _YEAR / 2
        if abs(days) > APART_DAYS:
            yield (
                f"{label}: the second map's products are {abs(days):.0f} days "
                f"{'later' if days > 0 else 'earlier'} in the year; what is called land may be "
                "the time of the year."
            )
    used = [
        sorted({p["baseline"] for o in one.composites.values() for p in o.stats["products"]})
        for one in (pair.old, pair.new)
    ]
    if used[0] != used[1]:
        first, second = (", ".join(map(baseline, one)) for one in used)
        yield f"Processing baselines differ: {first} and {second}."


def _terrains(pair: Pair) -> Iterator[str]:
    one, other = pair.old.terrain, pair.new.terrain
    if (one and one.id) != (other and other.id):
        yield "The terrain is another one; what is called land may be of that."


def _mean_day(output: Output) -> float | None:
    """Give the mean day of the year of a composite's products, on the circle of the year."""
    dates = [np.datetime64(p["date"]) for p in output.stats["products"]]
    if not dates:
        return None
    days = np.array([(d - d.astype("datetime64[Y]")).astype(int) for d in dates], dtype=float)
    angle = np.angle(np.exp(2j * np.pi * days / _YEAR).mean())
    return float(angle / (2 * np.pi) * _YEAR % _YEAR)


def _unlike(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    keys = [k for k in sorted({*one, *other}) if _short(one.get(k)) != _short(other.get(k))]
    return "; ".join(f"{k}: {_short(one.get(k))} / {_short(other.get(k))}" for k in keys)


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(entry)}" for key, entry in value.items())
    return "none" if value is None else str(value)
