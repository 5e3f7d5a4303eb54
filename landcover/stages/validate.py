"""Validate: compare the map with what was kept from training, and splits with each other."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.errors import MissingDataError
from landcover.learn.accuracy import accuracy
from landcover.learn.bootstrap import Predictions
from landcover.ledger import outputs
from landcover.nouns.grid import Grid
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.nouns.stages import version_of
from landcover.nouns.validation import Validation
from landcover.parts.class_names import Names
from landcover.parts.mapping.map_lookup import codes_of
from landcover.parts.mapping.map_rasters import CLASSES
from landcover.parts.task import Task
from landcover.parts.training.run_model import load_model
from landcover.parts.training.sample_set import read_table
from landcover.parts.validation.cross_validation import SideBySide, cross_validated
from landcover.parts.validation.independent_points import validate_independently
from landcover.parts.validation.reliability import calibration_of
from landcover.stores import layout

DESIGN = (
    "held-out groups of the training labels: chosen, not drawn at random, so this is no "
    "probability sample of the map"
)


def validate(task: Task) -> None:
    """Write the accuracy report of the run's map, and what stands beside it.

    Raises:
        MissingDataError: No sample was held out, or none of its tiles was mapped.
    """
    maps = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    key, card = load_model(task)
    samples = outputs.find(task.workspace, card.sample_set_id)
    is_own = task.run.arguments.model is None
    if samples is None and task.run.test_label_id is None:
        raise MissingDataError(
            f"The samples of model {card.id} are not here and no test points were given, so the "
            "map cannot be predictions. Give --test-labels."
        )
    if is_own and samples is not None:
        _need_accuracy(task, maps, samples)
    _need_validation(task, maps, card, key, samples)


def _need_accuracy(task: Task, maps: dict[str, Output], samples: Output) -> None:
    if task.run.test_label_id is not None and not _n_held_out(samples):
        return  # the independent points say what there is to say
    wanted = Wanted(
        stage="validate",
        version=version_of("validate"),
        unit="accuracy",
        inputs={"maps": _ids(maps), "sample_set": (samples.id,)},
        params={"simulated": task.run.simulated},
    )
    make = partial(_make_accuracy, task, maps, samples)
    task.need(wanted, layout.accuracy(wanted.id), make)


def _need_validation(
    task: Task, maps: dict[str, Output], card: ModelCard, key: str, samples: Output | None
) -> None:
    reference = task.run.test_label_id
    joined = {str(unit.cell): output for unit, output in task.all_outputs("mosaic")}
    wanted = Wanted(
        stage="validate",
        version=version_of("validate"),
        unit="validation",
        inputs={
            "maps": _ids(maps),
            "model": (card.id,),
            "sample_set": (samples.id,) if samples else (),
            "mosaics": _ids(joined) if reference else (),
            "reference": (reference,) if reference else (),
        },
        params={
            **task.recipe.validation.to_document(),
            "simulated": task.run.simulated,
            "trained_here": task.run.arguments.model is None,
        },
    )
    make = partial(_make_validation, task, maps, joined, card, key, samples)
    task.need(wanted, layout.accuracy(wanted.id), make)


def _make_accuracy(
    task: Task, maps: dict[str, Output], samples: Output, path: Path
) -> dict[str, Any]:
    held, mapped = _held_out(task, maps, samples)
    if held.empty:
        raise MissingDataError(
            "No sample was held out, so the map's accuracy is unknown. Give more labels: each "
            "class needs at least two separate points, polygons or fields."
        )
    report = accuracy(
        mapped,
        held["code"].to_numpy(),
        legend=task.recipe.labels.legend,
        groups=held["group"].to_numpy(),
        title=_title(task),
        design=DESIGN,
        simulated=task.run.simulated,
        seed=task.recipe.model.seed,
    )
    rare = samples.stats["rare"]
    notes = (*report.notes, *(f"{name} was not held out: it has too few groups." for name in rare))
    report = report.model_copy(update={"notes": notes})
    path.mkdir()
    (path / layout.ACCURACY).write_text(report.model_dump_json(indent=1))
    return {"overall": report.overall, "macro_f1": report.macro_f1, "n": report.n}


def _make_validation(
    task: Task,
    maps: dict[str, Output],
    joined: dict[str, Output],
    card: ModelCard,
    key: str,
    samples: Output | None,
    path: Path,
) -> dict[str, Any]:
    recipe, seed = task.recipe, task.recipe.model.seed
    known = {entry.code: entry.name for entry in recipe.labels.legend.classes}
    names = Names(known | dict(zip(card.codes, card.names, strict=True)))
    found = SideBySide(names, seed)
    calibration = None
    if samples is not None and task.run.arguments.model is None:
        held, mapped = _held_out(task, maps, samples)
        if (mapped > 0).any():
            found.add("held-out", _predictions(held, mapped))
            calibration = calibration_of(task, key, card, held)
        cross_validated(
            found, read_table(task, samples), card, recipe.model, recipe.validation, task.job
        )
    independent = None
    if task.run.test_label_id is not None:
        independent, predictions = validate_independently(
            task, maps, joined, samples, names, title=_title(task)
        )
        found.add("independent", predictions)
    whole = Validation(
        splits=found.splits(),
        gaps=found.gaps(),
        calibration=calibration,
        independent=independent,
        n_rows=found.n_rows,
        notes=tuple(found.notes),
    )
    path.mkdir()
    (path / layout.VALIDATION).write_text(whole.model_dump_json(indent=1))
    return {f"overall_{split.name}": split.overall for split in whole.splits}


def _held_out(
    task: Task, maps: dict[str, Output], samples: Output
) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """Read the samples that did not train, and the map there."""
    table = read_table(task, samples)
    held = table[~table["is_train"] & table["tile"].isin(list(maps))].reset_index(drop=True)
    mapped = np.zeros(len(held), dtype=np.uint8)
    for tile, rows in held.groupby("tile"):
        output = maps[str(tile)]
        mapped[rows.index.to_numpy()] = codes_of(
            task.href(output, CLASSES),
            Grid.from_document(output.stats["grid"]),
            rows["row"].to_numpy(),
            rows["column"].to_numpy(),
        )
    return held, mapped


def _predictions(held: pd.DataFrame, mapped: NDArray[np.uint8]) -> Predictions:
    return Predictions(
        mapped.astype(np.int64),
        held["code"].to_numpy(np.int64),
        held["group"].to_numpy().astype(np.str_),
    )


def _n_held_out(samples: Output) -> int:
    return sum(int(held) for _, held in samples.stats["groups"].values())


def _ids(found: dict[str, Output]) -> tuple[str, ...]:
    return tuple(found[name].id for name in sorted(found))


def _title(task: Task) -> str:
    return f"{task.recipe.title}, {task.run.arguments.year}"
