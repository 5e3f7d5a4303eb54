"""Cases of an experiment judged on the same rows, under several seeds.

Method: docs/methods/experiments.md#judging.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landcover.learn.bootstrap import Shares, paired_difference, ranges
from landcover.nouns.experiment import Difference, Score

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Answers of all cases to the same rows under one seed."""

    code: NDArray[np.int64]
    """Class of each row, (n,)."""
    group: NDArray[np.str_]
    """Group of each row, (n,)."""
    answers: Mapping[str, NDArray[np.int64]]
    """Case → code that it answered, 0 where it has none, (n,)."""

    @property
    def is_common(self) -> Bools:
        """True on rows that every case answers, (n,)."""
        found = np.ones(self.code.size, dtype=np.bool_)
        for answer in self.answers.values():
            found &= answer > 0
        return found


def align(rows: Mapping[str, pd.DataFrame]) -> Aligned:
    """Put the answers of cases side by side.

    Args:
        rows: Case → its rows by ``tile``, ``row``, ``column`` and ``point_id`` (the index), with
            ``code``, ``group`` and ``answer`` (0: unmapped). A row that a case does not have is
            unmapped in it.
    """
    every = pd.concat([table[["code", "group"]] for table in rows.values()])
    every = every[~every.index.duplicated()].sort_index()
    answers = {
        case: table["answer"].reindex(every.index, fill_value=0).to_numpy(np.int64)
        for case, table in rows.items()
    }
    return Aligned(
        every["code"].to_numpy(np.int64), every["group"].to_numpy().astype(np.str_), answers
    )


def score_case(seeds: Sequence[Aligned], case: str, *, is_whole: bool, seed: int = 0) -> Score:
    """Judge a case: means over the seeds, with an interval over resampled groups.

    Args:
        seeds: Answers under each seed.
        case: Its name.
        is_whole: All rows, those without an answer being wrong; else the rows that all answer.
        seed: Seed of the resampling.
    """
    parts = [_chosen(one, is_whole=is_whole) for one in seeds]
    overall = [
        float((one.answers[case] == one.code)[rows].mean()) if rows.any() else 0.0
        for one, rows in zip(seeds, parts, strict=True)
    ]
    macro = [
        macro_f1(one.answers[case][rows], one.code[rows])
        for one, rows in zip(seeds, parts, strict=True)
    ]
    shares = _shares(seeds, parts, case)
    return Score(
        n_rows=round(float(np.mean([rows.sum() for rows in parts]))),
        n_groups=int(shares.n_groups[0]),
        overall=float(np.mean(overall)),
        interval=ranges(shares, seed=seed)[0],
        macro_f1=float(np.mean(macro)),
        seeds=(min(overall), max(overall)),
    )


def compare_case(
    seeds: Sequence[Aligned], case: str, baseline: str, *, seed: int = 0
) -> Difference:
    """Compare a case with its baseline on the rows that all cases answer, group by group."""
    parts = [one.is_common for one in seeds]
    drops = [
        float(((one.answers[case] == one.code)[rows].mean())
              - (one.answers[baseline] == one.code)[rows].mean())
        for one, rows in zip(seeds, parts, strict=True)
    ]  # fmt: skip
    first, second = (_shares(seeds, parts, name) for name in (baseline, case))
    return Difference(
        overall=float(np.mean(drops)),
        interval=paired_difference(first, second, seed=seed),
        seeds=(min(drops), max(drops)),
    )


def macro_f1(answer: NDArray[np.int64], code: NDArray[np.int64]) -> float:
    """Give the mean F1 of the classes that the reference has; an answer of 0 is a miss."""
    found = []
    for one in np.unique(code):
        hits = int(((answer == one) & (code == one)).sum())
        found.append(2 * hits / (int((answer == one).sum()) + int((code == one).sum())))
    return float(np.mean(found)) if found else 0.0


def _chosen(one: Aligned, *, is_whole: bool) -> Bools:
    return np.ones(one.code.size, dtype=np.bool_) if is_whole else one.is_common


def _shares(seeds: Sequence[Aligned], parts: Sequence[Bools], case: str) -> Shares:
    """Count hits and rows of each group, averaged over the seeds."""
    names = np.unique(
        np.concatenate([one.group[rows] for one, rows in zip(seeds, parts, strict=True)])
    )
    hits, counts = np.zeros((names.size, 1)), np.zeros((names.size, 1))
    for one, rows in zip(seeds, parts, strict=True):
        place = np.searchsorted(names, one.group[rows])
        is_right = (one.answers[case] == one.code)[rows]
        counts[:, 0] += np.bincount(place, minlength=names.size) / len(seeds)
        hits[:, 0] += np.bincount(place, weights=is_right, minlength=names.size) / len(seeds)
    return Shares(names, hits, counts)
