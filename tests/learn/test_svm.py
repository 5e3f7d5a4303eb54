"""Support vector machines: labels of scikit-learn's ``SVC``, whatever the data."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from landcover.errors import InputError
from landcover.learn.kinds.contract import TrainingRows, classifier_of
from landcover.learn.models import fit_classifier, load_arrays, save_arrays
from landcover.learn.svm import Machine, PackedMachines, machine_of
from landcover.learn.svm_decision import decide, decision_values


def packed_of(estimator) -> PackedMachines:
    names = tuple(f"f{column}" for column in range(estimator.n_features_in_))
    return PackedMachines(names, estimator.classes_.astype(np.uint8), (machine_of(estimator),))


def blobs(n=300, d=5, k=4, seed=0, apart=1.0):
    rng = np.random.default_rng(seed)
    codes = np.resize(np.arange(1, k + 1), n).astype(np.uint8)
    centres = rng.normal(0, apart, (k + 1, d))
    return (centres[codes] + rng.normal(0, 1, (n, d))).astype(np.float32), codes


def answers(estimator, rows):
    """Class and decision values of scikit-learn."""
    estimator.decision_function_shape = "ovo"
    given_rows = rows.astype(np.float64)
    values = estimator.decision_function(given_rows)
    return estimator.predict(given_rows), values


@st.composite
def problems(draw):
    n, d, k = draw(st.integers(8, 40)), draw(st.integers(1, 6)), draw(st.integers(2, 5))
    # Few whole numbers: rows that stand exactly between others, so that decisions are 0.
    whole = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    rows = rng.integers(-2, 3, (n, d)) if whole else rng.normal(0, draw(st.floats(0.1, 30)), (n, d))
    codes = np.resize(np.arange(1, k + 1), n)
    asked = np.concatenate([rows, -rows, rng.permutation(rows) / 2])
    machine = SVC(
        C=draw(st.sampled_from([0.01, 1.0, 1000.0])),
        gamma=draw(st.sampled_from([1e-4, 0.1, 1.0, 10.0])),
        kernel=draw(st.sampled_from(["rbf", "linear"])),
        max_iter=2000,
    )
    return machine, rows.astype(np.float32), codes, asked.astype(np.float32)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@settings(max_examples=150, deadline=None)
@given(problems())
def test_labels_are_those_of_scikit_learn(problem):
    machine, rows, codes, asked = problem
    machine.fit(rows.astype(np.float64), codes)
    packed = packed_of(machine)
    labels, values = answers(machine, asked)
    found = decide(packed, asked)
    assert np.array_equal(packed.classes[found.winner], labels)
    own, _ = decision_values(packed.machines[0], asked)
    if len(machine.classes_) == 2:
        own = -own[:, 0]  # scikit-learn shows two classes with the other sign
    # Single precision: distances lose what lengths have in common.
    longest = max(float((part.astype(float) ** 2).sum(axis=1).max()) for part in (rows, asked))
    gamma = machine._gamma if machine.kernel == "rbf" else 0.0
    relative = 2**-24 * (32 * (rows.shape[1] + 4) * gamma * longest + 600)
    size = max(1.0, float(np.abs(machine.dual_coef_).sum()))
    assert own == pytest.approx(values, abs=relative * size)


def test_scores_are_the_decision_function_of_scikit_learn():
    rows, codes = blobs()
    machine = SVC(C=10, gamma=0.1).fit(rows.astype(np.float64), codes)
    asked, _ = blobs(seed=1)
    found = decide(packed_of(machine), asked)
    assert found.scores == pytest.approx(machine.decision_function(asked.astype(float)), abs=1e-4)


def test_votes_that_are_equal_go_to_the_lowest_class():
    # Three classes around a centre of symmetry beat each other in a ring.
    angle = 2 * np.pi * np.arange(3) / 3
    rows = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    machine = SVC(C=1, gamma=0.5).fit(rows, [5, 7, 9])
    asked = np.zeros((1, 2), np.float32)
    found = decide(packed_of(machine), asked)
    assert machine.classes_[found.winner] == machine.predict(asked.astype(float))
    rigged = replace(machine_of(machine), intercepts=np.array([1.0, -1.0, 1.0]))
    tied = PackedMachines(("a", "b"), np.array([5, 7, 9], np.uint8), (rigged,))
    assert decide(tied, asked).winner.tolist() == [0]


def test_decisions_near_zero_are_made_again_and_counted():
    rows, codes = blobs(k=2, d=3)
    machine = SVC(C=10, gamma=0.3).fit(rows.astype(np.float64), codes)
    packed = packed_of(machine)
    one, two = rows[machine.predict(rows) == 1][0], rows[machine.predict(rows) == 2][0]
    for _ in range(60):
        middle = ((one + two) / 2).astype(np.float32)
        is_one = machine.predict(middle[None].astype(float))[0] == 1
        one, two = (middle, two) if is_one else (one, middle)
    near = np.stack([one, two])
    assert np.abs(machine.decision_function(near.astype(float))).max() < 1e-5
    found = decide(packed, near)
    assert found.n_doubled == 2
    assert packed.classes[found.winner].tolist() == machine.predict(near.astype(float)).tolist()
    assert decide(packed, rows).n_doubled < len(rows) / 10


@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_one_against_all_takes_the_largest_decision(kernel):
    rows, codes = blobs()
    model = fit_classifier(rows, codes, kind="svm-binary", parameters={"kernel": kernel, "c": 3})
    asked, _ = blobs(seed=1)
    values = np.stack(
        [
            -SVC(C=3, kernel=kernel).fit(rows.astype(float), codes != code).decision_function(
                asked.astype(float)
            )
            for code in model.classes
        ],
        axis=1,
    )  # fmt: skip
    assert decide(model.packed, asked).scores == pytest.approx(values, abs=1e-3)
    assert np.array_equal(model.predict(asked)[0], model.classes[values.argmax(axis=1)])


def test_balanced_weights_are_of_the_two_sides():
    rows, codes = blobs(k=3)
    known = {"class_weight": "balanced"}
    model = fit_classifier(rows, codes, kind="svm-binary", parameters=known)
    twin = SVC(C=10, class_weight="balanced").fit(rows.astype(float), codes != 2)
    own = decide(model.packed, rows).scores[:, 1]
    assert own == pytest.approx(-twin.decision_function(rows.astype(float)), abs=1e-3)


@pytest.mark.parametrize("kind", ["svm", "svm-binary"])
def test_a_row_depends_on_nothing_but_itself(kind):
    rows, codes = blobs(n=700, d=7)
    model = fit_classifier(rows, codes, kind=kind)
    whole = model.probabilities(rows)
    for shift in (1, 2, 3, 5):
        turned = model.probabilities(np.roll(rows, shift, axis=0))
        assert np.array_equal(np.roll(turned, -shift, axis=0), whole)
    parts = [model.probabilities(part) for part in np.array_split(rows, 9)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_likeliest_class_is_the_one_that_the_votes_give():
    rows, codes = blobs(n=900, k=6, apart=0.5)
    model = fit_classifier(rows, codes, kind="svm", parameters={"c": 1.0})
    asked, _ = blobs(n=4000, k=6, seed=3, apart=0.5)
    votes = model.estimator.predict(asked.astype(np.float64))
    assert np.array_equal(model.classes[model.probabilities(asked).argmax(axis=1)], votes)
    # Sums of decision values break ties of votes elsewhere; libsvm takes the lowest class.
    plain = model.estimator.decision_function(asked.astype(np.float64)).argmax(axis=1)
    assert (model.classes[plain] != votes).any()


def test_memory_does_not_depend_on_the_number_of_vectors():
    def peak(n_vectors):
        rng = np.random.default_rng(0)
        machine = Machine(
            "rbf", 0.1, rng.normal(size=(n_vectors, 20)), np.full(4, n_vectors // 4),
            rng.normal(size=(3, n_vectors)), np.zeros(6),
        )  # fmt: skip
        names = tuple(f"f{column}" for column in range(20))
        packed = PackedMachines(names, np.arange(1, 5, dtype=np.uint8), (machine,))
        rows = rng.normal(size=(4096, 20)).astype(np.float32)
        decide(packed, rows[:8])
        tracemalloc.start()
        try:
            decide(packed, rows)
            return tracemalloc.get_traced_memory()[1], classifier_of("svm").bytes_per_row(packed)
        finally:
            tracemalloc.stop()

    (few, each), (many, also) = peak(2000), peak(12000)
    assert each == also
    assert many < 1.2 * few
    assert many < 1.2 * 4096 * each


def test_vectors_that_do_not_fit_the_features_are_refused():
    rows, codes = blobs()
    model = fit_classifier(rows, codes, kind="svm")
    with np.load(io.BytesIO(save_arrays(model))) as stored:
        arrays = dict(stored)
    file = io.BytesIO()
    np.savez(file, **{**arrays, "vectors_0": arrays["vectors_0"][:, :-1].copy()})
    file.seek(0)
    with pytest.raises(InputError) as caught:
        load_arrays(file, "svm")
    n = len(arrays["vectors_0"])
    assert str(caught.value) == (
        f"Support vector machine: its support vectors, ({n}, 4), do not fit its 5 features; the "
        "file is damaged or was changed, fetch it again or train the model again."
    )


def test_a_file_of_the_other_kind_is_named():
    rows, codes = blobs()
    content = save_arrays(fit_classifier(rows, codes, kind="svm"))
    with pytest.raises(InputError, match="expected 4 machines, found 1; the file is of the other"):
        load_arrays(io.BytesIO(content), "svm-binary")


def test_weights_of_rows_reach_the_machine():
    rows, codes = blobs(n=60, k=2, apart=0.3)
    weights = np.where(codes == 1, 30.0, 1.0)
    given_rows = TrainingRows(rows, codes, ("a", "b", "c", "d", "e"), weights=weights)
    kind = classifier_of("svm")
    known = fit_classifier(rows, codes, kind="svm", weights=weights)
    twin = SVC(C=10).fit(rows.astype(float), codes, sample_weight=weights)
    packed = kind.pack(twin, given_rows)
    assert np.array_equal(known.packed.machines[0].vectors, packed.machines[0].vectors)
    assert (known.predict(rows)[0] == 1).mean() > 0.6
