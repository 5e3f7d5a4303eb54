"""Train: join the tiles' samples, keep groups apart, fit the classifier, write its card."""

from __future__ import annotations

import logging
from functools import partial
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError, MissingDataError
from landcover.learn.classifiers import fit_classifier
from landcover.learn.forest import pack, save_forest
from landcover.learn.sampling import split_by_group
from landcover.ledger.outputs import sha256_of
from landcover.nouns.model import FeatureSet, ForestParameters, ModelCard
from landcover.nouns.output import Output, Wanted
from landcover.stages.sample import run_features
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
    tables = [output for _, output in task.all_outputs("sample")]
    if not tables:
        raise MissingDataError(
            "No label lies in any tile that could be prepared, so nothing can be trained. "
            "Check that labels and tiles belong together (are longitude and latitude swapped?)."
        )
    features, missing = run_features(task)
    recipe = task.recipe.model
    split = Wanted(
        stage="train",
        version=VERSION,
        unit="samples",
        inputs={"samples": tuple(sorted(output.id for output in tables))},
        params=recipe.model_dump(include={"train_fraction", "rare_classes", "seed"}),
    )
    make_set = partial(_make_set, task, tables, features)
    sample_set = task.need(split, layout.sample_set(split.id), make_set)
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


def _make_set(task: Task, tables: list[Output], features: FeatureSet, path: Path) -> dict[str, Any]:
    table = pd.concat([_table(task, output) for output in tables], ignore_index=True).sort_values(
        ["tile", "row", "column", "point_id"], ignore_index=True
    )
    names = list(features.names)
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise InputError(f"The samples lack the features {', '.join(absent)}. Run sample again.")
    has_nodata = table[names].isna().to_numpy()
    is_lost = np.asarray(has_nodata.any(axis=1), dtype=np.bool_)
    kept = table[~is_lost].reset_index(drop=True)
    lost_by_feature = {
        name: int(n) for name, n in zip(names, has_nodata.sum(axis=0), strict=True) if n
    }
    stats = {
        "n_rows": len(table),
        "n_lost": int(is_lost.sum()),
        "lost_by_class": _counts(table.loc[is_lost, "label"]),
        "lost_by_feature": lost_by_feature,
        "features": features.id,
    }
    if kept.empty:
        raise MissingDataError(
            f"All {len(table)} sample rows have nodata in a feature "
            f"({', '.join(list(lost_by_feature)[:5])}); nothing can be trained."
        )
    recipe = task.recipe.model
    split = split_by_group(
        kept["code"].to_numpy(),
        kept["group"].to_numpy(),
        train_fraction=recipe.train_fraction,
        seed=recipe.seed,
        rare=recipe.rare_classes,
    )
    kept["is_train"] = split.is_train
    path.parent.mkdir(parents=True, exist_ok=True)
    kept.to_parquet(path, compression="zstd", index=False)
    legend = task.recipe.labels.legend
    return {
        **stats,
        "counts": _counts(kept["label"]),
        "groups": {legend.name_of(int(str(c))): list(n) for c, n in split.n_groups.items()},
        "rare": [legend.name_of(int(str(code))) for code in split.rare],
    }


def _make_model(
    task: Task,
    sample_set: Output,
    features: FeatureSet,
    missing: tuple[str, ...],
    model_id: str,
    path: Path,
) -> dict[str, Any]:
    path.mkdir()
    table = _table(task, sample_set)
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


def _table(task: Task, output: Output) -> pd.DataFrame:
    with task.local(output) as path:
        return pd.read_parquet(path)


def _notes(task: Task, sample_set: Output) -> tuple[str, ...]:
    notes = []
    if task.run.simulated:
        notes.append("Trained on simulated products.")
    for name in sample_set.stats["rare"]:
        notes.append(f"{name} has too few groups to be held out: it was not validated.")
    return tuple(notes)


def _counts(labels: pd.Series[Any]) -> dict[str, int]:
    return {str(label): int(n) for label, n in labels.value_counts().sort_index().items()}
