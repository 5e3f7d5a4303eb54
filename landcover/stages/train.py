"""Train: join the tiles' samples, keep groups apart, fit the classifier, write its card."""

from __future__ import annotations

import logging
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from landcover.learn.classifiers import fit_classifier
from landcover.learn.forest import pack, save_forest
from landcover.ledger.outputs import sha256_of
from landcover.nouns.model import FeatureSet, ForestParameters, ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.stages.sample import run_features
from landcover.stages.sampleset import need_sample_set, read_table
from landcover.stages.task import Task
from landcover.stores import layout
from landcover.stores.models import ARRAYS, CARD

VERSION = 1

log = logging.getLogger(__name__)


def train(task: Task) -> None:
    """Make the sample set and the model of the run.

    Raises:
        MissingDataError: No tile has samples.
    """
    features, missing = run_features(task)
    sample_set = need_sample_set(task, features)
    recipe = task.recipe.model
    wanted = Wanted(
        stage="train",
        version=VERSION,
        unit="model",
        inputs={"sample_set": (sample_set.id,)},
        params={
            **recipe.to_document(),
            "features": features.id,
            "legend": task.recipe.labels.legend.to_document(),
        },
    )
    make_model = partial(_make_model, task, sample_set, features, missing, wanted.id)
    model = task.need(wanted, layout.model(wanted.id), make_model)
    task.workspace.records.replace_one(
        "models", {"_id": model.id, "status": "candidate", "key": model.key, **model.stats}
    )


def _make_model(
    task: Task,
    sample_set: Output,
    features: FeatureSet,
    missing: tuple[str, ...],
    model_id: str,
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    table = read_table(task, sample_set)
    rows = table[table["is_train"]]
    recipe = task.recipe.model
    parameters = ForestParameters(
        n_trees=recipe.trees, min_samples_leaf=recipe.min_samples_leaf, max_depth=recipe.max_depth
    )
    task.job.progress(0.1, f"training on {len(rows)} rows x {len(features.names)} features")
    estimator = fit_classifier(
        rows,
        rows["code"].to_numpy(),
        feature_names=features.names,
        kind=recipe.kind,
        parameters=parameters,
        seed=recipe.seed,
        threads=task.job.threads,
    )
    arrays = BytesIO()
    save_forest(pack(estimator, features.names), arrays)
    (path / ARRAYS).write_bytes(arrays.getvalue())
    codes, counts = np.unique(rows["code"].to_numpy(), return_counts=True)
    legend = task.recipe.labels.legend
    card = ModelCard(
        id=model_id,
        kind=recipe.kind,
        features=features,
        codes=tuple(int(code) for code in codes),
        names=tuple(legend.name_of(int(code)) for code in codes),
        colours=tuple(legend.colour_of(int(code)) for code in codes),
        parameters=parameters.to_document(),
        seed=recipe.seed,
        sample_set_id=sample_set.id,
        n_train_rows=len(rows),
        n_train_groups=int(rows["group"].nunique()),
        class_counts={int(c): int(n) for c, n in zip(codes, counts, strict=True)},
        arrays_sha256=sha256_of(path / ARRAYS),
        versions={name: version(name) for name in ("landcover", "scikit-learn", "numpy")},
        missing_layers=missing,
        notes=_notes(task, sample_set),
    )
    (path / CARD).write_text(card.model_dump_json(indent=1))
    return {"kind": card.kind, "features": features.id, "n_train_rows": card.n_train_rows}


def _notes(task: Task, sample_set: Output) -> tuple[str, ...]:
    notes = []
    if task.run.simulated:
        notes.append("Trained on simulated products.")
    for name in sample_set.stats["rare"]:
        notes.append(f"{name} has too few groups to be held out: it was not validated.")
    return tuple(notes)
