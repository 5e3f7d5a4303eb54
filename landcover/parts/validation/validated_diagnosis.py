"""The class doctor joined with the validation of a run: confusion and contributions at its points.

The model is explained before there is a map, so both are joined where they are read: in the report
of a run and by ``landcover doctor``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from landcover.errors import LandcoverError
from landcover.features.stack import FeatureStack
from landcover.labels.assignment import assign_points
from landcover.learn.classifiers import feature_matrix
from landcover.learn.explain import explain
from landcover.learn.misclassified import choose_misclassified, describe_misclassified
from landcover.learn.validated_diagnosis import with_validation, without_validation
from landcover.ledger import outputs, runs, units
from landcover.nouns.explanation import Explanation, MisclassifiedPoint
from landcover.nouns.output import Output
from landcover.nouns.run import Unit
from landcover.nouns.validation import Validation
from landcover.parts.mapping.map_lookup import codes_at, map_of
from landcover.parts.task import Job, Task
from landcover.parts.training.explanation import (
    copy_explanation,
    read_explanation,
)
from landcover.parts.training.model_lookup import LoadedModel
from landcover.parts.training.run_explanation import explanation_of
from landcover.parts.training.run_model import load_model as find_model
from landcover.parts.training.run_model import open_model
from landcover.parts.training.sample_rows import read_table
from landcover.parts.validation.independent_points import grids_of, points_apart
from landcover.parts.work_grid import composites_of, terrain_of
from landcover.publish.doctor import view_of, write_words
from landcover.publish.page import ExplainedView
from landcover.stores.layout import VALIDATION
from landcover.stores.models import ARRAYS
from landcover.stores.workspace import Workspace

MOST_POINTS = 12
"""Missed independent points that are explained: of a full-depth forest each takes half a second."""

log = logging.getLogger(__name__)


def validated_run(workspace: Workspace, model_id: str, job: Job) -> Task | None:
    """Find the newest run that judged a map of a model by independent points; None: there is none.

    Args:
        workspace: Stores.
        model_id: The model.
        job: Threads, and who is told how far it is.
    """
    where = {"wanted.stage": "validate", "wanted.unit": "validation"}
    states = workspace.records.find("units", {"stage": "validate"})
    for document in workspace.records.find(outputs.COLLECTION, where, sort=["-created"]):
        inputs = document["wanted"]["inputs"]
        if list(inputs["model"]) == [model_id] and inputs["reference"]:
            made_by = sorted(s["run"] for s in states if document["_id"] in s["outputs"])
            if made_by:
                return whole_run(workspace, made_by[-1], job)
    return None


def whole_run(workspace: Workspace, run_id: str, job: Job) -> Task:
    """Open a run as what works on all of it.

    Raises:
        InputError: There is no such run.
    """
    return Task(workspace, *runs.load(workspace, run_id), Unit(id="all", label="all"), job)


def validation_of(task: Task) -> Output | None:
    """Find the validation of a run; None where it has none."""
    state = units.load(task.workspace.records, task.run.id, "validate", "all")
    if state is None or not state.is_finished:
        return None
    found = (outputs.load(task.workspace, output_id) for output_id in state.outputs)
    return next((output for output in found if output.unit == "validation"), None)


def show_explanation(task: Task, validation: Output | None, folder: Path) -> ExplainedView | None:
    """Put the files of the run's explanation into a report, joined with its independent points.

    Args:
        task: The run.
        validation: Its validation; None where it has none.
        folder: Folder of the report.

    Returns:
        What to show; None where the run explained no model.
    """
    found = explanation_of(task)
    if found is None:
        return None
    copy_explanation(task.workspace, found, folder)

    def load() -> LoadedModel:
        key, card = find_model(task)
        with task.local_at(key, ARRAYS) as path:
            return LoadedModel(card, open_model(path.parent, card))

    explanation = read_explanation(task.workspace, found)
    joined = validate_explanation(explanation, load, task, validation)
    write_words(folder, joined)
    return view_of(joined)


def validate_explanation(
    explanation: Explanation,
    load: Callable[[], LoadedModel],
    task: Task | None,
    validation: Output | None,
) -> Explanation:
    """Join the explanation of a model with the independent points of a run.

    Args:
        explanation: The model on its held-out rows.
        load: Opens the model; only asked where there are independent points.
        task: The run; None where none judged a map of the model.
        validation: Its validation; None where it has none.

    Returns:
        The explanation joined; with a note that says so where there are no independent points.
    """
    if task is None or validation is None:
        return without_validation(explanation)
    with task.local(validation, VALIDATION) as path:
        independent = Validation.from_json(path.read_text(encoding="utf-8")).independent
    if independent is None:
        return without_validation(explanation)
    loaded = load()
    samples = outputs.find(task.workspace, loaded.card.sample_set_id)
    trained = pd.DataFrame()
    if samples is not None:
        table = read_table(task, samples)
        is_whole = np.isfinite(feature_matrix(table, loaded.card.features.names)).all(axis=1)
        is_trained = table["is_train"].to_numpy(bool) | (loaded.card.fit == "all")
        trained = table[is_whole & is_trained].reset_index(drop=True)
    called = {entry.code: entry.title for entry in explanation.classes}
    try:
        points = _explain_misclassified(task, loaded, called, samples, trained)
    except LandcoverError as error:
        if error.family not in ("input", "missing"):
            raise
        # Composites may be gone; what the points say of the map is worth having without.
        log.warning("run %s: its missed test points are not explained: %s", task.run.id, error)
        points = ()
    return with_validation(
        explanation, loaded.card, independent, trained, run=task.run.id, points=points
    )


def _explain_misclassified(
    task: Task,
    loaded: LoadedModel,
    called: dict[int, str],
    samples: Output | None,
    trained: pd.DataFrame,
) -> tuple[MisclassifiedPoint, ...]:
    """Explain the test points that both the map and, at their own pixel, the model get wrong."""
    model, card = loaded.model, loaded.card
    tiles = {str(unit.tile): output for unit, output in task.all_outputs("classify")}
    joined = [output for _, output in task.all_outputs("mosaic") if "grid" in output.stats]
    _, points, _ = points_apart(task, tiles, samples)
    points = points.assign(mapped=codes_at([map_of(task.workspace, one) for one in joined], points))
    wrong = points.query("mapped > 0 and mapped != code and code in @card.codes")
    if wrong.empty or trained.empty:
        return ()
    parts = []
    grids = grids_of(tiles)
    for tile, mine in sorted(assign_points(wrong, grids).items()):
        stack = FeatureStack(
            task, grids[tile], composites_of(task, tile), terrain_of(task, tile), card.features
        )
        values = stack.read_at(mine["row"].to_numpy(), mine["column"].to_numpy()).T
        features = pd.DataFrame(values, columns=list(card.features.names), index=mine.index)
        parts.append(pd.concat([mine.assign(tile=tile), features], axis="columns"))
    table = pd.concat(parts).sort_index().reset_index(drop=True)
    table = table.assign(point_id=table["group"].astype(str))
    answers = model.predict(table)[0]
    is_misclassified = (answers > 0) & (answers != table["code"].to_numpy())
    chosen = choose_misclassified(table, is_misclassified, answers, MOST_POINTS, (), card.seed)[
        :MOST_POINTS
    ]
    if not len(chosen):
        return ()
    rows = table.iloc[chosen].reset_index(drop=True)
    every = np.arange(len(rows))

    def tell(share: float, seconds: float) -> None:
        task.job.check()
        task.job.progress(share, f"explaining missed test points, about {seconds:.0f} s left")

    explained = explain(
        model, rows, training=trained, max_rows=len(rows), extra=every, seed=card.seed,
        threads=task.job.threads, progress=tell,
    )  # fmt: skip
    return tuple(describe_misclassified(model, card, called, rows, explained, every))
