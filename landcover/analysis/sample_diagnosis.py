"""A diagnostic report of a sample set: counts, where samples lie, and how features are spread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from landcover.analysis.sample_files import feature_columns, read_samples
from landcover.ledger import outputs
from landcover.nouns.legend import MEDITERRANEAN, Legend
from landcover.nouns.output import Output
from landcover.nouns.sample_diagnosis import FeatureHistogram, SampleCounts, SampleDiagnosis
from landcover.nouns.uses import TRAINS, USE
from landcover.publish.samples_page import write_page
from landcover.stores.workspace import Workspace

BINS = 30
"""Bins of a histogram."""


def diagnose_samples(
    workspace: Workspace, sample_set: Output, folder: Path, *, is_simulated: bool
) -> SampleDiagnosis:
    """Write the diagnostic report of a sample set.

    Args:
        workspace: Where the set is.
        sample_set: The set.
        folder: Where ``index.html``, ``samples.json``, ``counts.csv``, ``map.svg`` and
            ``histograms.svg`` go.
        is_simulated: Whether its products were simulated.

    Returns:
        What the report says.
    """
    table = read_samples(workspace, sample_set)
    legend = _legend(workspace, sample_set)
    found = diagnosis_of(table, legend, sample_set, is_simulated=is_simulated)
    write_page(found, table, folder)
    return found


def diagnosis_of(
    table: pd.DataFrame, legend: Legend, sample_set: Output, *, is_simulated: bool
) -> SampleDiagnosis:
    """Count a sample set and measure the spread of its features."""
    names = feature_columns(table)
    trained = table[table["is_train"]]
    return SampleDiagnosis(
        sample_set=sample_set.id,
        simulated=is_simulated,
        n_rows=len(table),
        n_points=int(table["point_id"].nunique()),
        counts=tuple(_counts(table, legend)),
        tiles=_by(table["tile"]),
        sources=_by(table["source"]),
        lost={str(k): int(n) for k, n in sample_set.stats.get("lost_by_class", {}).items()},
        histograms=tuple(_histogram(trained, name) for name in names),
    )


def _legend(workspace: Workspace, sample_set: Output) -> Legend:
    """Find the legend of the labels of a sample set: of a run that uses it."""
    for state in workspace.records.find("units", {"stage": "train"}, sort=["run"]):
        if sample_set.id in state["outputs"]:
            for output_id in state["outputs"]:
                made = outputs.find(workspace, output_id)
                if made is not None and "legend" in made.wanted.params:
                    return Legend.from_document(made.wanted.params["legend"])
    return MEDITERRANEAN


def _counts(table: pd.DataFrame, legend: Legend) -> list[SampleCounts]:
    known = set(legend.codes)
    found = []
    for code, rows in table.groupby("code", sort=True):
        is_train = rows["is_train"].to_numpy(dtype=np.bool_)
        number = int(str(code))
        entry = legend.class_of(number) if number in known else None
        found.append(
            SampleCounts(
                code=number,
                name=str(rows["label"].iloc[0]),
                title=entry.title if entry else str(rows["label"].iloc[0]),
                colour=entry.colour if entry else "#808080",
                train_rows=int(is_train.sum()),
                test_rows=int((~is_train).sum()),
                train_points=int(rows.loc[is_train, "point_id"].nunique()),
                test_points=int(rows.loc[~is_train, "point_id"].nunique()),
                groups=int(rows["group"].nunique()),
                of_map=int((rows[USE] == TRAINS).sum()) if USE in rows else 0,
            )
        )
    return found


def _histogram(rows: pd.DataFrame, name: str) -> FeatureHistogram:
    values = rows[name].to_numpy(np.float64)
    is_known = np.isfinite(values)
    if not is_known.any():
        return FeatureHistogram(feature=name, edges=(), shares={})
    low, high = np.percentile(values[is_known], [1, 99])
    high = high if high > low else low + 1.0
    edges = np.linspace(low, high, BINS + 1)
    shares = {}
    labels = rows["label"].to_numpy()
    for label in sorted(set(labels[is_known].tolist())):
        mine = np.clip(values[is_known & (labels == label)], low, high)
        counts = np.histogram(mine, edges)[0]
        shares[str(label)] = tuple(float(n) / len(mine) for n in counts)
    return FeatureHistogram(feature=name, edges=tuple(map(float, edges)), shares=shares)


def _by(column: pd.Series) -> dict[str, int]:
    return {str(name): int(n) for name, n in column.value_counts().sort_index().items()}
