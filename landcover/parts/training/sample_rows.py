"""The rows of a sample set: tables joined, rows without a feature left out, groups divided."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landcover.errors import InputError, MissingDataError
from landcover.learn.library import join_library
from landcover.learn.sampling import GroupSplit, split_by_group
from landcover.learn.signatures import nodata_by_class
from landcover.nouns.model import FeatureSet
from landcover.nouns.output import Output
from landcover.nouns.uses import BOTH, JUDGES, TRAINS, USE
from landcover.parts.task import Task
from landcover.parts.training.library import load_library, require_library
from landcover.parts.training.sample_set import reads_second


def read_table(task: Task, output: Output) -> pd.DataFrame:
    """Read a table of samples."""
    with task.local(output) as path:
        return pd.read_parquet(path)


def write_sample_set(
    task: Task, tables: list[Output], features: FeatureSet, path: Path
) -> dict[str, Any]:
    """Write the sample set of a run.

    Args:
        task: The run: its library, labels and recipe.
        tables: Sample tables of its tiles; none where it has a library only.
        features: Columns that a row may not lack.
        path: File to write, Parquet: a row a sample, ``is_train`` tells its side.

    Returns:
        Rows, those lost and why, groups of each class, notes on the library, rows by label.

    Raises:
        InputError: The samples lack a feature.
        MissingDataError: No row has all features.
    """
    library = _library(task, features)
    if not tables:
        # Nothing but a library: its own groups are held out, and say nothing of the region.
        table, stats = _without_nodata(library, features)
        split = _split(task, table)
        table["is_train"] = split.is_train
        stats |= {"groups": {}, "rare": _names(task, split.rare)}
        stats["library_notes"] = [
            "Trained on samples of other places or years alone; what was held out is theirs."
        ]
    else:
        own = _whole_codes(pd.concat([read_table(task, o) for o in tables], ignore_index=True))
        own = own.sort_values(["tile", "row", "column", "point_id"], ignore_index=True)
        table, stats = _without_nodata(own, features)
        split = _split(task, table)
        table["is_train"] = split.is_train
        stats |= {
            "groups": {_name(task, code): list(n) for code, n in split.n_groups.items()},
            "rare": _names(task, split.rare),
        }
        if not library.empty:
            table = _joined(task, table, library, features, stats)
    table = _repeated(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, compression="zstd", index=False)
    return {**stats, "counts": _counts(table["label"])}


def _library(task: Task, features: FeatureSet) -> pd.DataFrame:
    """Read the library of the run, cut to its features; empty where it has none."""
    if task.run.library_id is None:
        return pd.DataFrame()
    table = load_library(task.workspace, task.run.library_id)
    require_library(table, features, task.recipe, has_terrain=task.run.includes("terrain"))
    known = [name for name in table.columns if table[name].dtype != np.float32]
    return table[[*known, *features.names]]


def _joined(
    task: Task,
    own: pd.DataFrame,
    library: pd.DataFrame,
    features: FeatureSet,
    stats: dict[str, Any],
) -> pd.DataFrame:
    """Put the library behind the run's own samples and say what that did."""
    own = own.assign(
        library="", sample_set="", year=task.run.arguments.year, simulated=task.run.simulated
    )
    whole, lost = _without_nodata(library, features)
    found = join_library(own, whole)
    joined = _whole_codes(found.table)
    is_library = (joined["library"] != "").to_numpy()
    # What is of another year is no pixel of this run's tile, though it may lie in it.
    place = joined["tile"].astype("str") + " (" + joined["year"].astype("str") + ")"
    place = place.str.strip()
    joined["tile"] = joined["tile"].where(~is_library, place)
    only = sorted(set(joined.loc[is_library, "label"]) - set(own["label"]))
    notes = [
        f"{int(is_library.sum())} training rows come from other runs or libraries; they were never "
        "held out."
    ]
    for n, why in (
        (found.n_held_out, "their group or place is held out here"),
        (found.n_twice, "the run has the same pixels of the same year"),
        (lost["n_lost"], "a feature is nodata"),
    ):
        if n:
            notes.append(f"{n} library rows were left out: {why}.")
    if only:
        notes.append(f"In libraries only, so not validated: {', '.join(only)}.")
    stats["library_notes"] = notes
    return joined


def _whole_codes(table: pd.DataFrame) -> pd.DataFrame:
    """Write 0 for the second level of rows whose tile or library knows none."""
    if "code2" not in table.columns:
        return table
    return table.assign(code2=table["code2"].fillna(0).astype(np.int64))


def _without_nodata(
    table: pd.DataFrame, features: FeatureSet
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Leave out rows that lack a feature, and count them."""
    names = list(features.names)
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise InputError(f"The samples lack the features {', '.join(absent)}. Run sample again.")
    has_nodata = table[names].isna().to_numpy()
    is_lost = np.asarray(has_nodata.any(axis=1), dtype=np.bool_)
    lost_by_feature = {
        name: int(n) for name, n in zip(names, has_nodata.sum(axis=0), strict=True) if n
    }
    stats = {
        "n_rows": len(table),
        "n_lost": int(is_lost.sum()),
        "lost_by_class": _counts(table.loc[is_lost, "label"]),
        "lost_by_feature": lost_by_feature,
        "lost_by_class_and_feature": nodata_by_class(table, names),
        "features": features.id,
    }
    if is_lost.all():
        raise MissingDataError(
            f"All {len(table)} sample rows have nodata in a feature "
            f"({', '.join(list(lost_by_feature)[:5])}); nothing can be trained."
        )
    return table[~is_lost].reset_index(drop=True), stats


def _repeated(table: pd.DataFrame) -> pd.DataFrame:
    """Repeat the rows of classes of which a map had too few places."""
    if "times" not in table.columns:
        return table
    times = table["times"].fillna(1).astype(np.int64)
    return table.drop(columns="times").loc[table.index.repeat(times)].reset_index(drop=True)


def _split(task: Task, table: pd.DataFrame) -> GroupSplit:
    """Divide the rows that train and judge; the others are on the side that is theirs."""
    if USE not in table.columns:
        return _split_groups(task, table)
    is_both = (table[USE] == BOTH).to_numpy()
    is_train = (table[USE] == TRAINS).to_numpy(dtype=np.bool_, copy=True)
    if is_both.any():
        found = _split_groups(task, table[is_both])
        is_train[is_both] = found.is_train
        return replace(found, is_train=is_train)
    sides: dict[Hashable, tuple[int, int]] = {
        code: (int(rows.loc[rows[USE] == TRAINS, "group"].nunique()),
               int(rows.loc[rows[USE] == JUDGES, "group"].nunique()))
        for code, rows in table.groupby("code")
    }  # fmt: skip
    return GroupSplit(is_train, sides, ())


def _split_groups(task: Task, table: pd.DataFrame) -> GroupSplit:
    recipe = task.recipe.model
    has_second = reads_second(task) and "code2" in table.columns
    return split_by_group(
        table["code"].to_numpy(),
        table["group"].to_numpy(),
        train_fraction=recipe.train_fraction,
        seed=recipe.seed,
        rare=recipe.rare_classes,
        second=table["code2"].to_numpy() if has_second else None,
    )


def _names(task: Task, codes: tuple[Hashable, ...]) -> list[str]:
    return [_name(task, code) for code in codes]


def _name(task: Task, code: Hashable) -> str:
    return task.recipe.labels.legend.name_of(int(str(code)))


def _counts(labels: pd.Series[Any]) -> dict[str, int]:
    return {str(label): int(n) for label, n in labels.value_counts().sort_index().items()}
