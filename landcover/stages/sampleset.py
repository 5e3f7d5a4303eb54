"""The sample set of a run: the tiles' tables joined, with the groups that train kept apart."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError, MissingDataError
from landcover.learn.sampling import split_by_group
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output, Wanted
from landcover.stages.task import Task
from landcover.stores import layout

VERSION = 1


def need_sample_set(task: Task, features: FeatureSet) -> Output:
    """Make the sample set of the run, or find it.

    Raises:
        MissingDataError: No tile has samples.
    """
    tables = [output for _, output in task.all_outputs("sample")]
    if not tables:
        raise MissingDataError(
            "No label lies in any tile that could be prepared, so nothing can be trained. "
            "Check that labels and tiles belong together (are longitude and latitude swapped?)."
        )
    wanted = Wanted(
        stage="train",
        version=VERSION,
        unit="samples",
        inputs={"samples": tuple(sorted(output.id for output in tables))},
        params=task.recipe.model.model_dump(include={"train_fraction", "rare_classes", "seed"}),
    )
    make = partial(_make_set, task, tables, features)
    return task.need(wanted, layout.sample_set(wanted.id), make)


def read_table(task: Task, output: Output) -> pd.DataFrame:
    """Read a table of samples."""
    with task.local(output) as path:
        return pd.read_parquet(path)


def _make_set(task: Task, tables: list[Output], features: FeatureSet, path: Path) -> dict[str, Any]:
    table = pd.concat(
        [read_table(task, output) for output in tables], ignore_index=True
    ).sort_values(["tile", "row", "column", "point_id"], ignore_index=True)
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


def _counts(labels: pd.Series[Any]) -> dict[str, int]:
    return {str(label): int(n) for label, n in labels.value_counts().sort_index().items()}
