"""The files of a model: arrays, card, and the answers of models that did not see a group."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError
from landcover.features.normalisation import paper_limits
from landcover.learn.fitting import fit_recipe
from landcover.learn.models import save_arrays
from landcover.learn.out_of_fold import answer_out_of_fold, balanced, may_train
from landcover.learn.selection import select_features
from landcover.ledger.outputs import sha256_of
from landcover.nouns.model import FeatureSet, ModelCard, feature_set
from landcover.nouns.output import Output
from landcover.parts.task import Task
from landcover.parts.training.calibrating import calibrate_model
from landcover.parts.training.held_out import held_out_accuracy
from landcover.parts.training.library import library_notes, provenance_of
from landcover.parts.training.out_of_fold import write_answers
from landcover.parts.training.parameter_search import tuned
from landcover.parts.training.preparation_report import write_preparation
from landcover.parts.training.sample_quality import check_samples
from landcover.parts.training.sample_rows import read_table
from landcover.parts.training.second_level import fit_second_level, write_second
from landcover.parts.training.trust_files import write_trust
from landcover.recipe import ModelRecipe
from landcover.stores.models import ARRAYS, CARD


def write_model(
    task: Task,
    sample_set: Output,
    features: FeatureSet,
    missing: tuple[str, ...],
    model_id: str,
    path: Path,
) -> dict[str, Any]:
    """Fit the model of a run and write it.

    Args:
        task: Unit, recipe and job.
        sample_set: Output of the samples.
        features: Features of the run, of which the model may take fewer.
        missing: Features that no product has the layers of.
        model_id: Id of the model.
        path: Folder to make: card, arrays, and what stands beside them.

    Returns:
        Kind, features, rows, and what was seen of the samples.

    Raises:
        InputError: No sample may train.
    """
    path.mkdir()
    recipe, table = task.recipe.model, read_table(task, sample_set)
    _require_rows(task, table)
    # Features and settings are chosen on the groups that train; then all labels are learned from.
    chosen_on = balanced(recipe, table[table["is_train"]])
    features = _select(task, features, chosen_on)
    limits = paper_limits(features)
    asked = recipe
    recipe, search = tuned(recipe, chosen_on, features, limits, task.job, span=(0.3, 0.6))

    def choose(part: pd.DataFrame) -> ModelRecipe:
        return tuned(asked, part, features, limits, task.job, span=(0.7, 0.7))[0]

    is_nested = asked.search is not None and asked.search.nested
    trained = table["is_train"].to_numpy(dtype=np.bool_) | (recipe.fit == "all")
    trained &= may_train(table)
    rows = balanced(recipe, table[trained])
    task.job.check()
    task.job.progress(0.6, f"training on {len(rows)} rows x {len(features.names)} features")
    model = fit_recipe(recipe, rows, features.names, limits=limits, threads=task.job.threads)
    second = fit_second_level(task, recipe, rows, features.names, limits)
    found = answer_out_of_fold(
        recipe, table, model, trained=trained, second=second, limits=limits,
        choose=choose if is_nested else None, threads=task.job.threads, progress=_teller(task),
    )  # fmt: skip
    calibrated = calibrate_model(recipe, model, found, table, task.recipe.labels.legend)
    model, found = calibrated.model, calibrated.found
    (path / ARRAYS).write_bytes(save_arrays(model))
    level = write_second(task, path, second, table, rows, found)
    present, counts = np.unique(rows["code"].to_numpy(), return_counts=True)
    legend = task.recipe.labels.legend
    card = ModelCard(
        id=model_id,
        kind=recipe.kind,
        features=features,
        codes=tuple(int(code) for code in present),
        names=tuple(legend.name_of(int(code)) for code in present),
        colours=tuple(legend.colour_of(int(code)) for code in present),
        parameters=recipe.parameters.to_document(),
        prior=() if model.prior is None else tuple(float(factor) for factor in model.prior),
        seed=recipe.seed,
        sample_set_id=sample_set.id,
        n_train_rows=len(rows),
        n_train_groups=int(rows["group"].nunique()),
        class_counts={int(c): int(n) for c, n in zip(present, counts, strict=True)},
        arrays_sha256=sha256_of(path / ARRAYS),
        versions={name: version(name) for name in ("landcover", "scikit-learn", "numpy")},
        search=search,
        held_out=held_out_accuracy(task, found, table),
        fit=recipe.fit,
        out_of_fold=write_answers(path, table, calibrated, legend),
        trust=write_trust(task, path, model, table, rows, found),
        index_variant=task.recipe.features.index_variant,
        provenance=provenance_of(rows),
        missing_layers=missing,
        second=level.models,
        notes=(
            *_notes(task, sample_set),
            *level.notes,
            *write_preparation(path, model),
            *calibrated.notes,
        ),
    )
    (path / CARD).write_text(card.to_text())
    return {
        "kind": card.kind,
        "features": features.id,
        "n_features": len(features.names),
        "n_train_rows": card.n_train_rows,
        **check_samples(task, table, features, found, path),
    }


def _require_rows(task: Task, table: pd.DataFrame) -> None:
    if not may_train(table).any():
        strategy = "standard" if task.recipe.sampling is None else task.recipe.sampling.strategy
        raise InputError(
            f"All {len(table)} samples only judge: sampling.strategy "
            f"{strategy} trains on points of the map, and none was drawn. "
            "Lower sampling.distance_m or sampling.erosion, or take another --label-map."
        )


def _teller(task: Task) -> Callable[[float], None]:
    def tell(share: float) -> None:
        task.job.check()
        task.job.progress(0.7 + 0.25 * share, "answering each group by a model without it")

    return tell


def _select(task: Task, features: FeatureSet, rows: pd.DataFrame) -> FeatureSet:
    wanted = task.recipe.model.n_features
    if wanted is None or wanted >= len(features.names):
        return features
    what = f"choosing {wanted} of {len(features.names)} features"
    task.job.progress(0.0, what)

    def tell(share: float) -> None:
        task.job.check()
        task.job.progress(0.3 * share, what)

    kept = select_features(
        rows,
        rows["code"].to_numpy(),
        rows["group"].to_numpy(),
        feature_names=features.names,
        n_features=wanted,
        seed=task.recipe.model.seed,
        progress=tell,
    ).kept
    return feature_set(f for f in features.features if f.name in kept)


def _notes(task: Task, sample_set: Output) -> tuple[str, ...]:
    notes = []
    if task.run.simulated:
        notes.append("Trained on simulated products.")
    for name in sample_set.stats["rare"]:
        notes.append(f"{name} has too few groups to be held out: it was not validated.")
    return (*notes, *library_notes(sample_set))
