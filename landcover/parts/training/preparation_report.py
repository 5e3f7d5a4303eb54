"""What a model's folder tells of how its features were prepared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from landcover.learn.models import Model
from landcover.learn.preparation import PreparationNotes

FILE = "preparation.json"
CORRELATION = "correlation.svg"
COMPONENTS = "components.svg"
_NAMED = 5


def write_preparation(path: Path, model: Model) -> tuple[str, ...]:
    """Write how features were prepared, with pictures; nothing where they were not.

    Args:
        path: Folder of the model.
        model: The model as it was fitted.

    Returns:
        Sentences for its card.
    """
    if model.preparation is None:
        return ()
    notes = model.preparation.notes
    (path / FILE).write_text(json.dumps(_document(model, notes), indent=1))
    _draw(path, notes)
    return tuple(_sentences(model, notes))


def _document(model: Model, notes: PreparationNotes) -> dict[str, Any]:
    assert model.preparation is not None
    found: dict[str, Any] = {
        "features": len(model.feature_names),
        "constant": list(notes.constant),
        "inputs": list(model.preparation.names),
    }
    if notes.choice is not None:
        known = notes.choice
        kept = {known.names[column] for column in known.kept}
        found["selection"] = {
            "kept": [name for name in known.names if name in kept],
            "dropped": [name for name in known.names if name not in kept],
            "scores": list(known.scores),
            "macro_f1_by_number": list(known.by_number),
        }
    if notes.spectrum is not None:
        found["components"] = {
            "explained": list(notes.spectrum.explained), "chosen": notes.spectrum.chosen,
            "cev": notes.spectrum.by_share, "elbow": notes.spectrum.by_elbow,
        }  # fmt: skip
    return found


def _draw(path: Path, notes: PreparationNotes) -> None:
    # Matplotlib takes half a second to load, which only this stage should pay.
    from landcover.publish.preparation_picture import draw_components, draw_correlation

    known = notes.choice
    if known is not None and known.correlation is not None:
        draw_correlation(known.correlation, known.kept, known.names, path / CORRELATION)
    if notes.spectrum is not None:
        curve = notes.spectrum
        marks = [("cev", curve.by_share), ("elbow", curve.by_elbow)]
        draw_components(curve.explained, marks, curve.chosen, path / COMPONENTS)


def _sentences(model: Model, notes: PreparationNotes) -> list[str]:
    found = []
    if notes.constant:
        n = len(notes.constant)
        more = f" and {n - _NAMED} more" if n > _NAMED else ""
        found.append(
            f"{', '.join(notes.constant[:_NAMED])}{more}: one value in all training rows, so left "
            f"out of {len(model.feature_names)} features."
        )
    if notes.choice is not None:
        n, of = len(notes.choice.kept), len(notes.choice.names)
        found.append(f"Selection kept {n} of {of} features.")
    if notes.spectrum is not None:
        share = sum(notes.spectrum.explained[: notes.spectrum.chosen])
        found.append(
            f"{notes.spectrum.chosen} principal components explain {100 * share:.1f} % of the "
            "variance."
        )
    return found
