"""The class doctor's visit to a run, or to a model of the workspace with or without a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from landcover.errors import InputError
from landcover.ledger import lookup, outputs
from landcover.nouns.explanation import EXPLAINED_POINTS, EXPLAINED_ROWS, Explanation
from landcover.nouns.model import ModelCard
from landcover.parts.task import Job
from landcover.parts.training.explanation import (
    copy_explanation,
    diagnose_model,
    find_explanation,
    read_explanation,
)
from landcover.parts.training.model_lookup import load_model
from landcover.parts.training.run_model import load_model as find_model
from landcover.parts.validation.validated_diagnosis import (
    validate_explanation,
    validated_run,
    validation_of,
    whole_run,
)
from landcover.publish.doctor import write_explanation, write_words
from landcover.stores.workspace import Workspace


def visit(
    workspace: Workspace,
    text: str,
    *,
    out: Path | None = None,
    points: tuple[str, ...] = (),
    rows: int | None = None,
    threads: int = 1,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> Explanation:
    """Find or make the explanation of a model, joined with the independent points of a map of it.

    Args:
        workspace: Where the model's sample set is, and maybe its explanation.
        text: A run, whose model and validation are taken; or a model by name
            (:mod:`landcover.ledger.lookup`) or folder, with the newest run that judged a map of it
            by such points.
        out: Folder for document, table, picture and page; nothing is written if None.
        points: Ids of points that are explained if they are misclassified.
        rows: Most rows behind the means; the default where None.
        threads: Threads.
        progress: Is told the share that is done and what is being done.

    Returns:
        The explanation that the run of the model made, or a new one where there is none or more
        is asked.

    Raises:
        InputError: There is no such run or model, or its sample set is not in the workspace.
        MissingDataError: The run has no model.
    """
    job = Job(threads=threads, progress=progress)
    run = lookup.run_meant(workspace, text)
    task = None if run is None else whole_run(workspace, run, job)
    loaded = load_model(lambda: workspace, find_model(task)[1].id if task else text)
    task = task or validated_run(workspace, loaded.card.id, job)
    validation = None if task is None else validation_of(task)
    found = find_explanation(workspace, loaded.card.id)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    if found is not None and not points and rows is None:
        explanation = read_explanation(workspace, found)
        explanation = validate_explanation(explanation, lambda: loaded, task, validation)
        if out is not None:
            copy_explanation(workspace, found, out)
            write_words(out, explanation)
        return explanation
    sample_set = outputs.find(workspace, loaded.card.sample_set_id)
    if sample_set is None:
        raise InputError(
            f"Model {loaded.card.id}: its sample set {loaded.card.sample_set_id} is not in this "
            "workspace. Name the workspace that it was trained in with --workspace."
        )
    known = (
        found.wanted.params
        if found is not None
        else {
            "points": EXPLAINED_POINTS,
            "title": "",
            "simulated": _is_simulated(loaded.card),
            "titles": {},
        }
    )
    explanation = diagnose_model(
        workspace,
        loaded,
        sample_set,
        {**known, "rows": rows or EXPLAINED_ROWS},
        points=points,
        job=job,
    )
    explanation = validate_explanation(explanation, lambda: loaded, task, validation)
    if out is not None:
        write_explanation(out, explanation)
    return explanation


def _is_simulated(card: ModelCard) -> bool:
    """Tell from its card whether a model learned from simulated products."""
    judged = card.held_out is not None and card.held_out.simulated
    # Without held-out groups only its note tells.
    return judged or any("simulated" in note for note in card.notes)
