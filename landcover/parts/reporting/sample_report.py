"""What a report shows of the look that was taken at the samples of its model."""

from __future__ import annotations

from pathlib import Path
from shutil import copyfile

from landcover.ledger import outputs
from landcover.nouns.model import ModelCard
from landcover.nouns.output import Output
from landcover.nouns.signature import Signatures
from landcover.parts.reporting.run_outputs import legend_of
from landcover.parts.task import Task
from landcover.parts.training.preparation_report import COMPONENTS, CORRELATION
from landcover.parts.training.sample_quality import PICTURE, SIGNATURES, SUSPECTS
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
    if card is None or model is None or "n_suspects" not in model.stats:
        return None
    # A model without bands has no picture.
    kept = [name for name in (PICTURE, SUSPECTS) if name in {file.name for file in model.files}]
    pictures = [name for name in PREPARED if name in {file.name for file in model.files}]
    for name in (*kept, *pictures):
        with task.local(model, name) as path:
            copyfile(path, folder / name)
    if PICTURE in kept:
        _draw(task, card, model, folder / PICTURE)
    return CheckedView(
        signatures=PICTURE if PICTURE in kept else None,
        prepared=tuple(pictures),
        suspects=SUSPECTS,
        n_suspects=model.stats["n_suspects"],
        n_points=model.stats["n_points"],
    )


def _draw(task: Task, card: ModelCard, model: Output, path: Path) -> None:
    """Draw the signatures of the model with the titles of the classes, as the page has them."""
    # Matplotlib takes half a second to load.
    from landcover.publish.signature_picture import draw_signatures

    titles = {entry.code: entry.title for entry in legend_of(task, card)}
    with task.local(model, SIGNATURES) as file:
        found = Signatures.from_json(file.read_text(encoding="utf-8"))
    classes = tuple(
        c.model_copy(update={"name": titles.get(c.code, c.name)}) for c in found.classes
    )
    draw_signatures(
        Signatures(classes=classes),
        card.features.features,
        path,
        "What the classes look like",
        note="Simulated products" if task.run.simulated else "",
    )
