"""What a run has to report: its outputs, and why some of them are not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from landcover.labels.files import split_paths
from landcover.ledger import outputs, runs, units
from landcover.nouns.headline import Headline
from landcover.nouns.holes import Holes
from landcover.nouns.legend import LegendClass
from landcover.nouns.model import ModelCard
from landcover.nouns.out_of_fold import DIFFERING
from landcover.nouns.output import Output
from landcover.nouns.period import Period
from landcover.nouns.run import Unit, UnitState
from landcover.nouns.stages import Stage
from landcover.parts.preparation.expected_coverage import candidates_of
from landcover.parts.reporting.headline import headline_in
from landcover.parts.reporting.map_holes import holes_of
from landcover.parts.reporting.run_report import troubles
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.publish.quality import Candidate
from landcover.stores.workspace import Workspace

NO_REFERENCE = "no reference."


@dataclass(frozen=True)
class Choice:
    """Which products were looked at for a season, and what became of each."""

    id: str | None = None
    """Id of its record; None where nothing was chosen from."""
    candidates: tuple[Candidate, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Products that could not be read, with the reason."""


@dataclass(frozen=True)
class SeasonFinding:
    """One season of one tile."""

    tile: str
    period: Period
    choice: Choice
    composite: Output | None
    reason: str
    """Why there is no composite."""


@dataclass(frozen=True)
class RunOutputs:
    """All that a report is made of."""

    mosaics: dict[str, Output]
    """Zone → mosaic."""
    seasons: tuple[SeasonFinding, ...]
    """Every season of every tile of the run, by tile."""
    card: ModelCard | None
    sample_set: Output | None
    accuracy: Output | None
    validation: Output | None
    """Splits side by side and independent points."""
    headline: Headline
    """What the map is quoted by."""
    missing: dict[str, str]
    """What is not there → reason: ``map``, ``accuracy``, or a zone."""
    troubles: tuple[str, ...]
    """One sentence per unit that failed or was skipped before this stage."""
    lost: dict[str, float] = field(default_factory=dict)
    """Tile → pixels of its map without a class, %."""
    holes: Holes | None = None
    """Why pixels of the map have no class."""
    differs_percent: float | None = None
    """Classified pixels of the tiles whose class calibration changes, or would, %; None where no
    map tells it."""


def load_run_outputs(task: Task) -> RunOutputs:
    """Look up what the run has, and the reasons for what it has not."""
    states = [
        state
        for state in units.states(task.workspace.records, task.run.id)
        if state.stage != "publish"
    ]
    found = {(state.stage, state.unit.id): state for state in states}
    has_model = task.run.arguments.model is not None or bool(task.finished("train"))
    trained = task.outputs_of("train", "all") if task.finished("train") else []
    validated = task.outputs_of("validate", "all") if task.finished("validate") else []
    missing = {
        str(state.unit.cell): _why(task, state)
        for state in states
        if state.stage == "mosaic" and not state.is_finished
    }
    if not task.finished("classify"):
        missing["map"] = _why_no_map(task, found)
    if not any(o.unit != "validation" for o in validated):
        missing["accuracy"] = _why_unknown(task, found)
    return RunOutputs(
        mosaics={str(unit.cell): output for unit, output in task.all_outputs("mosaic")},
        seasons=tuple(_seasons(task, found)),
        card=load_model(task)[1] if has_model else None,
        sample_set=next((o for o in trained if o.unit == "samples"), None),
        accuracy=next((o for o in validated if o.unit != "validation"), None),
        validation=next((o for o in validated if o.unit == "validation"), None),
        headline=headline_in(task.workspace.records, states, missing.get("accuracy", "")),
        missing=missing,
        troubles=tuple(without_paths(task, line) for line in troubles(states)),
        lost={
            str(unit.tile): float(output.stats["nodata_percent"])
            for unit, output in task.all_outputs("classify")
        },
        holes=holes_of(task.workspace, task.recipe, states),
        differs_percent=_differs(output for _, output in task.all_outputs("classify")),
    )


def _differs(maps: Iterable[Output]) -> float | None:
    told = [output.stats for output in maps if DIFFERING in output.stats]
    sizes = [sum(n for code, n in stats["pixels"].items() if code != "0") for stats in told]
    if not sum(sizes):
        return None
    return float(np.average([stats[DIFFERING] for stats in told], weights=sizes))


def season_findings(workspace: Workspace, run_id: str) -> tuple[SeasonFinding, ...]:
    """List every season of every tile of a run: what was chosen from, and why.

    Args:
        workspace: Stores of the project.
        run_id: The run.

    Raises:
        InputError: There is no such run.
    """
    run, recipe = runs.load(workspace, run_id)
    task = Task(workspace, run, recipe, Unit(id="all", label="all"))
    states = units.states(workspace.records, run_id)
    return tuple(_seasons(task, {(state.stage, state.unit.id): state for state in states}))


def legend_of(task: Task, card: ModelCard | None) -> tuple[LegendClass, ...]:
    """List the classes of the map: those of the model, with titles where the recipe has them."""
    if card is None:
        return ()
    titles = {(c.code, c.name): c.title for c in task.recipe.labels.legend.classes}
    return tuple(
        LegendClass(code=code, name=name, colour=colour, title=titles.get((code, name), name))
        for code, name, colour in zip(card.codes, card.names, card.colours, strict=True)
    )


def without_paths(task: Task, sentence: str) -> str:
    """Shorten the folders of this machine in a sentence, so that a report holds none of them."""
    arguments = task.run.arguments
    labels = split_paths(arguments.labels) if arguments.labels else []
    for path in (arguments.products, *labels, arguments.dem, arguments.test_labels):
        if path:
            sentence = sentence.replace(path, Path(path).name)
    return sentence.replace(f"{task.workspace.objects.address}/", "")


def _seasons(task: Task, found: dict[tuple[Stage, str], UnitState]) -> list[SeasonFinding]:
    seasons = []
    for tile in task.run.arguments.tiles:
        for span in task.spans:
            stages: tuple[Stage, ...] = ("collect", "mask", "composite")
            states = {s: found[s, u] for s in stages if (s, u := f"{tile}.{span.name}") in found}
            made = {s: _by_unit(task, state) for s, state in states.items()}
            reason = next((_why(task, s) for s in states.values() if not s.is_finished), "")
            for period in span.periods:
                name = f"{tile}/{period.name}"
                choice = _choice(task, tile, period, made.get("collect", {}).get(name))
                composite = made.get("composite", {}).get(name)
                seasons.append(SeasonFinding(tile, period, choice, composite, reason))
    return seasons


def _choice(task: Task, tile: str, period: Period, selection: Output | None) -> Choice:
    if selection is not None:
        params = selection.wanted.params
        told = selection.stats.get("unreadable", params["unreadable"])
        return _told(task, selection.id, params["candidates"], told)
    # A season without a usable product has no output, but a record of what was looked at.
    where = {"run": task.run.id, "tile": tile, "period": period.name}
    records = task.workspace.records.find("selections", where, sort=["-created"])
    if not records:
        return Choice()
    record = records[0]
    return _told(task, record["_id"], record["candidates"], record.get("unreadable", ()))


def _told(
    task: Task, choice_id: str, candidates: Sequence[Mapping[str, Any]], unreadable: Sequence[str]
) -> Choice:
    sentences = tuple(without_paths(task, sentence) for sentence in unreadable)
    return Choice(choice_id, candidates_of(candidates), sentences)


def _by_unit(task: Task, state: UnitState) -> dict[str, Output]:
    loaded = (outputs.find(task.workspace, output_id) for output_id in state.outputs)
    return {output.unit: output for output in loaded if output is not None}


def _why_no_map(task: Task, found: dict[tuple[Stage, str], UnitState]) -> str:
    if not task.run.includes("classify"):
        return "No ground truth and no model were given, so the run ends with composites."
    trained = found.get(("train", "all"))
    if task.run.arguments.model is None and trained is not None and not trained.is_finished:
        return _why(task, trained)
    return "No tile could be classified."


def _why_unknown(task: Task, found: dict[tuple[Stage, str], UnitState]) -> str:
    state = found.get(("validate", "all"))
    if state is not None and not state.is_finished:
        return _why(task, state)
    if task.run.arguments.model is not None:
        why = "The map was made with an existing model; nothing was held out to check it."
    elif task.run.label_id is None:
        why = "The model was trained on samples of other places or years, and no labels were given."
    else:
        why = "No group of the labels was held out." if state else "The map was not validated."
    return f"{NO_REFERENCE} {why}"


def _why(task: Task, state: UnitState) -> str:
    sentence = without_paths(task, state.message)
    return sentence or f"{state.unit.label}: {state.stage} is {state.state}."
