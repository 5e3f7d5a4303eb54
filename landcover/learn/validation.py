"""Cross-validation of a recipe for models, so that what flatters stands beside what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.accuracy import NamesClasses, accuracy
from landcover.learn.bootstrap import Predictions, ranges, shares_of
from landcover.learn.folds import Folds, beside
from landcover.learn.sampling import split_by_group
from landcover.nouns.validation import ClassScore, SeedRange, SplitName, SplitScore

DESIGNS: dict[SplitName, str] = {
    "rows": "single pixels at random: neighbours of a test pixel train, so this flatters",
    "held-out": "groups that features and settings were not chosen on, each answered by a model "
    "without it",
    "groups": "whole points, polygons or fields apart, but often close to each other",
    "blocks": "whole square blocks of land apart: new places of the same region",
    "tiles": "whole tiles apart: how far the model carries",
    "sources": "whole label files apart: how far the model carries",
    "independent": "points that were given for testing only, read from the map",
}
"""What each split keeps apart."""


class Classifies(Protocol):
    """What a fitted model must offer here."""

    def predict(self, features: pd.DataFrame) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Give class codes and confidence of rows."""
        ...


Fit = Callable[[pd.DataFrame, int], Classifies]
"""Fits a model on rows of the table with a seed."""
Progress = Callable[[float], None]


def cross_validate(
    table: pd.DataFrame,
    folds: Folds,
    fit: Fit,
    *,
    seed: int = 0,
    keeps_groups: bool = True,
    buffer_m: float = 0.0,
    progress: Progress = lambda share: None,
) -> Predictions:
    """Answer every row by a model that did not see its fold.

    Args:
        table: Rows with ``code``, ``group``, ``lon``, ``lat`` and the features.
        folds: Fold of each row, (n,).
        fit: Fits a model.
        seed: Seed of the fits.
        keeps_groups: Other rows of a group that is tested do not train; False only where the folds
            are of single rows, which is the point of them.
        buffer_m: Rows within this distance of a test row do not train, metres.
        progress: Is told the share that is done.

    Returns:
        The answers, in the order of the table; 0 where the model that was asked had not learned
        the row's class, which says nothing of a model that has.
    """
    answers = np.zeros(len(table), dtype=np.int64)
    names = np.unique(folds)
    groups = table["group"]
    for number, one in enumerate(names):
        progress(number / len(names))
        is_test = folds == one
        stays = ~is_test & ~beside(table["lon"], table["lat"], is_test, buffer_m)
        if keeps_groups:
            stays &= ~groups.isin(groups[is_test].unique()).to_numpy()
        answers[is_test] = _answer(table[stays], table[is_test], fit, seed)
        answers[is_test & ~table["code"].isin(table["code"][stays].unique()).to_numpy()] = 0
    return _predictions(table, answers)


def repeat_held_out(
    table: pd.DataFrame,
    fit: Fit,
    seeds: Iterable[int],
    *,
    train_fraction: float = 0.8,
    progress: Progress = lambda share: None,
) -> SeedRange | None:
    """Split by group, fit and judge under several seeds: one seed is no measurement.

    Args:
        table: Rows with ``code``, ``group`` and the features.
        fit: Fits a model.
        seeds: Seeds of split and fit.
        train_fraction: Share of the groups that trains.
        progress: Is told the share that is done.

    Returns:
        Mean and range of overall accuracy and macro F1; None where no class can be held out.
    """
    found = []
    listed = list(seeds)
    for number, seed in enumerate(listed):
        progress(number / len(listed))
        split = split_by_group(
            table["code"], table["group"], train_fraction=train_fraction, seed=seed, rare="train"
        )
        held = table[~split.is_train]
        if held.empty:
            continue
        answers = _answer(table[split.is_train], held, fit, seed)
        report = accuracy(answers, held["code"].to_numpy(np.int64))
        found.append((report.overall, report.macro_f1))
    if not found:
        return None
    overall, macro = (np.array(values) for values in zip(*found, strict=True))
    return SeedRange(
        n=len(found),
        overall=(float(overall.mean()), float(overall.min()), float(overall.max())),
        macro_f1=(float(macro.mean()), float(macro.min()), float(macro.max())),
    )


def score(
    predictions: Predictions,
    name: SplitName,
    *,
    legend: NamesClasses | None = None,
    n_folds: int = 1,
    seeds: SeedRange | None = None,
    design: str = "",
    seed: int = 0,
) -> SplitScore:
    """Sum up the answers under one split.

    Args:
        predictions: Answers, none of them 0.
        name: Which split.
        legend: Names the classes.
        n_folds: Models that answered.
        seeds: What other seeds give.
        design: What is apart from what; that of :data:`DESIGNS` if empty.
        seed: Seed of the resampling.

    Returns:
        The scores.
    """
    report = accuracy(predictions.mapped, predictions.reference, legend=legend)
    shares = shares_of(predictions, report.codes)
    spans, n_groups = ranges(shares, seed=seed), shares.n_groups
    return SplitScore(
        name=name,
        design=design or DESIGNS[name],
        n_folds=n_folds,
        n=report.n,
        n_groups=int(n_groups[0]),
        overall=report.overall,
        macro_f1=report.macro_f1,
        majority_baseline=report.majority_baseline,
        interval=spans[0],
        seeds=seeds,
        classes=tuple(
            ClassScore(
                code=entry.code,
                name=entry.name,
                users=entry.users,
                producers=entry.producers,
                f1=entry.f1,
                n=entry.n_reference,
                n_groups=int(n_groups[k]),
                interval=spans[k],
            )
            for k, entry in enumerate(report.classes, start=1)
        ),
    )


def _predictions(table: pd.DataFrame, answers: NDArray[np.int64]) -> Predictions:
    return Predictions(
        answers, table["code"].to_numpy(np.int64), table["group"].to_numpy().astype(np.str_)
    )


def _answer(train: pd.DataFrame, test: pd.DataFrame, fit: Fit, seed: int) -> NDArray[np.int64]:
    known: NDArray[Any] = train["code"].unique()
    if known.size < 2:
        # Nothing to learn from: one class, or none, is all that such a model could answer.
        return np.full(len(test), known[0] if known.size else 0, dtype=np.int64)
    codes, _ = fit(train, seed).predict(test)
    return codes.astype(np.int64)
