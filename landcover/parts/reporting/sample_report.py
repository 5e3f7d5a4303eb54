"""What a report shows of the look that was taken at the samples of its model."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile

from landcover.ledger import outputs
from landcover.nouns.model import ModelCard
from landcover.parts.task import Task
from landcover.parts.training.preparation_report import COMPONENTS, CORRELATION
from landcover.parts.training.sample_quality import PICTURE, SUSPECTS
from landcover.publish.page import CheckedView

PREPARED = (CORRELATION, COMPONENTS)
"""Pictures of how features were prepared, where they were."""


def show_samples(task: Task, card: ModelCard | None, folder: Path) -> CheckedView | None:
    """Put the signatures and the doubtful labels of a model into a report.

    Args:
        task: The run.
        card: Card of its model; None where it has none.
        folder: Folder of the report.

    Returns:
        What to show; None where the model was trained elsewhere, or before samples were looked
        at.
    """
    model = None if card is None else outputs.find(task.workspace, card.id)
    if model is None or "n_suspects" not in model.stats:
        return None
    # A model without bands has no picture.
    kept = [name for name in (PICTURE, SUSPECTS) if name in {file.name for file in model.files}]
    pictures = [name for name in PREPARED if name in {file.name for file in model.files}]
    for name in (*kept, *pictures):
        with task.local(model, name) as path:
            copyfile(path, folder / name)
    return CheckedView(
        signatures=PICTURE if PICTURE in kept else None,
        prepared=tuple(pictures),
        suspects=SUSPECTS,
        n_suspects=model.stats["n_suspects"],
        n_points=model.stats["n_points"],
    )
