"""Cross-validation: what flatters is seen to flatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from landcover.learn.bootstrap import Predictions
from landcover.learn.folds import block_ids, row_folds, unit_folds
from landcover.learn.models import fit_classifier
from landcover.learn.validation import cross_validate, repeat_held_out, score

NAMES = ["f0", "f1", "f2", "f3"]


def fit(rows: pd.DataFrame, seed: int):
    return fit_classifier(
        rows, rows["code"], feature_names=NAMES, parameters={"n_trees": 15}, seed=seed
    )


def random_labels(n_points: int = 60, pixels: int = 9) -> pd.DataFrame:
    """Points whose pixels look alike and whose class has nothing to do with their looks."""
    rng = np.random.default_rng(5)
    looks = np.repeat(rng.normal(size=(n_points, 4)), pixels, axis=0)
    table = pd.DataFrame(looks + 0.05 * rng.normal(size=looks.shape), columns=NAMES)
    point = np.arange(len(table)) // pixels
    return table.assign(
        code=np.repeat(rng.integers(1, 4, n_points), pixels),
        group=[f"p{number}" for number in point],
        lon=5 + 0.01 * point,
        lat=40.0,
    )


def overall(predictions: Predictions) -> float:
    return float((predictions.mapped == predictions.reference).mean())


def test_a_split_of_rows_finds_what_is_not_there_and_groups_do_not():
    table = random_labels()
    codes = table["code"].to_numpy()
    rows = cross_validate(table, row_folds(codes, 5), fit, keeps_groups=False)
    groups = cross_validate(table, unit_folds(codes, table["group"], 5), fit)
    assert overall(rows) > 0.95
    assert overall(groups) < 0.5  # three classes: chance is a third


def test_groups_flatter_where_neighbours_resemble_and_blocks_do_not():
    # Six points in each of twelve places; class and looks both belong to the place.
    rng = np.random.default_rng(1)
    place = np.repeat(np.arange(12), 6)
    looks = rng.normal(size=(12, 4))[place]
    table = pd.DataFrame(looks + 0.1 * rng.normal(size=looks.shape), columns=NAMES).assign(
        code=np.tile([1, 2, 3], 4)[place],
        group=np.arange(72).astype(str),
        lon=0.5 * place + 0.001 * np.tile(np.arange(6), 12),
        lat=40.0,
    )
    blocks = block_ids(table["lon"], table["lat"], table["group"])
    near = cross_validate(table, unit_folds(table["code"], table["group"], 4), fit)
    far = cross_validate(table, unit_folds(table["code"], blocks, 4), fit)
    assert overall(near) > 0.95
    assert overall(far) < 0.5


def test_pixels_of_a_tested_group_never_train():
    table = random_labels(12, 4)
    seen: list[set[str]] = []

    def spy(rows: pd.DataFrame, seed: int):
        seen.append(set(rows["group"]))
        return fit(rows, seed)

    folds = row_folds(table["code"], 2)  # divides every point
    cross_validate(table, folds, spy)
    assert all(not trained & set(table["group"][folds == k]) for k, trained in enumerate(seen))
    seen.clear()
    cross_validate(table, folds, spy, keeps_groups=False)
    assert all(trained & set(table["group"][folds == k]) for k, trained in enumerate(seen))


def test_a_buffer_takes_training_points_away():
    table = random_labels(30, 1)
    sizes: list[int] = []

    def spy(rows: pd.DataFrame, seed: int):
        sizes.append(len(rows))
        return fit(rows, seed)

    folds = np.arange(30) // 10
    cross_validate(table, folds, spy)
    cross_validate(table, folds, spy, buffer_m=1000)  # points are 852 m apart
    assert sizes == [20, 20, 20, 19, 18, 19]


def test_the_same_seed_gives_the_same_answers():
    table = random_labels(20, 3)
    folds = unit_folds(table["code"], table["group"], 4, seed=2)
    once = cross_validate(table, folds, fit, seed=2)
    again = cross_validate(table, folds, fit, seed=2)
    assert (once.mapped == again.mapped).all()


def test_other_seeds_give_a_range():
    table = random_labels()
    found = repeat_held_out(table, fit, range(4))
    assert found is not None
    assert found.n == 4
    mean, least, most = found.overall
    assert least < mean < most
    single = table.assign(group="one", code=1)
    assert repeat_held_out(single, fit, range(2)) is None


def test_scores_of_a_split():
    # Class 1: three groups of two samples, one of them missed; class 2: ten groups, all found.
    reference = np.array([1] * 6 + [2] * 10)
    mapped = np.array([1, 1, 1, 1, 2, 2] + [2] * 10)
    groups = np.array(["a", "a", "b", "b", "c", "c", *(f"g{k}" for k in range(10))])
    found = score(Predictions(mapped, reference, groups), "blocks", n_folds=5)
    assert found.overall == pytest.approx(14 / 16)
    assert found.majority_baseline == pytest.approx(10 / 16)
    assert (found.n, found.n_groups, found.n_folds) == (16, 13, 5)
    first, second = found.score_of(1), found.score_of(2)
    assert first is not None
    assert second is not None
    assert first.producers == pytest.approx(4 / 6)
    assert first.interval is None  # three groups say nothing of a spread
    assert first.n_groups == 3
    assert second.interval == (1.0, 1.0)
    assert second.users == pytest.approx(10 / 12)
    low, high = found.interval or (0, 0)
    assert 0.6 < low < found.overall < high <= 1
    assert found.score_of(7) is None
