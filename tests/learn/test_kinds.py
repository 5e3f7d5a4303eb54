"""The contract of a kind of classifier, one body over every row of the table."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from landcover.errors import InputError
from landcover.learn.explain import explain
from landcover.learn.folds import unit_folds
from landcover.learn.kinds.contract import Classifier, classifier_of
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.predict import BLOCK, block_of, predict_blocks
from landcover.learn.weights import row_weights
from landcover.nouns.classifiers import CLASSIFIERS

NAMES = ("spring_B02", "summer_ndvi", "slope")
QUICK = {"n_trees": 15, "hidden": (8, 6), "epochs": 60, "learning_rate": 0.02}
"""Parameters that make a fit short; a kind takes those that it has."""

every_kind = pytest.mark.parametrize("kind", CLASSIFIERS)


def quick(kind, **changes):
    known = CLASSIFIERS[kind].parameters.model_fields
    return {name: value for name, value in {**QUICK, **changes}.items() if name in known}


def toy(n=400, codes=(1, 2, 3), seed=0, spread=0.4):
    rng = np.random.default_rng(seed)
    place = rng.integers(0, len(codes), n)
    centres = np.random.default_rng(9).normal(0, 1, (len(codes), len(NAMES)))
    features = centres[place] + rng.normal(0, spread, (n, len(NAMES)))
    table = pd.DataFrame(features.astype(np.float32), columns=NAMES)
    return table, np.asarray(codes, dtype=np.uint8)[place]


@every_kind
def test_the_row_names_what_there_is(kind):
    row = CLASSIFIERS[kind]
    assert isinstance(classifier_of(kind), Classifier)
    assert set(row.fields.values()) <= set(row.parameters.model_fields)
    assert set(row.grid) <= set(row.parameters.model_fields)
    row.parameters()
    for name, values in row.grid.items():
        for value in values:
            row.parameters.model_validate({name: value})


ASK = """
import sys, numpy as np
from landcover.learn.models import load_arrays
for name in sys.argv[1:]:
    kind = name.rpartition(".")[0]
    model = load_arrays(open(f"{name}.npz", "rb"), kind)
    codes, confidence = model.predict(np.load(f"{name}.npy"))
    np.savez(f"{name}.answers", codes=codes, confidence=confidence, names=model.feature_names)
"""


def test_a_fresh_process_gives_the_same_answers(tmp_path):
    expected = {}
    for kind in CLASSIFIERS:
        for codes in ((1, 2), (3, 17, 200)):
            table, labels = toy(codes=codes)
            model = fit_classifier(table, labels, kind=kind, parameters=quick(kind))
            answers = model.predict(table)
            assert set(np.unique(answers[0])) <= set(codes)
            assert (answers[0] == labels).mean() > 0.8
            name = f"{kind}.{len(codes)}"
            expected[name] = answers
            (tmp_path / f"{name}.npz").write_bytes(save_arrays(model))
            np.save(tmp_path / f"{name}.npy", table.to_numpy())
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", ASK, *expected]
    subprocess.run(command, cwd=tmp_path, check=True, env={"PYTHONPATH": root})
    for name, (codes, confidence) in expected.items():
        with np.load(tmp_path / f"{name}.answers.npz") as found:
            assert np.array_equal(found["codes"], codes), name
            assert np.array_equal(found["confidence"], confidence), name
            assert tuple(found["names"]) == NAMES


@every_kind
def test_probabilities_are_probabilities_of_each_row_alone(kind):
    table, labels = toy()
    model = fit_classifier(table, labels, kind=kind, parameters=quick(kind))
    rows = table.to_numpy()
    whole = model.probabilities(rows)
    assert whole.shape == (len(rows), 3)
    assert whole.dtype == np.float64
    assert whole.sum(axis=1) == pytest.approx(1)
    assert whole.min() >= 0
    assert model.probabilities(rows[7:8]) == pytest.approx(whole[7:8], abs=1e-12)
    assert model.probabilities(rows[:0]).shape == (0, 3)


@every_kind
def test_one_class_is_refused(kind):
    table, labels = toy(codes=(4, 4))
    with pytest.raises(InputError, match=r"expected at least two classes, found \[4\]; add labels"):
        fit_classifier(table, labels, kind=kind, parameters=quick(kind))


@every_kind
def test_a_class_that_is_absent_from_a_fold_is_never_answered(kind):
    table, labels = toy()
    groups = np.where(labels == 2, 0, np.arange(len(labels)) // 5 + 1)
    fold = unit_folds(labels, groups, 3, seed=0)
    lacking = int(fold[labels == 2][0])
    is_train = fold != lacking
    assert 2 not in labels[is_train]
    model = fit_classifier(
        table[is_train], labels[is_train], groups[is_train], kind=kind, parameters=quick(kind)
    )
    assert model.classes.tolist() == [1, 3]
    assert set(np.unique(model.predict(table)[0])) <= {1, 3}


@every_kind
def test_rows_without_a_feature_get_no_class(kind):
    table, labels = toy()
    model = fit_classifier(table, labels, kind=kind, parameters=quick(kind))
    table.iloc[3, 1], table.iloc[5, 0] = np.nan, np.inf
    codes, confidence = model.predict(table)
    assert np.flatnonzero(codes == 0).tolist() == [3, 5]
    assert np.flatnonzero(np.isnan(confidence)).tolist() == [3, 5]
    again, quantised, _ = predict_blocks(model, table.to_numpy(), block=37)
    assert np.array_equal(again, codes)
    assert np.flatnonzero(quantised == 255).tolist() == [3, 5]


@every_kind
def test_weights_of_rows_and_of_groups_count(kind):
    # The same place, two answers: the heavier one wins.
    table = pd.DataFrame(np.tile(np.float32([0.1, 0.2, 0.3]), (60, 1)), columns=NAMES)
    table.iloc[::3] = 1.0
    labels = np.resize([3, 1, 2], 60).astype(np.uint8)
    more = quick(kind, epochs=150, learning_rate=0.05)
    for heavy in (1, 2):
        weights = np.where(labels == heavy, 5.0, 1.0)
        model = fit_classifier(table, labels, kind=kind, parameters=more, weights=weights)
        assert model.predict(table.iloc[[1]])[0].tolist() == [heavy]
    # Twenty rows of 1 in one group against five groups of 2 with one row each.
    is_place = np.r_[np.full(20, True), np.full(5, True), np.full(25, False)]
    table = pd.DataFrame(np.where(is_place[:, None], 0.1, 1.0), columns=["f"])
    labels = np.r_[np.full(20, 1), np.full(5, 2), np.full(25, 3)].astype(np.uint8)
    groups = np.r_[np.zeros(20), np.arange(1, 6), np.arange(6, 31)].astype(int)
    found = []
    for group_weight in ("row", "group"):
        weights = row_weights(labels, groups, class_weight="none", group_weight=group_weight)
        model = fit_classifier(table, labels, kind=kind, parameters=more, weights=weights)
        found.append(int(model.predict(table.iloc[[0]])[0][0]))
    assert found == [1, 2]


@every_kind
def test_seed_decides_the_bytes_and_threads_do_not(kind):
    table, labels = toy()
    groups = np.arange(len(labels)) // 4

    def content(seed=3, threads=1):
        model = fit_classifier(
            table, labels, groups, kind=kind, parameters=quick(kind), seed=seed, threads=threads
        )
        return save_arrays(model)

    assert content() == content() == content(threads=2) == content(threads=3)


@every_kind
def test_what_is_stored_is_arrays_only(kind):
    content = save_arrays(fit_classifier(*toy(), kind=kind, parameters=quick(kind)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist()
        for name in archive.namelist():
            assert np.lib.format.read_magic(archive.open(name)) in ((1, 0), (2, 0))
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)


@every_kind
def test_memory_stays_within_its_estimate(kind):
    table, labels = toy(n=600)
    wide = pd.concat([table.add_suffix(f"_{n}") for n in range(20)], axis=1)
    model = fit_classifier(wide, labels, kind=kind, parameters=quick(kind))
    rows = np.resize(wide.to_numpy(), (20_000, wide.shape[1]))
    model.probabilities(rows[:64])  # what is prepared once is no part of a row
    tracemalloc.start()
    try:
        model.probabilities(rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    estimate = classifier_of(kind).bytes_per_row(model.packed) * len(rows)
    assert peak < 1.1 * estimate
    assert peak > estimate / 4, "an estimate far above the truth makes blocks needlessly small"
    assert 1 <= block_of(model) <= BLOCK


@every_kind
def test_damaged_arrays_are_refused(kind):
    content = save_arrays(fit_classifier(*toy(), kind=kind, parameters=quick(kind)))
    for cut in (b"", content[: len(content) // 2], b"PK" + content[2:200]):
        with pytest.raises(InputError):
            load_arrays(io.BytesIO(cut), kind)
    with np.load(io.BytesIO(content)) as stored:
        arrays = dict(stored)

    def refuses(**changes):
        file = io.BytesIO()
        np.savez(file, **{name: a for name, a in {**arrays, **changes}.items() if a is not None})
        file.seek(0)
        with pytest.raises(InputError):
            load_arrays(file, kind)

    for name in arrays:
        refuses(**{name: None})
        refuses(**{name: np.array([print], dtype=object)})
    for name, array in arrays.items():
        if array.ndim and array.size > 1:
            refuses(**{name: array[:-1]})
        if array.dtype.kind == "f":
            refuses(**{name: np.full_like(array, np.nan)})
    refuses(format=np.int64(9))
    refuses(classes=arrays["classes"][::-1])
    refuses(classes=np.r_[np.uint8(0), arrays["classes"][1:]])


@every_kind
def test_a_file_of_another_kind_is_refused(kind):
    own = CLASSIFIERS[kind]
    content = save_arrays(fit_classifier(*toy(), kind=kind, parameters=quick(kind)))
    for other in CLASSIFIERS.values():
        if other.parameters is not own.parameters:
            with pytest.raises(InputError):
                load_arrays(io.BytesIO(content), other.name)


@every_kind
def test_it_explains_itself_or_says_that_it_does_not(kind):
    table, labels = toy()
    model = fit_classifier(table, labels, kind=kind, parameters=quick(kind))
    found = explain(model, table, labels, max_rows=30)
    assert found.clusters
    assert found.clusters[0].drop > 0
    if found.values is not None:
        assert found.expected is not None
        whole = found.values.sum(axis=1) + found.expected
        rows = table.to_numpy()[found.rows]
        assert whole == pytest.approx(model.probabilities(rows), abs=1e-9)
