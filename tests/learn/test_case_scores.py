"""Cases judged on the same rows: by hand, with lost rows, paired over groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from landcover.learn.case_scores import align, compare_case, macro_f1, score_case


def rows(answers: dict[int, int], codes: list[int], groups: list[str]) -> pd.DataFrame:
    index = pd.MultiIndex.from_tuples(
        [("30SUF", k, 0, f"p{k}") for k in answers], names=["tile", "row", "column", "point_id"]
    )
    return pd.DataFrame(
        {
            "code": [codes[k] for k in answers],
            "group": [groups[k] for k in answers],
            "answer": list(answers.values()),
        },
        index=index,
    )


CODES = [1, 1, 2, 2, 3]
GROUPS = ["a", "a", "b", "b", "c"]


def test_rows_that_a_case_cannot_answer_count_on_all_rows_only() -> None:
    one = rows({0: 1, 1: 1, 2: 2, 3: 1, 4: 3}, CODES, GROUPS)
    other = rows({0: 1, 1: 2, 2: 2, 3: 2, 4: 0}, CODES, GROUPS)
    # A third case lacks a row altogether.
    third = rows({0: 1, 1: 1, 2: 2, 3: 2}, CODES, GROUPS)
    seeds = [align({"one": one, "other": other, "third": third})]
    assert seeds[0].is_common.tolist() == [True, True, True, True, False]
    assert score_case(seeds, "one", is_whole=False).overall == pytest.approx(3 / 4)
    assert score_case(seeds, "other", is_whole=False).overall == pytest.approx(3 / 4)
    assert score_case(seeds, "one", is_whole=True).overall == pytest.approx(4 / 5)
    assert score_case(seeds, "other", is_whole=True).overall == pytest.approx(3 / 5)
    assert score_case(seeds, "third", is_whole=True).overall == pytest.approx(4 / 5)
    assert score_case(seeds, "one", is_whole=False).interval is None  # two groups


def test_macro_f1_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    answer, code = rng.integers(1, 5, 200), rng.integers(1, 5, 200)
    assert macro_f1(answer, code) == pytest.approx(f1_score(code, answer, average="macro"))


def test_differences_are_paired_over_groups_and_seeds() -> None:
    rng = np.random.default_rng(1)
    n = 400
    codes = rng.integers(1, 4, n).tolist()
    groups = [f"g{k // 10}" for k in range(n)]
    seeds = []
    for _ in range(5):
        # Whole groups are hard for both: the pairing takes their spread out.
        hard = np.repeat(rng.random(n // 10) < 0.4, 10)
        base = np.where(hard, 9, codes)
        better = np.where(hard & (rng.random(n) < 0.1), codes, base)
        answers = {name: dict(enumerate(v.tolist())) for name, v in
                   (("base", base), ("better", better), ("same", base))}  # fmt: skip
        seeds.append(align({k: rows(v, codes, groups) for k, v in answers.items()}))
    gap = compare_case(seeds, "better", "base")
    assert gap.overall > 0
    assert gap.interval is not None
    assert gap.is_beyond_chance
    alone = score_case(seeds, "base", is_whole=False).interval
    assert alone is not None
    assert gap.interval[1] - gap.interval[0] < (alone[1] - alone[0]) / 2
    none = compare_case(seeds, "same", "base")
    assert (none.overall, none.interval, none.seeds) == (0, (0, 0), (0, 0))
    assert not none.is_beyond_chance
